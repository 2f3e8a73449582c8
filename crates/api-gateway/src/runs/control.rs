//! Ending a run, and agreeing to what it asks.

use actix_web::{HttpResponse, delete, post, web};
use domain::audit::Action;
use domain::id::{IntegrationId, RunId};
use domain::run::{Run, State};
use persistence::{Transaction, runs};
use runtime::http::Problem;

use super::{announce, of, view::View};
use crate::body::Ids;
use crate::change::Change;
use crate::integrations::find;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Ends a run before its next page; what it has brought into step stays. One that has ended stays as it is.
#[utoipa::path(tag = "runs", security(("bearer" = ["admin"])),
    params(("id" = IntegrationId, Path, description = "Which integration."),
        ("run" = RunId, Path, description = "Which run.")),
    responses((status = 202, body = View, description = "It ends, or has ended.")))]
#[delete("/integrations/{id}/runs/{run}")]
pub(crate) async fn cancel_run(
    change: Change,
    ids: Ids<IntegrationId, RunId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Accepted().json(View::from(cancelled(&gateway, &change, &ids).await?)))
}

/// Ends a run.
pub(crate) async fn cancelled(
    gateway: &Gateway,
    change: &Change,
    ids: &Ids<IntegrationId, RunId>,
) -> Result<Run, Problem> {
    let mut tx = change.begin(gateway).await?;
    known(&mut tx, change, ids).await?;
    let run = of(runs::cancel(&mut tx, change.tenant_id, ids.1).await?, ids.0)?;
    tx.commit(Action::RunCancelled, Some(run.id.to_string()), None).await?;
    announce(gateway, &run, change.trace).await;
    Ok(run)
}

/// Agrees to the deletions that a run found and asks about; it then goes on.
#[utoipa::path(tag = "runs", security(("bearer" = ["admin"])),
    params(("id" = IntegrationId, Path, description = "Which integration."),
        ("run" = RunId, Path, description = "Which run.")),
    responses(
        (status = 202, body = View, description = "It goes on."),
        (status = 409, description = "`nothing_to_confirm`: the run does not ask."),
    ))]
#[post("/integrations/{id}/runs/{run}/confirm")]
pub(crate) async fn confirm_run(
    change: Change,
    ids: Ids<IntegrationId, RunId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Accepted().json(View::from(confirmed(&gateway, &change, &ids).await?)))
}

/// Agrees to the deletions of a run.
pub(crate) async fn confirmed(
    gateway: &Gateway,
    change: &Change,
    ids: &Ids<IntegrationId, RunId>,
) -> Result<Run, Problem> {
    let mut tx = change.begin(gateway).await?;
    let run = known(&mut tx, change, ids).await?;
    if run.state != State::NeedsConfirmation {
        return Err(Refusal::NothingToConfirm.into());
    }
    let run = of(runs::confirm(&mut tx, change.tenant_id, ids.1).await?, ids.0)?;
    tx.commit(Action::RunConfirmed, Some(run.id.to_string()), None).await?;
    announce(gateway, &run, change.trace).await;
    Ok(run)
}

async fn known(tx: &mut Transaction, change: &Change, ids: &Ids<IntegrationId, RunId>) -> Result<Run, Problem> {
    find(tx, change.tenant_id, ids.0).await?;
    of(runs::get(tx, change.tenant_id, ids.1).await?, ids.0)
}
