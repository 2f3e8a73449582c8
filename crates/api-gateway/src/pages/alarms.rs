//! The alerts of a tenant as a page shows them: those that go on, then those that ended last; since when, what it is, what helps.

use domain::id::TenantId;
use domain::incident::{SILENT, Trigger};
use domain::time::Timestamp;
use persistence::Transaction;
use persistence::incidents::{self as kept, Incident};
use persistence::log_page::{LogPage, LogRow as _};
use runtime::http::Problem;

use super::frame::Frame;
use super::text::{Message, alerts as m};
use crate::{incidents, page};

/// Alerts on the page.
const SHOWN: u32 = 20;

/// The sorts of alerts, as the place in their list names them.
const GOES_ON: &str = "on";
const OVER: &str = "over";

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

/// A part of the alerts: those that go on, and as many of those that are over as there is room for. With it, behind what the next
/// part goes on: among the one sort, or among the other.
pub(super) async fn shown(
    tx: &mut Transaction,
    tenant: TenantId,
    after: Option<&str>,
) -> Result<(Vec<Incident>, Option<String>), Problem> {
    let place = after.and_then(|after| after.split_once('.'));
    let goes_on = place.is_none_or(|(sort, _)| sort != OVER);
    let wanted = page::of_log(Some(SHOWN), place.map(|(_, cursor)| cursor))?;
    let mut shown = kept::list(tx, tenant, Some(goes_on), &wanted).await?;
    let room = SHOWN.saturating_sub(u32::try_from(shown.len()).unwrap_or(SHOWN));
    if goes_on && room > 0 {
        shown.extend(kept::list(tx, tenant, Some(false), &LogPage { after: None, limit: room }).await?);
    }
    let sort = |last: &Incident| if last.ended_at.is_some() { OVER } else { GOES_ON };
    let part = page::Page::of(shown, SHOWN, |last| format!("{}.{}", sort(last), last.cursor()));
    Ok((part.data, part.next_cursor))
}

impl Alarm {
    pub(super) fn of(frame: &Frame, incident: Incident) -> Self {
        let (cause, count) = incidents::seen(&incident.detail);
        let is_silent = incident.trigger == Trigger::WebhookRemoved && cause.as_deref() == Some(SILENT);
        let seen = match (incident.trigger, count) {
            (Trigger::WebhookUnverified, Some(count)) => Some(frame.count(m::REFUSED, count)),
            (Trigger::Drift, Some(count)) => Some(frame.count(m::OUT_OF_STEP, count)),
            (Trigger::NeedsConfirmation, Some(count)) => Some(frame.count(m::GONE, count)),
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
                | Trigger::NeedsConfirmation
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
