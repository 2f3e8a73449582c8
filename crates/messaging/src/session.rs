//! One connection while it lasts, and what has been declared in it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::TaskTracker;

use crate::channel::{OpenChannel, close};
use crate::topology::{self, Place};

/// A peer that is silent for twice as long is gone.
const HEARTBEAT_SECONDS: u16 = 10;
/// Bytes of a frame at most; longer payloads take several. For either way, the library keeps room for 32 of the largest, which
/// would be eight megabytes a connection with those that the broker allows.
const FRAME_MAX: u32 = 32 * 1_024;
/// The connection's own events tell of its end at once, but only one of all who listen; this is for the others, and for an end without one.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
const REPLY_SUCCESS: u16 = 200;
/// How long the end of the connection waits for that of its channels.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection while it lasts.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Connection,
    /// What has been declared, and when that began.
    declared: Mutex<BTreeMap<Place, Instant>>,
    /// One at a time: a channel that declares a quorum queue which another is just making crashes (RabbitMQ 3.10).
    declaring: AsyncMutex<()>,
    /// Channels that are being closed.
    goodbyes: TaskTracker,
}

/// Why no connection could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("the broker's address is not an AMQP URL: {0}")]
    Address(String),
    #[error("the broker cannot be reached or refuses")]
    Broker(#[from] lapin::Error),
}

impl Session {
    /// Connects, and declares the exchange that other services bind to.
    ///
    /// # Errors
    /// When there is no broker at `url`, it refuses the login, or the vhost does not exist.
    pub(crate) async fn open(url: &SecretString, name: &'static str) -> Result<Self, ConnectError> {
        let mut uri: AMQPUri = url.expose_secret().parse().map_err(ConnectError::Address)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        uri.query.frame_max.get_or_insert(FRAME_MAX);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connection = Connection::connect_uri(uri, properties).await?;
        let (declared, declaring, goodbyes) = (Mutex::default(), AsyncMutex::default(), TaskTracker::new());
        let session = Self { connection, declared, declaring, goodbyes };
        let channel = session.channel().await?;
        topology::declare_records_exchange(&channel).await?;
        close(&channel).await;
        Ok(session)
    }

    /// A new channel. A mistake closes the channel on which it was made, so nobody shares one.
    pub(crate) async fn channel(&self) -> lapin::Result<OpenChannel> {
        Ok(OpenChannel::new(self.connection.create_channel().await?, self.goodbyes.clone()))
    }

    /// Declares `place` unless that has been done in this connection.
    pub(crate) async fn ensure(&self, place: Place) -> lapin::Result<()> {
        if self.declared_at(place).is_some() { Ok(()) } else { self.declare_after(place, None).await }
    }

    /// Declares `place`, which was found missing at `moment`, unless that has been done since.
    pub(crate) async fn ensure_again(&self, place: Place, moment: Instant) -> lapin::Result<()> {
        self.declare_after(place, Some(moment)).await
    }

    async fn declare_after(&self, place: Place, moment: Option<Instant>) -> lapin::Result<()> {
        let _one_at_a_time = self.declaring.lock().await;
        let start = Instant::now();
        if self.declared_at(place).is_some_and(|at| moment.is_none_or(|moment| at > moment)) {
            return Ok(());
        }
        let channel = self.channel().await?;
        place.declare(&channel).await?;
        close(&channel).await;
        self.declared.lock().unwrap_or_else(PoisonError::into_inner).insert(place, start);
        Ok(())
    }

    fn declared_at(&self, place: Place) -> Option<Instant> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner).get(&place).copied()
    }

    /// Whether the connection stands.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.status().connected()
    }

    /// Whether the broker takes nothing at the moment.
    pub(crate) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Returns when the connection has ended.
    pub(crate) async fn ended(&self) {
        let mut events = self.connection.events_listener();
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.is_connected() {
            tokio::select! {
                Some(_) = events.next() => {}
                _ = looks.tick() => {}
            }
        }
    }

    /// What this comes to; `None` where the connection ends first. A channel of a connection that has just broken may be waited for in
    /// vain (lapin 4.12 drops what it is asked for then).
    pub(crate) async fn while_it_lasts<T>(&self, asking: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            outcome = asking => Some(outcome),
            () = self.ended() => None,
        }
    }

    /// Says goodbye, as far as there is still somebody to hear it, once the channels have.
    pub(crate) async fn close(&self) {
        self.goodbyes.close();
        if timeout(GOODBYE_TIMEOUT, self.goodbyes.wait()).await.is_err() {
            tracing::debug!("channels end with their connection");
        }
        if let Err(error) = self.connection.close(REPLY_SUCCESS, "closing".into()).await {
            tracing::debug!(%error, "the connection was gone before it could be closed");
        }
    }
}
