//! `POST /api/v1/events`: Coccinelle's backend hands over events. What becomes of them is the dispatcher's.

use actix_web::{HttpResponse, post, web};
use domain::event::Event;
use domain::time::Timestamp;
use messaging::Context;
use runtime::http::{Problem, Trace};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Service;
use crate::body::Body;
use crate::refusal::Refusal;
use crate::state::Gateway;

mod batching;
mod intake;
mod reading;

pub(crate) use intake::Intake;

/// One event, or up to 1,000 of them.
#[derive(ToSchema)]
#[schema(as = Events)]
#[serde(untagged)]
#[expect(dead_code, reason = "bodies are read value by value, so that every fault is told; this is for the document")]
enum Incoming {
    /// One.
    One(Event),
    /// Many; all are accepted, or none.
    Many {
        /// 1 to 1,000 events.
        #[schema(min_items = 1, max_items = 1000)]
        events: Vec<Event>,
    },
}

/// What was accepted.
#[derive(Debug, Serialize, ToSchema)]
struct Accepted {
    /// How many events.
    accepted: usize,
}

/// Accepts one event, or up to the batch limit of them, all or none.
///
/// 202 is answered only once every event is durable: confirmed by the intake queue, or committed to the inbox.
/// An event that was accepted before, by its `event_id`, does no harm.
#[utoipa::path(tag = "events", security(("bearer" = ["service", "admin"])), request_body = Incoming,
    responses((status = 202, body = Accepted, description = "They are kept, and on their way.")))]
#[post("/events")]
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
    let messages: Vec<_> = messages.into_iter().map(|message| (message, Context::continuing(trace.0))).collect();
    let kept = if accepted == 1 {
        gateway.intake.share(caller.tenant_id, messages, body.0.len()).await
    } else {
        // They share a message already.
        gateway.intake.keep(messages).await
    };
    kept.map_err(Refusal::from)?;
    metrics::counter!("events_accepted_total").increment(u64::try_from(accepted).unwrap_or(u64::MAX));
    Ok(HttpResponse::Accepted().json(Accepted { accepted }))
}

/// Whether a body can be read as events: for `crate::fuzzing`.
#[cfg(fuzzing)]
pub(crate) fn are_readable(body: &[u8]) -> bool {
    reading::read(body, 100).is_ok()
}
