//! Looking for trouble: what begins, what ends, and which platforms are away. What counts as trouble is `domain::incident`'s.

use std::collections::BTreeSet;

use domain::incident::{Bounds, Finding, SILENT, Signs, Trigger, judge, outages};
use domain::platform::PlatformSlug;
use messaging::Broker;
use messaging::topology::Queue;
use persistence::incidents::{self, Subject, Windows};
use persistence::{PersistenceError, Transaction};
use runtime::config::AlertSettings;
use serde_json::{Value, json};

/// The dead letters of each queue; `None` where the broker did not say.
pub(super) async fn dead_letters(broker: &Broker) -> Option<Vec<(String, u32)>> {
    let depths = broker.depths().await?;
    Some(depths.into_iter().filter(|depth| Queue::is_dead(&depth.queue)).map(|d| (d.queue, d.ready)).collect())
}

/// Begins and ends what is to begin and to end; returns the platforms that are away.
pub(super) async fn look(
    tx: &mut Transaction,
    settings: &AlertSettings,
    dead: &Option<Vec<(String, u32)>>,
) -> Result<BTreeSet<PlatformSlug>, PersistenceError> {
    let windows = Windows { recent: settings.window, drift: settings.drift_window };
    let all = incidents::look(tx, windows).await?;
    let away = outages(&all);
    incidents::forget_inactive(tx).await?;
    incidents::forget_untold_of(tx, &away).await?;
    let open: BTreeSet<(Subject, Trigger)> = incidents::open(tx).await?.into_iter().collect();
    let mut changes = Changes { tx, open };
    for signs in &all {
        for trigger in Trigger::JUDGED {
            let finding = if away.contains(&signs.platform) && trigger != Trigger::ReauthRequired {
                Finding::Unclear
            } else {
                judge(trigger, signs, &bounds(settings))
            };
            let subject = Subject::Integration(signs.integration_id, signs.tenant_id);
            changes.make(subject, trigger, (finding, detail(trigger, signs))).await?;
        }
    }
    let platforms: BTreeSet<_> = all.iter().map(|signs| &signs.platform).collect();
    for platform in platforms {
        let finding = if away.contains(platform) { Finding::Present } else { Finding::Absent };
        let subject = Subject::Operators(platform.to_string());
        changes.make(subject, Trigger::PlatformDown, (finding, Value::Null)).await?;
        metrics::gauge!("coccinelle_platform_down", "platform" => platform.to_string())
            .set(if finding == Finding::Present { 1.0 } else { 0.0 });
    }
    for (queue, count) in dead.iter().flatten() {
        let finding = if *count > 0 { Finding::Present } else { Finding::Absent };
        let subject = Subject::Operators(queue.clone());
        changes.make(subject, Trigger::DeadLetters, (finding, json!({ "count": count }))).await?;
    }
    Ok(away)
}

fn bounds(settings: &AlertSettings) -> Bounds {
    Bounds {
        failures_in_a_row: settings.failures_in_a_row,
        unreachable_for: settings.unreachable_for,
        failed_percent: settings.failed_percent,
        attempts: settings.attempts,
        refused: settings.refused_webhooks,
        silent_polls: settings.silent_polls,
        drift: settings.drift,
    }
}

fn detail(trigger: Trigger, signs: &Signs) -> Value {
    match trigger {
        Trigger::Failing => json!({
            "cause": signs.cause, "in_a_row": signs.failures_in_a_row, "failed": signs.failed, "attempts": signs.attempts,
        }),
        Trigger::WebhookUnverified => json!({ "count": signs.refused }),
        Trigger::Drift => json!({ "count": signs.owed }),
        Trigger::NeedsConfirmation => json!({ "count": signs.asked_about }),
        Trigger::ReauthRequired => json!({ "cause": signs.cause }),
        Trigger::WebhookRemoved => json!({ "cause": SILENT }),
        Trigger::PlatformDown | Trigger::DeadLetters => Value::Null,
    }
}

/// What goes on, and what is made of it.
struct Changes<'a> {
    tx: &'a mut Transaction,
    open: BTreeSet<(Subject, Trigger)>,
}

impl Changes<'_> {
    async fn make(
        &mut self,
        subject: Subject,
        trigger: Trigger,
        (finding, detail): (Finding, Value),
    ) -> Result<(), PersistenceError> {
        let key = (subject, trigger);
        let is_open = self.open.contains(&key);
        let changed = match finding {
            Finding::Present if !is_open => incidents::begin(self.tx, &key.0, trigger, detail).await?,
            Finding::Absent if is_open => incidents::end(self.tx, &key.0, trigger).await?,
            Finding::Present | Finding::Absent | Finding::Unclear => false,
        };
        if changed {
            let state = if finding == Finding::Present { "begun" } else { "ended" };
            metrics::counter!("coccinelle_incidents_total", "trigger" => trigger.as_str(), "state" => state)
                .increment(1);
            tracing::info!(incident.trigger = trigger.as_str(), incident.subject = ?key.0, state, "an incident changed");
        }
        Ok(())
    }
}
