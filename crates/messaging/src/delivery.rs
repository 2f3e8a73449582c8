//! One delivered message, and the ways to answer for it. Each way uses it up.

use std::sync::Arc;
use std::time::Duration;

use domain::message::Message;
use domain::step::Step;
use lapin::Acker;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use metrics::counter;
use tokio::time::timeout;

use crate::broker::Broker;
use crate::channel::OpenChannel;
use crate::context::{self, Context};
use crate::envelope::Envelope;
use crate::metric;
use crate::topology::Queue;

/// How long an answer may take to be on its way: nobody waits for ever for one that was given while the connection broke.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A delivered message. One that is dropped without an answer is released.
#[derive(Debug)]
pub struct Delivery<M> {
    /// The payload.
    pub message: M,
    /// What came beside it.
    pub context: Context,
    pending: Pending,
}

impl<M: Message> Delivery<M> {
    pub(crate) fn new(message: M, context: Context, pending: Pending) -> Self {
        Self { message, context, pending }
    }

    /// Its effect is durable: the broker may forget it.
    pub async fn ack(self) {
        self.pending.ack("acked").await;
    }

    /// It is to be tried again after `wait`; as the same attempt where this one does not count.
    ///
    /// It is answered for only when the broker has confirmed the next attempt, so a crash in between repeats it.
    pub async fn retry(self, wait: Duration, counts: bool) {
        let context = self.context.due_after(wait, counts);
        self.pending.wait::<M>(context, wait, "retried").await;
    }

    /// It can never be handled: it goes to the dead letters with the reason, which a person will read.
    pub async fn dead(self, reason: &str) {
        self.pending.dead(reason).await;
    }

    /// It goes back to its queue untouched, for another consumer.
    pub async fn release(self) {
        self.pending.release().await;
    }
}

/// A message that somebody must answer for.
#[derive(Debug)]
pub(crate) struct Pending {
    broker: Broker,
    queue: Queue,
    delivery: lapin::message::Delivery,
    // The broker takes back what was delivered on a channel when the last one lets go of it.
    channel: Arc<OpenChannel>,
    /// Whether the rest of its wait was waited here.
    has_waited: bool,
}

impl Pending {
    pub(crate) fn new(
        broker: Broker,
        queue: Queue,
        delivery: lapin::message::Delivery,
        channel: Arc<OpenChannel>,
    ) -> Self {
        Self { broker, queue, delivery, channel, has_waited: false }
    }

    pub(crate) fn delivery(&self) -> &lapin::message::Delivery {
        &self.delivery
    }

    /// The same message, due by now whatever its headers say.
    pub(crate) fn waited(mut self) -> Self {
        self.has_waited = true;
        self
    }

    pub(crate) fn has_waited(&self) -> bool {
        self.has_waited
    }

    /// Puts it, a message of this type, into the tier that fits `rest`, with this context, and lets go of the present copy.
    pub(crate) async fn wait<M: Message>(self, context: Context, rest: Duration, outcome: &'static str) {
        let tier = self.broker.tier::<M>(rest);
        let properties = context.waiting_in(tier, rest).to_properties(M::TYPE);
        let envelope = Envelope::to_queue(self.queue, properties, self.delivery.data.clone()).waiting_in(tier);
        self.replace(envelope, outcome).await;
    }

    pub(crate) async fn dead(self, reason: &str) {
        tracing::error!(queue = self.queue.name(), reason, "a message becomes a dead letter");
        let properties = context::with_reason(self.delivery.properties.clone(), reason);
        let envelope = Envelope::to_queue(self.queue, properties, self.delivery.data.clone()).dead(self.queue);
        self.replace(envelope, "dead").await;
    }

    pub(crate) async fn release(self) {
        self.count("released");
        release(&self.delivery.acker).await;
    }

    async fn replace(self, envelope: Envelope, outcome: &'static str) {
        match self.broker.send(envelope).await {
            Ok(()) => self.ack(outcome).await,
            Err(error) => {
                tracing::warn!(queue = self.queue.name(), %error, "a message could not be passed on and is released");
                self.release().await;
            }
        }
    }

    async fn ack(self, outcome: &'static str) {
        self.count(outcome);
        self.broker.steps().reached(Step::AckBefore);
        // Without the ack the message comes again, and meets its own effect.
        match timeout(ANSWER_TIMEOUT, self.delivery.acker.ack(BasicAckOptions::default())).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(queue = self.queue.name(), %error, "an ack did not reach the broker"),
            Err(_elapsed) => tracing::warn!(queue = self.queue.name(), "an ack did not reach the broker in time"),
        }
        self.broker.steps().reached(Step::AckAfter);
    }

    fn count(&self, outcome: &'static str) {
        counter!(metric::DELIVERIES, "queue" => self.queue.name(), "outcome" => outcome).increment(1);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.delivery.acker.usable() {
            let (acker, channel) = (self.delivery.acker.clone(), Arc::clone(&self.channel));
            runtime.spawn(async move {
                release(&acker).await;
                drop(channel);
            });
        }
    }
}

async fn release(acker: &Acker) {
    let requeue = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
    match timeout(ANSWER_TIMEOUT, acker.nack(requeue)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            tracing::debug!(%error, "the broker takes a message back by itself, since the channel is gone")
        }
        Err(_elapsed) => tracing::debug!("the broker takes a message back by itself, since the channel is going"),
    }
}
