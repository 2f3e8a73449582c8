//! Asking for a run: what it is to take, and whether it may begin.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, post, web};
use domain::audit::Action;
use domain::id::IntegrationId;
use domain::integration::{Direction, Integration};
use domain::kind::RecordKind;
use domain::run::{Mode, Run, Trigger};
use persistence::runs::{self, NewRun, Started};
use runtime::http::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{announce, view::View};
use crate::body::{Id, JsonIfAny};
use crate::change::Change;
use crate::integrations::{find, kinds_of};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// A run that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRun)]
pub(crate) struct Wish {
    /// Which way at most; a kind's own direction bounds it further. Both ways where nothing is said.
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
#[utoipa::path(tag = "runs", security(("bearer" = ["admin"])), request_body = Option<Wish>,
    params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses(
        (status = 202, body = View, description = "It is queued; `Location` says where to watch it.",
            headers(("Location" = String, description = "The path of the run."))),
        (status = 409, description = "`run_under_way`: another run is not over yet. \
            `integration_disabled`: switch the integration on first."),
    ))]
#[post("/integrations/{id}/sync")]
pub(crate) async fn start_run(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    wish: JsonIfAny<Wish>,
) -> Result<HttpResponse, Problem> {
    let run = begun(&gateway, &change, id.0, wish.0).await?;
    let location = format!("/api/v1/integrations/{}/runs/{}", id.0, run.id);
    Ok(HttpResponse::Accepted().insert_header((LOCATION, location)).json(View::from(run)))
}

/// Starts a run, where none is under way.
pub(crate) async fn begun(gateway: &Gateway, change: &Change, id: IntegrationId, wish: Wish) -> Result<Run, Problem> {
    let mut tx = change.begin(gateway).await?;
    let integration = find(&mut tx, change.tenant_id, id).await?;
    let new = wish.checked(&integration, change.sub().to_owned())?;
    let run = match runs::start(&mut tx, &new).await? {
        Started::Queued(run) => run,
        Started::Conflict(live) => return Err(Refusal::RunUnderWay(live.id).into()),
        // Only times of the schedule pass.
        Started::Past => return Err(Refusal::NotFound.into()),
    };
    tx.commit(Action::RunStarted, Some(run.id.to_string()), None).await?;
    announce(gateway, &run, change.trace).await;
    Ok(*run)
}

impl Wish {
    /// A run of everything that the integration holds, its own way.
    pub(crate) fn of(mode: Mode) -> Self {
        Self { direction: None, kinds: None, mode }
    }

    fn checked(self, integration: &Integration, by: String) -> Result<NewRun, Refusal> {
        let held = kinds_of(integration);
        let kinds = self.kinds.unwrap_or_else(|| held.to_vec());
        if kinds.is_empty() {
            return Err(Refusal::at("kinds", "must name a kind, or be left out for all"));
        }
        if let Some(index) = kinds.iter().position(|kind| !held.contains(kind)) {
            return Err(Refusal::at(&format!("kinds[{index}]"), "is not held by this platform"));
        }
        // The integration's own would leave out kinds that flow otherwise than it does.
        let direction = self.direction.unwrap_or(Direction::Bidirectional);
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
            requested_by: Some(by),
            due_at: None,
        })
    }
}
