//! What becomes of transactions that are dropped, cut off, or kept waiting.

use std::time::Duration;

use domain::fault::{Fault, FaultKind};
use persistence::{Database, Scope, tenants};
use testkit::cut::Proxy;

use crate::world::{World, number, try_to, words};

const PID: &str = "SELECT pg_backend_pid()::text AS word";

#[tokio::test]
async fn a_dropped_transaction_is_undone_and_its_connection_not_used_again() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let one = Database::new(&world.server.url().into(), 1, Duration::from_secs(30));
    let mut tx = one.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    let dirty = words(&mut tx, PID).await;
    try_to(&mut tx, "UPDATE tenants SET name = 'changed'").await.unwrap();
    drop(tx);

    // Its lock is gone although nobody has asked for that connection again.
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    try_to(&mut tx, "SET LOCAL lock_timeout = '20s'").await.unwrap();
    assert_eq!(try_to(&mut tx, "UPDATE tenants SET region = 'BE'").await.unwrap(), 1);
    tx.commit().await.unwrap();

    let mut tx = one.begin(Scope::System).await.unwrap();
    assert_ne!(words(&mut tx, PID).await, dirty);
    let tenant = tenants::get(&mut tx, customer.tenant).await.unwrap().unwrap();
    assert_eq!((tenant.name.as_str(), tenant.region), ("Cabinet Étoile", domain::identity::Region::BE));
}

#[tokio::test]
async fn no_plan_is_compiled() {
    let world = World::new().await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    assert_eq!(words(&mut tx, "SELECT current_setting('jit') AS word").await, ["off"]);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn only_what_is_simply_done_again_is_committed_before_it_is_on_the_disk() {
    let world = World::new().await;
    let one = Database::new(&world.server.url().into(), 1, Duration::from_secs(30));
    let waits = "SELECT current_setting('synchronous_commit') AS word";
    let mut tx = one.begin(Scope::System).await.unwrap();
    // Whatever the server of the tests does.
    try_to(&mut tx, "SET synchronous_commit = on").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = one.begin_committing_asynchronously(Scope::System).await.unwrap();
    assert_eq!(words(&mut tx, waits).await, ["off"]);
    tx.commit().await.unwrap();
    // Over the same connection.
    for keeps_plans in [true, false] {
        let begun =
            if keeps_plans { one.begin_keeping_plans(Scope::System).await } else { one.begin(Scope::System).await };
        let mut tx = begun.unwrap();
        assert_eq!(words(&mut tx, waits).await, ["on"]);
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_committed_transaction_gives_its_connection_back() {
    let world = World::new().await;
    let one = Database::new(&world.server.url().into(), 1, Duration::from_secs(30));
    let mut tx = one.begin(Scope::System).await.unwrap();
    let first = words(&mut tx, PID).await;
    tx.commit().await.unwrap();
    let mut tx = one.begin(Scope::System).await.unwrap();
    assert_eq!(words(&mut tx, PID).await, first);
}

#[tokio::test]
async fn a_caller_that_was_given_up_on_leaves_no_open_transaction_behind() {
    let world = World::new().await;
    let one = Database::new(&world.server.url().into(), 1, Duration::from_secs(30));
    let abandoned = async {
        let mut tx = one.begin(Scope::System).await.unwrap();
        try_to(&mut tx, "SELECT pg_sleep(30)").await.unwrap();
    };
    assert!(tokio::time::timeout(Duration::from_millis(300), abandoned).await.is_err());
    let mut tx = one.begin(Scope::System).await.unwrap();
    assert_eq!(number(&mut tx, "SELECT 1::bigint AS number").await, 1);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_pool_that_is_used_up_says_so_in_time() {
    let world = World::new().await;
    let one = Database::new(&world.server.url().into(), 1, Duration::from_secs(5));
    let held = one.begin(Scope::System).await.unwrap();
    let error = one.begin(Scope::System).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Unavailable, "{error}");
    held.commit().await.unwrap();
    one.begin(Scope::System).await.unwrap();
}

#[tokio::test]
async fn a_database_that_goes_away_is_unavailable_and_used_again_when_it_is_back() {
    let world = World::new().await;
    let line = Proxy::before(&world.server.url()).await;
    let database = Database::new(&line.url().into(), 2, Duration::from_secs(30));
    assert!(database.is_up().await);
    let mut open = database.begin(Scope::System).await.unwrap();
    line.cut();
    let error = persistence::inbox::count(&mut open).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Unavailable, "{error:?}");
    assert!(!database.is_up().await);
    let error = database.begin(Scope::System).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Unavailable, "{error:?}");
    line.mend();
    testkit::wait::until("the database is used again", Duration::from_secs(30), async || {
        database.is_up().await.then_some(())
    })
    .await;
}
