//! n8n as this process knows it: where its workflows are, which of them took nothing lately, and who was told of it. What they are
//! handed is `converge`'s.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connectors::error::ConnectorError;
use connectors::http::{Reach, SetupError};
use connectors::workflow::{Workflow, Workflows, absence};
use domain::id::IntegrationId;
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use runtime::config::N8nSettings;
use serde_json::json;
use tokio::time::Instant;
use url::Url;

use crate::absences::Absences;

/// The workflows, and which of them are away.
#[derive(Debug)]
pub(crate) struct N8n {
    pub(crate) settings: N8nSettings,
    /// Where the world reaches the gateway.
    public_url: Url,
    workflows: Option<Workflows>,
    away: Absences<Workflow>,
    /// Why a workflow is away.
    causes: Mutex<HashMap<Workflow, ConnectorError>>,
    /// Of which pause each integration was told last, by its end.
    told: Mutex<HashMap<IntegrationId, Instant>>,
    /// Of which platforms it is shown whether their workflow is there.
    shown: Mutex<BTreeSet<PlatformSlug>>,
}

/// A workflow that is left alone.
#[derive(Debug)]
pub(crate) struct Pause {
    /// Until when.
    pub(crate) until: Instant,
    /// Why; `None` where the integration was told of this pause.
    pub(crate) news: Option<ConnectorError>,
}

impl N8n {
    /// # Errors
    /// When the system's certificates cannot be used.
    pub(crate) fn new(settings: N8nSettings, public_url: Url) -> Result<Arc<Self>, SetupError> {
        let guarded = Reach::PublicOnly { other_ports: Vec::new() };
        let reach = if settings.allow_private_addresses { Reach::Anywhere } else { guarded };
        let workflows = match (&settings.base_url, &settings.signing_secret) {
            (Some(url), Some(secret)) => Some(Workflows::new(url.clone(), secret.clone(), settings.timeout, reach)?),
            (None, _) | (_, None) => None,
        };
        let away = Absences::new(settings.pause);
        let (causes, told, shown) = (Mutex::default(), Mutex::default(), Mutex::default());
        Ok(Arc::new(Self { settings, public_url, workflows, away, causes, told, shown }))
    }

    /// The workflows; `None` where the operator has set no n8n.
    pub(crate) fn workflows(&self) -> Option<&Workflows> {
        self.workflows.as_ref()
    }

    /// Where a workflow reaches the gateway: the operator's own n8n may do so from within.
    pub(crate) fn gateway_for(&self, workflow: &Workflow) -> &Url {
        match workflow {
            Workflow::Shared(_) => &self.settings.callback_base_url,
            Workflow::Own(..) => &self.public_url,
        }
    }

    /// Whether a workflow is left alone, so that nothing is handed to it; and what an integration is to be told of that.
    pub(crate) fn pause_of(&self, workflow: &Workflow, integration: IntegrationId) -> Option<Pause> {
        let until = self.away.until(workflow)?;
        Some(Pause { until, news: self.news(workflow, integration, until) })
    }

    /// Notes that a workflow took a write, or would take one.
    pub(crate) fn took(&self, workflow: &Workflow) {
        self.away.took(workflow);
        lock(&self.causes).remove(workflow);
        self.show(workflow, 1.0);
    }

    /// Notes that a workflow did not take a write of an integration.
    pub(crate) fn missed(&self, workflow: &Workflow, integration: IntegrationId, cause: ConnectorError) -> Pause {
        self.show(workflow, 0.0);
        let (until, is_new) = self.away.missed(workflow);
        if is_new {
            let wait = until.saturating_duration_since(Instant::now());
            tracing::warn!(integration.id = %integration, seconds = wait.as_secs_f64(), error.code = cause.code, "a workflow is away");
        }
        lock(&self.causes).insert(workflow.clone(), cause);
        Pause { until, news: self.news(workflow, integration, until) }
    }

    /// Sees whether the workflows of these platforms are there, so that those are watched as well that nobody has work for.
    pub(crate) async fn look_at(&self, platforms: Vec<PlatformSlug>) {
        lock(&self.shown).retain(|platform| {
            let is_used = platforms.contains(platform);
            if !is_used {
                // Nobody looks any more, and what was seen last must not be shown for ever.
                gauge(platform, f64::NAN);
            }
            is_used
        });
        for platform in platforms {
            self.look_at_one(platform).await;
        }
    }

    async fn look_at_one(&self, platform: PlatformSlug) {
        let Some(workflows) = &self.workflows else { return };
        let workflow = Workflow::Shared(platform);
        match workflows.hand_over(&workflow, &json!({ "test": true })).await {
            Ok(()) => self.took(&workflow),
            Err(error) if absence(&error).is_some() => self.show(&workflow, 0.0),
            // It is there, and busy.
            Err(error) => tracing::debug!(%error, "a workflow does not say that it is there"),
        }
    }

    /// Only the operator's workflows are the operator's to watch.
    fn show(&self, workflow: &Workflow, up: f64) {
        if let Workflow::Shared(platform) = workflow {
            gauge(platform, up);
            lock(&self.shown).insert(platform.clone());
        }
    }

    fn news(&self, workflow: &Workflow, integration: IntegrationId, until: Instant) -> Option<ConnectorError> {
        let is_told = lock(&self.told).insert(integration, until) == Some(until);
        if is_told { None } else { lock(&self.causes).get(workflow).cloned() }
    }
}

/// Which workflow takes an integration's writes.
pub(crate) fn workflow_of(integration: &Integration) -> Workflow {
    // What is no address was refused when it was typed.
    let own = integration.workflow_url.as_deref().and_then(|url| Url::parse(url).ok());
    match own {
        Some(url) => Workflow::Own(integration.id, url),
        None => Workflow::Shared(integration.platform.clone()),
    }
}

fn gauge(platform: &PlatformSlug, up: f64) {
    metrics::gauge!("coccinelle_n8n_up", "platform" => platform.to_string()).set(up);
}

/// A panic elsewhere leaves a map as it was between two statements.
fn lock<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}
