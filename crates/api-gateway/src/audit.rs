//! Showing who changed what. The rows are written with each change, by `change`.

use actix_web::{HttpResponse, get, web};
use domain::audit::Action;
use domain::time::Timestamp;
use persistence::Transaction;
use persistence::audit::{self, Change, Filter};
use persistence::log_page::LogPage;
use runtime::http::Problem;
use serde::Deserialize;

use crate::auth::Admin;
use crate::body::QueryParams;
use crate::page::{self, Page};
use crate::state::Gateway;

/// Which changes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Only those of this action.
    #[param(inline)]
    action: Option<Action>,
    /// Only those of the thing with this id.
    target: Option<String>,
    /// Only those by this caller.
    sub: Option<String>,
    /// Only those from then on.
    since: Option<Timestamp>,
    /// Only those before then.
    until: Option<Timestamp>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
    /// Changes in the answer.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Lists what the tenant's people changed, newest first.
#[utoipa::path(tag = "audit", security(("bearer" = ["admin"])), params(Wanted),
    responses((status = 200, body = Page<Change>, description = "The changes.")))]
#[get("/audit")]
pub(crate) async fn list_changes(
    caller: Admin,
    gateway: web::Data<Gateway>,
    wanted: QueryParams<Wanted>,
) -> Result<HttpResponse, Problem> {
    let Wanted { action, target, sub, since, until, cursor, limit } = wanted.0;
    let page = page::of_log(limit, cursor.as_deref())?;
    let filter = Filter { action, target, sub, since, until };
    let list = async |tx: &mut Transaction, tenant, page: &LogPage| audit::list(tx, tenant, &filter, page).await;
    Ok(HttpResponse::Ok().json(Page::read(&gateway, caller.tenant_id, &page, list).await?))
}
