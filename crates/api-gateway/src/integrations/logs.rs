//! What was tried with a platform and what came of it, newest first. Writing the logs is log-writer's.

use actix_web::{HttpResponse, Responder, web};
use domain::id::IntegrationId;
use domain::outcome::SyncType;
use persistence::Scope;
use persistence::log_page::{InvalidCursor, LogPage};
use persistence::sync_logs::{self, Filter, LogStatus};
use runtime::http::Problem;
use serde::Deserialize;
use serde_json::json;

use super::find;
use crate::auth::Viewer;
use crate::body::{Id, Query};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Rows in one answer, unless the caller wants fewer or more.
const PAGE: u32 = 50;

/// Rows in one answer at most.
const PAGE_LIMIT: u32 = 200;

/// Which rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    status: Option<LogStatus>,
    #[serde(rename = "type")]
    sync_type: Option<SyncType>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// Lists the attempts of an integration, newest first; `next_cursor` leads to the older ones.
pub(crate) async fn list_logs(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    wanted: Query<Wanted>,
) -> Result<impl Responder, Problem> {
    let (tenant, wanted) = (caller.tenant_id, wanted.0);
    let page = wanted.page()?;
    let filter = Filter { status: wanted.status, sync_type: wanted.sync_type };
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    find(&mut tx, tenant, id.0).await?;
    let logs = sync_logs::list(&mut tx, (tenant, id.0), filter, &page).await?;
    tx.commit().await?;
    let is_full = logs.len() >= usize::try_from(page.limit).unwrap_or(usize::MAX);
    let next = logs.last().filter(|_| is_full).map(|log| log.cursor().to_string());
    Ok(HttpResponse::Ok().json(json!({ "data": logs, "next_cursor": next })))
}

impl Wanted {
    fn page(&self) -> Result<LogPage, Refusal> {
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=PAGE_LIMIT).contains(&limit) {
            return Err(Refusal::at("limit", format!("must lie between 1 and {PAGE_LIMIT}")));
        }
        let after = self.cursor.as_deref().map(str::parse).transpose();
        let after = after.map_err(|InvalidCursor| Refusal::at("cursor", "must be a `next_cursor` of this list"))?;
        Ok(LogPage { after, limit })
    }
}
