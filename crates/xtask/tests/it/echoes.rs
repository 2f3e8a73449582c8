//! Two live accounts with different habits, webhooks on: what is changed anywhere reaches everywhere once, and comes to rest.

use std::cell::Cell;
use std::collections::BTreeMap;

use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::wait;
use xtask::session::{PORTAL, Service};

use crate::world::{DEADLINE, PATIENT, World, prospect};

/// The other account, which cuts texts short, and shows telephone numbers otherwise than the first one does.
const OTHER: &str = "4343";
const PEOPLE: usize = 6;
/// Echoes that prove a loop: where the compare works there are none.
const LOOPING: usize = 30;

#[tokio::test]
async fn rule_03_changes_on_all_sides_reach_all_others_once_and_without_the_compare_they_never_rest() {
    let mut world = World::on_shared_servers("e2e-echoes", 31_000, &PATIENT).await;
    world.faults(json!({ "reformat_phones": true })).await;
    let other = Other { integration: connect_the_other(&world).await, told: Cell::new(0) };
    let mut wanted = arrive(&world, &other).await;
    let before = writes(&world).await;
    let changes = change_on_all_sides(&world, &other, &mut wanted).await;
    let made = writes(&world).await - before;
    assert_eq!(made, changes, "writes for real changes");
    assert_nothing_shortens(&world, &wanted).await;

    // The platforms tell of everything once more: nobody finds anything to do.
    touch_everybody(&world).await;
    in_step(&world, &other, &wanted).await;
    assert_eq!(writes(&world).await - before, changes);

    world.session.set("COCCINELLE__DISPATCHER__COMPARE_WITH_SEEN", "false");
    let name = Service::SyncDispatcher.name();
    assert!(world.session.stack.halt(name).await.is_some_and(|status| status.success()));
    world.session.start(Service::SyncDispatcher).unwrap();
    let rested = writes(&world).await;
    touch_everybody(&world).await;
    wait::until("a loop, which this suite would else not notice", DEADLINE, || async {
        tell_of_writes(&world, &other.told).await;
        let now = writes(&world).await - rested;
        if now >= LOOPING { Ok(()) } else { Err(now) }
    })
    .await;
    world.end().await;
}

struct Other {
    integration: String,
    /// The last entry of the journal that was told of.
    told: Cell<u64>,
}

/// Not every platform compares before it tells: each write of ours is told of, whether it changed anything or not.
async fn tell_of_writes(world: &World, told: &Cell<u64>) {
    for entry in journal(world, &format!("&after={}", told.get())).await {
        told.set(entry["seq"].as_u64().unwrap().max(told.get()));
        if entry["by"] == "api" && entry["object_type"] == "contacts" && entry["action"] == "updated" {
            tell(world, entry["account"].as_str().unwrap(), entry["id"].as_str().unwrap()).await;
        }
    }
}

async fn tell(world: &World, account: &str, id: &str) {
    let now = chrono::Utc::now();
    let told = json!([{
        "eventId": now.timestamp_micros() % 1_000_000_007, "subscriptionId": 3, "appId": 11, "attemptNumber": 0,
        "portalId": account.parse::<u64>().unwrap(), "objectId": id.parse::<u64>().unwrap(),
        "occurredAt": now.timestamp_millis(), "subscriptionType": "contact.propertyChange",
        "propertyName": "lifecyclestage", "propertyValue": "lead", "changeSource": "CRM_UI",
    }]);
    assert!(world.deliver_body(&told).await.status().is_success());
}

/// A second account of the same tenant, that tells of changes as the first one does.
async fn connect_the_other(world: &World) -> String {
    let switches = json!({ "rate_limit_per_10s": null, "search_limit_per_s": null, "search_lag_ms": 0,
                           "truncate": { "jobtitle": 12 }, "national_phones": true });
    world.sandbox(Method::PUT, &format!("/hubspot/{OTHER}/faults"), Some(switches)).await;
    let wish = json!({ "name": "L'autre", "platform": "hubspot",
                       "credentials": { "api_key": format!("pat-eu1-{OTHER}-echo") } });
    let call = |path: String, body| async move {
        let answer = world.session.call(Method::POST, &path, &world.tenant.admin_token, Some(&body)).await.unwrap();
        assert!(answer.0.is_success(), "{path}: {answer:?}");
        answer.1
    };
    let made = call("/api/v1/integrations".to_owned(), wish).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let target = format!("{}/webhooks/integrations/hubspot", world.session.url(Service::WebhookIngest));
    let secret = world.session.webhook_secret();
    let webhook = json!({ "target_url": target, "public_url": target, "client_secret": secret.expose_secret() });
    world.sandbox(Method::PUT, &format!("/hubspot/{OTHER}/webhook"), Some(webhook)).await;
    call(format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    id
}

/// What our records should hold, by e-mail and field, in the first account's words.
type Wanted = BTreeMap<String, BTreeMap<&'static str, String>>;

/// Prospects become contacts of both accounts; one contact is born in the other one and reaches the first through its record.
async fn arrive(world: &World, other: &Other) -> Wanted {
    let mut wanted = Wanted::new();
    for n in 0..PEOPLE {
        let (title, phone) = (format!("Directrice des ventes n° {n}"), format!("061234567{n}"));
        let data = json!({ "email": email(n), "job_title": title, "phone": phone });
        let event = prospect(&format!("p{n}"), "prospect.created", data);
        assert!(world.post_event(&event).await.status().is_success());
        wanted.insert(email(n), [("jobtitle", title), ("phone", phone)].into());
    }
    let born = json!({ "email": "nee@exemple.fr", "phone": "0698765432", "jobtitle": "Gérante" });
    world.sandbox(Method::POST, &format!("/hubspot/{OTHER}/contacts"), Some(born)).await;
    let hers = [("jobtitle", "Gérante".to_owned()), ("phone", "0698765432".to_owned())];
    wanted.insert("nee@exemple.fr".to_owned(), hers.into());
    in_step(world, other, &wanted).await;
    wanted
}

fn email(n: usize) -> String {
    format!("p{n}@exemple.fr")
}

/// In each round everybody is changed once, by Coccinelle or by hand in either account. Gives how many writes that takes:
/// two for a change of Coccinelle's, one for a change in an account.
async fn change_on_all_sides(world: &World, other: &Other, wanted: &mut Wanted) -> usize {
    let mut takes = 0;
    for round in 0..4 {
        for n in 0..PEOPLE {
            let fields = wanted.get_mut(&email(n)).unwrap();
            let (field, ours, value) = match (round + n / 3) % 2 {
                0 => ("city", "city", format!("Ville {round}-{n}")),
                _ => ("phone", "phone", format!("07{round}345678{n}")),
            };
            fields.insert(field, value.clone());
            match (round + n) % 3 {
                0 => {
                    let event = prospect(&format!("p{n}"), "prospect.updated", json!({ ours: value }));
                    assert!(world.post_event(&event).await.status().is_success());
                    takes += 2;
                }
                side => {
                    let account = if side == 1 { PORTAL } else { OTHER };
                    edit(world, account, &email(n), json!({ field: value })).await;
                    takes += 1;
                }
            }
        }
        in_step(world, other, wanted).await;
    }
    takes
}

async fn edit(world: &World, account: &str, email: &str, properties: Value) {
    let (id, _) = contact(world, account, email).await.unwrap();
    world.sandbox(Method::PATCH, &format!("/hubspot/{account}/contacts/{id}"), Some(properties)).await;
}

/// Something that is not mapped changes, of which webhooks tell all the same: everybody is read again.
async fn touch_everybody(world: &World) {
    for account in [PORTAL, OTHER] {
        for n in 0..PEOPLE {
            edit(world, account, &email(n), json!({ "lifecyclestage": "lead" })).await;
            let (id, _) = contact(world, account, &email(n)).await.unwrap();
            tell(world, account, &id).await;
        }
    }
}

/// Waits until both accounts and the records hold what they should, each in its own way, and nothing is owed or under way.
async fn in_step(world: &World, other: &Other, wanted: &Wanted) {
    wait::until("both accounts and the records to be alike", DEADLINE, || async {
        tell_of_writes(world, &other.told).await;
        for (email, fields) in wanted {
            let record = world.record(email).await.ok_or_else(|| format!("no record of {email}"))?;
            for account in [PORTAL, OTHER] {
                let (_, contact) = contact(world, account, email).await.ok_or(format!("no {email} in {account}"))?;
                for (field, value) in fields {
                    let shown = contact.get(*field).cloned().unwrap_or_default();
                    if !is_alike(field, &shown, value) {
                        return Err(format!("{email} in {account}: {field} is {shown}, not {value}"));
                    }
                }
            }
            for (field, value) in fields {
                let ours = if *field == "jobtitle" { "job_title" } else { field };
                let held = record["fields"][ours]["value"].as_str().unwrap_or_default();
                if digits(held) != digits(value) || (*field != "phone" && held != value) {
                    return Err(format!("{email}: {ours} is {held}, not {value}"));
                }
            }
        }
        let drifts =
            [world.of_integration("").await, world.ask(&format!("/api/v1/integrations/{}", other.integration)).await];
        let owed: u64 = drifts.iter().map(|shown| shown["drift"].as_u64().unwrap()).sum();
        let under_way = world.session.under_way().await.unwrap();
        if (owed, under_way) == (0, 0) { Ok(()) } else { Err(format!("{owed} owed, {under_way} under way")) }
    })
    .await;
}

/// The same number in another notation, or the same text cut short.
fn is_alike(field: &str, shown: &str, value: &str) -> bool {
    match field {
        "phone" => digits(shown) == digits(value),
        "jobtitle" => !shown.is_empty() && value.starts_with(shown),
        _ => shown == value,
    }
}

/// The last nine digits, which all notations of a French number share.
fn digits(text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(9)..].iter().collect()
}

async fn assert_nothing_shortens(world: &World, wanted: &Wanted) {
    for (email, fields) in wanted {
        let record = world.record(email).await.unwrap();
        assert_eq!(record["fields"]["job_title"]["value"], fields["jobtitle"], "{record}");
    }
}

/// Writes to contacts that came by the API, to both accounts.
async fn writes(world: &World) -> usize {
    let entries = journal(world, "").await;
    let ours = |entry: &&Value| entry["by"] == "api" && entry["object_type"] == "contacts";
    let writes = entries.iter().filter(ours).filter(|entry| entry["action"] != "property_created");
    writes.count()
}

async fn journal(world: &World, more: &str) -> Vec<Value> {
    let Value::Array(entries) = world.sandbox(Method::GET, &format!("/journal?limit=1000000{more}"), None).await else {
        panic!("no journal")
    };
    entries
}

/// A contact as an account shows it, with its id.
async fn contact(world: &World, account: &str, email: &str) -> Option<(String, BTreeMap<String, String>)> {
    let mut contacts = BTreeMap::<String, BTreeMap<String, String>>::new();
    for entry in journal(world, &format!("&platform=hubspot&account={account}")).await {
        if entry["object_type"] == "contacts" {
            let fields = contacts.entry(entry["id"].as_str().unwrap().to_owned()).or_default();
            for part in ["properties", "stored"] {
                let pairs = entry[part].as_object().into_iter().flatten();
                fields.extend(pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())));
            }
        }
    }
    contacts.into_iter().find(|(_, fields)| fields.get("email").is_some_and(|found| found == email))
}
