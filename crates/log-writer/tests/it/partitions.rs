//! The days ahead have their partitions before anybody needs them.

use persistence::{Scope, log_partitions};
use testkit::wait;

use crate::world::{LIMIT, World};

#[tokio::test]
async fn makes_the_partitions_of_the_days_ahead() {
    let world = World::new().await;
    assert_eq!(missing(&world, 7).await, 16, "two logs, today and seven days");
    let running = world.start();
    wait::until("the partitions", LIMIT, || async {
        let missing = missing(&world, 7).await;
        if missing == 0 { Ok(()) } else { Err(missing) }
    })
    .await;
    assert_eq!(missing(&world, 8).await, 2, "and not a day more");
    running.stop().await;
}

/// How many would have to be made; looked at in a transaction that is rolled back.
async fn missing(world: &World, days_ahead: u16) -> i32 {
    let mut transaction = world.rows.begin(Scope::System).await.unwrap();
    log_partitions::ensure(&mut transaction, days_ahead).await.unwrap()
}
