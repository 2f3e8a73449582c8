//! Trying again what failed for good, or seeing beforehand what that would send. Values that are given with it are `amending`'s.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, post, web};
use domain::audit::{Action, FieldChange};
use domain::field::{FieldName, FieldValue};
use domain::id::{IntegrationId, LinkId};
use domain::time::Timestamp;
use persistence::records::guard;
use persistence::records::links::{self, Selection};
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{amending, announce, find};
use crate::body::{Id, Json};
use crate::change::Change;
use crate::mappings::{Draft, Rehearsal, With, rehearsed};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Which failures to try again; all of them where nothing is said. What is said narrows it down together.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Replay)]
pub(crate) struct Wish {
    /// One link.
    pub(crate) link_id: Option<LinkId>,
    /// One group.
    pub(crate) fingerprint: Option<String>,
    /// What failed from then on.
    pub(crate) since: Option<Timestamp>,
    /// What failed before then.
    pub(crate) until: Option<Timestamp>,
    /// Only counts them and says what would be sent; nothing is changed.
    #[serde(default)]
    pub(crate) dry_run: bool,
    /// With `dry_run`: what would be sent by this mapping.
    pub(crate) mapping: Option<Draft>,
    /// Values of our fields that the records are given before they are tried again; with `dry_run`, what would be sent if they
    /// held them.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, FieldValue>)]
    pub(crate) values: BTreeMap<FieldName, Value>,
}

/// What is tried again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Replayed {
    /// How many failures; of a dry run, how many it would be.
    pub(crate) replayed: i64,
    /// Of a dry run: what would be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rehearsal: Option<Rehearsal>,
}

/// Unblocks failures, so that they are tried again at once.
///
/// They are owed from the commit on; what the broker does not take now is announced by the reconciler. With `values`, each record
/// that failed is given these first, as of now: they stand against whatever is there, go to every platform, and what they replace
/// is kept in the record's history. A record is a failure until it holds them. A `mapping` can only be tried, with `dry_run`.
#[utoipa::path(tag = "failures", security(("bearer" = ["admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")), request_body = Wish,
    responses(
        (status = 200, body = Replayed, description = "A dry run: they would be owed again."),
        (status = 202, body = Replayed, description = "They are owed again."),
    ))]
#[post("/integrations/{id}/failures/replay")]
pub(crate) async fn replay_failures(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    wish: Json<Wish>,
) -> Result<HttpResponse, Problem> {
    let dry_run = wish.0.dry_run;
    let replayed = replayed(&gateway, &change, id.0, wish.0).await?;
    let mut answer = if dry_run { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    Ok(answer.json(replayed))
}

/// Tries failures again, or counts how many that would be.
pub(crate) async fn replayed(
    gateway: &Gateway,
    change: &Change,
    id: IntegrationId,
    wish: Wish,
) -> Result<Replayed, Problem> {
    let Wish { link_id: link, fingerprint, since, until, dry_run, mapping, values } = wish;
    if !dry_run && mapping.is_some() {
        return Err(Refusal::at("mapping", "must come with `dry_run`: put it in place first, then replay").into());
    }
    let (whose, selection) = ((change.tenant_id, id), Selection { link, fingerprint, since, until });
    let mut tx = change.begin(gateway).await?;
    if !values.is_empty() && !dry_run {
        guard::share(&mut tx, change.tenant_id).await?;
    }
    let integration = find(&mut tx, change.tenant_id, id).await?;
    if dry_run {
        let replayed = links::count_failures(&mut tx, whose, &selection).await?;
        tx.leave_unchanged().await?;
        let rehearsal = rehearsed(gateway, &integration, &selection, With { mapping, values }).await?;
        return Ok(Replayed { replayed, rehearsal: Some(rehearsal) });
    }
    let (edits, pushes) = if values.is_empty() {
        (Vec::new(), links::replay(&mut tx, whose, &selection).await?)
    } else {
        let edits = amending::asked(&mut tx, whose, &selection, (&values, change.sub())).await?;
        (edits, links::replay_untied(&mut tx, whose, &selection).await?)
    };
    let replayed = i64::try_from(edits.len() + pushes.len()).unwrap_or(i64::MAX);
    // What a value is may be about a person, of whom nothing stays in the audit log.
    let given = values.keys().map(|name| FieldChange::named(name.as_str()));
    let changes = FieldChange::told("failures", replayed, 0).into_iter().chain(given);
    tx.commit(Action::FailuresReplayed, Some(id.to_string()), changes).await?;
    announce(gateway, edits, change.trace).await;
    announce(gateway, pushes, change.trace).await;
    Ok(Replayed { replayed, rehearsal: None })
}
