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
use utoipa_actix_web::service_config::ServiceConfig;

use self::control::{cancel_run, confirm_run};
pub(crate) use self::control::{cancelled, confirmed};
use self::start::start_run;
pub(crate) use self::start::{Wish, begun};
use self::view::View;
use crate::auth::Viewer;
use crate::body::{Id, Ids, QueryParams};
use crate::integrations::find;
use crate::page::{Page, Part};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// The routes of runs.
pub(crate) fn routes(routes: &mut ServiceConfig<'_>) {
    routes.service(start_run).service(list_runs).service(show_run).service(cancel_run).service(confirm_run);
}

/// Lists the runs of an integration, the newest first.
#[utoipa::path(tag = "runs", security(("bearer" = ["viewer", "admin"])),
    params(("id" = IntegrationId, Path, description = "Which integration."), Part),
    responses((status = 200, body = Page<View>, description = "The runs.")))]
#[get("/integrations/{id}/runs")]
async fn list_runs(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    part: QueryParams<Part>,
) -> Result<HttpResponse, Problem> {
    let (after, limit) = part.0.of_ids()?;
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
async fn show_run(
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
