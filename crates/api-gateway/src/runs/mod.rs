//! Full syncs on request: asked for, watched, ended, agreed to. Their pages are the dispatcher's.

mod control;
mod start;
mod view;

use actix_web::{HttpResponse, get, web};
use domain::id::{IntegrationId, RunId};
use domain::run::Run;
use domain::trace::TraceParent;
use messaging::Context;
use persistence::Scope;
use persistence::runs::{self, RunsPage};
use runtime::http::Problem;
use serde::Deserialize;

pub(crate) use self::control::{cancel_run, cancelled, confirm_run, confirmed};
pub(crate) use self::start::{Wish, begun, start_run};
use self::view::View;
use crate::auth::Viewer;
use crate::body::{Id, Ids, QueryParams};
use crate::integrations::find;
use crate::page::{self, Page};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Which runs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
    /// Runs in the answer.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Lists the runs of an integration, the newest first.
#[utoipa::path(tag = "runs", security(("bearer" = ["viewer", "admin"])),
    params(("id" = IntegrationId, Path, description = "Which integration."), Wanted),
    responses((status = 200, body = Page<View>, description = "The runs.")))]
#[get("/integrations/{id}/runs")]
pub(crate) async fn list_runs(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    wanted: QueryParams<Wanted>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(wanted.0.limit)?;
    let after = wanted.0.cursor.map(|cursor| cursor.parse()).transpose();
    let after = after.map_err(|_no_id| Refusal::at("cursor", "must be a `next_cursor` of this list"))?;
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    find(&mut tx, caller.tenant_id, id.0).await?;
    let found = runs::list(&mut tx, (caller.tenant_id, id.0), RunsPage { after, limit }).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Page::of(found, limit, |run| run.id.to_string()).map(View::from)))
}

/// Shows one run and how far it is.
#[utoipa::path(tag = "runs", security(("bearer" = ["viewer", "admin"])),
    params(("id" = IntegrationId, Path, description = "Which integration."),
        ("run" = RunId, Path, description = "Which run.")),
    responses((status = 200, body = View, description = "The run.")))]
#[get("/integrations/{id}/runs/{run}")]
pub(crate) async fn show_run(
    caller: Viewer,
    ids: Ids<IntegrationId, RunId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    find(&mut tx, caller.tenant_id, ids.0).await?;
    let run = of(runs::get(&mut tx, caller.tenant_id, ids.1).await?, ids.0)?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(View::from(run)))
}

/// The run, where it is one of this integration.
fn of(run: Option<Run>, integration: IntegrationId) -> Result<Run, Problem> {
    run.filter(|run| run.integration_id == integration).ok_or_else(|| Refusal::NotFound.into())
}

/// Lets the dispatcher take it up at once; what the broker does not take now is announced by the reconciler.
async fn announce(gateway: &Gateway, run: &Run, trace: TraceParent) {
    if let Err(error) = gateway.broker.publish(&run.page(), &Context::continuing(trace)).await {
        tracing::warn!(run.id = %run.id, %error, "a run is left to the reconciler");
    }
}
