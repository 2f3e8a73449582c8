//! What is done with a message before a service sees it: it is decoded, or becomes a dead letter, or waits until it is due.

use std::time::Duration;

use domain::message::Message;
use domain::time::Timestamp;
use metrics::histogram;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::broker::Broker;
use crate::context::Context;
use crate::delivery::{Delivery, Pending};
use crate::metric;

/// What becomes of a message that has arrived.
pub(crate) enum Admission<M> {
    /// It is due and can be read.
    Due(Box<Delivery<M>>),
    /// It is being taken care of in the background.
    Elsewhere,
}

/// Decides on a message. `held` is where one that is due in a moment comes back.
///
/// The rest runs in tasks of its own, so that nobody who stops waiting for a delivery leaves a message half answered.
pub(crate) fn admit<M: Message>(broker: &Broker, pending: Pending, held: &mpsc::Sender<Pending>) -> Admission<M> {
    let delivery = pending.delivery();
    let context = Context::of(&delivery.properties);
    let message_type = delivery.properties.kind().as_ref().map(lapin::types::ShortString::as_str).unwrap_or_default();
    if message_type != M::TYPE {
        let reason = format!("the type is {message_type:?}, not {}", M::TYPE);
        return bury(pending, reason);
    }
    if let Some(rest) = context.until_due().filter(|_| !pending.has_waited()) {
        return postpone::<M>(pending, context, rest, (broker, held));
    }
    match serde_json::from_slice(&delivery.data) {
        Ok(message) => {
            note_age::<M>(&context);
            Admission::Due(Box::new(Delivery::new(message, context, pending)))
        }
        Err(error) => bury(pending, format!("the payload is no {}: {error}", M::TYPE)),
    }
}

/// Its id tells when it was made. One that was put off is as old as it was to be.
fn note_age<M: Message>(context: &Context) {
    if let (1, None, Some(made_at)) = (context.attempt, context.not_before, context.message_id.made_at()) {
        histogram!(metric::AGE_SECONDS, "queue" => M::QUEUE).record(made_at.until(Timestamp::now()).as_secs_f64());
    }
}

fn bury<M>(pending: Pending, reason: String) -> Admission<M> {
    tokio::spawn(async move { pending.dead(&reason).await });
    Admission::Elsewhere
}

/// One that is due in a moment is kept here, since the shortest tier would make it far too late; any other goes to the
/// tier that fits.
fn postpone<M: Message>(
    pending: Pending,
    context: Context,
    rest: Duration,
    (broker, held): (&Broker, &mpsc::Sender<Pending>),
) -> Admission<M> {
    let held = held.clone();
    let moment = broker.schedule().tiers().first().copied().unwrap_or_default() / 5;
    tokio::spawn(async move {
        if rest > moment {
            pending.wait::<M>(context, rest, "parked").await;
        } else {
            sleep(rest).await;
            // Nobody takes it any more when the consumer has stopped; then it is dropped, and so released.
            drop(held.send(pending.waited()).await);
        }
    });
    Admission::Elsewhere
}
