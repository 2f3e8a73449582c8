//! Erasing a person: nothing of it is left in any table, and on no way does it come back.

use accounts::Accounts;
use domain::access::Role;
use domain::audit::Author;
use domain::kind::RecordKind;
use domain::message::{Amended, RecordAmend};
use domain::time::Timestamp;
use messaging::Context;
use persistence::audit;
use persistence::people::erasures::{self, AnswerState};
use persistence::people::{self, Suppression};
use persistence::records::guard;
use persistence::{log_page::LogPage, sync_logs, webhook_logs};
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::told;
use crate::world::{DEADLINE, World, event, event_at};

/// Everything that says who she is. External ids are too short to be searched for; the platform knows who they are.
const HER: [&str; 9] = [
    "prospect-de-zoe",
    "rdv-de-zoe",
    "zoe.martin@exemple.fr",
    "Zoé",
    "Martin-Dupré",
    "0612345678",
    "+33612345678",
    "Allergique aux lys",
    "Visite chez Zoé",
];

impl World {
    /// Erases the person at once, as the gateway does.
    async fn erase(&self, subject: &str) -> Vec<Suppression> {
        let contact = self.record(subject).await.id;
        let accounts: Accounts = self.accounts();
        let mut tx = self.begin().await;
        guard::exclude(&mut tx, self.tenant).await.unwrap();
        let person = people::find(&mut tx, self.tenant, contact).await.unwrap().unwrap();
        let (receipt, suppressions) = accounts.erase(&mut tx, self.tenant, &person).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(receipt.counts["records"], 2, "{receipt:?}");
        suppressions
    }

    /// Writes what the log was told of so far, as the log-writer does.
    async fn write_logs(&self) {
        let mut tx = self.begin().await;
        sync_logs::insert_batch(&mut tx, &self.outcomes()).await.unwrap();
        webhook_logs::insert_batch(&mut tx, &self.deliveries()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What the whole database says of her.
    async fn said_of_her(&self) -> Vec<&'static str> {
        let everything = testkit::dump(&self.database_url()).await;
        HER.into_iter().filter(|said| everything.contains(said)).collect()
    }
}

fn prospect(at: Timestamp) -> Value {
    let data = json!({"email": "zoe.martin@exemple.fr", "first_name": "Zoé", "last_name": "Martin-Dupré",
                      "phone": "0612345678", "notes": "Allergique aux lys"});
    event_at("prospect.created", "prospect-de-zoe", data, at)
}

fn appointment(at: Timestamp) -> Value {
    let data = json!({"prospect_id": "prospect-de-zoe", "title": "Visite chez Zoé"});
    event_at("appointment.created", "rdv-de-zoe", data, at)
}

/// Known everywhere: merged, written to the CRM, changed there, heard of, refused once, and logged.
async fn known_everywhere(world: &World) -> (Timestamp, String) {
    let at = Timestamp::now();
    world.accept(vec![prospect(at), appointment(at)]).await;
    world.settle().await;
    let id = world.crm.only_contact().await.0;
    world.crm.edit_contact(&id, json!({"company": "Fleurs de Martin-Dupré"})).await;
    world.deliver(&[told("propertyChange", &id)]).await;
    world.settle().await;
    world.accept(vec![event("prospect.updated", "prospect-de-zoe", json!({"last_name": "Dupré"}))]).await;
    world.accept(vec![event("prospect.updated", "prospect-de-zoe", json!({"last_name": "Martin-Dupré"}))]).await;
    // Somebody else, who stays.
    world.accept(vec![event("prospect.created", "prospect-de-max", json!({"email": "max@exemple.fr"}))]).await;
    world.settle().await;
    wait::until("the log to be told", DEADLINE, || async {
        let unpublished = world.unpublished().await;
        if unpublished.is_empty() { Ok(()) } else { Err(unpublished) }
    })
    .await;
    world.write_logs().await;
    (at, id)
}

#[tokio::test]
async fn nothing_of_an_erased_person_is_left_and_nothing_brings_it_back() {
    let world = World::start().await;
    let (at, id) = known_everywhere(&world).await;
    assert_eq!(world.said_of_her().await, HER, "what is looked for was there");
    world.erase("prospect-de-zoe").await;
    assert_eq!(world.said_of_her().await, Vec::<&str>::new());

    // What was still on its way to the log.
    world.write_logs().await;
    // The event again, and an update, a deal and a call of hers; what the CRM tells of her, and of somebody it knows as her.
    world.accept(vec![prospect(at), appointment(at)]).await;
    world.accept(vec![event("prospect.updated", "prospect-de-zoe", json!({"first_name": "Zoé"}))]).await;
    let call = json!({"prospect_id": "prospect-de-zoe", "summary": "Zoé rappelle"});
    world.accept(vec![event("call.completed", "appel", call)]).await;
    let again = json!({"email": "Zoe.Martin@exemple.fr", "first_name": "Zoé"});
    world.accept(vec![event("prospect.created", "autre-identifiant", again)]).await;
    let known_as_her = world.crm.add_contact(json!({"email": "zoe.martin2@exemple.fr"})).await;
    world.crm.edit_contact(&known_as_her, json!({"email": "", "phone": "+33612345678", "firstname": "Zoé"})).await;
    world.deliver(&[told("propertyChange", &id)]).await;
    world.deliver(&[told("creation", &known_as_her)]).await;
    world.settle().await;
    world.write_logs().await;
    assert_eq!(world.said_of_her().await, Vec::<&str>::new());
    let records = world.records().await;
    assert_eq!(records.len(), 1, "who else there was is still there: {records:?}");
    assert_eq!(world.value("prospect-de-max", "email").await, "max@exemple.fr");
    // What the CRM holds is the CRM's.
    assert!(world.crm.contacts().await.contains_key(&id));
}

#[tokio::test]
async fn a_suppression_that_is_lifted_lets_the_person_come_back() {
    let world = World::start().await;
    let (at, _) = known_everywhere(&world).await;
    for suppression in world.erase("prospect-de-zoe").await {
        let mut tx = world.begin().await;
        assert!(people::lift(&mut tx, world.tenant, suppression.id).await.unwrap());
        tx.commit().await.unwrap();
    }
    let mut tx = world.begin().await;
    let page = LogPage { after: None, limit: 10 };
    assert_eq!(people::list(&mut tx, world.tenant, &page).await.unwrap(), []);
    tx.commit().await.unwrap();
    world.accept(vec![prospect(at)]).await;
    world.settle().await;
    assert_eq!(world.value("prospect-de-zoe", "first_name").await, "Zoé");
}

#[tokio::test]
async fn who_shares_a_number_with_an_erased_person_stays_and_comes_in() {
    let world = World::start().await;
    known_everywhere(&world).await;
    world.erase("prospect-de-zoe").await;
    let son = json!({"email": "leo@exemple.fr", "phone": "06 12 34 56 78"});
    world.accept(vec![event("prospect.created", "prospect-de-leo", son)]).await;
    world.settle().await;
    assert_eq!(world.value("prospect-de-leo", "email").await, "leo@exemple.fr");
}

#[tokio::test]
async fn a_person_is_erased_once_the_platform_has_deleted_it() {
    let world = World::with(&crate::world::HASTE).await;
    let (at, id) = known_everywhere(&world).await;
    let contact = world.record("prospect-de-zoe").await.id;
    let (mut tx, accounts) = (world.begin().await, world.accounts());
    guard::exclude(&mut tx, world.tenant).await.unwrap();
    let person = people::find(&mut tx, world.tenant, contact).await.unwrap().unwrap();
    accounts.suppress(&mut tx, world.tenant, &person).await.unwrap();
    people::request(&mut tx, world.tenant, contact).await.unwrap();
    let author = Author {
        sub: "marie".to_owned(),
        roles: vec![Role::Admin],
        address: None,
        user_agent: None,
        request_id: "a request".to_owned(),
    };
    erasures::note(&mut tx, (world.tenant, contact), &author, true).await.unwrap();
    tx.commit().await.unwrap();
    let message = RecordAmend { tenant_id: world.tenant, subject: Amended::Erasure(contact) };
    world.broker.publish(&message, &Context::new()).await.unwrap();

    wait::until("the person to be erased", DEADLINE, || async {
        let known = world.known(RecordKind::Contact, &["prospect-de-zoe".to_owned()]).await;
        if known == 0 { Ok(()) } else { Err(known) }
    })
    .await;
    assert!(!world.crm.contacts().await.contains_key(&id));
    assert!(world.crm.live("deals").await.is_empty());
    let mut tx = world.begin().await;
    let done = erasures::of_record(&mut tx, world.tenant, contact).await.unwrap().unwrap();
    let filter = audit::Filter { action: Some("person.erased".to_owned()), ..audit::Filter::default() };
    let told = audit::list(&mut tx, world.tenant, &filter, &LogPage { after: None, limit: 10 }).await.unwrap();
    tx.commit().await.unwrap();
    assert!(done.erased_at.is_some() && done.counts["records"] == 2, "{done:?}");
    let of_crm: Vec<_> =
        done.answers.iter().filter(|one| one.platform.as_str() == "hubspot").map(|one| (one.kind, one.state)).collect();
    let deleted = AnswerState::Deleted;
    assert_eq!(of_crm, [(RecordKind::Contact, deleted), (RecordKind::Deal, deleted)], "{done:?}");
    assert_eq!(told.iter().map(|row| row.sub.as_str()).collect::<Vec<_>>(), ["marie"], "it is audited when it is done");
    world.write_logs().await;
    world.accept(vec![prospect(at)]).await;
    world.settle().await;
    assert_eq!(world.said_of_her().await, Vec::<&str>::new());
}
