//! How many messages wait in each queue, asked of the broker without touching them.

use std::time::Duration;

use domain::message::Message;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use tokio::time::timeout;

use crate::broker::Broker;
use crate::channel::OpenChannel;
use crate::session::Session;
use crate::topology::{QUEUES, STRAYS, Tier};

/// How long the broker may take to answer about all of them.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a queue is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Its name.
    pub queue: String,
    /// Messages that wait to be delivered.
    pub ready: u32,
    /// Who takes them.
    pub consumers: u32,
}

impl Broker {
    /// The depth of every queue that there is: those of work, of dead letters and of what waits for its next attempt; `None`
    /// where the broker does not answer.
    pub async fn depths(&self) -> Option<Vec<Depth>> {
        let waits = self.schedule().tiers().iter().copied();
        let tiers = waits.flat_map(|wait| [false, true].map(|is_intake| Tier { wait, is_intake }.name()));
        let work = QUEUES.iter().flat_map(|queue| [queue.name().to_owned(), queue.dead()]);
        self.depths_of(work.chain([STRAYS.to_owned()]).chain(tiers).collect()).await
    }

    /// How many messages of a type wait to be delivered; `None` where the broker does not answer, or knows no such queue yet.
    pub async fn waiting<M: Message>(&self) -> Option<u32> {
        let depths = self.depths_of(M::LANES.iter().map(|queue| (*queue).to_owned()).collect()).await?;
        depths.into_iter().map(|depth| depth.ready).reduce(u32::saturating_add)
    }

    async fn depths_of(&self, names: Vec<String>) -> Option<Vec<Depth>> {
        let asking = async {
            let session = self.session().await?;
            ask(&session, names).await.ok()
        };
        timeout(PATIENCE, asking).await.ok().flatten()
    }
}

async fn ask(session: &Session, names: Vec<String>) -> lapin::Result<Vec<Depth>> {
    let (mut depths, mut channel) = (Vec::new(), None::<OpenChannel>);
    for name in names {
        let open = match channel.take().filter(|channel| channel.status().connected()) {
            Some(open) => open,
            None => session.channel().await?,
        };
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        // One that is not there closes the channel on which it was asked for.
        if let Ok(queue) = open.queue_declare(name.as_str().into(), passive, FieldTable::default()).await {
            depths.push(Depth { queue: name, ready: queue.message_count(), consumers: queue.consumer_count() });
            channel = Some(open);
        }
    }
    Ok(depths)
}
