//! Erasing a person, for good. What keeps it from coming back is shown and lifted by `suppressions`.

use std::collections::BTreeMap;

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, delete, get, web};
use domain::audit::Action;
use domain::fault::FaultKind;
use domain::id::{ErasureId, RecordId, SuppressionId};
use domain::message::{Amended, RecordAmend};
use domain::time::Timestamp;
use messaging::Context;
use persistence::people::{
    self,
    erasures::{self, Answer, Erasure},
};
use persistence::{Scope, records::guard};
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Admin;
use crate::body::{Id, QueryParams};
use crate::page::{self, Page};
use crate::{change::Change, refusal::Refusal, state::Gateway};

/// How far.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Reach {
    /// Whether the platforms delete the person first; what they hold is left to them otherwise.
    #[serde(default)]
    #[param(default = false)]
    platforms: bool,
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
pub(crate) struct Receipt {
    /// The erasure, by which it is asked for later: `GET /api/v1/erasures/{id}`.
    id: ErasureId,
    /// The contact, which is no more.
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

/// Erases a person: the contact, the deals and activities that belong to it, and what is kept of them anywhere.
///
/// What bears one of its identifiers is not taken in again, not even a new `prospect.created`, until the suppression is
/// lifted. With `platforms=true`, every platform deletes the person first; one that refuses for good, or that does not answer
/// for a week, is not waited for.
#[utoipa::path(tag = "records", security(("bearer" = ["admin"])), params(("id" = RecordId, Path, description = "Which contact."), Reach),
    responses((status = 200, body = Receipt, description = "Nothing is left."),
        (status = 202, body = Receipt, description = "The platforms are asked first; nothing of the person is taken in from now on.")))]
#[delete("/records/{id}/person")]
pub(crate) async fn erase_person(
    change: Change,
    id: Id<RecordId>,
    gateway: web::Data<Gateway>,
    reach: QueryParams<Reach>,
) -> Result<HttpResponse, Problem> {
    let receipt = erased(&gateway, &change, id.0, reach.0.platforms).await?;
    let mut answer = if reach.0.platforms { HttpResponse::Accepted() } else { HttpResponse::Ok() };
    Ok(answer.insert_header((LOCATION, format!("/api/v1/erasures/{}", receipt.id))).json(receipt))
}

/// Erases a person; `platforms` has them delete it first.
pub(crate) async fn erased(
    gateway: &Gateway,
    change: &Change,
    id: RecordId,
    platforms: bool,
) -> Result<Receipt, Problem> {
    let tenant = change.tenant_id;
    let mut tx = change.begin(gateway).await?;
    guard::exclude(&mut tx, tenant).await?;
    let person = people::find(&mut tx, tenant, id).await?.ok_or(Refusal::NotFound)?;
    let record = person.contact.id;
    erasures::note(&mut tx, (tenant, record), change.author(), platforms).await?;
    let action = if platforms {
        gateway.accounts.suppress(&mut tx, tenant, &person).await?;
        // The dispatcher erases it once the platforms have deleted it.
        people::request(&mut tx, tenant, record).await?;
        Action::PersonErasureRequested
    } else {
        let answers = erasures::answers(&mut tx, (tenant, record)).await?;
        let (mut done, _) = gateway.accounts.erase(&mut tx, tenant, &person).await?;
        // Before the receipt says that nothing is left. Where the broker is away, nothing is erased yet.
        let letters = gateway.broker.revise_dead_letters(|letter| person.taken_out_of(letter)).await;
        let letters = letters.map_err(|error| {
            tracing::warn!(%error, "the dead letters could not be gone through, so nobody is erased");
            Problem::new(FaultKind::Unavailable, "unavailable", "The broker does not answer now.")
        })?;
        done.counts.insert("dead_letters", i64::try_from(letters).unwrap_or(i64::MAX));
        erasures::finish(&mut tx, (tenant, record), &done, &answers).await?;
        Action::PersonErased
    };
    let receipt = Receipt::from(erasures::of_record(&mut tx, tenant, record).await?.ok_or(Refusal::NotFound)?);
    tx.commit(action, Some(record.to_string()), None).await?;
    if !platforms {
        return Ok(receipt);
    }
    let message = RecordAmend { tenant_id: tenant, subject: Amended::Erasure(record) };
    if let Err(error) = gateway.broker.publish(&message, &Context::continuing(change.trace)).await {
        tracing::warn!(%error, "an erasure is left to the reconciler");
    }
    Ok(receipt)
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

/// Which part.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
    /// Erasures in the answer.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
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
    let page = page::of_log(part.0.limit, part.0.cursor.as_deref())?;
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let found = erasures::list(&mut tx, caller.tenant_id, &page).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Page::of(found, page.limit, |last| last.cursor().to_string()).map(Receipt::from)))
}

impl From<Erasure> for Receipt {
    fn from(found: Erasure) -> Self {
        let Erasure { id, record, requested_at, erased_at, counts, answers, suppressions, author: _ } = found;
        let state = if erased_at.is_some() { State::Erased } else { State::Deleting };
        Self { id, record_id: record, state, requested_at, erased_at, erased: counts, platforms: answers, suppressions }
    }
}
