//! Identifiers of erased persons: shown as hashes, and lifted. Erasing somebody is `records`'.

use actix_web::{HttpResponse, delete, get, web};
use domain::audit::Action;
use domain::id::{RecordId, SuppressionId};
use domain::time::Timestamp;
use persistence::people::{self, Suppression};
use runtime::http::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Admin;
use crate::body::{Id, QueryParams};
use crate::change::Change;
use crate::page::{Page, Part};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// An identifier of an erased person. Nobody can tell from it which.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suppression)]
pub(crate) struct View {
    /// Its id.
    id: SuppressionId,
    /// The record that was erased: the same for all identifiers of a person.
    record_id: RecordId,
    /// What kind of identifier: `coccinelle`, `email`, `phone` or `external_id`.
    #[schema(example = "email")]
    scheme: String,
    /// The keyed hash of the identifier.
    hash: String,
    /// When the person was erased.
    created_at: Timestamp,
}

impl From<Suppression> for View {
    fn from(kept: Suppression) -> Self {
        let Suppression { id, record, scheme, hash, created_at } = kept;
        Self { id, record_id: record, scheme, hash, created_at }
    }
}

/// Lists what keeps erased persons from being taken in again, the newest first.
#[utoipa::path(tag = "suppressions", security(("bearer" = ["admin"])), params(Part),
    responses((status = 200, body = Page<View>, description = "The suppressions.")))]
#[get("/suppressions")]
pub(crate) async fn list_suppressions(
    caller: Admin,
    gateway: web::Data<Gateway>,
    part: QueryParams<Part>,
) -> Result<HttpResponse, Problem> {
    let found = Page::read(&gateway, caller.tenant_id, &part.0.of_log()?, people::list).await?;
    Ok(HttpResponse::Ok().json(found.map(View::from)))
}

/// Lifts a suppression: what bears this identifier is taken in again from now on. Nothing comes back by itself.
#[utoipa::path(tag = "suppressions", security(("bearer" = ["admin"])), params(("id" = SuppressionId, Path, description = "Which suppression.")),
    responses((status = 204, description = "It is lifted.")))]
#[delete("/suppressions/{id}")]
pub(crate) async fn lift_suppression(
    change: Change,
    id: Id<SuppressionId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let mut tx = change.begin(&gateway).await?;
    if !people::lift(&mut tx, change.tenant_id, id.0).await? {
        tx.leave_unchanged().await?;
        return Err(Refusal::NotFound.into());
    }
    tx.commit(Action::SuppressionLifted, Some(id.0.to_string()), None).await?;
    Ok(HttpResponse::NoContent().finish())
}
