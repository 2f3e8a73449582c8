//! Erasing a person, for good. What became of it is `erasures`' to show; what keeps it from coming back, `suppressions`'.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, delete, web};
use domain::audit::Action;
use domain::fault::FaultKind;
use domain::id::RecordId;
use domain::message::{Amended, RecordAmend};
use messaging::Context;
use persistence::people::{self, erasures};
use persistence::records::guard;
use runtime::http::Problem;
use serde::Deserialize;

use super::erasures::Receipt;
use crate::body::{Id, QueryParams};
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
