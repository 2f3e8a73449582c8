//! What is read of records, and of what names them, where a few are asked for of a tenant that has grown since the tables were analyzed.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::RecordId;
use domain::identity::Identity;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use persistence::event_acceptances::{self, EventKey};
use persistence::records::conflicts::{self, Conflict};
use persistence::records::identities::{self, IdentityKey};
use persistence::records::{links, store};
use persistence::{Scope, people};

use crate::growing::{FEW, MANY, records, rows_read, rows_read_of};
use crate::world::{Customer, World, number, try_to};

/// A tenant that has records, identifiers and suppressions since these were analyzed, when another one had as many; three of its records.
async fn grown() -> (World, Customer, BTreeSet<RecordId>) {
    let world = World::new().await;
    let (known, grown) = (world.customer("4242").await, world.customer("5151").await);
    fill(&world, known).await;
    world.server.execute("ANALYZE records, record_identities, suppressions").await;
    let few = fill(&world, grown).await;
    (world, grown, few)
}

/// Gives a tenant records, and to each an identifier and a suppression; three of them.
async fn fill(world: &World, customer: Customer) -> BTreeSet<RecordId> {
    let few = records(world, customer, MANY).await.into_iter().take(3).collect();
    let of_tenant = format!("FROM records WHERE tenant_id = '{}'", customer.tenant);
    for statement in [
        "INSERT INTO record_identities (tenant_id, kind, scheme, value, record_id)
         SELECT tenant_id, kind, 'coccinelle', id, id",
        "INSERT INTO suppressions (id, tenant_id, record_id, scheme, hash) SELECT id, tenant_id, id, 'coccinelle', id",
    ] {
        world.server.execute(&format!("{statement} {of_tenant}")).await;
    }
    few
}

#[tokio::test]
async fn a_few_records_are_looked_for_by_their_ids_and_not_among_all_that_their_tenant_has() {
    let (world, grown, few) = grown().await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    // What an index is asked for in vain does not count as read.
    let walks = "SELECT pg_stat_get_xact_numscans('records_by_id'::regclass) AS number";
    let before = (number(&mut tx, walks).await, rows_read_of("records", &mut tx).await);
    assert_eq!(store::lock(&mut tx, grown.tenant, &few).await.unwrap().len(), 3);
    store::hold(&mut tx, grown.tenant, &few).await.unwrap();
    assert_eq!(store::get_many(&mut tx, grown.tenant, &few).await.unwrap().len(), 3);
    assert!(people::waiting(&mut tx, grown.tenant, &few).await.unwrap().is_empty());
    assert_eq!(number(&mut tx, walks).await, before.0, "a tenant's records were walked over");
    let read = rows_read_of("records", &mut tx).await - before.1;
    assert!(read < FEW, "{read} rows were read for three records");
}

#[tokio::test]
async fn another_tenants_records_are_none_of_these() {
    let (world, _, few) = grown().await;
    let other = world.customer("6363").await.tenant;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert!(store::lock(&mut tx, other, &few).await.unwrap().is_empty());
    assert!(store::get_many(&mut tx, other, &few).await.unwrap().is_empty());
    assert!(identities::subjects_of(&mut tx, other, &few).await.unwrap().is_empty());
    assert!(identities::of_records(&mut tx, other, &few).await.unwrap().is_empty());
    assert!(people::are_erased(&mut tx, other, &few).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_few_identifiers_are_found_without_reading_all_that_their_tenant_has() {
    let (world, grown, few) = grown().await;
    let key =
        |id: &RecordId| IdentityKey { kind: RecordKind::Contact, identity: Identity::coccinelle(&id.to_string()) };
    let (keys, held): (BTreeSet<_>, Vec<_>) = few.iter().map(|id| (key(id), (key(id), *id))).unzip();
    let named: BTreeMap<_, _> = held.iter().cloned().collect();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let before = rows_read_of("record_identities", &mut tx).await;
    assert_eq!(identities::find(&mut tx, grown.tenant, &keys).await.unwrap(), named);
    assert_eq!(identities::subjects_of(&mut tx, grown.tenant, &few).await.unwrap().len(), 3);
    assert_eq!(identities::of_records(&mut tx, grown.tenant, &few).await.unwrap(), keys);
    identities::release(&mut tx, grown.tenant, &held).await.unwrap();
    assert!(identities::find(&mut tx, grown.tenant, &keys).await.unwrap().is_empty());
    let read = rows_read_of("record_identities", &mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for three identifiers");
}

#[tokio::test]
async fn a_few_identifiers_are_found_by_a_plan_from_an_empty_table_without_reading_all_that_came_since() {
    let world = World::new().await;
    let customer = world.customer("4242").await;
    let key =
        |id: &RecordId| IdentityKey { kind: RecordKind::Contact, identity: Identity::coccinelle(&id.to_string()) };
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    try_to(&mut tx, "SET LOCAL plan_cache_mode = 'force_generic_plan'").await.unwrap();
    let nobody = [key(&RecordId::new())].into();
    assert!(identities::find(&mut tx, customer.tenant, &nobody).await.unwrap().is_empty());
    let few: BTreeSet<_> = fill(&world, customer).await.iter().map(key).collect();
    let before = rows_read_of("record_identities", &mut tx).await;
    assert_eq!(identities::find(&mut tx, customer.tenant, &few).await.unwrap().len(), 3);
    let read = rows_read_of("record_identities", &mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for three identifiers");
}

#[tokio::test]
async fn whether_a_few_records_were_erased_is_told_without_reading_all_that_were() {
    let (world, grown, few) = grown().await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let before = rows_read_of("suppressions", &mut tx).await;
    assert_eq!(people::are_erased(&mut tx, grown.tenant, &few).await.unwrap(), few);
    let read = rows_read_of("suppressions", &mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for three records");
}

#[tokio::test]
async fn a_walk_over_a_tenants_records_reads_those_of_each_step_alone() {
    let (world, grown, _) = grown().await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let before = rows_read_of("records", &mut tx).await;
    let first = links::records_after(&mut tx, grown.tenant, None, 10).await.unwrap();
    let last = first.keys().next_back().copied();
    let second = links::records_after(&mut tx, grown.tenant, last, 10).await.unwrap();
    assert_eq!((first.len(), second.len()), (10, 10));
    assert!(second.keys().next().copied() > last);
    let read = rows_read_of("records", &mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for twenty records");
}

#[tokio::test]
async fn what_belongs_to_a_few_contacts_is_found_without_reading_all_links_of_an_integration() {
    let (world, grown) = crate::growing::grown().await;
    let few: BTreeSet<RecordId> = records(&world, grown, MANY).await.into_iter().take(3).collect();
    let own = "UPDATE records SET fields = jsonb_build_object('contact', jsonb_build_object('v', id))";
    for statement in [own, "ANALYZE records"] {
        world.server.execute(statement).await;
    }
    let (integration, objects) = (grown.integration, ["7", "77", "777"].map(str::to_owned).into());
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let before = rows_read(&mut tx).await;
    // The links are of no record, and name none.
    assert!(links::owed_dependents(&mut tx, integration, &few).await.unwrap().is_empty());
    assert!(links::mark_dependents_dirty(&mut tx, integration, &few).await.unwrap().is_empty());
    assert!(links::mark_namers_dirty(&mut tx, integration, &objects).await.unwrap().is_empty());
    let read = rows_read(&mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for three contacts");
}

#[tokio::test]
async fn when_a_few_events_were_accepted_is_told_without_reading_all_of_a_tenant() {
    let world = World::new().await;
    let (known, grown) = (world.customer("4242").await.tenant, world.customer("5151").await.tenant);
    let event = |n: u32| EventKey { subject_id: n.to_string(), event_id: n.to_string() };
    let accepted: BTreeMap<_, _> = (0..MANY).map(|n| (event(n), Timestamp::now())).collect();
    for tenant in [known, grown] {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        event_acceptances::keep(&mut tx, tenant, &accepted).await.unwrap();
        tx.commit().await.unwrap();
        if tenant == known {
            world.server.execute("ANALYZE event_acceptances").await;
        }
    }
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let before = rows_read_of("event_acceptances", &mut tx).await;
    assert_eq!(event_acceptances::find(&mut tx, grown, &[7, 77, 777].map(event)).await.unwrap().len(), 3);
    let read = rows_read_of("event_acceptances", &mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for three events");
}

#[tokio::test]
async fn a_conflict_is_kept_without_reading_all_identifiers_that_are_claimed_twice() {
    let (world, grown, few) = grown().await;
    let flood = |reason: &str, whose: &str| {
        format!(
            "INSERT INTO record_conflicts (id, tenant_id, record_id, reason, field, lost, other_id)
             SELECT '{reason}' || id, tenant_id, id, '{reason}', 'email', '\"\"', id
             FROM records WHERE tenant_id {whose} '{}'",
            grown.tenant
        )
    };
    world.server.execute(&flood("replaced", "<>")).await;
    world.server.execute("ANALYZE record_conflicts").await;
    world.server.execute(&flood("identity", "=")).await;
    let (record, holder) = (*few.first().unwrap(), *few.last().unwrap());
    let conflict = Conflict::Identity { record, identity: Identity::coccinelle("7"), holder };
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let before = rows_read_of("record_conflicts", &mut tx).await;
    conflicts::keep(&mut tx, grown.tenant, &[conflict]).await.unwrap();
    let read = rows_read_of("record_conflicts", &mut tx).await - before;
    assert!(read < FEW, "{read} rows were read for one conflict");
    let kept = format!("SELECT count(*) AS number FROM record_conflicts WHERE record_id = '{record}'");
    assert_eq!(number(&mut tx, &kept).await, 2);
}
