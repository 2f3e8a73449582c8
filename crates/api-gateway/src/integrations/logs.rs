//! What was tried with a platform and what came of it, newest first. Writing the logs is log-writer's.

use actix_web::{HttpResponse, get, web};
use domain::id::IntegrationId;
use domain::outcome::SyncType;
use persistence::Scope;
use persistence::sync_logs::{self, Filter, LogStatus, SyncLog};
use runtime::http::Problem;
use serde::Deserialize;

use super::find;
use crate::auth::Viewer;
use crate::body::{Id, QueryParams};
use crate::page::{self, Page};
use crate::state::Gateway;

/// Which rows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Only attempts that ended so.
    status: Option<LogStatus>,
    /// Only attempts at this.
    #[serde(rename = "type")]
    sync_type: Option<SyncType>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
    /// Rows in the answer.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Lists the attempts of an integration, newest first; `next_cursor` leads to the older ones.
#[utoipa::path(tag = "logs", security(("bearer" = ["viewer", "admin"])), params(("id" = IntegrationId, Path, description = "Which integration."), Wanted),
    responses((status = 200, body = Page<SyncLog>, description = "The attempts.")))]
#[get("/integrations/{id}/logs")]
pub(crate) async fn list_logs(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    wanted: QueryParams<Wanted>,
) -> Result<HttpResponse, Problem> {
    let (tenant, wanted) = (caller.tenant_id, wanted.0);
    let page = page::of_log(wanted.limit, wanted.cursor.as_deref())?;
    let filter = Filter { status: wanted.status, sync_type: wanted.sync_type };
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    find(&mut tx, tenant, id.0).await?;
    let logs = sync_logs::list(&mut tx, (tenant, id.0), filter, &page).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Page::of(logs, page.limit, |log| log.cursor().to_string())))
}
