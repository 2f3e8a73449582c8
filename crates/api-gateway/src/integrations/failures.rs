//! What failed for good, in groups that one remedy mends. Why something failed is the dispatcher's to say, trying it again `replay`'s.

use actix_web::{HttpResponse, get, web};
use domain::id::{IntegrationId, LinkId, RecordId};
use domain::kind::RecordKind;
use domain::time::Timestamp;
use persistence::Scope;
use persistence::records::links::{self, FailedLink, FailureGroup, Selection};
use persistence::sync_logs::{self, SyncLog};
use runtime::http::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use crate::auth::Viewer;
use crate::body::{Id, Ids, QueryParams};
use crate::page::{List, Page, Part};
use crate::refusal::Refusal;
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

/// A record that a failure keeps out of step.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failed {
    /// Its link; names the one failure in a replay.
    link_id: LinkId,
    /// The record; `null` where the remote object was not tied to one yet.
    record_id: Option<RecordId>,
    /// What the record is.
    kind: RecordKind,
    /// The platform's id of the object.
    external_id: Option<String>,
    /// What the failure says of this one.
    message: String,
    /// When it failed.
    failed_at: Timestamp,
}

impl From<FailedLink> for Failed {
    fn from(failed: FailedLink) -> Self {
        Self {
            link_id: failed.link,
            record_id: failed.record,
            kind: failed.kind,
            external_id: failed.external_id,
            message: failed.message,
            failed_at: failed.failed_at,
        }
    }
}

/// A group of failures, and a part of what is in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailureGroup)]
pub(crate) struct Group {
    /// How many there are.
    count: i64,
    /// The newest attempt that failed like this: what was sent, and what came back. `null` where the logs hold none.
    example: Option<SyncLog>,
    #[serde(flatten)]
    page: Page<Failed>,
}

/// Lists the records of one group of failures, with an example of what was tried.
#[utoipa::path(tag = "failures", security(("bearer" = ["viewer", "admin"])), params(("id" = IntegrationId, Path, description = "Which integration."), ("fingerprint" = String, Path, description = "Which group."), Part),
    responses((status = 200, body = Group, description = "The group.")))]
#[get("/integrations/{id}/failures/{fingerprint}")]
pub(crate) async fn show_failures(
    caller: Viewer,
    ids: Ids<IntegrationId, String>,
    gateway: web::Data<Gateway>,
    part: QueryParams<Part>,
) -> Result<HttpResponse, Problem> {
    let (tenant, Ids(integration, fingerprint)) = (caller.tenant_id, ids);
    let (after, limit) = part.0.of_ids()?;
    let whose = (tenant, integration);
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    find(&mut tx, tenant, integration).await?;
    let example = sync_logs::newest_alike(&mut tx, whose, &fingerprint).await?;
    let selection = Selection { fingerprint: Some(fingerprint), ..Selection::default() };
    let count = links::count_failures(&mut tx, whose, &selection).await?;
    let found = links::failed_links(&mut tx, whose, &selection, (after, limit)).await?;
    tx.commit().await?;
    if count == 0 {
        return Err(Refusal::NotFound.into());
    }
    let page = Page::of(found, limit, |failed| failed.link.to_string()).map(Failed::from);
    Ok(HttpResponse::Ok().json(Group { count, example, page }))
}
