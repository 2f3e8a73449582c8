//! What failed for good, in groups that one remedy mends, and trying it again. Why something failed is the dispatcher's to say.

use actix_web::{HttpResponse, Responder, web};
use domain::id::IntegrationId;
use messaging::Context;
use persistence::Scope;
use persistence::records::links::{self, FailureGroup};
use runtime::http::{Problem, Trace};
use serde::Deserialize;
use serde_json::{Value, json};

use super::find;
use crate::auth::{Admin, Viewer};
use crate::body::{Id, Json};
use crate::state::Gateway;

/// Lists the failures that block records of this integration, the largest group first.
pub(crate) async fn list_failures(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<impl Responder, Problem> {
    let tenant = caller.tenant_id;
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    find(&mut tx, tenant, id.0).await?;
    let groups = links::failures(&mut tx, tenant, id.0).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(json!({ "data": groups.iter().map(shown).collect::<Vec<_>>() })))
}

fn shown(group: &FailureGroup) -> Value {
    json!({
        "fingerprint": group.fingerprint,
        "class": group.class,
        "code": group.code,
        "message": group.message,
        "count": group.count,
        "first_at": group.first_at,
        "last_at": group.last_at,
        "example_link_id": group.example,
    })
}

/// Which failures to try again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// One group; all of them without it.
    fingerprint: Option<String>,
}

/// Unblocks failures, so that they are tried again at once.
///
/// They are owed from the commit on; what the broker does not take now is announced by the reconciler.
pub(crate) async fn replay_failures(
    caller: Admin,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    trace: Trace,
    wish: Json<Wish>,
) -> Result<HttpResponse, Problem> {
    let tenant = caller.tenant_id;
    // PostgreSQL takes no U+0000, so no fingerprint holds one.
    let fingerprint = wish.0.fingerprint.map(|text| text.replace('\0', ""));
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    find(&mut tx, tenant, id.0).await?;
    let pushes = links::replay(&mut tx, tenant, id.0, fingerprint.as_deref()).await?;
    tx.commit().await?;
    let replayed = pushes.len();
    let messages: Vec<_> = pushes.into_iter().map(|push| (push, Context::continuing(trace.0))).collect();
    let unannounced = gateway.broker.publish_all(&messages).await.iter().filter(|outcome| outcome.is_err()).count();
    if unannounced > 0 {
        tracing::warn!(unannounced, "replayed work is left to the reconciler");
    }
    Ok(HttpResponse::Accepted().json(json!({ "replayed": replayed })))
}
