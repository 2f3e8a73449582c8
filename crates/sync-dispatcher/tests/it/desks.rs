//! Pipedrive, Salesforce and Zendesk from end to end: one story, told of each in its own words.

use domain::field::FieldValue;
use domain::id::IntegrationId;
use domain::kind::RecordKind;
use domain::run::State;
use persistence::records::links;
use persistence::runs::NewRun;
use serde_json::{Value, json};

use crate::peers::{self, Peer, Wishes};
use crate::world::{World, event};

/// What somebody did there to a person.
#[derive(Clone, Copy)]
enum Happened {
    Changed,
    Deleted,
}

/// A platform in its own words.
struct Desk {
    peer: Peer,
    /// Switches that lift every limit and lag.
    calm: Value,
    /// What people are, and where their address is.
    people: (&'static str, &'static str),
    /// What a call is, and where it says whose.
    calls: (&'static str, &'static str),
    /// What an appointment is; then what ties it to a person, and where that says to whom.
    deals: Option<(&'static str, (&'static str, &'static str))>,
    /// Somebody who was there before us, as people there type it.
    typed: fn(email: &str) -> Value,
    /// A telephone number, as people there type it.
    number: fn(&str) -> Value,
    /// What it tells of a person; `None` where it tells of no such thing.
    tells: fn(Happened, id: &str) -> Option<String>,
}

const PIPEDRIVE: fn() -> Desk = || Desk {
    peer: peers::PIPEDRIVE,
    calm: json!({"search_lag_ms": 0, "rate_limit_per_2s": null, "search_limit_per_2s": null}),
    people: ("persons", "/emails/0/value"),
    calls: ("activities", "/participants/0/person_id"),
    deals: Some(("deals", ("deals", "/person_id"))),
    typed: |email| json!({"name": "Anne Petit", "email": email}),
    number: |number| json!({ "phone": number }),
    tells: |happened, id| {
        let action = match happened {
            Happened::Changed => "change",
            Happened::Deleted => "delete",
        };
        let meta = json!({"action": action, "entity": "person", "entity_id": id, "company_id": "900", "id": action});
        Some(json!({ "meta": meta }).to_string())
    },
};

const SALESFORCE: fn() -> Desk = || Desk {
    peer: peers::SALESFORCE,
    calm: json!({}),
    people: ("Contact", "/Email"),
    calls: ("Task", "/WhoId"),
    deals: Some(("Opportunity", ("OpportunityContactRole", "/ContactId"))),
    typed: |email| json!({"FirstName": "Anne", "LastName": "Petit", "Email": email}),
    number: |number| json!({ "Phone": number }),
    tells: |happened, id| match happened {
        Happened::Changed => Some(format!(
            "<notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\"><OrganizationId>00D000000000001EAA\
             </OrganizationId><Notification><Id>04l000000000001AAA</Id><sObject xsi:type=\"sf:Contact\"><sf:Id>{id}</sf:Id>\
             </sObject></Notification></notifications>"
        )),
        Happened::Deleted => None,
    },
};

const ZENDESK: fn() -> Desk = || Desk {
    peer: peers::ZENDESK,
    calm: json!({"search_lag_ms": 0, "rate_limit_per_minute": null, "export_lag_ms": 0}),
    people: ("users", "/email"),
    calls: ("tickets", "/requester_id"),
    deals: None,
    typed: |email| json!({"name": "Anne Petit", "email": email}),
    number: |number| json!({ "phone": number }),
    tells: |happened, id| {
        let happened = match happened {
            Happened::Changed => "identity_changed",
            Happened::Deleted => "deleted",
        };
        let event = json!({"type": format!("zen:event-type:user.{happened}"), "id": happened, "detail": {"id": id}});
        Some(event.to_string())
    },
};

/// A desk that is connected.
struct Connected {
    world: World,
    desk: Desk,
    integration: IntegrationId,
}

/// A value as text, whether it is one or a number.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Connected {
    async fn begin(desk: Desk, options: &[(&str, &str)]) -> Self {
        let world = World::start().await;
        world.crm.faults_at(&desk.peer.place(), desk.calm.clone()).await;
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let integration = desk.peer.connect(&world, Wishes { options, ..Wishes::default() }).await.id;
        Self { world, desk, integration }
    }

    fn place(&self) -> String {
        self.desk.peer.place()
    }

    /// The live objects of a type, by their ids in the journal.
    async fn live(&self, object_type: &str) -> Vec<(String, Value)> {
        self.world.crm.live_at(&self.place(), object_type).await.into_iter().collect()
    }

    /// The id by which the journal knows the person with this address; there is one.
    async fn person(&self, email: &str) -> String {
        let (kind, pointer) = self.desk.people;
        let people = self.live(kind).await;
        let has_it = |object: &Value| object.pointer(pointer).is_some_and(|value| plain(value) == email);
        let mut found: Vec<String> =
            people.iter().filter(|(_, object)| has_it(object)).map(|(id, _)| id.clone()).collect();
        assert_eq!(found.len(), 1, "{email}: {people:?}");
        found.remove(0)
    }

    /// The platform's id of a subject's person.
    async fn external_id(&self, subject: &str) -> String {
        let record = self.world.record(subject).await.id;
        let links = links::of_record(&mut self.world.begin().await, self.world.tenant, record).await.unwrap();
        links.into_iter().find(|link| link.integration == self.integration).unwrap().external_id.unwrap()
    }

    /// How many writes of any sort came by the API.
    async fn writes(&self) -> usize {
        let deals = self.desk.deals.map(|(deals, (ties, _))| [deals, ties]);
        let mut kinds = vec![self.desk.people.0, self.desk.calls.0];
        kinds.extend(deals.into_iter().flatten());
        kinds.dedup();
        let mut writes = 0;
        for kind in kinds {
            writes += self.world.crm.api_writes_at(&self.place(), kind).await;
        }
        writes
    }

    async fn tell(&self, body: String) {
        // Pipedrive, too, calls an address of the integration's own.
        self.world.tell(self.desk.peer.platform, Some(self.integration), &[], body).await;
    }

    /// A new prospect, one who is there already, an appointment and a call: each comes to be once, tied to whose it is.
    async fn hands_over(&self) {
        let (world, (people, _)) = (&self.world, self.desk.people);
        let ann = world.crm.add_at(&format!("{}/{people}", self.place()), (self.desk.typed)("ann@exemple.fr")).await;
        let prospects = [
            event("prospect.created", "p1", json!({"email": "zoe@exemple.fr", "first_name": "Zoé", "last_name": "M"})),
            event(
                "prospect.created",
                "p2",
                json!({"email": "ann@exemple.fr", "first_name": "Ann", "phone": "0611111111"}),
            ),
        ];
        let appointment = json!({"prospect_id": "p1", "title": "Visite", "starts_at": "2026-12-01T09:00:00Z"});
        let call = json!({"prospect_id": "p1", "title": "Appel de Zoé", "summary": "Rappeler", "started_at": "2026-11-22T09:00:00Z"});
        let all =
            [&prospects[..], &[event("appointment.created", "a1", appointment), event("call.completed", "c1", call)]];
        world.accept(all.concat()).await;
        world.in_step(self.integration).await;

        assert_eq!(self.live(people).await.len(), 2);
        assert_eq!(self.person("ann@exemple.fr").await, ann, "she was there, and is adopted");
        assert_eq!(world.value("p2", "last_name").await, "Petit");
        let zoe = self.external_id("p1").await;
        if let Some((deals, (ties, pointer))) = self.desk.deals {
            let (made, ties) = (self.live(deals).await, self.live(ties).await);
            let tied: Vec<String> = ties.iter().map(|(_, tie)| plain(tie.pointer(pointer).unwrap())).collect();
            assert_eq!((made.len(), tied), (1, vec![zoe.clone()]), "{made:?}");
        }
        assert_eq!(self.calls_of(&zoe).await.len(), 1);

        // What is said again is not done again.
        let writes = self.writes().await;
        world.accept(prospects.to_vec()).await;
        world.in_step(self.integration).await;
        let (calls, _) = self.desk.calls;
        let closing = self.live(calls).await.len();
        assert!(self.writes().await <= writes + closing, "only the call that closes the message is new");
        assert_eq!(self.live(people).await.len(), 2);
    }

    /// The calls of a person.
    async fn calls_of(&self, person: &str) -> Vec<Value> {
        let (calls, pointer) = self.desk.calls;
        let whose = |call: &Value| call.pointer(pointer).map(plain).unwrap_or_default();
        self.live(calls).await.into_iter().map(|(_, call)| call).filter(|call| whose(call) == person).collect()
    }

    /// What somebody changes there reaches the record and the CRM, and is not written back.
    async fn comes_back(&self) {
        let (world, id) = (&self.world, self.external_id("p1").await);
        let writes = self.writes().await;
        let path = format!("{}/{}/{}", self.place(), self.desk.people.0, self.person("zoe@exemple.fr").await);
        world.crm.edit_at(&path, (self.desk.number)("+33612345678")).await;
        self.tell((self.desk.tells)(Happened::Changed, &id).unwrap()).await;
        let number = FieldValue::text("+33612345678");
        world
            .record_at((self.integration, RecordKind::Contact, &id), |zoe| zoe.fields.value("phone") == Some(&number))
            .await;
        world.in_step(self.integration).await;
        world.settle().await;
        assert_eq!(self.writes().await, writes, "nothing is echoed");
        let known = world.crm.contacts().await;
        assert!(
            known.values().any(|contact| contact.get("phone").is_some_and(|phone| phone == "+33612345678")),
            "{known:?}"
        );
    }

    /// Whom Coccinelle deletes is deleted there; who is deleted there is deleted here, and not made again.
    async fn deletes(&self) {
        let (world, people) = (&self.world, self.desk.people.0);
        world.accept(vec![event("prospect.deleted", "p2", json!({}))]).await;
        world.in_step(self.integration).await;
        let id = self.external_id("p1").await;
        let zoe = self.person("zoe@exemple.fr").await;
        assert_eq!(self.live(people).await.len(), 1);

        world.crm.remove_at(&format!("{}/{people}/{zoe}", self.place())).await;
        match (self.desk.tells)(Happened::Deleted, &id) {
            Some(told) => self.tell(told).await,
            None => {
                let run = NewRun { integration: self.integration, ..world.full_run() };
                let run = world.ask_for(&run).await;
                world.run_in(run.id, State::Done).await;
            }
        }
        world.record_at((self.integration, RecordKind::Contact, &id), |zoe| zoe.fields.is_deleted()).await;
        world.accept(vec![event("prospect.updated", "p1", json!({"notes": "Rappeler"}))]).await;
        world.in_step(self.integration).await;
        assert!(self.live(people).await.is_empty());
    }
}

async fn tell_the_story(desk: Desk) {
    let connected = Connected::begin(desk, &[]).await;
    connected.hands_over().await;
    connected.comes_back().await;
    connected.deletes().await;
}

#[tokio::test]
async fn pipedrive_has_each_person_deal_and_call_once_and_what_changes_there_comes_back() {
    tell_the_story(PIPEDRIVE()).await;
}

#[tokio::test]
async fn salesforce_has_each_contact_opportunity_and_task_once_and_what_changes_there_comes_back() {
    tell_the_story(SALESFORCE()).await;
}

#[tokio::test]
async fn zendesk_has_each_user_and_ticket_once_and_what_changes_there_comes_back() {
    tell_the_story(ZENDESK()).await;
}

#[tokio::test]
async fn where_the_tenant_wants_leads_a_prospect_is_one_and_so_is_whom_its_call_is_of() {
    let desk = Desk { people: ("Lead", "/Email"), ..SALESFORCE() };
    let connected = Connected::begin(desk, &[("people", "lead")]).await;
    let world = &connected.world;
    let call = json!({"prospect_id": "p1", "title": "Appel de Zoé"});
    let prospect = json!({"email": "zoe@exemple.fr", "last_name": "Martin", "company": "Fleurs SA"});
    world.accept(vec![event("prospect.created", "p1", prospect), event("call.completed", "c1", call)]).await;
    world.in_step(connected.integration).await;
    connected.person("zoe@exemple.fr").await;
    assert!(connected.live("Contact").await.is_empty());
    let zoe = connected.external_id("p1").await;
    assert!(zoe.starts_with("00Q"), "{zoe} is no lead's id");
    assert_eq!(connected.calls_of(&zoe).await.len(), 1);
}

#[tokio::test]
async fn where_the_tenant_wants_notes_a_call_is_one_in_the_ticket_that_is_open() {
    let connected = Connected::begin(ZENDESK(), &[("calls", "comment")]).await;
    let world = &connected.world;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr", "first_name": "Zoé"}))]).await;
    world.in_step(connected.integration).await;
    let zoe = connected.external_id("p1").await;
    let open = json!({"subject": "Ma commande", "requester_id": zoe.parse::<u64>().unwrap(), "status": "open"});
    let open = world.crm.add_at("zendesk/acme/tickets", open).await;
    let call = json!({"prospect_id": "p1", "title": "Appel de Zoé", "summary": "Elle attend toujours."});
    world.accept(vec![event("call.completed", "c1", call)]).await;
    world.in_step(connected.integration).await;
    let tickets = world.crm.live_at("zendesk/acme", "tickets").await;
    let comments = tickets[&open]["comments"].as_array().unwrap();
    assert_eq!((comments.len(), &comments[0]["public"]), (1, &json!(false)));
    assert!(comments[0]["body"].as_str().unwrap().contains("Elle attend toujours."), "{comments:?}");
    assert_eq!(connected.calls_of(&zoe).await.len(), 1, "no ticket of its own");
}
