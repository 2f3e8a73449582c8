//! Putting the dispatcher together from its settings, so that tests start what production starts.

use std::io;

use accounts::{AccountError, Accounts};
use backing::Backing;
use runtime::config::Settings;
use runtime::health::Rule;
use runtime::http::{Bound, operations};
use runtime::{crypto, metrics};
use tokio_util::sync::CancellationToken;
use vault::{Vault, VaultError};

use crate::backend::{Backend, BackendError};
use crate::beliefs::Believed;
use crate::breakers::Noted;
use crate::engine::Engine;
use crate::mapped::Mapped;
use crate::redactors::Redactors;
use crate::told::Told;
use crate::turns::Turns;
use crate::work;

/// Why the dispatcher cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its address is taken.
    #[error("cannot listen")]
    Listen(#[from] io::Error),
    /// The master keys cannot be read.
    #[error("the key ring cannot be used")]
    KeyRing(#[from] VaultError),
    /// The platforms cannot be called.
    #[error("the platforms cannot be called")]
    Accounts(#[from] AccountError),
    /// n8n cannot be called.
    #[error("n8n cannot be called")]
    N8n(#[from] connectors::http::SetupError),
    /// The backend cannot be told anything.
    #[error("the backend cannot be told anything")]
    Backend(#[from] BackendError),
}

/// A dispatcher that has its port and does nothing yet.
#[derive(Debug)]
pub struct App {
    bound: Bound,
    engine: Engine,
}

/// Builds the dispatcher; whatever is away is connected to when it is back.
///
/// # Errors
/// When the address is taken or the key ring cannot be read.
pub fn build(settings: Settings) -> Result<App, StartError> {
    crypto::install();
    // The other connections are for what is merged, told and listed meanwhile.
    let turns = usize::try_from(settings.database.pool_size).unwrap_or(usize::MAX) / 2;
    let backing = Backing::connect(&settings, "sync-dispatcher");
    // Working takes both.
    let operations = operations(backing.readiness(Rule::All), metrics::install());
    let Backing { broker, database, steps } = backing;
    let vault = Vault::watching(&settings.vault.key_ring_file)?;
    let timeout = settings.dispatcher.platform_timeout;
    let accounts = Accounts::new(database.clone(), vault, &settings.platforms, timeout)?;
    let bound = runtime::http::bind(&settings.http, operations)?;
    let schedule = settings.broker.retry_schedule;
    let n8n = crate::n8n::N8n::new(settings.n8n, settings.gateway.public_url)?;
    let backend = Backend::new(settings.backend)?;
    Ok(App {
        bound,
        engine: Engine {
            database,
            broker,
            accounts,
            schedule,
            settings: settings.dispatcher,
            steps,
            believed: Believed::new(),
            mapped: Mapped::new(),
            redactors: Redactors::new(),
            n8n,
            backend,
            answers: Noted::default(),
            told: Told::default(),
            turns: Turns::new(turns),
            public_url: settings.webhooks.public_url,
        },
    })
}

impl App {
    /// The port, the real one where 0 was asked for.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.bound.port()
    }

    /// Works until `shutdown`, finishes what is under way and gives the rest back to the broker.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn run_until(self, shutdown: CancellationToken) -> io::Result<()> {
        let Self { bound, engine } = self;
        let broker = engine.broker.clone();
        let listener = async {
            let ended = bound.run_until(shutdown.clone()).await;
            // Without its pages nobody could tell how the rest does.
            shutdown.cancel();
            ended
        };
        let (ended, ()) = tokio::join!(listener, work::until(engine, shutdown.clone()));
        broker.close().await;
        ended
    }
}
