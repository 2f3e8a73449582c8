//! Publishing over one channel with many confirms outstanding, and telling each sender what became of its message.
//!
//! One task owns the channel: the numbers of the confirms follow the order of the publishes, so nobody else may publish on it.

use std::collections::HashSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, Stream};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{Channel, Confirmation};
use metrics::{counter, gauge, histogram};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::envelope::Envelope;
use crate::error::PublishError;
use crate::session::Session;
use crate::{channel::OpenChannel, metric, topology};

/// How many confirms may be outstanding. More than a few hundred bring no more throughput, only longer waits.
const OUTSTANDING: usize = 1_024;

/// How often a message is published again to a queue that refuses it.
const REFUSALS: u8 = 4;

/// A message on its way out, and who wants to know.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) envelope: Envelope,
    pub(crate) answer: oneshot::Sender<Result<(), PublishError>>,
    /// When the publish began with which it came back once already.
    came_back: Option<Instant>,
    /// How often its queue has refused it.
    refusals: u8,
    /// How long it waits before it is published.
    pause: Duration,
}

impl Outgoing {
    pub(crate) fn new(envelope: Envelope, answer: oneshot::Sender<Result<(), PublishError>>) -> Self {
        Self { envelope, answer, came_back: None, refusals: 0, pause: Duration::ZERO }
    }
}

/// What the broker said about one publish.
struct Settled {
    outgoing: Outgoing,
    start: Instant,
    confirmation: lapin::Result<Confirmation>,
}

/// Publishes what comes in until the connection ends, or until all is confirmed after `closing`.
pub(crate) async fn serve(
    session: &Arc<Session>,
    incoming: &mut mpsc::Receiver<Outgoing>,
    closing: &CancellationToken,
) {
    while session.is_connected() {
        let channel = match session.while_it_lasts(open(session)).await {
            Some(Ok(channel)) => channel,
            Some(Err(error)) => {
                tracing::warn!(%error, "no channel to publish on");
                return;
            }
            None => return,
        };
        let mut pump = Pump { session, channel, returned: HashSet::new() };
        pump.run(incoming, closing).await;
        if closing.is_cancelled() {
            return;
        }
    }
}

async fn open(session: &Session) -> lapin::Result<OpenChannel> {
    let channel = session.channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// One channel while it lasts.
struct Pump<'a> {
    session: &'a Arc<Session>,
    channel: OpenChannel,
    /// The ids of messages that came back and whose confirm is still to come.
    returned: HashSet<ShortString>,
}

impl Pump<'_> {
    async fn run(&mut self, incoming: &mut mpsc::Receiver<Outgoing>, closing: &CancellationToken) {
        let session = Arc::clone(self.session);
        let mut ended = Box::pin(session.ended());
        let (mut outstanding, mut exhausted) = (FuturesUnordered::new(), false);
        while self.channel.status().connected() && !(exhausted && outstanding.is_empty()) {
            tokio::select! {
                () = &mut ended => break,
                () = closing.cancelled(), if !incoming.is_closed() => incoming.close(),
                settled = poll_fn(|cx| settled(Pin::new(&mut outstanding), cx)), if !outstanding.is_empty() => {
                    for outgoing in self.settle(settled) {
                        outstanding.push(transmit(Arc::clone(&session), Channel::clone(&self.channel), outgoing));
                    }
                }
                next = incoming.recv(), if !exhausted && outstanding.len() < OUTSTANDING => match next {
                    // Nobody waits for it any more: its sender has kept it elsewhere by now.
                    Some(outgoing) if outgoing.answer.is_closed() => {}
                    Some(outgoing) => {
                        outstanding.push(transmit(Arc::clone(&session), Channel::clone(&self.channel), outgoing));
                    }
                    None => exhausted = true,
                },
            }
        }
        gauge!(metric::UNCONFIRMED).set(0.0);
    }

    /// Answers the senders; gives back what is to be published again.
    ///
    /// lapin hands a returned message to the next confirm of the channel, whichever message that is for. So the returned
    /// ids are gathered first, and each confirm is then judged by its own message's id. The broker sends the return before
    /// the message's own confirm, so it is always known by then.
    fn settle(&mut self, settled: Vec<Settled>) -> Vec<Outgoing> {
        for Settled { confirmation, .. } in &settled {
            if let Ok(Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message))) = confirmation {
                self.returned.extend(message.delivery.properties.message_id().clone());
            }
        }
        settled.into_iter().filter_map(|settled| self.answer(settled)).collect()
    }

    fn answer(&mut self, Settled { mut outgoing, start, confirmation }: Settled) -> Option<Outgoing> {
        gauge!(metric::UNCONFIRMED).decrement(1.0);
        let queue = outgoing.envelope.label();
        let came_back = outgoing.envelope.id().is_some_and(|id| self.returned.remove(id));
        // Whoever does not wait any more has kept it elsewhere by now.
        let may_go_again = !outgoing.answer.is_closed();
        if came_back && outgoing.came_back.is_none() && may_go_again {
            counter!(metric::AGAIN, "queue" => queue, "why" => "returned").increment(1);
            (outgoing.came_back, outgoing.pause) = (Some(start), topology::DELETION);
            return Some(outgoing);
        }
        if matches!(confirmation, Ok(Confirmation::Nack(_))) && outgoing.refusals < REFUSALS && may_go_again {
            counter!(metric::AGAIN, "queue" => queue, "why" => "refused").increment(1);
            (outgoing.refusals, outgoing.pause) = (outgoing.refusals + 1, topology::ELECTION);
            return Some(outgoing);
        }
        let (result, outcome) = match confirmation {
            _ if came_back => (Err(PublishError::Returned), "returned"),
            Ok(Confirmation::Ack(_)) => (Ok(()), "confirmed"),
            Ok(Confirmation::Nack(_) | Confirmation::NotRequested) => (Err(PublishError::Nacked), "refused"),
            Err(error) => (Err(PublishError::Channel(error)), "lost"),
        };
        counter!(metric::PUBLISHED, "queue" => queue, "outcome" => outcome).increment(1);
        // Whoever does not wait any more has counted it as timed out.
        drop(outgoing.answer.send(result));
        None
    }
}

/// All that is settled by now, at least one.
///
/// It must be all: a confirm that carries another message's return must not be seen after that message's own confirm. Twice
/// "pending" in a row, because the set also says so when it wants to let other tasks run.
fn settled(
    mut outstanding: Pin<&mut FuturesUnordered<impl Future<Output = Settled>>>,
    cx: &mut TaskContext<'_>,
) -> Poll<Vec<Settled>> {
    let (mut found, mut pending) = (Vec::new(), 0);
    while pending < 2 {
        match outstanding.as_mut().poll_next(cx) {
            Poll::Ready(Some(settled)) => {
                pending = 0;
                found.push(settled);
            }
            Poll::Ready(None) => break,
            Poll::Pending => pending += 1,
        }
    }
    if found.is_empty() { Poll::Pending } else { Poll::Ready(found) }
}

async fn transmit(session: Arc<Session>, channel: Channel, outgoing: Outgoing) -> Settled {
    gauge!(metric::UNCONFIRMED).increment(1.0);
    // The timer's least is a millisecond.
    if !outgoing.pause.is_zero() {
        sleep(outgoing.pause).await;
    }
    let start = Instant::now();
    // Its sender may have kept it elsewhere meanwhile.
    if outgoing.answer.is_closed() {
        return Settled { outgoing, start, confirmation: Ok(Confirmation::NotRequested) };
    }
    let confirmation = publish(&session, &channel, &outgoing).await;
    histogram!(metric::CONFIRM_SECONDS).record(start.elapsed().as_secs_f64());
    Settled { outgoing, start, confirmation }
}

async fn publish(session: &Session, channel: &Channel, outgoing: &Outgoing) -> lapin::Result<Confirmation> {
    let envelope = &outgoing.envelope;
    match outgoing.came_back {
        Some(moment) => session.ensure_again(envelope.place, moment).await?,
        None => session.ensure(envelope.place).await?,
    }
    let options = BasicPublishOptions { mandatory: envelope.is_mandatory(), ..BasicPublishOptions::default() };
    let (exchange, routing_key) = (envelope.exchange.clone(), envelope.routing_key.clone());
    let properties = envelope.properties.clone();
    channel.basic_publish(exchange, routing_key, options, &envelope.payload, properties).await?.await
}
