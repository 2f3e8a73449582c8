//! n8n as this process knows it: where its workflows are, and which of them took nothing lately. What they are handed is `converge`'s.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connectors::http::SetupError;
use connectors::workflow::Workflows;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use runtime::config::N8nSettings;

/// A pause grows to so many times the set one while a workflow stays away.
const LONGEST: u32 = 10;

/// The workflows, and which of them are away.
#[derive(Debug)]
pub(crate) struct N8n {
    pub(crate) settings: N8nSettings,
    workflows: Option<Workflows>,
    away: Mutex<HashMap<PlatformSlug, Away>>,
}

/// A workflow that did not take what it was handed.
#[derive(Clone, Copy, Debug)]
struct Away {
    until: Timestamp,
    pause: Duration,
}

impl N8n {
    /// # Errors
    /// When the system's certificates cannot be used.
    pub(crate) fn new(settings: N8nSettings) -> Result<Arc<Self>, SetupError> {
        let workflows = match (&settings.base_url, &settings.signing_secret) {
            (Some(url), Some(secret)) => Some(Workflows::new(url.clone(), secret.clone(), settings.timeout)?),
            (None, _) | (_, None) => None,
        };
        Ok(Arc::new(Self { settings, workflows, away: Mutex::default() }))
    }

    /// The workflows; `None` where the operator has set no n8n.
    pub(crate) fn workflows(&self) -> Option<&Workflows> {
        self.workflows.as_ref()
    }

    /// Until when a platform's workflow is left alone.
    pub(crate) fn paused_until(&self, platform: &PlatformSlug) -> Option<Timestamp> {
        self.lock().get(platform).map(|away| away.until).filter(|until| *until > Timestamp::now())
    }

    /// Notes that a workflow took a write.
    pub(crate) fn took(&self, platform: &PlatformSlug) {
        self.lock().remove(platform);
        gauge(platform, 1.0);
    }

    /// Notes that a workflow is away; returns until when it is left alone, and whether that is news.
    pub(crate) fn missed(&self, platform: &PlatformSlug) -> (Timestamp, bool) {
        gauge(platform, 0.0);
        let (now, longest) = (Timestamp::now(), self.settings.pause * LONGEST);
        let mut away = self.lock();
        let known = away.get(platform).copied();
        if let Some(known) = known.filter(|known| known.until > now) {
            return (known.until, false);
        }
        let pause = known.map_or(self.settings.pause, |known| (known.pause * 2).min(longest));
        let until = now.plus(pause);
        away.insert(platform.clone(), Away { until, pause });
        (until, true)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PlatformSlug, Away>> {
        // A panic elsewhere leaves the map as it was between two statements.
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gauge(platform: &PlatformSlug, up: f64) {
    metrics::gauge!("coccinelle_n8n_up", "platform" => platform.to_string()).set(up);
}
