//! Queues and exchanges: one table, the tiers made from the retry schedule, and how they are declared.
//!
//! Everything of ours is published to the default exchange, whose routing key is the queue's name: there is no binding that
//! could be missing. A message waits for its next attempt in a tier `retry.<wait>`, behind a fanout of the same name that
//! keeps the routing key; when its time is over, the broker gives it back to the default exchange, and so to its queue. The intake waits
//! in tiers of its own, `intake.retry.<wait>`: what it holds is nowhere else.
//!
//! A queue is declared by whoever uses it, once in every connection, before the first use.

use std::sync::LazyLock;
use std::time::Duration;

use domain::message::{
    BackendTell, CallbackApply, EventMerge, Message, RecordAmend, RecordPush, RecordPushBulk, RunPage, WebhookApply,
    WebhookApplyMany,
};
use domain::outcome::{SyncOutcome, WebhookOutcome};
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

/// The topic exchange to which other services bind (`{tenant}.{kind}.changed`).
pub const RECORDS_EXCHANGE: &str = "coccinelle.records";

/// The dead letters of messages that were kept for a queue which does not exist.
pub const STRAYS: &str = "dead.inbox";

/// All queues of the system.
pub static QUEUES: LazyLock<Vec<Queue>> = LazyLock::new(|| {
    [
        Queue::lanes::<BackendTell>(),
        Queue::lanes::<CallbackApply>(),
        Queue::lanes::<EventMerge>(),
        Queue::lanes::<RecordAmend>(),
        Queue::lanes::<RecordPush>(),
        Queue::lanes::<RecordPushBulk>(),
        Queue::lanes::<RunPage>(),
        Queue::lanes::<SyncOutcome>(),
        Queue::lanes::<WebhookApply>(),
        Queue::lanes::<WebhookApplyMany>(),
        Queue::lanes::<WebhookOutcome>(),
    ]
    .concat()
});

/// How often the broker delivers a message whose consumer goes away without an answer, before it is a dead letter.
///
/// A released or redelivered message counts too, so this is far above the number of restarts in a bad hour.
const DELIVERY_LIMIT: i64 = 50;

/// How long a queue that was deleted is not made again, so that the broker can tell all its consumers first.
///
/// One whom it has not told yet would be attached to the new queue and get nothing (seen with RabbitMQ 3.10).
pub(crate) const DELETION: Duration = Duration::from_millis(250);

/// How long a message waits that its queue refused, before it is published again. A queue that somebody else is just making has no
/// leader for some milliseconds, and refuses whoever is new to it (seen with RabbitMQ 3.10).
pub(crate) const ELECTION: Duration = Duration::from_millis(250);

/// A work queue, and beside it the queue `dead.<name>` for what cannot be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Queue(&'static str);

impl Queue {
    /// The queue of this type of message.
    #[must_use]
    pub const fn of<M: Message>() -> Self {
        Self(M::QUEUE)
    }

    /// The queue of this message.
    #[must_use]
    pub fn for_message<M: Message>(message: &M) -> Self {
        Self(message.queue())
    }

    /// All queues of this type of message.
    #[must_use]
    pub fn lanes<M: Message>() -> Vec<Self> {
        M::LANES.iter().copied().map(Self).collect()
    }

    /// The queue of this name, where there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        QUEUES.iter().copied().find(|queue| queue.0 == name)
    }

    /// Whether a queue of this name holds dead letters.
    #[must_use]
    pub fn is_dead(name: &str) -> bool {
        name.starts_with("dead.")
    }

    /// Its name, which is its routing key.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }

    /// The name of its dead letters' queue.
    #[must_use]
    pub fn dead(self) -> String {
        format!("dead.{}", self.0)
    }
}

/// A queue in which messages wait for a fixed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tier {
    /// For how long.
    pub wait: Duration,
    /// Whether they are of the intake, the only copies of what they hold.
    pub is_intake: bool,
}

impl Tier {
    /// Where messages of this type wait for so long.
    #[must_use]
    pub const fn of<M: Message>(wait: Duration) -> Self {
        Self { wait, is_intake: M::IS_INTAKE }
    }

    /// The name of its exchange and of its queue, as in `retry.5s` and `intake.retry.5s`.
    #[must_use]
    pub fn name(self) -> String {
        let whose = if self.is_intake { "intake." } else { "" };
        format!("{whose}retry.{}", humantime::format_duration(self.wait)).replace(' ', "")
    }
}

/// Something that can be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Queue(Queue),
    Tier(Tier),
    Strays,
    /// The exchange of records, to which whoever wants to binds queues of its own.
    Records,
}

impl Place {
    /// Declares it; does nothing where it is there already.
    ///
    /// # Errors
    /// When the broker has something else under the name, or is gone.
    pub(crate) async fn declare(self, channel: &Channel) -> lapin::Result<()> {
        match self {
            Self::Queue(queue) => declare_queue(channel, queue).await,
            Self::Tier(tier) => declare_tier(channel, tier).await,
            Self::Strays => declare_quorum(channel, STRAYS, FieldTable::default()).await,
            Self::Records => declare_records_exchange(channel).await,
        }
    }
}

/// Declares what other services bind to.
pub(crate) async fn declare_records_exchange(channel: &Channel) -> lapin::Result<()> {
    declare_exchange(channel, RECORDS_EXCHANGE, ExchangeKind::Topic).await
}

async fn declare_queue(channel: &Channel, queue: Queue) -> lapin::Result<()> {
    declare_quorum(channel, &queue.dead(), FieldTable::default()).await?;
    let mut arguments = dead_lettering();
    arguments.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString(queue.dead().into()));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERY_LIMIT));
    declare_quorum(channel, queue.name(), arguments).await
}

async fn declare_tier(channel: &Channel, tier: Tier) -> lapin::Result<()> {
    let name = tier.name();
    declare_exchange(channel, &name, ExchangeKind::Fanout).await?;
    let mut arguments = dead_lettering();
    let millis = i64::try_from(tier.wait.as_millis()).unwrap_or(i64::MAX);
    arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(millis));
    declare_quorum(channel, &name, arguments).await?;
    let bind = QueueBindOptions::default();
    channel.queue_bind(name.as_str().into(), name.as_str().into(), "".into(), bind, FieldTable::default()).await
}

/// To the default exchange; a message leaves its queue only when the next one has confirmed it. The broker offers that only
/// to queues that reject what is too much.
fn dead_lettering() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString("".into()));
    arguments.insert("x-dead-letter-strategy".into(), AMQPValue::LongString("at-least-once".into()));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    arguments
}

async fn declare_quorum(channel: &Channel, name: &str, mut arguments: FieldTable) -> lapin::Result<()> {
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), durable, arguments).await.map(drop)
}

async fn declare_exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> lapin::Result<()> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(name.into(), kind, durable, FieldTable::default()).await
}

#[cfg(test)]
mod tests {
    use domain::retry::RetrySchedule;

    use super::*;

    #[test]
    fn tiers_are_named_after_their_waits() {
        let schedule = RetrySchedule::default();
        let names: Vec<_> = schedule.tiers().iter().map(|wait| Tier::of::<RecordPush>(*wait).name()).collect();
        assert_eq!(names, ["retry.5s", "retry.30s", "retry.2m", "retry.10m", "retry.1h", "retry.6h"]);
        assert_eq!(Tier::of::<RecordPush>(Duration::from_millis(90_500)).name(), "retry.1m30s500ms");
        assert_eq!(Tier::of::<EventMerge>(Duration::from_secs(5)).name(), "intake.retry.5s");
    }

    #[test]
    fn a_queue_is_found_by_its_name() {
        for queue in QUEUES.iter() {
            assert_eq!(Queue::named(queue.name()), Some(*queue));
        }
        assert_eq!(Queue::named("dead.dispatcher.record.push"), None);
    }
}
