//! Erasing a person, for good. What keeps it from coming back is shown and lifted by `suppressions`.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, delete, web};
use domain::audit::Action;
use domain::fault::FaultKind;
use domain::id::{RecordId, SuppressionId, TenantId};
use domain::message::{Amended, RecordAmend};
use domain::time::Timestamp;
use messaging::Context;
use persistence::Transaction;
use persistence::people::{self, Person, Suppression};
use persistence::records::guard;
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Id, QueryParams};
use crate::change::Change;
use crate::refusal::Refusal;
use crate::state::Gateway;

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
#[schema(as = ErasureReceipt)]
pub(crate) struct Receipt {
    /// The contact, which is no more.
    record_id: RecordId,
    /// Whether it is done, or waits for the platforms.
    state: State,
    /// When it was erased; `null` while it waits.
    erased_at: Option<Timestamp>,
    /// By table, how many rows were deleted or lost their content; and how many messages that nobody could handle.
    #[schema(example = json!({"records": 3, "record_links": 4, "integration_sync_logs": 12}))]
    erased: BTreeMap<&'static str, i64>,
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
    Ok(answer.json(receipt))
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
    let receipt = if platforms {
        delete_first(gateway, &mut tx, tenant, &person).await?
    } else {
        let (mut done, suppressions) = gateway.accounts.erase(&mut tx, tenant, &person).await?;
        // Before the receipt says that nothing is left. Where the broker is away, nothing is erased yet.
        let letters = gateway.broker.revise_dead_letters(|letter| person.taken_out_of(letter)).await;
        let letters = letters.map_err(|error| {
            tracing::warn!(%error, "the dead letters could not be gone through, so nobody is erased");
            Problem::new(FaultKind::Unavailable, "unavailable", "The broker does not answer now.")
        })?;
        done.counts.insert("dead_letters", i64::try_from(letters).unwrap_or(i64::MAX));
        Receipt::of(record, &suppressions, Some(done))
    };
    tx.commit(Action::PersonErased, Some(record.to_string()), None).await?;
    if !platforms {
        return Ok(receipt);
    }
    let message = RecordAmend { tenant_id: tenant, subject: Amended::Erasure(record) };
    if let Err(error) = gateway.broker.publish(&message, &Context::continuing(change.trace)).await {
        tracing::warn!(%error, "an erasure is left to the reconciler");
    }
    Ok(receipt)
}

/// Leaves the person to the dispatcher, which erases it once the platforms have deleted it.
async fn delete_first(
    gateway: &Gateway,
    tx: &mut Transaction,
    tenant: TenantId,
    person: &Person,
) -> Result<Receipt, Problem> {
    let suppressions = gateway.accounts.suppress(tx, tenant, person).await?;
    people::request(tx, tenant, person.contact.id).await?;
    Ok(Receipt::of(person.contact.id, &suppressions, None))
}

impl Receipt {
    fn of(record_id: RecordId, suppressions: &[Suppression], done: Option<people::Receipt>) -> Self {
        Self {
            record_id,
            state: if done.is_some() { State::Erased } else { State::Deleting },
            erased_at: done.as_ref().map(|done| done.erased_at),
            erased: done.map(|done| done.counts).unwrap_or_default(),
            suppressions: suppressions.iter().map(|suppression| suppression.id).collect(),
        }
    }
}
