//! Coccinelle's backend as this process knows it: where it is, and whether it took anything lately. What it is told is `telling`'s.

use std::sync::Arc;
use std::time::Duration;

use connectors::backend::{Backend as Client, InvalidSecret, says_that_nobody_is_there};
use connectors::error::ConnectorError;
use connectors::http::SetupError;
use runtime::config::BackendSettings;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::absences::Absences;

/// The backend, if the operator has said where it is.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) settings: BackendSettings,
    client: Option<Client>,
    away: Absences<()>,
}

/// Why the backend cannot be told anything.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// A secret is not of the form that the convention asks for.
    #[error("the setting `backend.secrets` is not usable")]
    Secret(#[from] InvalidSecret),
    /// The system's certificates cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl Backend {
    pub(crate) fn new(settings: BackendSettings) -> Result<Arc<Self>, BackendError> {
        let secrets = settings.secrets.iter().map(|secret| secret.expose_secret().parse());
        let secrets = secrets.collect::<Result<Vec<_>, InvalidSecret>>()?;
        let client = settings.url.clone().map(|url| Client::new(url, secrets, settings.timeout)).transpose()?;
        Ok(Arc::new(Self { away: Absences::new(settings.pause), settings, client }))
    }

    /// Whether somebody has said where the backend is. If not, it is owed nothing.
    pub(crate) fn is_known(&self) -> bool {
        self.client.is_some()
    }

    /// Until when the backend is left alone.
    pub(crate) fn paused_until(&self) -> Option<Instant> {
        self.away.until(&())
    }

    /// Tells it one thing.
    pub(crate) async fn tell(&self, id: &str, body: String) -> Result<(), Untaken> {
        let Some(client) = &self.client else { return Ok(()) };
        match client.tell(id, body).await {
            Ok(()) => {
                if self.away.took(&()) {
                    tracing::info!("the backend is back");
                }
                metrics::gauge!("coccinelle_backend_up").set(1.0);
                Ok(())
            }
            Err(error) if says_that_nobody_is_there(&error) => {
                let (until, is_news) = self.away.missed(&());
                let wait = until.saturating_duration_since(Instant::now()).max(error.retry_after.unwrap_or_default());
                if is_news {
                    tracing::warn!(error.code = error.code, %error, seconds = wait.as_secs_f64(), "the backend takes nothing; what it is owed waits");
                }
                metrics::gauge!("coccinelle_backend_up").set(0.0);
                Err(Untaken::Away(wait))
            }
            Err(error) => Err(Untaken::Refused(error)),
        }
    }
}

/// Why the backend did not take something.
#[derive(Debug)]
pub(crate) enum Untaken {
    /// It is not there, or takes nothing from us: no attempt, and it is left alone for so long.
    Away(Duration),
    /// It was asked, and did not want this.
    Refused(ConnectorError),
}
