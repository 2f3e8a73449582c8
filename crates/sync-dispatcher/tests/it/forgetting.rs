//! Erasing a person: nothing of it is left in any table, and on no way does it come back.

use accounts::Accounts;
use domain::access::Role;
use domain::audit::{Action, Author};
use domain::kind::RecordKind;
use domain::message::{Amended, RecordAmend};
use domain::policy::Carried;
use domain::record::{Fields, Record};
use domain::time::Timestamp;
use domain::{id::RecordId, id::TenantId, integration::Direction};
use messaging::Context;
use persistence::people::{self, Suppression, erasures, erasures::AnswerState, erasures::Erasure};
use persistence::records::conflicts::{self, Decision};
use persistence::records::{guard, store};
use persistence::{Transaction, audit, integrations, log_page::LogPage, sync_logs, tenants, webhook_logs};
use serde_json::{Value, json};
use testkit::wait;

use crate::world::{DEADLINE, HASTE, World, event, event_at};
use crate::{crm::told, deciding::two_who_claim_one_address};

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

    /// Asks for the person to be erased once the platforms have deleted it, as the gateway does.
    async fn want_erased(&self, tx: &mut Transaction, contact: RecordId) {
        guard::exclude(tx, self.tenant).await.unwrap();
        let person = people::find(tx, self.tenant, contact).await.unwrap().unwrap();
        self.accounts().suppress(tx, self.tenant, &person).await.unwrap();
        people::request(tx, self.tenant, contact).await.unwrap();
        let (sub, roles, request_id) = ("marie".to_owned(), vec![Role::Admin], "a request".to_owned());
        let author = Author { sub, roles, address: None, user_agent: None, request_id };
        erasures::note(tx, (self.tenant, contact), &author, true).await.unwrap();
    }

    async fn announce(&self, subject: Amended) {
        let message = RecordAmend { tenant_id: self.tenant, subject };
        self.broker.publish(&message, &Context::new()).await.unwrap();
    }

    /// The erasure of a contact, once it is done.
    async fn erased(&self, contact: RecordId) -> Erasure {
        wait::until("the person to be erased", DEADLINE, || async {
            let mut tx = self.begin().await;
            let found = erasures::of_record(&mut tx, self.tenant, contact).await.unwrap();
            found.filter(|erasure| erasure.erased_at.is_some()).ok_or("still waited for")
        })
        .await
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
    let world = World::with(&HASTE).await;
    let (at, id) = known_everywhere(&world).await;
    let contact = world.record("prospect-de-zoe").await.id;
    let mut tx = world.begin().await;
    world.want_erased(&mut tx, contact).await;
    tx.commit().await.unwrap();
    world.announce(Amended::Erasure(contact)).await;

    let done = world.erased(contact).await;
    assert!(!world.crm.contacts().await.contains_key(&id));
    assert!(world.crm.live("deals").await.is_empty());
    let mut tx = world.begin().await;
    let filter = audit::Filter { action: Some(Action::PersonErased), ..audit::Filter::default() };
    let told = audit::list(&mut tx, world.tenant, &filter, &LogPage { after: None, limit: 10 }).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(done.counts["records"], 2, "{done:?}");
    let deleted = AnswerState::Deleted;
    assert_eq!(answers(&done), [(RecordKind::Contact, deleted), (RecordKind::Deal, deleted)], "{done:?}");
    assert_eq!(told.iter().map(|row| row.sub.as_str()).collect::<Vec<_>>(), ["marie"], "it is audited when it is done");
    world.write_logs().await;
    world.accept(vec![prospect(at)]).await;
    world.settle().await;
    assert_eq!(world.said_of_her().await, Vec::<&str>::new());
}

/// What the CRM answered, object by object.
fn answers(erasure: &Erasure) -> Vec<(RecordKind, AnswerState)> {
    erasure.answers.iter().map(|answer| (answer.kind, answer.state)).collect()
}

#[tokio::test]
async fn who_becomes_one_with_another_is_erased_with_it_and_so_is_the_object_that_was_left_alone() {
    let world = World::with(&HASTE).await;
    let (first, second) = two_who_claim_one_address(&world).await;
    world.settle().await;
    wait::until("the log to be told", DEADLINE, || async {
        let unpublished = world.unpublished().await;
        if unpublished.is_empty() { Ok(()) } else { Err(unpublished) }
    })
    .await;
    world.write_logs().await;
    assert_eq!(world.crm.contacts().await.len(), 2);
    let claim = world.claimed(second).await;
    let mut tx = world.begin().await;
    world.want_erased(&mut tx, second).await;
    let asked = erasures::of_record(&mut tx, world.tenant, second).await.unwrap().unwrap();
    conflicts::decide(&mut tx, world.tenant, claim.id, Decision::Merge).await.unwrap();
    // Whoever carries it out waits for this transaction, and so comes before the platform can have deleted anybody.
    world.announce(Amended::Conflict(claim.id)).await;
    world.is_held_up().await;
    tx.commit().await.unwrap();

    let done = world.erased(first).await;
    assert_eq!(done.id, asked.id, "the wish went with the record");
    let deleted = AnswerState::Deleted;
    let (contact, deal) = ((RecordKind::Contact, deleted), (RecordKind::Deal, deleted));
    assert_eq!(answers(&done), [contact, contact, deal], "{done:?}");
    assert!(world.crm.contacts().await.is_empty(), "both objects of the CRM were the person");
    world.write_logs().await;
    let everything = testkit::dump(&world.database_url()).await;
    for said in ["zoe@exemple.fr", "z.martin@exemple.fr", "Fleurs SA", "Visite"] {
        assert!(!everything.contains(said), "{said}");
    }
}

#[tokio::test]
async fn an_erasure_is_carried_whatever_the_policy_and_what_is_only_read_is_not_said_to_be_deleted() {
    let world = World::with(&HASTE).await;
    known_everywhere(&world).await;
    let contact = world.record("prospect-de-zoe").await.id;
    world.carry(Carried::Nobodys).await;
    let mut tx = world.begin().await;
    let mut integration = integrations::get(&mut tx, world.tenant, world.integration).await.unwrap().unwrap();
    integration.kind_directions.insert(RecordKind::Deal, Direction::FromPlatform);
    let deals_come_in = integrations::Configuration { integration, sealed: None };
    assert!(integrations::configure(&mut tx, &deals_come_in).await.unwrap());
    world.want_erased(&mut tx, contact).await;
    tx.commit().await.unwrap();
    world.announce(Amended::Erasure(contact)).await;

    let done = world.erased(contact).await;
    let (deleted, not_asked) = (AnswerState::Deleted, AnswerState::NotAsked);
    assert_eq!(answers(&done), [(RecordKind::Contact, deleted), (RecordKind::Deal, not_asked)], "{done:?}");
    assert_eq!(world.crm.contacts().await.len(), 1, "of two, the other one stays");
    assert_eq!(world.crm.live("deals").await.len(), 1, "and so does the deal that is only read");
}

#[tokio::test]
async fn a_tenant_nobody_of_whom_can_be_erased_keeps_nobody_elses_persons_from_being_erased() {
    let world = World::with(&HASTE).await;
    known_everywhere(&world).await;
    let contact = world.record("prospect-de-zoe").await.id;
    // Its key was sealed by none of ours, and its person waits longer.
    let (tenant_id, id) = (TenantId::new(), RecordId::new());
    let stuck = Record { id, tenant_id, kind: RecordKind::Contact, fields: Fields::default(), version: 1 };
    let mut tx = world.begin().await;
    tenants::create(&mut tx, tenant_id, "Another tenant", Some("v1.none.AAAA")).await.unwrap();
    store::save(&mut tx, &[&stuck]).await.unwrap();
    people::request(&mut tx, tenant_id, id).await.unwrap();
    people::begin(&mut tx, tenant_id, id).await.unwrap();
    tx.commit().await.unwrap();
    world.server.execute("UPDATE pending_erasures SET requested_at = requested_at - interval '1 hour'").await;

    let mut tx = world.begin().await;
    world.want_erased(&mut tx, contact).await;
    tx.commit().await.unwrap();
    world.announce(Amended::Erasure(contact)).await;
    assert!(world.erased(contact).await.erased_at.is_some());
}
