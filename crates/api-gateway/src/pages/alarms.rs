//! The alerts of a tenant as a page shows them: those that go on, then those that ended last; since when, what it is, what helps.

use domain::id::TenantId;
use domain::incident::{SILENT, Trigger};
use domain::time::Timestamp;
use persistence::incidents::{self as kept, Incident};
use persistence::{Transaction, log_page::LogPage};
use runtime::http::Problem;

use super::frame::Frame;
use super::text::{Message, alerts as m};
use crate::incidents;

/// Alerts on the page.
const SHOWN: u32 = 20;

/// An alert on one line.
#[derive(Debug)]
pub(super) struct Alarm {
    pub(super) id: String,
    pub(super) title: Message,
    /// What the tenant calls the integration.
    pub(super) name: String,
    /// Where it is mended.
    pub(super) path: String,
    /// What was seen when it began.
    pub(super) seen: Option<String>,
    pub(super) remedy: Message,
    pub(super) since: Timestamp,
    pub(super) until: Option<Timestamp>,
}

/// The alerts that go on, and as many of those before as there is room for.
pub(super) async fn shown(tx: &mut Transaction, tenant: TenantId) -> Result<Vec<Incident>, Problem> {
    let part = |limit| LogPage { after: None, limit };
    let mut shown = kept::list(tx, tenant, Some(true), &part(SHOWN)).await?;
    let room = SHOWN.saturating_sub(u32::try_from(shown.len()).unwrap_or(SHOWN));
    if room > 0 {
        shown.extend(kept::list(tx, tenant, Some(false), &part(room)).await?);
    }
    Ok(shown)
}

impl Alarm {
    pub(super) fn of(frame: &Frame, incident: Incident) -> Self {
        let (cause, count) = incidents::seen(&incident.detail);
        let is_silent = incident.trigger == Trigger::WebhookRemoved && cause.as_deref() == Some(SILENT);
        let seen = match (incident.trigger, count) {
            (Trigger::WebhookUnverified, Some(count)) => Some(frame.count(m::REFUSED, count)),
            (Trigger::Drift, Some(count)) => Some(frame.count(m::OUT_OF_STEP, count)),
            (Trigger::WebhookRemoved, _) if is_silent => Some(frame.say(m::SILENT)),
            _ => cause.map(|cause| frame.cause("", &cause)),
        };
        let home = format!("/dashboard/integrations/{}", incident.integration);
        Self {
            id: incident.id.to_string(),
            title: m::title(incident.trigger),
            name: incident.name,
            path: match incident.trigger {
                Trigger::WebhookUnverified | Trigger::WebhookRemoved => format!("{home}/webhooks"),
                Trigger::Failing
                | Trigger::ReauthRequired
                | Trigger::Drift
                | Trigger::PlatformDown
                | Trigger::DeadLetters => home,
            },
            seen,
            remedy: if is_silent { m::SET_UP_AGAIN } else { m::remedy(incident.trigger) },
            since: incident.opened_at,
            until: incident.ended_at,
        }
    }
}
