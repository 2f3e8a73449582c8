//! Two live platforms of one tenant that tell of all that is written there: what is changed anywhere reaches the others once, and rests.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use domain::id::IntegrationId;
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::record::Record;
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::{PORTAL, Properties, told};
use crate::peers::{PIPEDRIVE, Wishes};
use crate::state::text;
use crate::world::{DEADLINE, World, event};

const PEOPLE: usize = 4;
const ROUNDS: usize = 4;
/// Writes that prove a loop: where the compare works, there are as many as people.
const LOOPING: usize = 30;
const FIRST_NAME: &str = "Zoé";

#[tokio::test]
async fn rule_03_changes_at_two_platforms_reach_the_other_once_and_without_the_compare_they_never_rest() {
    come_to_rest().await;
    never_rest().await;
}

async fn come_to_rest() {
    let pair = Pair::begin(&[]).await;
    let mut wanted = pair.arrive().await;
    let before = pair.writes().await;
    let changes = pair.change_on_all_sides(&mut wanted).await;
    assert_eq!(pair.writes().await - before, changes, "writes for real changes");

    // Both tell of everybody once more: nobody finds anything to do.
    pair.touch_everybody().await;
    pair.in_step(&wanted).await;
    assert_eq!(pair.writes().await - before, changes);

    // What makes a loop without the compare makes none. Only HubSpot notes a write that changes nothing.
    pair.write_numbers_otherwise(&wanted).await;
    pair.in_step(&wanted).await;
    assert_eq!(pair.writes().await - before, changes + PEOPLE);
}

async fn never_rest() {
    let pair = Pair::begin(&[("DISPATCHER__COMPARE_WITH_SEEN", "false")]).await;
    let wanted = pair.arrive().await;
    let before = pair.writes().await;
    // HubSpot goes on showing what it made of the numbers before. That is older, loses, is written over, and is told of again.
    pair.write_numbers_otherwise(&wanted).await;
    wait::until("a loop, which this suite would else not notice", DEADLINE, || async {
        pair.tell_of_writes().await;
        let made = pair.writes().await - before;
        if made >= LOOPING { Ok(()) } else { Err(made) }
    })
    .await;
}

#[derive(Clone, Copy)]
enum Side {
    HubSpot,
    Pipedrive,
}

impl Side {
    const BOTH: [Self; 2] = [Self::HubSpot, Self::Pipedrive];

    /// The account, and what people are there, as the sandbox names them.
    fn people(self) -> (String, &'static str) {
        match self {
            Self::HubSpot => (format!("hubspot/{PORTAL}"), "contacts"),
            Self::Pipedrive => (PIPEDRIVE.place(), "persons"),
        }
    }
}

/// A person as one system shows it.
struct Person {
    id: String,
    email: String,
    phone: String,
    last_name: String,
}

impl Person {
    fn of_record(record: &Record) -> Self {
        let field = |name: &str| text(record, name);
        Self { id: record.id.to_string(), email: field("email"), phone: field("phone"), last_name: field("last_name") }
    }

    fn of_hubspot((id, contact): (String, Properties)) -> Self {
        let value = |name: &str| contact.get(name).cloned().unwrap_or_default();
        Self { id, email: value("email"), phone: value("phone"), last_name: value("lastname") }
    }

    fn of_pipedrive((id, person): (String, Value)) -> Self {
        let value = |pointer: &str| person.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let last_name = value("/name").split_once(' ').map(|(_, last)| last.to_owned()).unwrap_or_default();
        Self { id, email: value("/emails/0/value"), phone: value("/phones/0/value"), last_name }
    }
}

/// Everybody's number, by its digits, and last name, by address.
type Held = BTreeMap<String, (String, String)>;

fn held(people: Vec<Person>) -> Held {
    people.into_iter().map(|person| (person.email, (digits(&person.phone), person.last_name))).collect()
}

/// The last nine digits, which all notations of a French number share.
fn digits(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(9)..].iter().collect()
}

fn subject(n: usize) -> String {
    format!("p{n}")
}

fn email(n: usize) -> String {
    format!("p{n}@exemple.fr")
}

/// A tenant's accounts at both platforms, each of which shows telephone numbers in its own way.
struct Pair {
    world: World,
    pipedrive: IntegrationId,
    /// How many deliveries there were.
    told: Cell<usize>,
    /// The entries of the journal that were told of.
    echoed: RefCell<BTreeSet<u64>>,
}

impl Pair {
    async fn begin(settings: &[(&str, &str)]) -> Self {
        let world = World::with(settings).await;
        let switches = json!({"rate_limit_per_10s": null, "search_limit_per_s": null, "search_lag_ms": 0,
                              "reformat_phones": true});
        world.crm.faults(switches).await;
        let switches = json!({"rate_limit_per_2s": null, "search_limit_per_2s": null, "search_lag_ms": 0,
                              "national_phones": true});
        world.crm.faults_at(&PIPEDRIVE.place(), switches).await;
        // The events that close messages are calls.
        let directions = [(RecordKind::Activity, Direction::FromPlatform)].into();
        let pipedrive = PIPEDRIVE.connect(&world, Wishes { directions, ..Wishes::default() }).await.id;
        Self { world, pipedrive, told: Cell::default(), echoed: RefCell::default() }
    }

    async fn arrive(&self) -> Held {
        let mut wanted = Held::new();
        for n in 0..PEOPLE {
            let (phone, last_name) = (format!("061234567{n}"), format!("Martin{n}"));
            let data = json!({"email": email(n), "phone": phone, "first_name": FIRST_NAME, "last_name": last_name});
            self.world.accept(vec![event("prospect.created", &subject(n), data)]).await;
            wanted.insert(email(n), (digits(&phone), last_name));
        }
        self.in_step(&wanted).await;
        wanted
    }

    /// In each round everybody is changed once, by Coccinelle or by hand at either platform. Gives how many writes that takes: two for
    /// a change of Coccinelle's, one for a change at a platform.
    async fn change_on_all_sides(&self, wanted: &mut Held) -> usize {
        let mut takes = 0;
        for round in 0..ROUNDS {
            for n in 0..PEOPLE {
                let (phone, last_name) = wanted.get_mut(&email(n)).unwrap();
                let (field, value) = match (round + n / 2) % 2 {
                    0 => ("phone", format!("06{round}345678{n}")),
                    _ => ("last_name", format!("Durand{round}{n}")),
                };
                match field {
                    "phone" => *phone = digits(&value),
                    _ => last_name.clone_from(&value),
                }
                takes += match (round + n) % 3 {
                    0 => self.change(n, field, &value).await,
                    1 => self.change_at_hubspot(n, field, &value).await,
                    _ => self.change_at_pipedrive(n, field, &value).await,
                };
            }
            self.in_step(wanted).await;
        }
        takes
    }

    async fn change(&self, n: usize, field: &str, value: &str) -> usize {
        self.world.accept(vec![event("prospect.updated", &subject(n), json!({ field: value }))]).await;
        2
    }

    async fn change_at_hubspot(&self, n: usize, field: &str, value: &str) -> usize {
        let theirs = if field == "phone" { "phone" } else { "lastname" };
        self.edit(Side::HubSpot, n, json!({ theirs: value })).await;
        1
    }

    async fn change_at_pipedrive(&self, n: usize, field: &str, value: &str) -> usize {
        let whole_name = format!("{FIRST_NAME} {value}");
        let (theirs, value) = if field == "phone" { ("phone", value) } else { ("name", whole_name.as_str()) };
        self.edit(Side::Pipedrive, n, json!({ theirs: value })).await;
        1
    }

    /// Coccinelle writes everybody's number in another way, of which either platform makes what it showed before.
    async fn write_numbers_otherwise(&self, wanted: &Held) {
        for n in 0..PEOPLE {
            let (first, others) = wanted[&email(n)].0.split_at(1);
            self.change(n, "phone", &format!("0{first}.{others}")).await;
        }
    }

    /// Something that is not mapped changes, of which webhooks tell all the same: everybody is read again.
    async fn touch_everybody(&self) {
        for n in 0..PEOPLE {
            self.edit(Side::HubSpot, n, json!({"lifecyclestage": "lead"})).await;
            self.edit(Side::Pipedrive, n, json!({"visible_to": 1})).await;
        }
    }

    /// Somebody changes a person by hand, and the platform tells of it.
    async fn edit(&self, side: Side, n: usize, fields: Value) {
        let person = self.shown(side).await.into_iter().find(|person| person.email == email(n)).unwrap();
        let (place, people) = side.people();
        self.world.crm.edit_at(&format!("{place}/{people}/{}", person.id), fields).await;
        self.tell(side, &person.id).await;
    }

    async fn tell(&self, side: Side, id: &str) {
        self.told.set(self.told.get() + 1);
        match side {
            Side::HubSpot => self.world.deliver(&[told("propertyChange", id)]).await,
            Side::Pipedrive => {
                let meta = json!({"action": "change", "entity": "person", "entity_id": id,
                                  "company_id": PIPEDRIVE.account_id, "id": format!("told-{}", self.told.get())});
                let body = json!({ "meta": meta }).to_string();
                self.world.tell(PIPEDRIVE.platform, Some(self.pipedrive), &[], body).await;
            }
        }
    }

    /// Not every platform compares before it tells: each write of ours is told of. Gives how many were not told of before.
    async fn tell_of_writes(&self) -> usize {
        let mut new = 0;
        for side in Side::BOTH {
            let (place, people) = side.people();
            for entry in self.world.crm.journal_at(&place, people).await {
                let is_ours = entry["by"] == "api" && entry["action"] == "updated";
                if is_ours && self.echoed.borrow_mut().insert(entry["seq"].as_u64().unwrap()) {
                    self.tell(side, entry["id"].as_str().unwrap()).await;
                    new += 1;
                }
            }
        }
        new
    }

    /// Writes to people that came by the API, to both accounts.
    async fn writes(&self) -> usize {
        let mut writes = 0;
        for side in Side::BOTH {
            let (place, people) = side.people();
            writes += self.world.crm.api_writes_at(&place, people).await;
        }
        writes
    }

    async fn shown(&self, side: Side) -> Vec<Person> {
        let (place, people) = side.people();
        match side {
            Side::HubSpot => self.world.crm.contacts().await.into_iter().map(Person::of_hubspot).collect(),
            Side::Pipedrive => {
                self.world.crm.live_at(&place, people).await.into_iter().map(Person::of_pipedrive).collect()
            }
        }
    }

    /// Waits until both platforms and the records hold what they should, every write was told of, and nothing is owed.
    async fn in_step(&self, wanted: &Held) {
        wait::until("both platforms and the records to be alike", DEADLINE, || async {
            self.tell_of_writes().await;
            let records: Vec<Person> = self.world.records().await.iter().map(Person::of_record).collect();
            for shown in [records, self.shown(Side::HubSpot).await, self.shown(Side::Pipedrive).await] {
                let held = held(shown);
                if held != *wanted {
                    return Err(format!("{held:?}, not {wanted:?}"));
                }
            }
            self.world.is_taken_in().await?;
            let (applied, told) = (self.world.deliveries().len(), self.told.get());
            if applied < told {
                return Err(format!("{applied} of {told} deliveries are applied"));
            }
            match (self.owed().await, self.tell_of_writes().await) {
                (0, 0) => Ok(()),
                (owed, new) => Err(format!("{owed} links are owed, {new} writes were just told of")),
            }
        })
        .await;
    }

    /// Links of both that are owed something, in one look: between two, it could pass from one to the other.
    async fn owed(&self) -> i64 {
        let queue = "SELECT count(*) FROM integration_sync_queue WHERE integration_id IN";
        self.world.server.count(&format!("{queue} ('{}', '{}')", self.world.integration, self.pipedrive)).await
    }
}
