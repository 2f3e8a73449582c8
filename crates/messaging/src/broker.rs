//! The handle to the broker that a service holds.

use std::sync::Arc;
use std::time::Duration;

use domain::message::{Message, Proclaimed, StoredMessage};
use domain::retry::RetrySchedule;
use domain::step::{Step, Steps};
use futures_util::stream::{self, StreamExt as _};
use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::context::Context;
use crate::deliveries::Deliveries;
use crate::envelope::Envelope;
use crate::error::PublishError;
use crate::publisher::Outgoing;
use crate::session::Session;
use crate::supervisor::Supervisor;
use crate::topology::{Queue, Tier};

/// How many messages may wait to be published, beside those whose confirm is outstanding.
const WAITING: usize = 1_024;

/// Of messages that one caller publishes together, how many may be under way at once. All callers share a channel, where what happens now
/// would stand behind a thousand of somebody's until the broker has written those.
const TOGETHER: usize = 32;

/// What a service says about its connection.
#[derive(Clone, Debug)]
pub struct BrokerOptions {
    /// An `amqp://` or `amqps://` address with the vhost as its path.
    pub url: SecretString,
    /// How long a publisher waits for the confirm.
    pub confirm_timeout: Duration,
    /// The waits between attempts; each is a tier of the broker.
    pub schedule: RetrySchedule,
    /// The connection's name in the broker's management pages: the service's.
    pub name: &'static str,
}

/// The broker. Clones share one connection, which is kept up in the background until the last one is gone.
#[derive(Clone, Debug)]
pub struct Broker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: Arc<BrokerOptions>,
    steps: Steps,
    session: watch::Receiver<Option<Arc<Session>>>,
    outgoing: mpsc::Sender<Outgoing>,
    closing: CancellationToken,
    closed: CancellationToken,
    // Dropped with the last handle, which ends the connection.
    _end: DropGuard,
}

impl Broker {
    /// Returns at once and connects in the background, again and again, also where the vhost does not exist yet.
    ///
    /// Must be called within a Tokio runtime, which carries the connection.
    #[must_use]
    pub fn connect(options: BrokerOptions) -> Self {
        Self::connect_watched(options, Steps::default())
    }

    /// The same, where somebody wants to know of each step.
    #[must_use]
    pub fn connect_watched(options: BrokerOptions, steps: Steps) -> Self {
        let options = Arc::new(options);
        let (session_in, session) = watch::channel(None);
        let (outgoing, outgoing_out) = mpsc::channel(WAITING);
        let (closing, closed) = (CancellationToken::new(), CancellationToken::new());
        let supervisor = Supervisor {
            options: Arc::clone(&options),
            session: session_in,
            outgoing: outgoing_out,
            closing: closing.clone(),
            closed: closed.clone(),
        };
        tokio::spawn(supervisor.run());
        let end = closing.clone().drop_guard();
        Self { shared: Arc::new(Shared { options, steps, session, outgoing, closing, closed, _end: end }) }
    }

    /// Whether a publish has a chance at the moment.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.ready().is_ok()
    }

    /// Returns once there is a connection, or there will be none any more.
    pub async fn connected(&self) {
        self.session().await;
    }

    /// Publishes a message to its queue. `Ok` means that a queue has it on disk.
    ///
    /// # Errors
    /// When that is not known: at once where there is no connection, after the confirm time-out at the latest.
    pub async fn publish<M: Message>(&self, message: &M, context: &Context) -> Result<(), PublishError> {
        self.publish_by(self.deadline(), message, context).await
    }

    async fn publish_by<M: Message>(&self, by: Instant, message: &M, context: &Context) -> Result<(), PublishError> {
        self.send_by(by, Envelope::of(message, context)?).await
    }

    /// Publishes messages side by side, a bounded number of them at once, within one confirm time-out; the results are in their order.
    pub async fn publish_all<M: Message>(&self, messages: &[(M, Context)]) -> Vec<Result<(), PublishError>> {
        let by = self.deadline();
        side_by_side(messages.iter().map(|(message, context)| self.publish_by(by, message, context)).collect()).await
    }

    /// Says something to other services, side by side as in [`Broker::publish_all`]; the results are in the order of the words. `Ok`
    /// means that every queue that is bound for a word has it. Where one of them refused it at first, others may have it several times.
    pub async fn proclaim<P: Proclaimed>(&self, words: &[P], context: &Context) -> Vec<Result<(), PublishError>> {
        let by = self.deadline();
        let said = words.iter().map(|word| async move {
            let context = Context::continuing(context.trace);
            self.send_by(by, Envelope::proclaimed(word, &context)?).await
        });
        side_by_side(said.collect()).await
    }

    /// Publishes a message that was kept elsewhere.
    ///
    /// # Errors
    /// As [`Broker::publish`]; and when it names a queue that is not in the topology.
    pub async fn publish_stored(&self, message: &StoredMessage) -> Result<(), PublishError> {
        self.send(Envelope::stored(message)?).await
    }

    /// Puts a message that was kept elsewhere, and that no queue will ever take, among the dead letters, with the reason.
    ///
    /// # Errors
    /// As [`Broker::publish`].
    pub async fn bury(&self, message: &StoredMessage, reason: &str) -> Result<(), PublishError> {
        tracing::error!(queue = message.queue, reason, message.id = %message.id, "a kept message becomes a dead letter");
        self.send(Envelope::buried(message, reason)?).await
    }

    /// Publishes a message that is to be handled after `wait`, as the same attempt.
    ///
    /// # Errors
    /// As [`Broker::publish`].
    pub async fn park<M: Message>(&self, message: &M, context: &Context, wait: Duration) -> Result<(), PublishError> {
        let tier = self.tier::<M>(wait);
        let envelope = Envelope::of(message, &context.due_after(wait, false).waiting_in(tier, wait))?;
        self.send(envelope.waiting_in(tier)).await
    }

    /// The deliveries of one type of message, at most `prefetch` of them unanswered. Survives reconnects.
    #[must_use]
    pub fn deliveries<M: Message>(&self, prefetch: u16) -> Deliveries<M> {
        Deliveries::new(self.clone(), Queue::of::<M>(), prefetch)
    }

    /// The deliveries of each queue of one type of message, each with a `prefetch` of its own.
    #[must_use]
    pub fn lanes<M: Message>(&self, prefetch: u16) -> Vec<Deliveries<M>> {
        Queue::lanes::<M>().into_iter().map(|queue| Deliveries::new(self.clone(), queue, prefetch)).collect()
    }

    /// Takes nothing more, waits for the outstanding confirms (no longer than their time-out), and ends the connection.
    pub async fn close(&self) {
        self.shared.closing.cancel();
        if timeout_at(self.deadline(), self.shared.closed.cancelled()).await.is_err() {
            tracing::warn!("the broker did not let go in time");
        }
    }

    /// The waits between attempts.
    #[must_use]
    pub fn schedule(&self) -> &RetrySchedule {
        &self.shared.options.schedule
    }

    /// The tier in which a message of this type waits when `rest` is left.
    pub(crate) fn tier<M: Message>(&self, rest: Duration) -> Tier {
        Tier::of::<M>(self.schedule().tier_for(rest))
    }

    /// The present connection, or the next one; `None` when there will be none any more.
    pub(crate) async fn session(&self) -> Option<Arc<Session>> {
        let mut session = self.shared.session.clone();
        let found = session.wait_for(|session| session.as_ref().is_some_and(|session| session.is_connected())).await;
        found.ok().and_then(|session| session.clone())
    }

    /// Who is told of what this connection does.
    pub(crate) fn steps(&self) -> &Steps {
        &self.shared.steps
    }

    pub(crate) async fn send(&self, envelope: Envelope) -> Result<(), PublishError> {
        self.send_by(self.deadline(), envelope).await
    }

    /// When what is published now must be confirmed.
    fn deadline(&self) -> Instant {
        Instant::now() + self.shared.options.confirm_timeout
    }

    async fn send_by(&self, by: Instant, envelope: Envelope) -> Result<(), PublishError> {
        self.ready()?;
        self.steps().reached(Step::PublishBefore);
        self.exchange(by, envelope).await?;
        self.steps().reached(Step::PublishAfter);
        Ok(())
    }

    async fn exchange(&self, by: Instant, envelope: Envelope) -> Result<(), PublishError> {
        let (answer, result) = oneshot::channel();
        let outgoing = Outgoing::new(envelope, answer);
        let exchange = async {
            self.shared.outgoing.send(outgoing).await.map_err(|_refused| PublishError::NotConnected)?;
            result.await.map_err(|_dropped| PublishError::Lost)?
        };
        timeout_at(by, exchange).await.map_err(|_elapsed| PublishError::TimedOut)?
    }

    fn ready(&self) -> Result<(), PublishError> {
        match self.shared.session.borrow().as_deref() {
            Some(session) if session.is_connected() && session.is_blocked() => Err(PublishError::Blocked),
            Some(session) if session.is_connected() => Ok(()),
            Some(_) | None => Err(PublishError::NotConnected),
        }
    }
}

/// Waits for all of these, a bounded number of them at once; the results are in their order.
async fn side_by_side<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    stream::iter(all).buffered(TOGETHER).collect().await
}
