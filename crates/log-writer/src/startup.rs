//! Putting the log writer together from its settings, so that tests start what production starts.

use std::io;

use backing::Backing;
use domain::outcome::{SyncOutcome, WebhookOutcome};
use runtime::config::{LogWriterSettings, Settings};
use runtime::health::Rule;
use runtime::http::{Bound, operations};
use runtime::{crypto, metrics};
use tokio_util::sync::CancellationToken;

use crate::alerts::{Alerts, MailError};
use crate::batch::Limits;
use crate::log::Log;
use crate::writer::Writer;
use crate::{queues, retention, upkeep};

/// Why a log writer could not be built.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The mail server cannot be used as it is set.
    #[error("alerts cannot be sent")]
    Mail(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The address is taken.
    #[error("cannot listen")]
    Listener(#[from] io::Error),
}

impl From<MailError> for StartError {
    fn from(error: MailError) -> Self {
        Self::Mail(Box::new(error))
    }
}

/// A log writer that has its port and writes nothing yet.
#[derive(Debug)]
pub struct App {
    bound: Bound,
    logs: Logs,
}

/// What writes, apart from what listens.
#[derive(Debug)]
struct Logs {
    backing: Backing,
    settings: LogWriterSettings,
    alerts: Alerts,
}

/// Builds the log writer; whatever is away is connected to when it is back.
///
/// # Errors
/// When the address is taken, or the mail server cannot be used as it is set.
pub fn build(settings: Settings) -> Result<App, StartError> {
    crypto::install();
    let backing = Backing::connect(&settings, "log-writer");
    // Writing takes both.
    let operations = operations(backing.readiness(Rule::All), metrics::install());
    let bound = runtime::http::bind(&settings.http, operations)?;
    let alerts = Alerts::new(&settings, backing.database.clone(), backing.broker.clone())?;
    Ok(App { bound, logs: Logs { backing, settings: settings.log_writer, alerts } })
}

impl App {
    /// The port, the real one where 0 was asked for.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.bound.port()
    }

    /// Writes until `shutdown`, finishes the batches in hand and gives the rest back to the broker.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn run_until(self, shutdown: CancellationToken) -> io::Result<()> {
        let Self { bound, logs } = self;
        let writing = Box::pin(logs.write_until(&shutdown));
        let listener = async {
            let ended = bound.run_until(shutdown.clone()).await;
            // Without its pages nobody could tell how the rest does.
            shutdown.cancel();
            ended
        };
        let (ended, ()) = tokio::join!(listener, writing);
        logs.backing.broker.close().await;
        ended
    }
}

impl Logs {
    async fn write_until(&self, shutdown: &CancellationToken) {
        upkeep::prepare(&self.backing.database, &self.settings, shutdown).await;
        let syncs = self.writer::<SyncOutcome>(shutdown);
        let webhooks = self.writer::<WebhookOutcome>(shutdown);
        let upkeep = upkeep::run(&self.backing.database, &self.settings, shutdown);
        let drift = upkeep::sample(&self.backing.database, self.settings.drift_every, shutdown);
        let retention = retention::run(&self.backing.database, &self.settings, shutdown);
        let (alerts, queues) = (self.alerts.run(shutdown), queues::run(&self.backing.broker, shutdown));
        tokio::join!(syncs.run(), webhooks.run(), upkeep, drift, retention, alerts, queues);
    }

    fn writer<L: Log>(&self, shutdown: &CancellationToken) -> Writer<L> {
        let limits = Limits { rows: self.settings.batch_rows.max(1), wait: self.settings.batch_wait };
        Writer::new(&self.backing.broker, self.backing.database.clone(), limits, shutdown.clone())
    }
}
