//! Deciding a conflict. That the records follow is the dispatcher's.

use actix_web::{HttpResponse, post, web};
use domain::audit::{Action, FieldChange};
use domain::id::ConflictId;
use domain::message::{Amended, RecordAmend};
use messaging::Context;
use persistence::records::conflicts::{self, Decided, Decision, Kept};
use runtime::http::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::records_of;
use super::view::View;
use crate::body::{Id, Json};
use crate::change::Change;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// What to do about a conflict.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConflictDecision)]
pub(crate) struct Wish {
    /// `restore` or `keep` for a value, `merge` or `keep_apart` for an identifier.
    action: Decision,
}

/// Decides a conflict. The records follow at once; the same decision again changes nothing.
///
/// `restore` makes the value that lost the record's again, as of now, and sends it to every platform; any value of a record's history
/// can be restored. `merge` makes the two records one: the one that was there first, to which the other's id leads from then on. `keep`
/// and `keep_apart` close the conflict; two records that are kept apart are not asked about again.
#[utoipa::path(tag = "conflicts", security(("bearer" = ["admin"])), params(("id" = ConflictId, Path, description = "Which conflict.")), request_body = Wish,
    responses((status = 200, body = View, description = "It is decided."),
        (status = 409, description = "`conflict_closed`: it was decided otherwise before.")))]
#[post("/conflicts/{id}")]
pub(crate) async fn decide_conflict(
    change: Change,
    id: Id<ConflictId>,
    gateway: web::Data<Gateway>,
    wish: Json<Wish>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(settled(&gateway, &change, id.0, wish.0.action).await?))
}

/// Decides a conflict, and has the records follow.
pub(crate) async fn settled(
    gateway: &Gateway,
    change: &Change,
    id: ConflictId,
    decision: Decision,
) -> Result<View, Problem> {
    let tenant = change.tenant_id;
    let mut tx = change.begin(gateway).await?;
    let kept = match decided(conflicts::decide(&mut tx, tenant, id, decision).await?) {
        Ok(kept) => kept,
        Err(refusal) => {
            tx.leave_unchanged().await?;
            return Err(refusal.into());
        }
    };
    let records = records_of(&mut tx, tenant, std::slice::from_ref(&kept)).await?;
    let decided = FieldChange { after: serde_json::to_value(decision).ok(), ..FieldChange::named("decision") };
    tx.commit(Action::ConflictDecided, Some(id.to_string()), [decided]).await?;
    if !kept.is_applied {
        let message = RecordAmend { tenant_id: tenant, subject: Amended::Conflict(id) };
        if let Err(error) = gateway.broker.publish(&message, &Context::continuing(change.trace)).await {
            tracing::warn!(%error, "a decision is left to the reconciler");
        }
    }
    Ok(View::of(kept, &records))
}

/// The conflict, where it was decided as somebody wishes.
fn decided(outcome: Decided) -> Result<Kept, Refusal> {
    match outcome {
        Decided::So(kept) => Ok(kept),
        Decided::Never(Some(kept)) if kept.reason == "identity" => {
            Err(Refusal::at("action", "must be `merge` or `keep_apart` for an identifier"))
        }
        Decided::Never(Some(kept)) if kept.is_restorable() => {
            Err(Refusal::at("action", "must be `restore` or `keep` for a value"))
        }
        Decided::Never(_) => Err(Refusal::NotFound),
        Decided::Otherwise(kept) => Err(Refusal::ConflictClosed(match kept.decision {
            Some(Decision::Restore) => "restored",
            Some(Decision::Merge) => "merged",
            Some(Decision::KeepApart) => "kept apart",
            Some(Decision::Keep) | None => "kept",
        })),
    }
}
