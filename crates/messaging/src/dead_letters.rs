//! Going through the dead letters and taking out what must not be kept. Reading them is a person's, by the broker's own pages.

use std::time::Duration;

use domain::remnant::Remnant;
use futures_util::future::join_all;
use lapin::ErrorKind;
use lapin::message::BasicGetMessage;
use lapin::options::{BasicAckOptions, BasicGetOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use tokio::time::timeout;

use crate::broker::Broker;
use crate::channel::OpenChannel;
use crate::envelope::Envelope;
use crate::error::PublishError;
use crate::session::Session;
use crate::topology::{Place, QUEUES, STRAYS};

/// How many are held at once.
const HANDFUL: usize = 256;

/// How long all of them may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// AMQP's code for a queue that does not exist.
const NOT_FOUND: u16 = 404;

impl Broker {
    /// Goes through the dead letters that lie there now, and leaves of each what `judge` says; returns how many lost something.
    ///
    /// Each is published anew before the broker forgets it: one that was only given back again and again would be thrown away
    /// as undeliverable in the end. So a crash in between leaves one of them twice, and none away.
    ///
    /// # Errors
    /// When the broker is away or does not take back what stays. What was gone through by then has been done.
    pub async fn revise_dead_letters(&self, judge: impl Fn(&[u8]) -> Remnant) -> Result<u64, PublishError> {
        if !self.is_connected() {
            return Err(PublishError::NotConnected);
        }
        let revise = async {
            let session = self.session().await.ok_or(PublishError::NotConnected)?;
            let queues = QUEUES.iter().map(|queue| (Place::Queue(*queue), queue.dead()));
            let mut revised = 0;
            for (place, name) in queues.chain([(Place::Strays, STRAYS.to_owned())]) {
                revised += self.revise(&session, (place, name.into()), &judge).await?;
            }
            Ok(revised)
        };
        timeout(PATIENCE, revise).await.map_err(|_elapsed| PublishError::TimedOut)?
    }

    async fn revise(
        &self,
        session: &Session,
        queue: (Place, ShortString),
        judge: &impl Fn(&[u8]) -> Remnant,
    ) -> Result<u64, PublishError> {
        let channel = session.channel().await.map_err(PublishError::Channel)?;
        let (mut left, mut revised) = (count(&channel, queue.1.clone()).await?, 0);
        while left > 0 {
            let letters = take(&channel, queue.1.clone(), left.min(HANDFUL)).await?;
            if letters.is_empty() {
                break;
            }
            left -= letters.len();
            let answers = letters.into_iter().map(|letter| self.answer(queue.clone(), letter, judge));
            for answer in join_all(answers).await {
                revised += u64::from(answer?);
            }
        }
        Ok(revised)
    }

    /// Puts what is left of a letter back, and lets go of the letter; says whether something was taken out.
    async fn answer(
        &self,
        (place, routing_key): (Place, ShortString),
        letter: BasicGetMessage,
        judge: &impl Fn(&[u8]) -> Remnant,
    ) -> Result<bool, PublishError> {
        let delivery = letter.delivery;
        let (kept, is_revised) = match judge(&delivery.data) {
            Remnant::Whole => (Some(delivery.data), false),
            Remnant::Part(kept) => (Some(kept), true),
            Remnant::Nothing => (None, true),
        };
        if let Some(payload) = kept {
            let properties = delivery.properties;
            self.send(Envelope { place, exchange: "".into(), routing_key, properties, payload }).await?;
        }
        delivery.acker.ack(BasicAckOptions::default()).await.map_err(PublishError::Channel)?;
        Ok(is_revised)
    }
}

/// How many letters lie in a queue; none where there is no such queue, which is not made for that.
async fn count(channel: &OpenChannel, queue: ShortString) -> Result<usize, PublishError> {
    let look = QueueDeclareOptions { passive: true, durable: true, ..QueueDeclareOptions::default() };
    match channel.queue_declare(queue, look, FieldTable::default()).await {
        Ok(found) => Ok(usize::try_from(found.message_count()).unwrap_or(usize::MAX)),
        Err(error) if is_not_found(&error) => Ok(0),
        Err(error) => Err(PublishError::Channel(error)),
    }
}

fn is_not_found(error: &lapin::Error) -> bool {
    if let ErrorKind::ProtocolError(error) = error.kind() { error.get_id() == NOT_FOUND } else { false }
}

async fn take(channel: &OpenChannel, queue: ShortString, many: usize) -> Result<Vec<BasicGetMessage>, PublishError> {
    let mut taken = Vec::with_capacity(many);
    while taken.len() < many {
        let next = channel.basic_get(queue.clone(), BasicGetOptions::default()).await;
        let Some(letter) = next.map_err(PublishError::Channel)? else { break };
        taken.push(letter);
    }
    Ok(taken)
}
