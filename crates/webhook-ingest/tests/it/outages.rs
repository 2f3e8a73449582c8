//! What is promised while a part is away, by really leaving it out.

use serde_json::json;

use crate::world::{Away, PATH, change, problem, start_with};

#[tokio::test(flavor = "multi_thread")]
async fn rule_12_without_the_broker_a_delivery_goes_to_the_inbox() {
    let world = start_with(Away { broker: true, database: false }, &[]).await;
    assert_eq!(world.deliver(change(1)).await.status().as_u16(), 202);
    let stored = world.stored().await;
    assert_eq!(stored.len(), 1);
    assert_eq!(
        (stored[0].message_type.as_str(), stored[0].queue.as_str()),
        ("webhook.apply.v1", "dispatcher.webhook.apply")
    );
    assert_eq!(stored[0].payload["body"].as_str().unwrap().as_bytes(), change(1));
    world.is_missing(&["broker"]).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_falls_silent_or_goes_away_costs_no_delivery() {
    let world = start_with(Away::default(), &[]).await;
    assert_eq!(world.deliver(change(1)).await.status().as_u16(), 202);
    world.line.stall();
    assert_eq!(world.deliver(change(2)).await.status().as_u16(), 202);
    world.line.cut();
    assert_eq!(world.deliver(change(3)).await.status().as_u16(), 202);
    let stored: Vec<_> = world.stored().await.iter().map(|stored| stored.payload["body"].clone()).collect();
    assert_eq!(stored, [change(2), change(3)].map(|body| String::from_utf8(body).unwrap()));

    world.line.mend();
    world.connected().await;
    assert_eq!(world.deliver(change(4)).await.status().as_u16(), 202);
    let published = world.published().await;
    assert!(published.iter().any(|message| message.payload.contains(r#"\"eventId\":4"#)), "{published:?}");
    assert_eq!(world.stored().await.len(), 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_a_delivery_goes_to_its_queue() {
    let world = start_with(Away { broker: false, database: true }, &[]).await;
    assert_eq!(world.deliver(change(1)).await.status().as_u16(), 202);
    assert_eq!(world.published().await.len(), 1);
    world.is_missing(&["database"]).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_both_the_sender_is_asked_to_come_again_and_is_then_taken_seriously() {
    let world = start_with(Away { broker: true, database: true }, &[]).await;
    // Twice: what was not kept must not be remembered as accepted.
    for _ in 0..2 {
        assert_eq!(problem(world.deliver(change(1)).await).await, (503, "unavailable".to_owned(), true));
    }
    let (status, report) = world.readiness().await;
    assert_eq!((status, &report["missing"]), (503, &json!(["broker", "database"])));
    assert_eq!(world.post(PATH, change(1)).send().await.unwrap().status().as_u16(), 401);
    world.stop().await;
}
