//! What the log is told of deliveries: a row for each integration that one was for, or one that says that it was for nobody.

use domain::id;
use domain::integration::Integration;
use domain::outcome::{WebhookOutcome, WebhookResult};
use messaging::Context;

use super::said::{Delivery, Said};

/// A row, in the trace of its delivery.
pub(super) type Row = (WebhookOutcome, Context);

/// The rows of a delivery that was applied.
pub(super) fn of(delivery: &Delivery<'_>, said: &[Said<'_>]) -> Vec<Row> {
    let mut outcomes: Vec<_> = said.iter().map(|said| applied(delivery, said.integration, said.marked)).collect();
    // A body that speaks of several accounts, or that several tenants are told of, is nobody's alone.
    // Nor is one kept that speaks of somebody who was erased.
    if let ([only], [said]) = (outcomes.as_mut_slice(), said)
        && delivery.is_of_one_account()
        && !said.names_erased
    {
        only.body = serde_json::from_str(&delivery.message.body).ok();
    }
    told(delivery, outcomes)
}

/// The rows of an affair, without its body, which names whoever is to be erased.
pub(super) fn of_affair(delivery: &Delivery<'_>, concerned: &[Integration]) -> Vec<Row> {
    told(delivery, concerned.iter().map(|integration| applied(delivery, integration, 0)).collect())
}

fn told(delivery: &Delivery<'_>, mut outcomes: Vec<WebhookOutcome>) -> Vec<Row> {
    if outcomes.is_empty() {
        outcomes.push(ignored(delivery));
    }
    // The first takes the id that the delivery was given at the door.
    if let Some(first) = outcomes.first_mut() {
        first.id = delivery.message.delivery;
    }
    outcomes.into_iter().map(|outcome| (outcome, Context::continuing(delivery.trace))).collect()
}

fn applied(delivery: &Delivery<'_>, integration: &Integration, marked: usize) -> WebhookOutcome {
    WebhookOutcome {
        // A delivery that is applied once more meets its own rows.
        id: id::for_integration(delivery.message.delivery, integration.id),
        tenant_id: Some(integration.tenant_id),
        integration_id: Some(integration.id),
        result: WebhookResult::Applied { marked: u32::try_from(marked).unwrap_or(u32::MAX) },
        ..ignored(delivery)
    }
}

/// A delivery of an account that nobody has connected: kept without its body, which is nobody's.
fn ignored(delivery: &Delivery<'_>) -> WebhookOutcome {
    let message = delivery.message;
    WebhookOutcome {
        id: message.delivery,
        created_at: message.received_at,
        platform: message.platform.clone(),
        tenant_id: None,
        integration_id: None,
        delivery_id: None,
        result: WebhookResult::Ignored { reason: "unknown_account".to_owned() },
        body: None,
        correlation_id: delivery.trace.trace_id(),
    }
}
