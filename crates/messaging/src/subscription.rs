//! One consumer of one queue, on a channel of its own. What comes of it is `deliveries`'s.

use std::sync::Arc;
use std::time::Duration;

use lapin::Consumer;
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use tokio::time::Instant;

use crate::channel::OpenChannel;
use crate::session::Session;
use crate::topology::{Place, Queue};

/// How long a consumer is silent before it is replaced by a new one.
///
/// When a quorum queue is deleted and made again at once, RabbitMQ (seen with 3.10) attaches its consumers to the new one by
/// itself and then delivers nothing. From outside that looks like an empty queue, so silence is not trusted for long.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);

/// A consumer on a channel of its own.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) consumer: Consumer,
    pub(crate) channel: Arc<OpenChannel>,
    pub(crate) trusted_until: Instant,
}

/// Begins to consume.
pub(crate) async fn subscribe(session: &Session, queue: Queue, prefetch: u16) -> lapin::Result<Subscription> {
    session.ensure_again(Place::Queue(queue), std::time::Instant::now()).await?;
    let channel = session.channel().await?;
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let consumer = channel.basic_consume(queue.name().into(), "".into(), options, FieldTable::default()).await?;
    Ok(Subscription { consumer, channel: Arc::new(channel), trusted_until: Instant::now() + SILENCE })
}
