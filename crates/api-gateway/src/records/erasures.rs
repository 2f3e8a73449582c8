//! What became of persons who were erased, or are to be. Erasing them is `erase`'s.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get, web};
use domain::id::{ErasureId, RecordId, SuppressionId};
use domain::time::Timestamp;
use persistence::Scope;
use persistence::people::erasures::{self, Answer, Erasure};
use runtime::http::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Admin;
use crate::body::{Id, QueryParams};
use crate::page::{Page, Part};
use crate::{refusal::Refusal, state::Gateway};

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
pub(crate) struct Receipt {
    /// The erasure, by which it is asked for later: `GET /api/v1/erasures/{id}`.
    pub(super) id: ErasureId,
    /// The contact, which is no more; where two that were to be erased became one, that one.
    record_id: RecordId,
    /// Whether it is done, or waits for the platforms.
    state: State,
    /// When it was asked for first.
    requested_at: Timestamp,
    /// When it was erased; `null` while it waits.
    erased_at: Option<Timestamp>,
    /// By table, how many rows were deleted or lost their content; and how many messages that nobody could handle.
    #[schema(example = json!({"records": 3, "record_links": 4, "integration_sync_logs": 12}))]
    erased: BTreeMap<String, i64>,
    /// What each platform did that was to delete the person first, object by object.
    platforms: Vec<Answer>,
    /// What keeps the person from being taken in again: one for each identifier, which is kept as a keyed hash.
    suppressions: Vec<SuppressionId>,
}

/// How far an erasure is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ErasureState)]
enum State {
    /// Nothing of the person is left.
    Erased,
    /// The platforms are asked to delete the person; then it is erased.
    Deleting,
}

impl From<Erasure> for Receipt {
    fn from(found: Erasure) -> Self {
        let Erasure { id, record, requested_at, erased_at, counts, answers, suppressions, author: _ } = found;
        let state = if erased_at.is_some() { State::Erased } else { State::Deleting };
        Self { id, record_id: record, state, requested_at, erased_at, erased: counts, platforms: answers, suppressions }
    }
}

/// Shows an erasure: what was taken away, and what the platforms answered. It stays when the person is long gone.
#[utoipa::path(tag = "records", security(("bearer" = ["admin"])), params(("id" = ErasureId, Path, description = "Which erasure.")),
    responses((status = 200, body = Receipt, description = "How far it is, or what was done.")))]
#[get("/erasures/{id}")]
pub(crate) async fn show_erasure(
    caller: Admin,
    id: Id<ErasureId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let found = erasures::get(&mut tx, caller.tenant_id, id.0).await?.ok_or(Refusal::NotFound)?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Receipt::from(found)))
}

/// Lists erasures, those that were asked for last first.
#[utoipa::path(tag = "records", security(("bearer" = ["admin"])), params(Part),
    responses((status = 200, body = Page<Receipt>, description = "The erasures.")))]
#[get("/erasures")]
pub(crate) async fn list_erasures(
    caller: Admin,
    gateway: web::Data<Gateway>,
    part: QueryParams<Part>,
) -> Result<HttpResponse, Problem> {
    let found = Page::read(&gateway, caller.tenant_id, &part.0.of_log()?, erasures::list).await?;
    Ok(HttpResponse::Ok().json(found.map(Receipt::from)))
}
