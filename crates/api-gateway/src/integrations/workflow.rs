//! The secret by which a workflow of the tenant's own knows our writes. Where that workflow is, is a part of the configuration.

use actix_web::{HttpResponse, post, web};
use connectors::workflow::own_secret;
use domain::audit::{Action, FieldChange};
use domain::id::IntegrationId;
use domain::time::Timestamp;
use runtime::http::Problem;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use crate::body::Id;
use crate::{change::Change, idempotency::MadeAt, refusal::Refusal, state::Gateway};

/// What a workflow of the tenant's own checks signatures by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkflowSecret)]
pub(crate) struct Secret {
    /// The secret, to be entered in n8n. It is this integration's alone, and the same each time.
    pub(crate) signing_secret: String,
}

/// Tells the secret by which the writes for a workflow of the tenant's own are signed; the audit log says who asked.
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses(
        (status = 200, body = Secret, description = "The secret."),
        (status = 422, description = "`invalid`: the integration has no `workflow_url`."),
    ))]
#[post("/integrations/{id}/workflow/secret")]
pub(crate) async fn tell_workflow_secret(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let secret = workflow_secret(&gateway, &change, id.0).await?;
    // Marked like a new one, so that it is not kept for whoever repeats the request: that asks for it again.
    Ok(MadeAt(Timestamp::now()).mark(HttpResponse::Ok().json(secret)))
}

/// The secret of an integration that has a workflow of its own.
pub(crate) async fn workflow_secret(gateway: &Gateway, change: &Change, id: IntegrationId) -> Result<Secret, Problem> {
    let mut tx = change.begin(gateway).await?;
    let integration = find(&mut tx, change.tenant_id, id).await?;
    let operators = gateway.n8n.signing_secret.as_ref().filter(|_| integration.workflow_url.is_some());
    let operators =
        operators.ok_or_else(|| Refusal::at("workflow_url", "is missing: nothing signs for no workflow"))?;
    let told = FieldChange::named("workflow_secret");
    tx.commit(Action::WorkflowSecretTold, Some(id.to_string()), [told]).await?;
    Ok(Secret { signing_secret: own_secret(operators, id).expose_secret().to_owned() })
}
