//! The trouble of a tenant's integrations that its people are told of. Finding it, and telling them, is `log-writer`'s.

use actix_web::{HttpResponse, get, web};
use domain::id::{IncidentId, IntegrationId};
use domain::incident::Trigger;
use domain::time::Timestamp;
use persistence::Transaction;
use persistence::incidents::{self, Incident};
use persistence::log_page::LogPage;
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::Viewer;
use crate::body::QueryParams;
use crate::page::{self, Page};
use crate::state::Gateway;

/// Trouble of an integration, from its beginning to its end.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Incident)]
pub(crate) struct View {
    /// Its id.
    id: IncidentId,
    /// The integration that is in trouble.
    integration_id: IntegrationId,
    /// What the trouble is.
    trigger: Trigger,
    /// Why it began, where that is known.
    cause: Option<String>,
    /// How many deliveries were refused, or how many records were out of step, when it began.
    count: Option<i64>,
    /// When it was found.
    opened_at: Timestamp,
    /// When it was found to be over; `null` while it lasts.
    ended_at: Option<Timestamp>,
}

impl From<Incident> for View {
    fn from(found: Incident) -> Self {
        let (cause, count) = seen(&found.detail);
        let Incident { id, integration, trigger, opened_at, ended_at, .. } = found;
        Self { id, integration_id: integration, trigger, cause, count, opened_at, ended_at }
    }
}

/// What was seen when an incident began: a cause, and how many.
pub(crate) fn seen(detail: &Value) -> (Option<String>, Option<i64>) {
    let cause = detail.get("cause").and_then(Value::as_str).map(str::to_owned);
    (cause, detail.get("count").and_then(Value::as_i64))
}

/// Whether an incident goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IncidentState)]
pub(crate) enum State {
    /// It does.
    Open,
    /// It is over.
    Ended,
}

/// Which incidents.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Only those that go on, or only those that are over.
    #[param(inline)]
    state: Option<State>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
    /// Incidents in the answer.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Lists the trouble that the tenant's people are told of, the newest first. That of integrations that are gone is left out.
#[utoipa::path(tag = "incidents", security(("bearer" = ["viewer", "admin"])), params(Wanted),
    responses((status = 200, body = Page<View>, description = "The incidents.")))]
#[get("/incidents")]
pub(crate) async fn list_incidents(
    caller: Viewer,
    gateway: web::Data<Gateway>,
    wanted: QueryParams<Wanted>,
) -> Result<HttpResponse, Problem> {
    let wanted = wanted.0;
    let page = page::of_log(wanted.limit, wanted.cursor.as_deref())?;
    let goes_on = wanted.state.map(|state| state == State::Open);
    let list = async |tx: &mut Transaction, tenant, page: &LogPage| incidents::list(tx, tenant, goes_on, page).await;
    let found = Page::read(&gateway, caller.tenant_id, &page, list).await?;
    Ok(HttpResponse::Ok().json(found.map(View::from)))
}
