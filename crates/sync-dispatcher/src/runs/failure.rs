//! What follows from a page that failed: another attempt by the schedule, or the end of its run.

use std::time::Duration;

use connectors::error::ConnectorError;
use domain::fault::FaultKind;
use domain::message::RunPage;
use domain::outcome::SyncError;
use domain::retry::Asked;
use domain::run::State;
use domain::trace::TraceParent;
use messaging::Context;
use persistence::{Scope, runs};

use crate::converge::until_room;
use crate::engine::{DispatchError, Engine};

/// How soon a page comes back for which there was no room in the account's budget.
const SOON: Duration = Duration::from_secs(5);

/// Has a page done later where that may help, and ends its run where it does not.
pub(super) async fn put_off(
    engine: &Engine,
    (page, trace): (&RunPage, TraceParent),
    error: &ConnectorError,
) -> Result<(), DispatchError> {
    let sync_error = SyncError { class: error.kind, code: error.code.clone(), message: error.message.clone() };
    let mut tx = engine.database.begin(Scope::System).await?;
    let Some(run) = runs::take_up(&mut tx, page).await? else { return Ok(tx.commit().await?) };
    if run.state == State::Cancelling {
        runs::end(&mut tx, page, State::Cancelled, None).await?;
        return Ok(tx.commit().await?);
    }
    let wait = if error.is_budget_spent() {
        // The platform was not asked: no attempt.
        Some(error.retry_after.unwrap_or(SOON))
    } else if error.kind == FaultKind::RateLimited {
        // Nor is it one to have met the limit itself.
        Some(until_room(&engine.schedule, error))
    } else if error.is_worth_repeating() {
        let asked = Asked { rate_limited: false, retry_after: error.retry_after };
        engine.schedule.wait(run.attempts.saturating_add(1), rand::random_range(-1.0..=1.0), asked)
    } else {
        None
    };
    let Some(wait) = wait else {
        tx.commit().await?;
        return give_up(engine, page, &sync_error).await;
    };
    let is_attempt = !error.is_budget_spent() && error.kind != FaultKind::RateLimited;
    let counted = is_attempt.then_some(&sync_error);
    runs::put_off(&mut tx, page, wait, counted).await?;
    tx.commit().await?;
    tracing::warn!(run.id = %page.run_id, error = %error, "a page of a run is put off");
    Ok(engine.broker.park(page, &Context::continuing(trace), wait).await?)
}

/// Has a page done after this pause, when its platform may be back. That is no attempt.
pub(super) async fn wait(
    engine: &Engine,
    (page, trace): (&RunPage, TraceParent),
    pause: Duration,
) -> Result<(), DispatchError> {
    let wait = pause.max(SOON);
    let mut tx = engine.database.begin(Scope::System).await?;
    runs::put_off(&mut tx, page, wait, None).await?;
    tx.commit().await?;
    Ok(engine.broker.park(page, &Context::continuing(trace), wait).await?)
}

/// Ends a run by an error. Refused credentials park its integration, as they do anywhere.
pub(super) async fn give_up(engine: &Engine, page: &RunPage, error: &SyncError) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let whose = (page.tenant_id, page.integration_id);
    accounts::park_if_refused(&mut tx, whose, (error.class, &error.message)).await?;
    runs::end(&mut tx, page, State::Failed, Some(error)).await?;
    tx.commit().await?;
    tracing::warn!(run.id = %page.run_id, error.code = error.code, "a run failed");
    Ok(())
}
