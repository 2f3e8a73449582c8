//! The values that a record lost. Deciding on those that two systems disagree about is `conflicts`'.

use actix_web::{HttpResponse, get, web};
use domain::id::{ConflictId, RecordId};
use domain::time::Timestamp;
use persistence::Scope;
use persistence::records::conflicts::{self, Filter, Kept, Sort};
use persistence::records::joining;
use runtime::http::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::Field;
use crate::auth::Viewer;
use crate::body::{Id, QueryParams};
use crate::page::{Page, Part};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// A value that a record lost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LostValue {
    /// Its id, by which it is decided as a conflict: restored, unless it is an `external_id`.
    id: ConflictId,
    /// The field; `external_id` where a platform's object was left alone when two records became one.
    #[schema(example = "company")]
    field: String,
    /// How it came to that.
    reason: Reason,
    /// What was lost.
    lost: Option<Field>,
    /// What it lost against, where that was noted.
    kept: Option<Field>,
    /// When it was lost.
    created_at: Timestamp,
}

/// How a value came to be lost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LossReason)]
pub(crate) enum Reason {
    /// At the first contact, the two sides held different things.
    Adopted,
    /// Two systems changed the field, neither knowing of the other's value.
    Overruled,
    /// It was changed by who knew it.
    Replaced,
    /// Two records became one, and this object of a platform was left alone.
    Unlinked,
}

impl Reason {
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "adopted" => Self::Adopted,
            "overruled" => Self::Overruled,
            "unlinked" => Self::Unlinked,
            _ => Self::Replaced,
        }
    }
}

impl From<Kept> for LostValue {
    fn from(kept: Kept) -> Self {
        Self {
            id: kept.id,
            reason: Reason::of(&kept.reason),
            lost: kept.value().map(Field::from),
            kept: kept.kept.map(Field::from),
            field: kept.field,
            created_at: kept.created_at,
        }
    }
}

/// Lists the values that a record lost, the newest first.
#[utoipa::path(tag = "records", security(("bearer" = ["viewer", "admin"])), params(("id" = RecordId, Path, description = "Which record."), Part),
    responses((status = 200, body = Page<LostValue>, description = "The values.")))]
#[get("/records/{id}/history")]
pub(crate) async fn show_history(
    caller: Viewer,
    id: Id<RecordId>,
    gateway: web::Data<Gateway>,
    part: QueryParams<Part>,
) -> Result<HttpResponse, Problem> {
    let tenant = caller.tenant_id;
    let page = part.0.of_log()?;
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let record = joining::resolve(&mut tx, tenant, id.0).await?.ok_or(Refusal::NotFound)?;
    let filter = Filter { sort: Sort::History, kind: None, is_open: None, record: Some(record) };
    let found = conflicts::list(&mut tx, tenant, filter, &page).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Page::of_log(found, &page).map(LostValue::from)))
}
