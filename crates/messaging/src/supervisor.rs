//! Keeps one connection to the broker: connects, publishes over it while it lasts, connects again.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use metrics::gauge;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::broker::BrokerOptions;
use crate::metric;
use crate::publisher::{self, Outgoing};
use crate::session::Session;

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The broker's side of a [`crate::Broker`].
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) options: Arc<BrokerOptions>,
    /// The present connection, for those who publish and consume.
    pub(crate) session: watch::Sender<Option<Arc<Session>>>,
    /// What is to be published.
    pub(crate) outgoing: mpsc::Receiver<Outgoing>,
    /// Cancelled by [`crate::Broker::close`], and when nobody holds the broker any more.
    pub(crate) closing: CancellationToken,
    /// Cancelled here when all is over.
    pub(crate) closed: CancellationToken,
}

impl Supervisor {
    /// Runs until it is told to close.
    pub(crate) async fn run(mut self) {
        let _closed = self.closed.clone().drop_guard();
        let closing = self.closing.clone();
        while let Some(session) = closing.run_until_cancelled(connect(&self.options)).await {
            let session = Arc::new(session);
            self.report(Some(Arc::clone(&session)));
            publisher::serve(&session, &mut self.outgoing, &closing).await;
            self.report(None);
            if closing.is_cancelled() {
                session.close().await;
                break;
            }
            tracing::warn!(broker.connection = self.options.name, "the connection to the broker is lost");
            self.refuse_waiting();
        }
    }

    fn report(&self, session: Option<Arc<Session>>) {
        gauge!(metric::CONNECTED).set(if session.is_some() { 1.0 } else { 0.0 });
        self.session.send_replace(session);
    }

    /// What was handed over for the lost connection fails at once, so that its sender can keep it elsewhere.
    fn refuse_waiting(&mut self) {
        while let Ok(outgoing) = self.outgoing.try_recv() {
            drop(outgoing);
        }
    }
}

/// Tries until there is a connection.
async fn connect(options: &BrokerOptions) -> Session {
    let mut pauses = pauses();
    loop {
        match timeout(CONNECT_TIMEOUT, Session::open(&options.url, options.name)).await {
            Ok(Ok(session)) => {
                tracing::info!(broker.connection = options.name, "connected to the broker");
                return session;
            }
            Ok(Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(%error, error.cause = cause, "no connection to the broker yet");
            }
            Err(_elapsed) => tracing::warn!("the broker does not answer"),
        }
        sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
    }
}

/// The pauses between two tries, for all that is tried again and again here.
pub(crate) fn pauses() -> ExponentialBackoff {
    let builder = ExponentialBuilder::default().with_min_delay(SHORTEST_PAUSE).with_max_delay(LONGEST_PAUSE);
    builder.with_jitter().without_max_times().build()
}
