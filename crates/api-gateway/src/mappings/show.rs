//! Showing the mappings of an integration.

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, get, web};
use domain::id::IntegrationId;
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Mapping};
use persistence::Scope;
use runtime::http::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::{mapped, present};
use crate::auth::Viewer;
use crate::body::{Id, Ids};
use crate::integrations::{find, kinds_of, platform_of};
use crate::{page::List, state::Gateway, version::etag};

/// The mapping of one kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KindMapping)]
pub(crate) struct View {
    /// The kind.
    kind: RecordKind,
    /// Counts the changes of the mapping; the `ETag`.
    version: i64,
    /// Field by field; a remote field appears once.
    fields: Vec<FieldMapping>,
    /// Whether it is the one that a new integration begins with.
    is_default: bool,
}

impl View {
    pub(super) fn of(integration: &Integration, kind: RecordKind, mapping: Mapping) -> Result<Self, Problem> {
        let defaults = platform_of(&integration.platform)?.connector().default_mapping(kind).fields;
        let is_default = mapping.fields == defaults;
        Ok(Self { kind, version: mapping.version, fields: mapping.fields, is_default })
    }

    pub(super) fn tagged(&self) -> HttpResponse {
        HttpResponse::Ok().insert_header((ETAG, etag(self.version))).json(self)
    }
}

/// Lists the mappings of an integration, one for each kind that the platform holds.
#[utoipa::path(tag = "mappings", security(("bearer" = ["viewer", "admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses((status = 200, body = List<View>, description = "The mappings.")))]
#[get("/integrations/{id}/mappings")]
pub(crate) async fn list_mappings(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let integration = find(&mut tx, caller.tenant_id, id.0).await?;
    let mut data = Vec::new();
    for kind in kinds_of(&integration) {
        let mapping = present(&mut tx, &integration, *kind).await?;
        data.push(View::of(&integration, *kind, mapping)?);
    }
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(List { data }))
}

/// Shows the mapping of one kind.
#[utoipa::path(tag = "mappings", security(("bearer" = ["viewer", "admin"])),
    params(
        ("id" = IntegrationId, Path, description = "Which integration."),
        ("kind" = RecordKind, Path, description = "Which kind."),
    ),
    responses((status = 200, body = View, description = "The mapping.",
        headers(("ETag" = String, description = "Its version, for `If-Match`.")))))]
#[get("/integrations/{id}/mappings/{kind}")]
pub(crate) async fn show_mapping(
    caller: Viewer,
    of: Ids<IntegrationId, RecordKind>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let (integration, mapping) = mapped(&mut tx, caller.tenant_id, (of.0, of.1)).await?;
    tx.commit().await?;
    Ok(View::of(&integration, of.1, mapping)?.tagged())
}
