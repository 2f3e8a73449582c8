//! Putting the log writer together from its settings, so that tests start what production starts.

use std::io;

use domain::outcome::{SyncOutcome, WebhookOutcome};
use messaging::{Broker, BrokerOptions};
use persistence::Database;
use runtime::config::{BrokerSettings, LogWriterSettings, Settings};
use runtime::health::{Readiness, Rule};
use runtime::http::{Bound, operations};
use runtime::{crypto, metrics};
use tokio_util::sync::CancellationToken;

use crate::batch::Limits;
use crate::log::Log;
use crate::upkeep;
use crate::writer::Writer;

/// A log writer that has its port and writes nothing yet.
#[derive(Debug)]
pub struct App {
    bound: Bound,
    logs: Logs,
}

/// What writes, apart from what listens.
#[derive(Debug)]
struct Logs {
    broker: Broker,
    database: Database,
    settings: LogWriterSettings,
}

/// Builds the log writer; whatever is away is connected to when it is back.
///
/// # Errors
/// When the address is taken.
pub fn build(settings: Settings) -> io::Result<App> {
    crypto::install();
    let database =
        Database::new(&settings.database.url, settings.database.pool_size, settings.database.connect_timeout);
    let broker = connect(settings.broker);
    let bound = runtime::http::bind(&settings.http, operations(readiness(&broker, &database), metrics::install()))?;
    Ok(App { bound, logs: Logs { broker, database, settings: settings.log_writer } })
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
        logs.broker.close().await;
        ended
    }
}

impl Logs {
    async fn write_until(&self, shutdown: &CancellationToken) {
        upkeep::prepare(&self.database, &self.settings, shutdown).await;
        let syncs = self.writer::<SyncOutcome>(shutdown);
        let webhooks = self.writer::<WebhookOutcome>(shutdown);
        let upkeep = upkeep::run(&self.database, &self.settings, shutdown);
        tokio::join!(syncs.run(), webhooks.run(), upkeep);
    }

    fn writer<L: Log>(&self, shutdown: &CancellationToken) -> Writer<L> {
        let limits = Limits { rows: self.settings.batch_rows.max(1), wait: self.settings.batch_wait };
        Writer::new(&self.broker, self.database.clone(), limits, shutdown.clone())
    }
}

fn connect(settings: BrokerSettings) -> Broker {
    Broker::connect(BrokerOptions {
        url: settings.url,
        confirm_timeout: settings.confirm_timeout,
        schedule: settings.retry_schedule,
        name: "log-writer",
    })
}

/// Writing takes both.
fn readiness(broker: &Broker, database: &Database) -> Readiness {
    let (broker, database) = (broker.clone(), database.clone());
    Readiness::new(Rule::All)
        .part("broker", move || {
            let broker = broker.clone();
            async move { broker.is_connected() }
        })
        .part("database", move || {
            let database = database.clone();
            async move { database.is_up().await }
        })
}
