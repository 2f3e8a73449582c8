//! Applying what workflows report: a success is a hint to look, a failure is an attempt. The looking itself is `converge`'s.

use std::collections::BTreeSet;
use std::time::Duration;

use connectors::registry::Platform;
use domain::fault::FaultKind;
use domain::id::{IntegrationId, LinkId, RecordId, SyncLogId, TenantId};
use domain::integration::{Integration, Status};
use domain::kind::RecordKind;
use domain::message::CallbackApply;
use domain::outcome::{FieldChanges, SyncError, SyncOutcome, SyncType};
use domain::redaction::Redactor;
use domain::retry::Asked;
use domain::workflow::{Errand, Verb, faults};
use messaging::{Context, consumer::Handler};
use persistence::records::links::{self, Commissioned, FailedErrand};
use persistence::records::store;
use persistence::{Scope, Transaction, budgets, health, integrations};

use crate::engine::{DispatchError, Engine, Priority};

/// What is kept of what a workflow says went wrong, in characters.
const MESSAGE: usize = 500;

/// Applies reports.
#[derive(Clone, Debug)]
pub(crate) struct Callback(pub(crate) Engine);

impl Handler<CallbackApply> for Callback {
    type Error = DispatchError;

    async fn handle(&self, message: &CallbackApply, context: &Context) -> Result<(), DispatchError> {
        let of = (message.tenant_id, message.integration_id, message.link_id);
        let mut tx = self.0.database.begin(Scope::System).await?;
        if !message.report.success {
            lock_contact(&mut tx, of).await?;
        }
        let Some(link) = links::lock_commissioned(&mut tx, of).await? else {
            return Ok(tx.commit().await?);
        };
        if link.is_held {
            tx.commit().await?;
            return Err(DispatchError::LinkHeld);
        }
        let current = link.errand.clone().filter(|errand| errand.event_id == message.event_id && !errand.reported);
        match (message.report.success, current) {
            (true, current) => self.succeeded(tx, message, &link, current).await?,
            (false, Some(errand)) => return self.failed(tx, message, (link, errand), context).await,
            // Something else was handed over since, or the write turned up by itself.
            (false, None) => return Ok(tx.commit().await?),
        }
        self.0.announce(Priority::Live, &[link.push], context.trace).await
    }
}

impl Callback {
    /// A late report of success is a hint like any other.
    async fn succeeded(
        &self,
        mut tx: Transaction,
        message: &CallbackApply,
        link: &Commissioned,
        current: Option<Errand>,
    ) -> Result<(), DispatchError> {
        let ended = current.map(|errand| Errand { reported: true, ..errand });
        let errand = ended.or_else(|| link.errand.clone());
        let hint = message.report.external_id.as_deref();
        links::note_success(&mut tx, link.push.link_id, hint, errand.as_ref()).await?;
        Ok(tx.commit().await?)
    }

    async fn failed(
        &self,
        mut tx: Transaction,
        message: &CallbackApply,
        (link, errand): (Commissioned, Errand),
        context: &Context,
    ) -> Result<(), DispatchError> {
        let is_parked = is_parked(&mut tx, message).await?;
        let integration = integrations::get(&mut tx, message.tenant_id, message.integration_id).await?;
        let limited = match &integration {
            Some(integration) if message.report.retryable => paused_for(&mut tx, integration).await?,
            Some(_) | None => None,
        };
        // Refused credentials and limits are no attempt, and block nothing, whosever write they failed.
        let attempts = link.attempts + u32::from(!is_parked && limited.is_none());
        let again = if is_parked {
            Some(Duration::ZERO)
        } else if limited.is_some() {
            limited
        } else {
            let scheduled = || self.0.schedule.wait(attempts, jitter(), Asked::default());
            message.report.retryable.then(scheduled).flatten()
        };
        // What it made before it failed has to be visible by then.
        let visible_after = integration.as_ref().map(lookup_lag).unwrap_or_default();
        let again_in = again.map(|wait| wait.max(visible_after));
        let redactor = self.0.redactors.of(&mut tx, message.tenant_id).await?;
        let error = error_of(message, &redactor);
        let outcome = outcome_of(message, &link, (&errand, &error), context);
        let failed = FailedErrand { errand, attempts, again_in, error, outcome: outcome.clone() };
        links::note_failure(&mut tx, link.push.link_id, &failed).await?;
        // As where the dispatcher itself fails at a contact, nothing waits for one that waits for a person.
        let freed = links::owed_dependents(&mut tx, message.integration_id, &contact_of(&link)).await?;
        tx.commit().await?;
        self.0.announce(Priority::Live, &freed, context.trace).await?;
        // Without a wait it is blocked, unless something newer is owed: whoever looks will know.
        self.0.announce_after(Priority::Live, link.push, context.trace, again_in.unwrap_or_default()).await?;
        self.0.publish_outcomes(vec![(outcome, context.trace)]).await
    }
}

/// The contact that a link stands for.
fn contact_of(link: &Commissioned) -> BTreeSet<RecordId> {
    link.record.filter(|_| link.kind == RecordKind::Contact).into_iter().collect()
}

/// A contact and what belongs to it take turns, as in `converge`: the contact is locked before any link is.
async fn lock_contact(tx: &mut Transaction, of: (TenantId, IntegrationId, LinkId)) -> Result<(), DispatchError> {
    if let Some(link) = links::commissioned(tx, of).await? {
        store::hold(tx, of.0, &contact_of(&link)).await?;
    }
    Ok(())
}

fn jitter() -> f64 {
    rand::random_range(-1.0..=1.0)
}

/// Whether the integration waits to be connected again: the proxy parks it where the platform refuses a workflow's call so.
async fn is_parked(tx: &mut Transaction, message: &CallbackApply) -> Result<bool, DispatchError> {
    let health = health::get(tx, message.tenant_id, message.integration_id).await?;
    Ok(health.is_some_and(|health| health.status == Status::ReauthRequired))
}

/// For how long the account is still to be left alone: the proxy pauses it where a workflow's call meets a limit.
async fn paused_for(tx: &mut Transaction, integration: &Integration) -> Result<Option<Duration>, DispatchError> {
    let account = accounts::budget_of(integration);
    Ok(budgets::paused_for(tx, &integration.platform, &account).await?)
}

fn lookup_lag(integration: &Integration) -> Duration {
    let platform = Platform::from_slug(&integration.platform);
    platform.map(|platform| platform.connector().descriptor().lookup_lag).unwrap_or_default()
}

fn error_of(message: &CallbackApply, redactor: &Redactor) -> SyncError {
    let said = message.report.error.as_deref().filter(|said| !said.trim().is_empty());
    let class = if message.report.retryable { FaultKind::Unavailable } else { FaultKind::Invalid };
    // Taken out first: what is cut in the middle is no address any more.
    let said = redactor.text(said.unwrap_or("Le workflow n8n a échoué sans dire pourquoi"));
    let message = said.chars().take(MESSAGE).collect();
    SyncError { class, code: faults::FAILED.to_owned(), message }
}

fn outcome_of(
    message: &CallbackApply,
    link: &Commissioned,
    (errand, error): (&Errand, &SyncError),
    context: &Context,
) -> SyncOutcome {
    let sync_type = match errand.action.verb {
        Verb::Create => SyncType::Create,
        Verb::Update => SyncType::Update,
        Verb::Delete => SyncType::Delete,
    };
    SyncOutcome {
        id: SyncLogId::new(),
        created_at: message.received_at,
        tenant_id: message.tenant_id,
        integration_id: message.integration_id,
        link_id: message.link_id,
        record_id: link.record,
        kind: link.kind,
        sync_type,
        external_id: link.external_id.clone(),
        error: Some(error.clone()),
        request: None,
        response: None,
        changes: FieldChanges::new(),
        duration_ms: 0,
        attempt: link.attempts + 1,
        correlation_id: context.trace.trace_id(),
    }
}
