//! n8n as this process knows it: where its workflows are, and which of them took nothing lately. What they are handed is `converge`'s.

use std::sync::Arc;

use connectors::http::SetupError;
use connectors::workflow::Workflows;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use runtime::config::N8nSettings;

use crate::absences::Absences;

/// The workflows, and which of them are away.
#[derive(Debug)]
pub(crate) struct N8n {
    pub(crate) settings: N8nSettings,
    workflows: Option<Workflows>,
    away: Absences<PlatformSlug>,
}

impl N8n {
    /// # Errors
    /// When the system's certificates cannot be used.
    pub(crate) fn new(settings: N8nSettings) -> Result<Arc<Self>, SetupError> {
        let workflows = match (&settings.base_url, &settings.signing_secret) {
            (Some(url), Some(secret)) => Some(Workflows::new(url.clone(), secret.clone(), settings.timeout)?),
            (None, _) | (_, None) => None,
        };
        Ok(Arc::new(Self { away: Absences::new(settings.pause), settings, workflows }))
    }

    /// The workflows; `None` where the operator has set no n8n.
    pub(crate) fn workflows(&self) -> Option<&Workflows> {
        self.workflows.as_ref()
    }

    /// Until when a platform's workflow is left alone.
    pub(crate) fn paused_until(&self, platform: &PlatformSlug) -> Option<Timestamp> {
        self.away.until(platform)
    }

    /// Notes that a workflow took a write.
    pub(crate) fn took(&self, platform: &PlatformSlug) {
        self.away.took(platform);
        gauge(platform, 1.0);
    }

    /// Notes that a workflow is away; returns until when it is left alone, and whether that is news.
    pub(crate) fn missed(&self, platform: &PlatformSlug) -> (Timestamp, bool) {
        gauge(platform, 0.0);
        self.away.missed(platform)
    }
}

fn gauge(platform: &PlatformSlug, up: f64) {
    metrics::gauge!("coccinelle_n8n_up", "platform" => platform.to_string()).set(up);
}
