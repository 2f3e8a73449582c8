//! Outcomes from the commit with their links until the broker has confirmed them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use domain::id::{LeaseToken, LinkId, SyncLogId};
use domain::outcome::SyncOutcome;
use persistence::Scope;
use persistence::records::links::{self, Settlement};

use crate::growing::{FEW, MANY, rows_read, rows_read_of};
use crate::leases::{Owed, refused};
use crate::world::{World, number};

const A_WHILE: Duration = Duration::from_secs(60);

/// An outcome of the link's.
fn outcome_of(owed: &Owed, millis: i64) -> SyncOutcome {
    SyncOutcome { link_id: owed.link, ..owed.customer.success(millis) }
}

/// Takes the link and gives it back with these outcomes, under the token that it was taken with or under another.
async fn settle(world: &World, owed: &Owed, outcomes: &[SyncOutcome], is_held: bool) {
    let (leased, token) = owed.lease(world).await;
    let settlement = Settlement { outcomes: Cow::Borrowed(outcomes), ..refused(leased) };
    let token = if is_held { token } else { LeaseToken::new() };
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let settled = links::settle(&mut tx, token, &[settlement]).await.unwrap();
    assert_eq!(settled.len(), usize::from(is_held));
    tx.commit().await.unwrap();
}

/// The outcomes that were not confirmed, the oldest first.
async fn waiting(world: &World, limit: i64) -> Vec<(LinkId, SyncLogId)> {
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let found = links::leftovers(&mut tx, Duration::ZERO, limit).await.unwrap();
    found.into_iter().map(|(link, outcome)| (link, outcome.id)).collect()
}

#[tokio::test]
async fn outcomes_are_committed_with_their_link_and_forgotten_without_touching_it() {
    let world = World::new().await;
    let owed = Owed::new(&world).await;
    let outcomes = [1, 2].map(|millis| outcome_of(&owed, millis));
    settle(&world, &owed, &outcomes, true).await;
    let confirmed: Vec<_> = outcomes.iter().map(|outcome| (owed.link, outcome.id)).collect();
    let all: BTreeSet<_> = waiting(&world, 10).await.into_iter().collect();
    assert_eq!(all, confirmed.iter().copied().collect::<BTreeSet<_>>());

    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    links::forget_published(&mut tx, &confirmed).await.unwrap();
    let updated = "SELECT n_tup_upd AS number FROM pg_stat_xact_user_tables WHERE relname = 'record_links'";
    assert_eq!((number(&mut tx, updated).await, rows_read(&mut tx).await), (0, 0));
    tx.commit().await.unwrap();
    assert!(waiting(&world, 10).await.is_empty());
}

#[tokio::test]
async fn whoever_lost_a_link_leaves_no_outcome_of_it() {
    let world = World::new().await;
    let owed = Owed::new(&world).await;
    settle(&world, &owed, &[outcome_of(&owed, 1)], false).await;
    assert!(waiting(&world, 10).await.is_empty());
}

#[tokio::test]
async fn an_outcome_waits_also_where_its_link_has_given_way() {
    let world = World::new().await;
    let owed = Owed::new(&world).await;
    let outcome = outcome_of(&owed, 1);
    let confirmed = [(owed.link, outcome.id)];
    settle(&world, &owed, &[outcome], true).await;
    world.server.execute("DELETE FROM record_links").await;
    assert_eq!(waiting(&world, 10).await, confirmed);
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    links::forget_published(&mut tx, &confirmed).await.unwrap();
    tx.commit().await.unwrap();
    assert!(waiting(&world, 10).await.is_empty());
}

#[tokio::test]
async fn what_a_version_before_left_beside_its_link_is_found_and_forgotten_with_the_rest() {
    let world = World::new().await;
    let owed = Owed::new(&world).await;
    let (before, now) = (outcome_of(&owed, 1), outcome_of(&owed, 2));
    let confirmed = [(owed.link, before.id), (owed.link, now.id)];
    let left = serde_json::to_string(&[before]).unwrap();
    world.server.execute(&format!("UPDATE record_links SET unpublished = '{left}' WHERE id = '{}'", owed.link)).await;
    settle(&world, &owed, &[now], true).await;
    assert_eq!(waiting(&world, 10).await, confirmed);
    assert_eq!(waiting(&world, 1).await, confirmed[..1]);

    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    links::forget_published(&mut tx, &confirmed).await.unwrap();
    tx.commit().await.unwrap();
    assert!(waiting(&world, 10).await.is_empty());
    assert_eq!(world.server.count("SELECT count(*) FROM record_links WHERE unpublished <> '[]'").await, 0);
}

#[tokio::test]
async fn the_oldest_outcomes_that_were_not_confirmed_are_found_without_reading_the_others() {
    let world = World::new().await;
    let customer = world.customer("4242").await;
    let (oldest, other) = (LinkId::new(), LinkId::new());
    let outcome = serde_json::to_string(&customer.success(1)).unwrap();
    let statement = format!(
        "INSERT INTO unpublished_outcomes (id, link_id, tenant_id, outcome, created_at)
         SELECT 'log_' || lpad(n::text, 26, '0'), CASE WHEN n > 2 THEN '{other}' ELSE '{oldest}' END, '{}',
                '{outcome}'::jsonb, now() - ({MANY} - n) * interval '1 hour'
         FROM generate_series(1, {MANY}) AS n ORDER BY n DESC",
        customer.tenant
    );
    world.server.execute(&statement).await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let found = links::leftovers(&mut tx, A_WHILE, 2).await.unwrap();
    let read = rows_read_of("unpublished_outcomes", &mut tx).await;
    assert!(read < FEW, "{read} rows were read for two outcomes");
    assert_eq!(found.into_iter().map(|(link, _)| link).collect::<Vec<_>>(), [oldest, oldest]);
}
