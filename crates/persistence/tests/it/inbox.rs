//! The inbox: kept once, taken by one at a time.

use domain::id::MessageId;
use domain::message::StoredMessage;
use domain::trace::TraceParent;
use persistence::{Scope, inbox};
use serde_json::json;

use crate::world::World;

pub(crate) fn message(number: u32) -> StoredMessage {
    StoredMessage {
        id: MessageId::new(),
        message_type: "event.merge.v1".to_owned(),
        queue: "dispatcher.event.merge".to_owned(),
        trace: TraceParent::generate(),
        // A text that `jsonb` would refuse: what was accepted must be kept as it is.
        payload: json!({ "number": number, "note": "a\u{0}b" }),
    }
}

#[tokio::test]
async fn two_workers_never_take_the_same_message() {
    let world = World::new().await;
    let messages: Vec<_> = (0..5).map(message).collect();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    inbox::store(&mut tx, &messages).await.unwrap();
    tx.commit().await.unwrap();

    let (mut one, mut other) = tokio::join!(async { world.worker.begin(Scope::System).await.unwrap() }, async {
        world.worker.begin(Scope::System).await.unwrap()
    });
    let mine = inbox::take(&mut one, 3).await.unwrap();
    let theirs = inbox::take(&mut other, 3).await.unwrap();
    assert_eq!([mine.as_slice(), &theirs].concat(), messages, "all of them, the oldest first, none twice");

    inbox::remove(&mut one, &mine.iter().map(|message| message.id).collect::<Vec<_>>()).await.unwrap();
    one.commit().await.unwrap();
    // The other one was not confirmed: its messages are there for the next.
    drop(other);
    let mut next = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(inbox::count(&mut next).await.unwrap(), 2);
    testkit::wait::until("the dropped worker's lock is gone", std::time::Duration::from_secs(20), async || {
        let mut next = world.worker.begin(Scope::System).await.unwrap();
        let taken = inbox::take(&mut next, 3).await.unwrap();
        next.commit().await.unwrap();
        (taken == theirs).then_some(())
    })
    .await;
}
