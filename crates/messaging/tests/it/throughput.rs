//! That confirms are outstanding side by side.

use std::time::Instant;

use messaging::Context;

use crate::world::{World, push, world};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_side_by_side_is_much_faster_than_one_by_one() {
    let World { vhost: _vhost, broker } = world().await;
    broker.publish(&push(), &Context::new()).await.unwrap();
    let messages: Vec<_> = (0..2_000).map(|_| (push(), Context::new())).collect();

    let start = Instant::now();
    for (message, context) in &messages[..100] {
        broker.publish(message, context).await.unwrap();
    }
    let one_by_one = start.elapsed() / 100;
    let start = Instant::now();
    assert!(broker.publish_all(&messages).await.iter().all(Result::is_ok));
    let side_by_side = start.elapsed() / 2_000;
    println!("one by one {one_by_one:?}, side by side {side_by_side:?} a message");
    assert!(side_by_side * 2 < one_by_one, "{side_by_side:?} against {one_by_one:?}");
}
