//! The stream of deliveries of one type of message from one queue, across reconnects.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use backon::ExponentialBackoff;
use domain::message::Message;
use futures_util::StreamExt;
use lapin::options::BasicCancelOptions;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::admission::{Admission, admit};
use crate::broker::Broker;
use crate::delivery::{Delivery, Pending};
use crate::subscription::{SILENCE, Subscription, subscribe};
use crate::supervisor::pauses;
use crate::topology::{self, Queue};

/// How long a stop waits for the broker's answer.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// The deliveries of one type of message.
#[derive(Debug)]
pub struct Deliveries<M> {
    broker: Broker,
    queue: Queue,
    prefetch: u16,
    subscription: Option<Subscription>,
    pauses: ExponentialBackoff,
    stop: CancellationToken,
    /// Those that were due in a moment, and now are.
    held: (mpsc::Sender<Pending>, mpsc::Receiver<Pending>),
    message: PhantomData<fn() -> M>,
}

impl<M: Message> Deliveries<M> {
    pub(crate) fn new(broker: Broker, queue: Queue, prefetch: u16) -> Self {
        let held = mpsc::channel(usize::from(prefetch).max(1));
        let (subscription, stop, pauses) = (None, CancellationToken::new(), pauses());
        Self { broker, queue, prefetch, subscription, pauses, stop, held, message: PhantomData }
    }

    /// The next message that is due and can be read; `None` after a stop. May be dropped and called again at any time.
    pub async fn next(&mut self) -> Option<Delivery<M>> {
        let stop = self.stop.clone();
        while let Some(Some(pending)) = stop.run_until_cancelled(self.arrival()).await {
            match admit(&self.broker, pending, &self.held.0) {
                Admission::Due(delivery) => return Some(*delivery),
                Admission::Elsewhere => {}
            }
        }
        self.unsubscribe().await;
        None
    }

    /// Takes no more messages: the next call of [`Deliveries::next`] gives back what nobody has seen, and returns `None`.
    /// Those that were handed out can still be answered for.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops these deliveries when cancelled, for whoever cannot call [`Deliveries::stop`] because another waits for the
    /// next one.
    #[must_use]
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The connection behind these deliveries.
    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    /// The next message of the queue, whatever it is; `None` when the broker is closed.
    async fn arrival(&mut self) -> Option<Pending> {
        loop {
            if self.subscription.is_none() {
                self.subscription = Some(self.subscribe().await?);
            }
            let subscription = self.subscription.as_mut()?;
            tokio::select! {
                item = subscription.consumer.next() => match item {
                    Some(Ok(delivery)) => {
                        self.pauses = pauses();
                        subscription.trusted_until = Instant::now() + SILENCE;
                        let (broker, channel) = (self.broker.clone(), Arc::clone(&subscription.channel));
                        return Some(Pending::new(broker, self.queue, delivery, channel));
                    }
                    Some(Err(error)) => {
                        tracing::warn!(queue = self.queue.name(), %error, "consuming is interrupted");
                        self.subscription = None;
                    }
                    None => {
                        tracing::warn!(queue = self.queue.name(), "the broker has ended the consumer");
                        self.subscription = None;
                        sleep(topology::DELETION).await;
                    }
                },
                Some(pending) = self.held.1.recv() => return Some(pending),
                () = sleep_until(subscription.trusted_until) => {
                    // One that still holds messages may be silent because it has all that it may have.
                    if Arc::strong_count(&subscription.channel) == 1 {
                        self.subscription = None;
                    } else {
                        subscription.trusted_until = Instant::now() + SILENCE;
                    }
                }
            }
        }
    }

    /// Consumes again as soon as there is a connection; `None` when there will be none.
    async fn subscribe(&mut self) -> Option<Subscription> {
        loop {
            let session = self.broker.session().await?;
            match session.while_it_lasts(subscribe(&session, self.queue, self.prefetch)).await {
                Some(Ok(subscription)) => return Some(subscription),
                Some(Err(error)) => tracing::warn!(queue = self.queue.name(), %error, "cannot consume yet"),
                None => tracing::warn!(queue = self.queue.name(), "the connection ended before it could consume"),
            }
            sleep(self.pauses.next().unwrap_or_default()).await;
        }
    }

    /// Ends the consumer and gives back what it had fetched.
    async fn unsubscribe(&mut self) {
        self.held.1.close();
        while let Ok(pending) = self.held.1.try_recv() {
            pending.release().await;
        }
        let Some(Subscription { mut consumer, channel, .. }) = self.subscription.take() else { return };
        let cancelled = channel.basic_cancel(consumer.tag(), BasicCancelOptions::default());
        if !matches!(timeout(STOP_TIMEOUT, cancelled).await, Ok(Ok(()))) {
            tracing::debug!(queue = self.queue.name(), "the consumer ends with its connection");
            return;
        }
        while let Some(Ok(delivery)) = consumer.next().await {
            let pending = Pending::new(self.broker.clone(), self.queue, delivery, Arc::clone(&channel));
            pending.release().await;
        }
    }
}
