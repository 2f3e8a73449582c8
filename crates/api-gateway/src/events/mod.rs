//! `POST /api/v1/events`: Coccinelle's backend hands over events. What becomes of them is the dispatcher's.

use actix_web::{HttpResponse, web};
use domain::time::Timestamp;
use runtime::http::{Problem, Trace};
use serde_json::json;

use crate::auth::Service;
use crate::body::Body;
use crate::state::Gateway;

mod batching;
mod intake;
mod reading;

/// Accepts one event, or up to the batch limit of them, all or none.
///
/// 202 is answered only once every event is durable: confirmed by the intake queue, or committed to the inbox.
pub(crate) async fn accept_events(
    caller: Service,
    gateway: web::Data<Gateway>,
    trace: Trace,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let accepted_at = Timestamp::now();
    let events = reading::read(&body.0, gateway.limits.batch_limit)?;
    let accepted = events.len();
    let messages = batching::messages(caller.tenant_id, accepted_at, events);
    intake::keep(&gateway, trace.0, messages).await?;
    metrics::counter!("events_accepted_total").increment(u64::try_from(accepted).unwrap_or(u64::MAX));
    Ok(HttpResponse::Accepted().json(json!({ "accepted": accepted })))
}
