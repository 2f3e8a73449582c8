//! Dead letters as an operator meets them: looking at them, giving them back to their queues, throwing them away. For people, not for services.

use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions, QueuePurgeOptions};
use lapin::types::{AMQPValue, FieldTable};

use crate::broker::Broker;
use crate::channel::OpenChannel;
use crate::context::{self, Context};
use crate::envelope::Envelope;
use crate::error::PublishError;
use crate::topology::{Place, Queue};

/// A message that nobody could handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id, where it has one.
    pub message_id: Option<String>,
    /// What it says it is.
    pub message_type: Option<String>,
    /// Why nobody could handle it.
    pub reason: Option<String>,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl Broker {
    /// Looks at so many dead letters of a queue at most, the oldest first, and leaves them where they are.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn dead_letters(&self, queue: Queue, limit: usize) -> Result<Vec<DeadLetter>, PublishError> {
        let (channel, mut letters, mut last) = (self.dead_channel(queue).await?, Vec::new(), None);
        while letters.len() < limit {
            let Some(delivery) = get(&channel, queue).await? else { break };
            let text = |text: &Option<lapin::types::ShortString>| text.as_ref().map(ToString::to_string);
            let headers = delivery.properties.headers().clone().unwrap_or_default();
            letters.push(DeadLetter {
                message_id: text(delivery.properties.message_id()),
                message_type: text(delivery.properties.kind()),
                reason: reason(&headers),
                payload: delivery.data.clone(),
            });
            last = Some(delivery);
        }
        if let Some(last) = last {
            // All of them go back to the places that they had.
            let back = BasicNackOptions { multiple: true, requeue: true };
            last.acker.nack(back).await.map_err(PublishError::Channel)?;
        }
        Ok(letters)
    }

    /// Gives so many dead letters at most back to their queue, as first attempts, and says of each that it is done. No more
    /// than there are when it begins: what dies again waits for the next time.
    ///
    /// Each is confirmed by the queue before it leaves the dead letters, so a crash in between repeats one and loses none.
    ///
    /// # Errors
    /// When the broker does not answer; those that are given back by then stay so.
    pub async fn replay(&self, queue: Queue, limit: u64, mut done: impl FnMut()) -> Result<u64, PublishError> {
        let channel = self.dead_channel(queue).await?;
        let there = self.count(&channel, queue).await?;
        let mut replayed = 0;
        while replayed < limit.min(there) {
            let Some(delivery) = get(&channel, queue).await? else { break };
            let context = Context { attempt: 1, not_before: None, rest: None, ..Context::of(&delivery.properties) };
            let kind = delivery.properties.kind().as_ref().map(ToString::to_string).unwrap_or_default();
            let envelope = Envelope::to_queue(queue, context.to_properties(&kind), delivery.data.clone());
            self.send(envelope).await?;
            delivery.acker.ack(BasicAckOptions::default()).await.map_err(PublishError::Channel)?;
            replayed += 1;
            done();
        }
        Ok(replayed)
    }

    /// Throws the dead letters of a queue away, for good; returns how many there were.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn purge(&self, queue: Queue) -> Result<u64, PublishError> {
        let channel = self.dead_channel(queue).await?;
        let purged = channel.queue_purge(queue.dead().into(), QueuePurgeOptions::default()).await;
        purged.map(u64::from).map_err(PublishError::Channel)
    }

    async fn dead_channel(&self, queue: Queue) -> Result<OpenChannel, PublishError> {
        let session = self.session().await.ok_or(PublishError::NotConnected)?;
        let opening = async {
            session.ensure(Place::Queue(queue)).await?;
            session.channel().await
        };
        session.while_it_lasts(opening).await.ok_or(PublishError::NotConnected)?.map_err(PublishError::Channel)
    }

    async fn count(&self, channel: &OpenChannel, queue: Queue) -> Result<u64, PublishError> {
        let passive = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        let found = channel.queue_declare(queue.dead().into(), passive, FieldTable::default()).await;
        found.map(|queue| u64::from(queue.message_count())).map_err(PublishError::Channel)
    }
}

async fn get(channel: &OpenChannel, queue: Queue) -> Result<Option<lapin::message::Delivery>, PublishError> {
    let got = channel.basic_get(queue.dead().into(), BasicGetOptions::default()).await;
    Ok(got.map_err(PublishError::Channel)?.map(|message| message.delivery))
}

fn reason(headers: &FieldTable) -> Option<String> {
    // One that the broker gave up by itself has none of our words.
    let AMQPValue::LongString(text) = headers.inner().get(context::REASON)? else { return None };
    Some(text.to_string())
}
