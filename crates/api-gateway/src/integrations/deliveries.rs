//! The webhooks that came in for an integration, newest first. Writing their log is log-writer's.

use actix_web::{HttpResponse, get, web};
use domain::id::{IntegrationId, WebhookLogId};
use domain::time::Timestamp;
use persistence::Scope;
use persistence::webhook_logs::{self, Became, Filter, WebhookLog};
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::find;
use super::logs::Trail;
use crate::auth::Viewer;
use crate::body::{Id, Ids, QueryParams};
use crate::page::{self, Page};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Which deliveries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Only deliveries of which this became.
    #[param(inline)]
    outcome: Option<Became>,
    /// Only deliveries from then on.
    since: Option<Timestamp>,
    /// Only deliveries before then.
    until: Option<Timestamp>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
    /// Deliveries in the answer.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Lists the webhooks that came in for an integration, newest first.
#[utoipa::path(tag = "logs", security(("bearer" = ["viewer", "admin"])), params(("id" = IntegrationId, Path, description = "Which integration."), Wanted),
    responses((status = 200, body = Page<WebhookLog>, description = "The deliveries.")))]
#[get("/integrations/{id}/webhook-logs")]
pub(crate) async fn list_deliveries(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    wanted: QueryParams<Wanted>,
) -> Result<HttpResponse, Problem> {
    let (tenant, Wanted { outcome, since, until, cursor, limit }) = (caller.tenant_id, wanted.0);
    let page = page::of_log(limit, cursor.as_deref())?;
    let filter = Filter { outcome, since, until };
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    find(&mut tx, tenant, id.0).await?;
    let logs = webhook_logs::list(&mut tx, (tenant, id.0), &filter, &page).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Page::of_log(logs, &page)))
}

/// One delivery with what it led to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TracedWebhookLog)]
pub(crate) struct Shown {
    #[serde(flatten)]
    log: WebhookLog,
    /// What its trace led to.
    trace: Trail,
}

/// Shows one delivery and what it led to.
#[utoipa::path(tag = "logs", security(("bearer" = ["viewer", "admin"])), params(("id" = IntegrationId, Path, description = "Which integration."), ("delivery" = WebhookLogId, Path, description = "Which delivery.")),
    responses((status = 200, body = Shown, description = "The delivery.")))]
#[get("/integrations/{id}/webhook-logs/{delivery}")]
pub(crate) async fn show_delivery(
    caller: Viewer,
    ids: Ids<IntegrationId, WebhookLogId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let (tenant, Ids(integration, id)) = (caller.tenant_id, ids);
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    find(&mut tx, tenant, integration).await?;
    let log = webhook_logs::get(&mut tx, (tenant, integration), id).await?.ok_or(Refusal::NotFound)?;
    let trace = Trail::of(&mut tx, tenant, &log.correlation_id).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Shown { log, trace }))
}
