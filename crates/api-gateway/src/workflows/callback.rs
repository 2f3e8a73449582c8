//! `POST /api/v1/integrations/{id}/sync-callback`: a workflow reports. What is made of it is the dispatcher's.

use actix_web::{HttpResponse, post, web};
use domain::id::{ErrandId, IntegrationId};
use domain::message::{CallbackApply, StoredMessage};
use domain::time::Timestamp;
use domain::trace::TraceParent;
use domain::workflow::{Pass, Report};
use messaging::{Context, PublishError};
use persistence::workflows::{self, Callback};
use persistence::{Scope, Transaction, inbox, integrations};
use runtime::http::{Problem, Trace};
use serde::Serialize;
use utoipa::ToSchema;

use super::pass::{CallbackPass, without_passes};
use super::report::{self, Reported};
use crate::body::Body;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// That a report was taken.
#[derive(Debug, Serialize, ToSchema)]
struct Noted {
    /// It was, now or when it came first.
    received: bool,
    /// Of which write.
    event_id: ErrandId,
}

/// Takes a workflow's report of the write that it was handed.
///
/// The URL with its token is the `callback_url` that came with the write. A report that is repeated gets the first answer;
/// another one of the same write is refused. One that comes late is taken as a hint. Whatever is reported, the object is
/// read before it is believed.
#[utoipa::path(tag = "workflows", security(("pass" = [])), request_body = Reported,
    params(("id" = IntegrationId, Path, description = "Which integration."),
        ("token" = String, Query, description = "What came with the `callback_url`.")),
    responses(
        (status = 200, body = Noted, description = "It is kept, and on its way."),
        (status = 401, description = "`pass_missing`, `pass_invalid`: the token is not of this write, or too old."),
        (status = 409, description = "`callback_differs`: something else was reported of this write."),
    ))]
#[post("/integrations/{id}/sync-callback")]
pub(crate) async fn report_sync(
    pass: CallbackPass,
    gateway: web::Data<Gateway>,
    trace: Trace,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let pass = pass.0;
    let mut tx = gateway.database.begin(Scope::Tenant(pass.tenant_id)).await?;
    let integration = integrations::get(&mut tx, pass.tenant_id, pass.integration_id).await?;
    let platform = integration.ok_or(Refusal::NotFound)?.platform;
    let report = without_passes(&gateway, &pass, report::read(&body.0, &platform, &pass)?)?;
    let answer = Noted { received: true, event_id: pass.event_id };
    let callback = Callback {
        tenant: pass.tenant_id,
        integration: pass.integration_id,
        event: pass.event_id,
        body_hash: fingerprint(&report),
        answer: serde_json::to_value(&answer).unwrap_or_default(),
    };
    if let Some(first) = workflows::keep_callback(&mut tx, &callback).await? {
        tx.commit().await?;
        if first.body_hash != callback.body_hash {
            return Err(Refusal::CallbackDiffers.into());
        }
        return Ok(HttpResponse::Ok().json(first.answer));
    }
    pass_on(&gateway, &mut tx, trace.0, &message(&pass, report)).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Of the report as it was read: what does not count does not make it another one.
fn fingerprint(report: &Report) -> String {
    vault::digest_of(&serde_json::to_vec(report).unwrap_or_default())
}

fn message(pass: &Pass, report: Report) -> CallbackApply {
    CallbackApply {
        tenant_id: pass.tenant_id,
        integration_id: pass.integration_id,
        link_id: pass.link_id,
        event_id: pass.event_id,
        received_at: Timestamp::now(),
        report,
    }
}

/// To the broker, else into the inbox, together with the answer that is remembered.
async fn pass_on(
    gateway: &Gateway,
    tx: &mut Transaction,
    trace: TraceParent,
    message: &CallbackApply,
) -> Result<(), Problem> {
    let context = Context::continuing(trace);
    if let Err(error) = gateway.broker.publish(message, &context).await {
        tracing::info!(%error, "a report waits in the inbox");
        let stored = StoredMessage::of(message, context.message_id, trace).map_err(PublishError::Encode)?;
        inbox::store(tx, &[stored]).await?;
    }
    Ok(())
}
