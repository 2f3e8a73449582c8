//! Whoever takes several links takes them in the order of their ids: nobody holds one that somebody waits for who is waited for.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use domain::id::{LinkId, RecordId};
use domain::kind::RecordKind;
use domain::record::{Fields, Record};
use persistence::records::links::{self, Selection, Wanted};
use persistence::records::store;
use persistence::{Scope, Transaction, sync_logs};
use testkit::wait;

use crate::world::{Customer, World, try_to};

const A_WHILE: Duration = Duration::from_secs(60);

/// The links of two deals of one contact, of which the first is the last by everything but its id.
struct Pair {
    customer: Customer,
    contact: RecordId,
    first: LinkId,
    last: LinkId,
}

impl Pair {
    /// Both are as `state` says.
    async fn new(world: &World, state: &str) -> Self {
        let customer = world.customer("4242").await;
        let record = |kind| Record {
            id: RecordId::new(),
            tenant_id: customer.tenant,
            kind,
            fields: Fields::default(),
            version: 1,
        };
        let (contact, mut deals) = (record(RecordKind::Contact), [RecordKind::Deal; 2].map(record));
        deals.sort_by_key(|deal| Reverse(deal.id));
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        for record in [&contact].into_iter().chain(&deals) {
            another_millisecond().await;
            store::save(&mut tx, &[record]).await.unwrap();
            let (integration, kind) = (customer.integration, record.kind);
            let wanted = Wanted { integration, record: record.id, kind, version: 1, mapping: 1 };
            links::raise(&mut tx, customer.tenant, &[wanted]).await.unwrap();
        }
        let deals = deals.map(|deal| deal.id);
        let owed = links::owed_by_record(&mut tx, customer.tenant, &deals).await.unwrap();
        tx.commit().await.unwrap();
        let [(greater, first), (_, last)] = owed.as_slice() else { panic!("{owed:?}") };
        assert_eq!(*greater, deals[0], "its link was made first");
        let pair = Self { customer, contact: contact.id, first: first.link_id, last: last.link_id };
        for statement in [
            format!(
                "UPDATE records SET fields = '{{\"contact\": {{\"v\": \"{}\"}}}}' WHERE kind = 'deal'",
                pair.contact
            ),
            "UPDATE record_links SET external_id = '501' WHERE kind = 'contact'".to_owned(),
            format!("UPDATE record_links SET {state} WHERE kind = 'deal'"),
            format!("UPDATE record_links SET announced_at = now(), failed_at = now() WHERE id = '{}'", pair.first),
        ] {
            world.server.execute(&statement).await;
        }
        pair
    }

    async fn is_taken_in_order(&self, world: &World, take: impl AsyncFnOnce(&mut Transaction)) {
        let lock = |link: LinkId| format!("SELECT id FROM record_links WHERE id = '{link}' FOR UPDATE SKIP LOCKED");
        are_taken_in_order(world, [self.first, self.last].map(lock), take).await;
    }
}

/// Waits until an id that is made now is greater than all that there are: those of one millisecond are in no order.
async fn another_millisecond() {
    let before = LinkId::new().made_at();
    wait::until("another millisecond", A_WHILE, || async { (LinkId::new().made_at() > before).then_some(()) }).await;
}

/// Sees that whoever takes two rows waits for the first without holding the last; each is named by what locks it.
async fn are_taken_in_order(world: &World, [first, last]: [String; 2], take: impl AsyncFnOnce(&mut Transaction)) {
    let mut other = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(try_to(&mut other, &first).await.unwrap(), 1);
    let waiting = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()";
    let taking = async {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        take(&mut tx).await;
        tx.commit().await.unwrap();
    };
    tokio::join!(taking, async {
        wait::until("the first to be waited for", A_WHILE, || async {
            (world.server.count(waiting).await == 1).then_some(())
        })
        .await;
        assert_eq!(try_to(&mut other, &last).await.unwrap(), 1, "it is taken before the first");
        other.commit().await.unwrap();
    });
}

#[tokio::test]
async fn what_waited_for_a_contact_is_freed_in_the_order_of_the_links() {
    let world = World::new().await;
    let pair = Pair::new(&world, "waits_for = 'contact'").await;
    let (integration, contacts) = (pair.customer.integration, BTreeSet::from([pair.contact]));
    let free = async |tx: &mut Transaction| {
        assert_eq!(links::owed_dependents(tx, integration, &contacts).await.unwrap().len(), 2);
    };
    pair.is_taken_in_order(&world, free).await;
}

#[tokio::test]
async fn failures_are_replayed_in_the_order_of_the_links() {
    let world = World::new().await;
    let pair = Pair::new(&world, "blocked_at = now(), failed_at = now()").await;
    let whose = (pair.customer.tenant, pair.customer.integration);
    let replay = async |tx: &mut Transaction| {
        assert_eq!(links::replay(tx, whose, &Selection::default()).await.unwrap().len(), 2);
    };
    pair.is_taken_in_order(&world, replay).await;
}

#[tokio::test]
async fn health_is_counted_in_the_order_of_the_integrations_whichever_a_batch_begins_with() {
    let world = World::new().await;
    let mut customers = [world.customer("1").await, world.customer("2").await];
    customers.sort_by_key(|customer| customer.integration.to_string());
    let [first, last] = customers;
    // Written once more, it lies behind the other.
    let again =
        format!("UPDATE integration_health SET updated_at = now() WHERE integration_id = '{}'", first.integration);
    world.server.execute(&again).await;
    let lock = |customer: Customer| {
        let integration = customer.integration;
        format!("SELECT FROM integration_health WHERE integration_id = '{integration}' FOR UPDATE SKIP LOCKED")
    };
    let count = async |tx: &mut Transaction| {
        let written = sync_logs::insert_batch(tx, &[last.success(1), first.success(1)]).await.unwrap();
        assert_eq!(written.len(), 2);
    };
    are_taken_in_order(&world, customers.map(lock), count).await;
}
