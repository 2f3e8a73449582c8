//! The database goes away, and comes back or does not: nothing is lost, nothing is counted as an attempt.

use domain::message::Message;
use domain::outcome::SyncOutcome;
use testkit::cut::Proxy;

use crate::world::{Running, World};

const QUEUE: &str = SyncOutcome::QUEUE;

#[tokio::test]
async fn nothing_is_lost_while_the_database_is_away() {
    let world = World::new().await;
    let line = Proxy::before(&world.database.worker_url()).await;
    let running = Running::start(world.settings(&line.url()));
    world.publish(&world.success()).await;
    world.rows_written(1).await;

    line.cut();
    for _ in 0..20 {
        world.publish(&world.success()).await;
    }
    // It has taken them all, and has nowhere to put them.
    world.ready(QUEUE, 0).await;
    assert_eq!(world.sync_logs().await.len(), 1);
    line.mend();

    assert_eq!(world.rows_written(21).await.len(), 21);
    running.stop().await;
    for queue in ["dead.log.sync.write", QUEUE] {
        world.ready(queue, 0).await;
    }
    let retried = world.vhost.queues().await.into_iter().filter(|queue| queue.starts_with("retry.")).count();
    assert_eq!(retried, 0, "a tier was used, so an attempt was counted");
}

#[tokio::test]
async fn it_gives_back_what_it_holds_when_it_stops() {
    let world = World::new().await;
    let line = Proxy::before(&world.database.worker_url()).await;
    let running = Running::start(world.settings(&line.url()));
    world.publish(&world.success()).await;
    world.rows_written(1).await;

    line.cut();
    for _ in 0..3 {
        world.publish(&world.success()).await;
    }
    world.ready(QUEUE, 0).await;
    running.stop().await;
    world.ready(QUEUE, 3).await;

    let successor = world.start();
    world.rows_written(4).await;
    successor.stop().await;
}

#[tokio::test]
async fn while_the_database_is_away_the_broker_holds_the_backlog_and_we_hold_two_batches() {
    let world = World::new().await;
    let line = Proxy::before(&world.database.worker_url()).await;
    let mut settings = world.settings(&line.url());
    settings.log_writer.batch_rows = 10;
    let running = Running::start(settings);
    world.publish(&world.success()).await;
    world.rows_written(1).await;

    line.cut();
    for _ in 0..100 {
        world.publish(&world.success()).await;
    }
    // One batch that waits for the database, and one that would be the next; more does not come in, however much there is.
    world.ready(QUEUE, 80).await;
    line.mend();

    assert_eq!(world.rows_written(101).await.len(), 101);
    running.stop().await;
    world.ready(QUEUE, 0).await;
}
