//! What the buttons on top of an integration's pages do. Each leads back to the overview, which says what came of it.

use actix_web::{HttpRequest, HttpResponse, post, web};
use domain::id::{IntegrationId, RunId};
use domain::run::Mode;
use runtime::http::Problem;

use super::super::frame::Visit;
use super::super::said::lead;
use super::overview;
use crate::body::{Id, Ids};
use crate::change::Change;
use crate::state::Gateway;
use crate::{integrations, runs};

fn home(id: IntegrationId) -> String {
    format!("/dashboard/integrations/{id}")
}

/// Switches it on.
#[post("/integrations/{id}/enable")]
pub(super) async fn enable(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    lead(&home(id.0), integrations::switch(&change, id.0, &gateway, true).await, "enabled")
}

/// Switches it off.
#[post("/integrations/{id}/disable")]
pub(super) async fn disable(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    lead(&home(id.0), integrations::switch(&change, id.0, &gateway, false).await, "disabled")
}

/// Calls the platform, and shows what it says.
#[post("/integrations/{id}/test")]
pub(super) async fn test(
    change: Change,
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let trial = integrations::tried(&gateway, &change, id.0).await?;
    let visit = visit.at(home(id.0));
    let extra = overview::Extra { trial: Some(trial), ..overview::Extra::default() };
    overview::shown(&visit, &gateway, &request, (id.0, extra)).await
}

/// Switches it on for the first time, and begins its first sync.
#[post("/integrations/{id}/begin")]
pub(super) async fn begin(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let begun = match integrations::switch(&change, id.0, &gateway, true).await {
        Ok(_) => runs::begun(&gateway, &change, id.0, runs::Wish::of(Mode::Full)).await.map(|_run| ()),
        Err(problem) => Err(problem),
    };
    lead(&home(id.0), begun, "created")
}

/// Brings into step what changed since the last time.
#[post("/integrations/{id}/sync")]
pub(super) async fn sync(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let begun = runs::begun(&gateway, &change, id.0, runs::Wish::of(Mode::SinceLast)).await;
    lead(&home(id.0), begun, "started")
}

/// Ends the run that is under way.
#[post("/integrations/{id}/runs/{run}/cancel")]
pub(super) async fn cancel(
    change: Change,
    ids: Ids<IntegrationId, RunId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    lead(&home(ids.0), runs::cancelled(&gateway, &change, &ids).await, "cancelled")
}

/// Agrees to the deletions that a run found.
#[post("/integrations/{id}/runs/{run}/confirm")]
pub(super) async fn confirm(
    change: Change,
    ids: Ids<IntegrationId, RunId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    lead(&home(ids.0), runs::confirmed(&gateway, &change, &ids).await, "confirmed")
}
