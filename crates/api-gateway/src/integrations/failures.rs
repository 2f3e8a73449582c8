//! What failed for good, in groups that one remedy mends, and trying it again. Why something failed is the dispatcher's to say.

use actix_web::{HttpResponse, get, post, web};
use domain::audit::{Action, FieldChange};
use domain::id::{IntegrationId, LinkId};
use domain::time::Timestamp;
use persistence::Scope;
use persistence::records::links::{self, FailureGroup};
use runtime::http::{Problem, Trace};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{announce, find};
use crate::auth::Viewer;
use crate::body::{Id, Json};
use crate::change::Change;
use crate::page::List;
use crate::state::Gateway;

/// Lists the failures that block records of this integration, the largest group first.
#[utoipa::path(tag = "failures", security(("bearer" = ["viewer", "admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses((status = 200, body = List<Failures>, description = "The groups.")))]
#[get("/integrations/{id}/failures")]
pub(crate) async fn list_failures(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let tenant = caller.tenant_id;
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    find(&mut tx, tenant, id.0).await?;
    let groups = links::failures(&mut tx, tenant, id.0).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(List { data: groups.into_iter().map(Failures::from).collect() }))
}

/// Records that failed alike, so that one remedy mends them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failures {
    /// What they have in common.
    fingerprint: String,
    /// The class of the failure.
    #[schema(example = "invalid")]
    class: String,
    /// Its stable code.
    #[schema(example = "INVALID_EMAIL")]
    code: String,
    /// What the newest of them says.
    message: String,
    /// How many there are.
    count: i64,
    /// When the oldest of them failed.
    first_at: Timestamp,
    /// When the newest of them failed.
    last_at: Timestamp,
    /// One of them.
    example_link_id: LinkId,
}

impl From<FailureGroup> for Failures {
    fn from(group: FailureGroup) -> Self {
        Self {
            fingerprint: group.fingerprint,
            class: group.class,
            code: group.code,
            message: group.message,
            count: group.count,
            first_at: group.first_at,
            last_at: group.last_at,
            example_link_id: group.example,
        }
    }
}

/// Which failures to try again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Replay)]
pub(crate) struct Wish {
    /// One group; all of them without it.
    fingerprint: Option<String>,
}

/// What is tried again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Replayed {
    /// How many failures.
    replayed: usize,
}

/// Unblocks failures, so that they are tried again at once.
///
/// They are owed from the commit on; what the broker does not take now is announced by the reconciler.
#[utoipa::path(tag = "failures", security(("bearer" = ["admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")), request_body = Wish,
    responses((status = 202, body = Replayed, description = "They are owed again.")))]
#[post("/integrations/{id}/failures/replay")]
pub(crate) async fn replay_failures(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    trace: Trace,
    wish: Json<Wish>,
) -> Result<HttpResponse, Problem> {
    let tenant = change.tenant_id;
    // PostgreSQL takes no U+0000, so no fingerprint holds one.
    let fingerprint = wish.0.fingerprint.map(|text| text.replace('\0', ""));
    let mut tx = change.begin(&gateway).await?;
    find(&mut tx, tenant, id.0).await?;
    let pushes = links::replay(&mut tx, tenant, id.0, fingerprint.as_deref()).await?;
    let replayed = pushes.len();
    let told = FieldChange::told("failures", replayed, 0);
    tx.commit(Action::FailuresReplayed, Some(id.0.to_string()), told).await?;
    announce(&gateway, pushes, trace.0).await;
    Ok(HttpResponse::Accepted().json(Replayed { replayed }))
}
