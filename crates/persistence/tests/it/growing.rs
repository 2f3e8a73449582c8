//! What is read for a few links of an integration that has grown since its table was analyzed.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::field::RemoteFields;
use domain::id::{ErrandId, LeaseToken, LinkId, RecordId, SyncLogId};
use domain::kind::RecordKind;
use domain::time::Timestamp;
use domain::workflow::{Action, Errand, Verb};
use persistence::records::links::{self, Dependents, Heard, Intention};
use persistence::{Database, Scope, Transaction, runs};

use crate::runs::{manual, started};
use crate::world::{Customer, World, number, try_to, words};

const A_WHILE: Duration = Duration::from_secs(60);
/// Links of each integration.
pub(crate) const MANY: u32 = 3_000;
/// More rows than are read for three links, and far fewer than an integration has.
pub(crate) const FEW: i64 = 100;
/// Gives a record to each link that has an object of that number.
const GIVEN: &str = "UPDATE record_links AS link SET record_id = record.id FROM (
        SELECT id, row_number() OVER (ORDER BY id)::text AS number FROM records
    ) AS record WHERE link.external_id = record.number";

#[tokio::test]
async fn a_few_links_are_found_without_reading_all_of_an_integration_that_is_not_in_the_statistics() {
    let (world, grown) = grown().await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let before = rows_read(&mut tx).await;
    let marked = links::mark_dirty(&mut tx, &heard(grown, [7, 77, 777])).await.unwrap();
    let marking = rows_read(&mut tx).await - before;
    let ids: Vec<LinkId> = marked.iter().map(|push| push.link_id).collect();
    let whose = (grown.tenant, grown.integration);
    let leased = links::lease(&mut tx, whose, &ids, LeaseToken::new(), A_WHILE).await.unwrap();
    let leasing = rows_read(&mut tx).await - before - marking;
    assert_eq!((marked.len(), leased.len()), (3, 3));
    assert!(marking < FEW && leasing < FEW, "{marking} rows were read to mark three links, {leasing} to lease them");
}

#[tokio::test]
async fn what_is_known_of_a_few_objects_or_records_is_found_without_reading_all_of_such_an_integration() {
    let (world, grown) = grown().await;
    let (integration, kind) = (grown.integration, RecordKind::Contact);
    let (ids, records) = (["7", "77", "777"], [RecordId::new(), RecordId::new(), RecordId::new()].into());
    let named = ids.map(str::to_owned).into();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let before = rows_read(&mut tx).await;
    assert_eq!(links::by_external_id(&mut tx, integration, kind, &named).await.unwrap().len(), 3);
    assert_eq!(links::under_way_of(&mut tx, integration, kind, &ids).await.unwrap(), named);
    // They are of no record.
    assert!(links::known_by_now(&mut tx, integration, &named).await.unwrap().is_empty());
    assert!(links::seen_of(&mut tx, integration, kind, &ids).await.unwrap().is_empty());
    assert!(links::refused_of(&mut tx, integration, kind, &ids).await.unwrap().is_empty());
    assert!(links::by_record(&mut tx, integration, &records).await.unwrap().is_empty());
    assert!(links::backend_links(&mut tx, integration, &records).await.unwrap().is_empty());
    let dependents = links::dependents(&mut tx, (grown.tenant, integration), &records, &named).await.unwrap();
    assert_eq!(dependents, Dependents::default());
    let read = rows_read(&mut tx).await - before;
    assert!(read < FEW, "{read} rows were read");
}

#[tokio::test]
async fn a_few_objects_are_found_without_reading_all_that_was_refused_since_the_statistics() {
    let (world, grown) = grown().await;
    world.server.execute("UPDATE record_links SET blocked_at = now()").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let before = rows_read(&mut tx).await;
    let (kind, ids) = (RecordKind::Contact, ["7", "77", "777"]);
    assert_eq!(links::refused_of(&mut tx, grown.integration, kind, &ids).await.unwrap().len(), 3);
    let read = rows_read(&mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for three objects");
}

#[tokio::test]
async fn a_few_objects_are_found_without_reading_all_that_were_given_records_since_the_statistics() {
    let (world, grown) = grown().await;
    records(&world, grown, MANY).await;
    world.server.execute(GIVEN).await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let run = started(&mut tx, &manual(grown)).await;
    let before = rows_read(&mut tx).await;
    let (kind, ids) = (RecordKind::Contact, ["7", "77", "777"]);
    assert_eq!(links::seen_of(&mut tx, grown.integration, kind, &ids).await.unwrap().len(), 3);
    assert_eq!(runs::believed_there(&mut tx, &run, kind, &ids).await.unwrap(), ids);
    let read = rows_read(&mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for three objects");
}

#[tokio::test]
async fn whether_a_run_still_waits_for_something_is_told_without_counting_all_that_is_owed() {
    let (world, grown) = grown().await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let run = started(&mut tx, &manual(grown)).await;
    let before = rows_read(&mut tx).await;
    assert!(runs::has_pending(&mut tx, &run).await.unwrap());
    let read = rows_read(&mut tx).await - before;
    assert!(read < FEW, "{read} rows were read");
    try_to(&mut tx, "UPDATE record_links SET read_seq = remote_seq").await.unwrap();
    assert!(!runs::has_pending(&mut tx, &run).await.unwrap());
}

#[tokio::test]
async fn the_oldest_outcomes_that_stand_beside_their_links_are_found_without_reading_the_others() {
    let (world, grown) = grown().await;
    let unpublished = serde_json::to_string(&[grown.success(1)]).unwrap();
    let statement = format!(
        "UPDATE record_links SET unpublished = '{unpublished}', updated_at = now() - external_id::int * interval '1 hour'"
    );
    world.server.execute(&statement).await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let before = rows_read(&mut tx).await;
    let found = links::leftovers(&mut tx, A_WHILE, 2).await.unwrap();
    let read = rows_read(&mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for two outcomes");
    // One of each customer.
    let of_the_oldest = format!("SELECT id AS word FROM record_links WHERE external_id = '{MANY}'");
    let oldest: BTreeSet<String> = words(&mut tx, &of_the_oldest).await.into_iter().collect();
    assert_eq!(found.into_iter().map(|(link, _)| link.to_string()).collect::<BTreeSet<_>>(), oldest);
}

#[tokio::test]
async fn a_few_links_are_found_without_reading_all_that_is_owed_where_the_statistics_know_of_nothing_owed() {
    let world = World::new().await;
    let customer = world.customer("4242").await;
    fill(&world, customer).await;
    // All of them are in step when it is looked at, and behind afterwards.
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    try_to(&mut tx, "UPDATE record_links SET read_seq = remote_seq").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    try_to(&mut tx, "ANALYZE record_links").await.unwrap();
    tx.commit().await.unwrap();
    fill(&world, customer).await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let marked = links::mark_dirty(&mut tx, &heard(customer, [7, 77, 777])).await.unwrap();
    let ids: Vec<LinkId> = marked.iter().map(|push| push.link_id).collect();
    let before = rows_read(&mut tx).await;
    assert_eq!(links::due_among(&mut tx, &ids).await.unwrap().len(), 3);
    // They are of no record.
    assert_eq!(links::owed_of(&mut tx, customer.tenant, &[RecordId::new()]).await.unwrap(), []);
    let whose = (customer.tenant, customer.integration);
    assert_eq!(links::lease(&mut tx, whose, &ids, LeaseToken::new(), A_WHILE).await.unwrap().len(), 3);
    // As where a version before has left them beside their links.
    let elsewhere: Vec<_> = ids.iter().map(|link| (*link, SyncLogId::new())).collect();
    links::forget_published(&mut tx, &elsewhere).await.unwrap();
    let read = rows_read(&mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for three links");
}

#[tokio::test]
async fn whether_records_have_their_links_is_looked_at_without_reading_all_links_that_came_for_each() {
    let (world, grown) = grown().await;
    let made = records(&world, grown, 10).await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let before = rows_read(&mut tx).await;
    let whose = (grown.tenant, grown.integration);
    let stretch = links::stretch(&mut tx, whose, RecordKind::Contact, None, 10).await.unwrap();
    let read = rows_read(&mut tx).await - before;
    assert_eq!((stretch.unlinked.len(), stretch.last), (10, made.into_iter().max()));
    assert!(read < FEW, "{read} rows were read for ten records");
}

#[tokio::test]
async fn a_few_links_are_given_their_records_without_reading_all_that_have_none() {
    let world = World::new().await;
    let (known, flooded) = (world.customer("4242").await, world.customer("5151").await);
    fill(&world, known).await;
    records(&world, known, MANY).await;
    // All of them have a record when it is looked at; of those that come afterwards none has.
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    for statement in [GIVEN, "ANALYZE record_links"] {
        try_to(&mut tx, statement).await.unwrap();
    }
    tx.commit().await.unwrap();
    fill(&world, flooded).await;
    let made = records(&world, flooded, 3).await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let marked = links::mark_dirty(&mut tx, &heard(flooded, [7, 77, 777])).await.unwrap();
    let (ids, token): (Vec<LinkId>, _) = (marked.iter().map(|push| push.link_id).collect(), LeaseToken::new());
    links::lease(&mut tx, (flooded.tenant, flooded.integration), &ids, token, A_WHILE).await.unwrap();
    let before = rows_read(&mut tx).await;
    let of_each: Vec<_> = ids.into_iter().zip(made).map(|(link, record)| (link, record, 1)).collect();
    assert_eq!(links::attach(&mut tx, &of_each, 1, token).await.unwrap(), 3);
    assert_eq!(links::attach(&mut tx, &of_each, 1, token).await.unwrap(), 0, "they have theirs");
    let read = rows_read(&mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for three links");
}

#[tokio::test]
async fn whether_anything_belongs_to_a_contact_is_told_without_reading_all_that_belongs_to_a_collective_customer() {
    let world = World::new().await;
    let customer = world.customer("4242").await;
    let [earlier, collective, later] = [(); 3].map(|()| RecordId::new());
    records(&world, customer, MANY).await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let statement = format!(r#"UPDATE records SET fields = '{{"contact": {{"v": "{collective}"}}}}'"#);
    try_to(&mut tx, &statement).await.unwrap();
    tx.commit().await.unwrap();
    let (mut tx, whose) = (world.worker.begin(Scope::System).await.unwrap(), (customer.tenant, customer.integration));
    let before = rows_read_of("records", &mut tx).await;
    for (contacts, has_dependents) in [([collective, later].into(), true), ([earlier, later].into(), false)] {
        let found = links::dependents(&mut tx, whose, &contacts, &BTreeSet::new()).await.unwrap();
        assert_eq!(found, Dependents { has_dependents, is_named: false });
    }
    let read = rows_read_of("records", &mut tx).await - before;
    assert!(read < FEW, "{read} rows were read");
}

#[tokio::test]
async fn while_tables_grow_each_use_is_planned_for_what_is_there_by_then() {
    let world = World::new().await;
    let customer = world.customer("4242").await;
    let (one, whose) = (Database::new(&world.server.url().into(), 1, A_WHILE), (customer.tenant, customer.integration));
    // More often than PostgreSQL plans anew before it keeps a plan.
    for _ in 0..10 {
        let mut tx = one.begin_keeping_plans(Scope::System).await.unwrap();
        let leased = links::lease(&mut tx, whose, &[LinkId::new()], LeaseToken::new(), A_WHILE).await.unwrap();
        assert!(leased.is_empty());
        tx.commit().await.unwrap();
    }
    fill(&world, customer).await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let marked = links::mark_dirty(&mut tx, &heard(customer, [7, 77, 777])).await.unwrap();
    tx.commit().await.unwrap();
    let ids: Vec<LinkId> = marked.iter().map(|push| push.link_id).collect();
    let mut tx = one.begin_keeping_plans(Scope::System).await.unwrap();
    let before = rows_read(&mut tx).await;
    assert_eq!(links::lease(&mut tx, whose, &ids, LeaseToken::new(), A_WHILE).await.unwrap().len(), 3);
    let read = rows_read(&mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for three links");
}

#[tokio::test]
async fn plans_are_kept_once_tables_have_grown_and_find_a_few_links_without_reading_all_that_come() {
    let (world, grown) = grown().await;
    // Nobody else may count meanwhile.
    for table in ["records", "record_identities", "record_links"] {
        world.server.execute(&format!("ALTER TABLE {table} SET (autovacuum_enabled = false)")).await;
    }
    let one = Database::new(&world.server.url().into(), 1, A_WHILE);
    assert!(!one.keep_plans_once_grown().await.unwrap(), "a plan for nothing is kept");
    // As it finds them when it looks at tables that have grown.
    let mut tx = one.begin(Scope::System).await.unwrap();
    let tables = "'records', 'record_identities', 'record_links'";
    try_to(&mut tx, &format!("UPDATE pg_class SET reltuples = 10000, relpages = 1000 WHERE relname IN ({tables})"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(one.keep_plans_once_grown().await.unwrap());
    let mut tx = one.begin_keeping_plans(Scope::System).await.unwrap();
    let before = rows_read(&mut tx).await;
    assert_eq!(use_some(&mut tx, grown, [7, 77, 777]).await, 3);
    let read = rows_read(&mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for three links");
    let anew = "SELECT coalesce(sum(custom_plans), 0)::bigint AS number FROM pg_prepared_statements
        WHERE statement NOT LIKE '%reltuples%'";
    assert_eq!(number(&mut tx, anew).await, 0, "something was planned for these values alone");
}

/// Marks links of objects, leases them, notes what is written to them, and looks for them, for what else is due and for what depends on
/// them, which is nothing; how many it found.
async fn use_some<const COUNT: usize>(tx: &mut Transaction, customer: Customer, objects: [u32; COUNT]) -> usize {
    let (heard, whose) = (heard(customer, objects), (customer.tenant, customer.integration));
    let marked = links::mark_dirty(tx, &heard).await.unwrap();
    let ids: Vec<LinkId> = marked.iter().map(|push| push.link_id).collect();
    let token = LeaseToken::new();
    links::lease(tx, whose, &ids, token, A_WHILE).await.unwrap();
    let writes =
        ids.iter().map(|id| (*id, Intention { fields: RemoteFields::new(), known: None, goes_on: false })).collect();
    assert_eq!(links::intend(tx, &writes, token).await.unwrap().len(), COUNT);
    links::commission(tx, &ids.into_iter().map(|id| (id, errand())).collect(), token).await.unwrap();
    assert_eq!(links::due_of(tx, customer.integration, 3).await.unwrap().len(), 3);
    let dependents = links::dependents(tx, whose, &[RecordId::new()].into(), &heard.external_ids).await.unwrap();
    assert_eq!(dependents, Dependents::default());
    links::by_external_id(tx, customer.integration, RecordKind::Contact, &heard.external_ids).await.unwrap().len()
}

fn errand() -> Errand {
    let action = Action { verb: Verb::Create, kind: RecordKind::Contact };
    let (event_id, until) = (ErrandId::new(), Timestamp::now());
    Errand { event_id, action, version: 1, mapping: 1, external_id: None, until, reported: false }
}

/// A customer whose integration has grown since the links were analyzed, when another one's had as many.
pub(crate) async fn grown() -> (World, Customer) {
    let world = World::new().await;
    let (known, grown) = (world.customer("4242").await, world.customer("5151").await);
    fill(&world, known).await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    try_to(&mut tx, "ANALYZE record_links").await.unwrap();
    tx.commit().await.unwrap();
    fill(&world, grown).await;
    (world, grown)
}

/// Gives an integration links that are owed.
async fn fill(world: &World, customer: Customer) {
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    links::mark_dirty(&mut tx, &heard(customer, 1..=MANY)).await.unwrap();
    tx.commit().await.unwrap();
}

/// Gives a tenant so many records, of which nobody has been told.
pub(crate) async fn records(world: &World, customer: Customer, count: u32) -> Vec<RecordId> {
    let made: Vec<RecordId> = (0..count).map(|_| RecordId::new()).collect();
    let ids: Vec<String> = made.iter().map(|id| format!("'{id}'")).collect();
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let statement = format!(
        "INSERT INTO records (id, tenant_id, kind, version) SELECT id, '{}', 'contact', 1 FROM unnest(ARRAY[{}]) AS id",
        customer.tenant,
        ids.join(", ")
    );
    try_to(&mut tx, &statement).await.unwrap();
    tx.commit().await.unwrap();
    made
}

fn heard(customer: Customer, objects: impl IntoIterator<Item = u32>) -> Heard {
    Heard {
        tenant: customer.tenant,
        integration: customer.integration,
        kind: RecordKind::Contact,
        external_ids: objects.into_iter().map(|object| object.to_string()).collect(),
    }
}

/// The links that this transaction has read so far, by an index or without.
pub(crate) async fn rows_read(tx: &mut Transaction) -> i64 {
    rows_read_of("record_links", tx).await
}

/// The same of another table.
pub(crate) async fn rows_read_of(table: &str, tx: &mut Transaction) -> i64 {
    let statement = format!(
        "SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint AS number
         FROM pg_stat_xact_user_tables WHERE relname = '{table}'"
    );
    number(tx, &statement).await
}
