//! That confirms are outstanding side by side.

use domain::message::{Message as _, RecordPush};
use messaging::Context;
use testkit::cut::Proxy;

use crate::world::{CONFIRM_TIMEOUT, connect, connected, counts, push};

#[tokio::test]
async fn of_what_is_published_together_much_is_with_the_broker_before_any_is_confirmed() {
    let vhost = testkit::vhost().await;
    let line = Proxy::before(&vhost.url()).await;
    let broker = connect(&line.url(), CONFIRM_TIMEOUT);
    connected(&broker).await;
    broker.publish(&push(), &Context::new()).await.unwrap();
    let messages: Vec<_> = (0..100).map(|_| (push(), Context::new())).collect();

    line.mute();
    let (published, ()) = tokio::join!(broker.publish_all(&messages), async {
        // As many as one caller may have under way, beside the first.
        counts(&vhost, RecordPush::QUEUE, 33).await;
        line.mend();
    });
    assert!(published.iter().all(Result::is_ok), "{published:?}");
    counts(&vhost, RecordPush::QUEUE, 101).await;
}
