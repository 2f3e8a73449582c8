//! When an integration is in trouble, and when it no longer is; and when it is the platform that is. Pure rules only.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Trigger;
use crate::id::{IntegrationId, TenantId};
use crate::integration::Status;
use crate::platform::PlatformSlug;

/// From where on it is trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Failures in a row.
    pub failures_in_a_row: i64,
    /// For how long they must have gone on where the platform was not there: until then it may be everybody's trouble.
    pub unreachable_for: Duration,
    /// Failures among the last attempts, in percent.
    pub failed_percent: i64,
    /// Attempts at least, for their percentage to say something.
    pub attempts: i64,
    /// Refused deliveries without a good one between.
    pub refused: i64,
    /// Polls that found what no webhook had told of, without a delivery since.
    pub silent_polls: i64,
    /// Records out of step.
    pub drift: i64,
}

/// What is seen of an integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signs {
    /// Which integration.
    pub integration_id: IntegrationId,
    /// Whose.
    pub tenant_id: TenantId,
    /// On which platform.
    pub platform: PlatformSlug,
    /// How it is said to be.
    pub status: Status,
    /// Why it is said to be so, or what its newest failure says.
    pub cause: Option<String>,
    /// Whether anything was tried lately.
    pub is_busy: bool,
    /// Failures since the last success.
    pub failures_in_a_row: i64,
    /// How long ago the first of them was.
    pub failing_for: Duration,
    /// The last attempts, as far as they are looked at.
    pub attempts: i64,
    /// How many of them failed.
    pub failed: i64,
    /// How many of them failed because the platform was not there; of one whose workflow was not, nobody knows.
    pub unavailable: i64,
    /// Refused deliveries lately.
    pub refused: i64,
    /// Whether there was a good one lately as well.
    pub is_verified: bool,
    /// Polls since the last good delivery that found what none had told of; of one that never had a delivery, and of one whose
    /// subscriptions were looked at and are in order, none.
    pub silent_polls: i64,
    /// Whether there was a good delivery since it was found to be silent.
    pub is_heard_again: bool,
    /// Records out of step.
    pub owed: i64,
    /// How many there were half an hour ago; `None` where nobody looked.
    pub owed_before: Option<i64>,
    /// Deletions that a run asks about.
    pub asked_about: i64,
}

/// What the signs say of one trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is there.
    Present,
    /// It is not there.
    Absent,
    /// Neither is certain: an incident goes on, and none begins.
    Unclear,
}

/// Whether an integration is in this trouble. Beginning asks for more than ending does not, so that nobody is told of a
/// trouble that comes and goes.
#[must_use]
pub fn judge(trigger: Trigger, signs: &Signs, bounds: &Bounds) -> Finding {
    match trigger {
        // What a platform's outage brings says nothing of the tenant's integration.
        _ if signs.status == Status::PlatformDown => Finding::Unclear,
        Trigger::ReauthRequired if signs.status == Status::ReauthRequired => Finding::Present,
        Trigger::NeedsConfirmation if signs.asked_about > 0 => Finding::Present,
        Trigger::ReauthRequired | Trigger::NeedsConfirmation => Finding::Absent,
        Trigger::Failing => failing(signs, bounds),
        Trigger::WebhookUnverified if signs.is_verified || signs.refused == 0 => Finding::Absent,
        Trigger::WebhookUnverified if signs.refused >= bounds.refused => Finding::Present,
        Trigger::WebhookRemoved if signs.is_heard_again => Finding::Absent,
        // Without credentials nothing is found, and what was found before says nothing of now.
        Trigger::WebhookRemoved if signs.status == Status::ReauthRequired => Finding::Unclear,
        Trigger::WebhookRemoved if signs.silent_polls >= bounds.silent_polls => Finding::Present,
        Trigger::Drift => drifting(signs, bounds),
        Trigger::WebhookUnverified | Trigger::WebhookRemoved | Trigger::PlatformDown | Trigger::DeadLetters => {
            Finding::Unclear
        }
    }
}

fn failing(signs: &Signs, bounds: &Bounds) -> Finding {
    // Without credentials everything fails; that is told by itself.
    if signs.status == Status::ReauthRequired {
        return Finding::Unclear;
    }
    let (failed, allowed) = (signs.failed * 100, bounds.failed_percent * signs.attempts);
    let is_telling = signs.attempts >= bounds.attempts.max(1);
    let in_a_row = signs.failures_in_a_row >= bounds.failures_in_a_row;
    // Whoever cannot reach the platform may be the first whom its outage meets, and has all those failures behind them yet once
    // it is over.
    let begins = if signs.unavailable * 2 > signs.failed {
        in_a_row && signs.failing_for >= bounds.unreachable_for
    } else {
        in_a_row || (is_telling && failed >= allowed)
    };
    if begins {
        Finding::Present
    } else if signs.failures_in_a_row == 0 && (!is_telling || failed * 2 < allowed) {
        Finding::Absent
    } else {
        Finding::Unclear
    }
}

fn drifting(signs: &Signs, bounds: &Bounds) -> Finding {
    // What is being worked off, as after a first connection, becomes less.
    let lasts = signs.owed_before.is_some_and(|before| before > bounds.drift && signs.owed >= before);
    if signs.owed > bounds.drift && lasts {
        Finding::Present
    } else if signs.owed * 2 <= bounds.drift {
        Finding::Absent
    } else {
        Finding::Unclear
    }
}

/// So many tenants must be cut off from a platform for it to be the platform.
const TENANTS: usize = 3;

/// The platforms that are away for everybody: those of which it is said, and those that three tenants at least, and half of
/// those who tried, could mostly not reach.
#[must_use]
pub fn outages(all: &[Signs]) -> BTreeSet<PlatformSlug> {
    let mut seen = BTreeMap::<&PlatformSlug, (BTreeSet<TenantId>, BTreeSet<TenantId>, bool)>::new();
    for signs in all {
        let (busy, cut_off, is_said) = seen.entry(&signs.platform).or_default();
        *is_said |= signs.status == Status::PlatformDown;
        if signs.is_busy {
            busy.insert(signs.tenant_id);
        }
        if signs.unavailable > 0 && signs.unavailable * 2 > signs.attempts {
            busy.insert(signs.tenant_id);
            cut_off.insert(signs.tenant_id);
        }
    }
    let is_away = |(busy, cut_off, is_said): &(BTreeSet<TenantId>, BTreeSet<TenantId>, bool)| {
        *is_said || (cut_off.len() >= TENANTS && cut_off.len() * 2 >= busy.len())
    };
    seen.into_iter().filter(|(_, seen)| is_away(seen)).map(|(platform, _)| platform.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        failures_in_a_row: 5,
        unreachable_for: Duration::from_secs(600),
        failed_percent: 50,
        attempts: 20,
        refused: 5,
        silent_polls: 3,
        drift: 1_000,
    };

    fn signs() -> Signs {
        Signs {
            integration_id: IntegrationId::new(),
            tenant_id: TenantId::new(),
            platform: "hubspot".parse().unwrap(),
            status: Status::Active,
            cause: None,
            is_busy: true,
            failures_in_a_row: 0,
            failing_for: Duration::ZERO,
            attempts: 50,
            failed: 0,
            unavailable: 0,
            refused: 0,
            is_verified: false,
            silent_polls: 0,
            is_heard_again: false,
            owed: 0,
            owed_before: None,
            asked_about: 0,
        }
    }

    fn failing(failures_in_a_row: i64, attempts: i64, failed: i64) -> Finding {
        judge(Trigger::Failing, &Signs { failures_in_a_row, attempts, failed, ..signs() }, &BOUNDS)
    }

    #[test]
    fn it_fails_by_failures_in_a_row_or_by_their_share_and_recovers_by_both() {
        assert_eq!(failing(5, 5, 5), Finding::Present);
        assert_eq!(failing(0, 50, 25), Finding::Present);
        assert_eq!(failing(4, 4, 4), Finding::Unclear);
        assert_eq!(failing(0, 50, 13), Finding::Unclear);
        assert_eq!(failing(0, 50, 12), Finding::Absent);
        assert_eq!(failing(0, 0, 0), Finding::Absent);
        let reauth = Signs { status: Status::ReauthRequired, failures_in_a_row: 9, ..signs() };
        assert_eq!(judge(Trigger::Failing, &reauth, &BOUNDS), Finding::Unclear);
        assert_eq!(judge(Trigger::ReauthRequired, &reauth, &BOUNDS), Finding::Present);
        assert_eq!(judge(Trigger::ReauthRequired, &signs(), &BOUNDS), Finding::Absent);
    }

    #[test]
    fn who_cannot_reach_the_platform_is_in_trouble_only_after_a_while() {
        let unreachable = |failures_in_a_row, failed, seconds| {
            let failing_for = Duration::from_secs(seconds);
            let signs = Signs { failures_in_a_row, failed, unavailable: failed, failing_for, ..signs() };
            judge(Trigger::Failing, &signs, &BOUNDS)
        };
        assert_eq!(unreachable(50, 50, 599), Finding::Unclear);
        assert_eq!(unreachable(50, 50, 600), Finding::Present);
        assert_eq!(unreachable(4, 4, 600), Finding::Unclear);
        assert_eq!(
            unreachable(0, 49, 600),
            Finding::Unclear,
            "it is back, and most of the last attempts are from before"
        );
        assert_eq!(unreachable(0, 12, 600), Finding::Absent);
        let mixed = Signs { failures_in_a_row: 5, failed: 10, unavailable: 5, ..signs() };
        assert_eq!(judge(Trigger::Failing, &mixed, &BOUNDS), Finding::Present);
    }

    #[test]
    fn a_stranger_who_signs_badly_raises_no_alarm_beside_good_deliveries() {
        let refused = |refused, is_verified| {
            judge(Trigger::WebhookUnverified, &Signs { refused, is_verified, ..signs() }, &BOUNDS)
        };
        assert_eq!(refused(5, false), Finding::Present);
        assert_eq!(refused(500, true), Finding::Absent);
        assert_eq!(refused(4, false), Finding::Unclear);
        assert_eq!(refused(0, false), Finding::Absent);
    }

    #[test]
    fn a_webhook_is_silent_after_some_polls_and_until_the_next_delivery() {
        let silent = |silent_polls, is_heard_again| {
            judge(Trigger::WebhookRemoved, &Signs { silent_polls, is_heard_again, ..signs() }, &BOUNDS)
        };
        assert_eq!(silent(3, false), Finding::Present);
        assert_eq!(silent(2, false), Finding::Unclear);
        assert_eq!(silent(0, false), Finding::Unclear, "quiet is not mended");
        assert_eq!(silent(0, true), Finding::Absent);
        let reauth = Signs { status: Status::ReauthRequired, silent_polls: 9, ..signs() };
        assert_eq!(judge(Trigger::WebhookRemoved, &reauth, &BOUNDS), Finding::Unclear);
    }

    #[test]
    fn drift_is_trouble_only_where_it_does_not_become_less() {
        let drift = |owed, owed_before| judge(Trigger::Drift, &Signs { owed, owed_before, ..signs() }, &BOUNDS);
        assert_eq!(drift(5_000, Some(5_000)), Finding::Present);
        assert_eq!(drift(5_000, Some(9_000)), Finding::Unclear);
        assert_eq!(drift(5_000, None), Finding::Unclear);
        assert_eq!(drift(500, Some(5_000)), Finding::Absent);
    }

    #[test]
    fn a_run_that_asks_is_told_of_until_it_is_answered() {
        let asked = |asked_about| judge(Trigger::NeedsConfirmation, &Signs { asked_about, ..signs() }, &BOUNDS);
        assert_eq!([asked(21), asked(0)], [Finding::Present, Finding::Absent]);
    }

    #[test]
    fn an_outage_is_of_the_platform_and_nobodys_trouble() {
        let cut_off = || Signs { unavailable: 40, failed: 40, failures_in_a_row: 40, ..signs() };
        assert_eq!(outages(&[cut_off(), cut_off(), signs()]), BTreeSet::new());
        assert_eq!(outages(&[cut_off(), cut_off(), cut_off(), signs()]).len(), 1);
        let others = (0..4).map(|_| signs());
        let all: Vec<_> = others.chain([cut_off(), cut_off(), cut_off()]).collect();
        assert_eq!(outages(&all), BTreeSet::new(), "most reach it");
        let said = Signs { status: Status::PlatformDown, failures_in_a_row: 9, ..signs() };
        assert_eq!(outages(std::slice::from_ref(&said)).len(), 1);
        for trigger in Trigger::JUDGED {
            assert_eq!(judge(trigger, &said, &BOUNDS), Finding::Unclear);
        }
    }
}
