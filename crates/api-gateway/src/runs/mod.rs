//! Full syncs on request: asked for, watched, ended, agreed to. Their pages are the dispatcher's.

mod view;

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, delete, get, post, web};
use domain::audit::Action;
use domain::id::{IntegrationId, RunId};
use domain::integration::{Direction, Integration};
use domain::kind::RecordKind;
use domain::run::{Mode, Run, State, Trigger};
use messaging::Context;
use persistence::runs::{self, NewRun, RunsPage, Started};
use persistence::{Scope, Transaction};
use runtime::http::{Problem, ProblemBody, Trace};
use serde::Deserialize;
use utoipa::ToSchema;

use self::view::View;
use crate::auth::Viewer;
use crate::body::{Id, Ids, Json, QueryParams};
use crate::change::Change;
use crate::integrations::{find, kinds_of};
use crate::page::{self, Page};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// A run that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRun)]
pub(crate) struct Wish {
    /// Which way at most; a kind's own direction bounds it further. The integration's where nothing is said.
    direction: Option<Direction>,
    /// Which kinds; all that the platform holds where nothing is said.
    kinds: Option<Vec<RecordKind>>,
    /// How much is looked at.
    #[serde(default = "what_changed")]
    mode: Mode,
}

fn what_changed() -> Mode {
    Mode::SinceLast
}

/// Starts a run. There is one at a time: while it lasts, another is refused.
#[utoipa::path(tag = "runs", security(("bearer" = ["admin"])), request_body = Wish,
    params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses(
        (status = 202, body = View, description = "It is queued; `Location` says where to watch it.",
            headers(("Location" = String, description = "The path of the run."))),
        (status = 409, body = ProblemBody, description = "`run_under_way`: another run is not over yet. \
            `integration_disabled`: switch the integration on first."),
    ))]
#[post("/integrations/{id}/sync")]
pub(crate) async fn start_run(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    trace: Trace,
    wish: Json<Wish>,
) -> Result<HttpResponse, Problem> {
    let tenant = change.tenant_id;
    let mut tx = change.begin(&gateway).await?;
    let integration = find(&mut tx, tenant, id.0).await?;
    let new = wish.0.checked(&integration)?;
    let run = match runs::start(&mut tx, &new).await? {
        Started::Queued(run) => run,
        Started::Conflict(live) => return Err(Refusal::RunUnderWay(live.id).into()),
        // Only times of the schedule pass.
        Started::Past => return Err(Refusal::NotFound.into()),
    };
    tx.commit(Action::RunStarted, Some(run.id.to_string()), None).await?;
    announce(&gateway, &run, &trace).await;
    let location = format!("/api/v1/integrations/{}/runs/{}", id.0, run.id);
    Ok(HttpResponse::Accepted().insert_header((LOCATION, location)).json(View::from(*run)))
}

impl Wish {
    fn checked(self, integration: &Integration) -> Result<NewRun, Refusal> {
        let held = kinds_of(integration);
        let kinds = self.kinds.unwrap_or_else(|| held.to_vec());
        if kinds.is_empty() {
            return Err(Refusal::at("kinds", "must name a kind, or be left out for all"));
        }
        if let Some(index) = kinds.iter().position(|kind| !held.contains(kind)) {
            return Err(Refusal::at(&format!("kinds[{index}]"), "is not held by this platform"));
        }
        let direction = self.direction.unwrap_or(integration.direction);
        if kinds.iter().all(|kind| integration.direction_of(*kind).within(direction).is_none()) {
            return Err(Refusal::at("direction", "is not allowed for any of these kinds by the integration"));
        }
        if !integration.enabled {
            return Err(Refusal::Disabled);
        }
        Ok(NewRun {
            tenant: integration.tenant_id,
            integration: integration.id,
            trigger: Trigger::Manual,
            direction,
            kinds,
            mode: self.mode,
            requested_by: None,
            due_at: None,
        })
    }
}

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
    trace: Trace,
) -> Result<HttpResponse, Problem> {
    let mut tx = change.begin(&gateway).await?;
    known(&mut tx, &change, &ids).await?;
    let run = of(runs::cancel(&mut tx, change.tenant_id, ids.1).await?, ids.0)?;
    tx.commit(Action::RunCancelled, Some(run.id.to_string()), None).await?;
    announce(&gateway, &run, &trace).await;
    Ok(HttpResponse::Accepted().json(View::from(run)))
}

/// Agrees to the deletions that a run found and asks about; it then goes on.
#[utoipa::path(tag = "runs", security(("bearer" = ["admin"])),
    params(("id" = IntegrationId, Path, description = "Which integration."),
        ("run" = RunId, Path, description = "Which run.")),
    responses(
        (status = 202, body = View, description = "It goes on."),
        (status = 409, body = ProblemBody, description = "`nothing_to_confirm`: the run does not ask."),
    ))]
#[post("/integrations/{id}/runs/{run}/confirm")]
pub(crate) async fn confirm_run(
    change: Change,
    ids: Ids<IntegrationId, RunId>,
    gateway: web::Data<Gateway>,
    trace: Trace,
) -> Result<HttpResponse, Problem> {
    let mut tx = change.begin(&gateway).await?;
    let run = known(&mut tx, &change, &ids).await?;
    if run.state != State::NeedsConfirmation {
        return Err(Refusal::NothingToConfirm.into());
    }
    let run = of(runs::confirm(&mut tx, change.tenant_id, ids.1).await?, ids.0)?;
    tx.commit(Action::RunConfirmed, Some(run.id.to_string()), None).await?;
    announce(&gateway, &run, &trace).await;
    Ok(HttpResponse::Accepted().json(View::from(run)))
}

async fn known(tx: &mut Transaction, change: &Change, ids: &Ids<IntegrationId, RunId>) -> Result<Run, Problem> {
    find(tx, change.tenant_id, ids.0).await?;
    of(runs::get(tx, change.tenant_id, ids.1).await?, ids.0)
}

/// The run, where it is one of this integration.
fn of(run: Option<Run>, integration: IntegrationId) -> Result<Run, Problem> {
    run.filter(|run| run.integration_id == integration).ok_or_else(|| Refusal::NotFound.into())
}

/// Lets the dispatcher take it up at once; what the broker does not take now is announced by the reconciler.
async fn announce(gateway: &Gateway, run: &Run, trace: &Trace) {
    if let Err(error) = gateway.broker.publish(&run.page(), &Context::continuing(trace.0)).await {
        tracing::warn!(run.id = %run.id, %error, "a run is left to the reconciler");
    }
}
