//! When it is time to tell: never too often of one integration, together in a storm, and nothing of a platform's outage. No I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use persistence::incidents::{News, Readers};

/// The measure that is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    /// The least time between two messages about one integration.
    pub(super) pause: Duration,
    /// Messages to one reader within that time, after which the rest waits.
    pub(super) storm: i64,
}

/// How often each reader was written to within the last pause, and when last.
pub(super) type Paces = BTreeMap<Readers, (i64, Timestamp)>;

/// What is to be told now, reader by reader; each gets one message with all that is his.
pub(super) fn due(
    pending: Vec<News>,
    (away, paces): (&BTreeSet<PlatformSlug>, &Paces),
    measure: Measure,
    now: Timestamp,
) -> BTreeMap<Readers, Vec<News>> {
    let is_recent = |at: Timestamp| at.plus(measure.pause) > now;
    let mut due = BTreeMap::<Readers, Vec<News>>::new();
    for news in pending {
        let is_away = news.integration.as_ref().is_some_and(|(_, platform, _)| away.contains(platform));
        let is_too_soon = news.last_told_at.is_some_and(is_recent);
        let in_storm = paces.get(&news.tenant).is_some_and(|(times, last)| *times >= measure.storm && is_recent(*last));
        if !(is_away || is_too_soon || in_storm) {
            due.entry(news.tenant).or_default().push(news);
        }
    }
    due
}

#[cfg(test)]
mod tests {
    use domain::id::{IncidentId, IntegrationId, TenantId};
    use domain::incident::Trigger;
    use serde_json::Value;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const MEASURE: Measure = Measure { pause: HOUR, storm: 3 };

    fn news(tenant: Option<TenantId>, last_told_at: Option<Timestamp>) -> News {
        News {
            id: IncidentId::new(),
            tenant,
            integration: Some((IntegrationId::new(), "hubspot".parse().unwrap(), "HubSpot".to_owned())),
            alerts: domain::alert::Alerts::default(),
            subject: String::new(),
            trigger: Trigger::Failing,
            detail: Value::Null,
            opened_at: Timestamp::now(),
            ended_at: None,
            is_known: false,
            last_told_at,
        }
    }

    fn told(news: Vec<News>, away: &[&str], paces: &[(Readers, (i64, Timestamp))]) -> usize {
        let away = away.iter().map(|slug| slug.parse().unwrap()).collect();
        let paces = paces.iter().copied().collect();
        due(news, (&away, &paces), MEASURE, Timestamp::now()).values().map(Vec::len).sum()
    }

    #[test]
    fn one_integration_is_told_of_once_an_hour_at_most() {
        let tenant = Some(TenantId::new());
        let now = Timestamp::now();
        assert_eq!(told(vec![news(tenant, None)], &[], &[]), 1);
        assert_eq!(told(vec![news(tenant, Some(now.minus(HOUR / 2)))], &[], &[]), 0);
        assert_eq!(told(vec![news(tenant, Some(now.minus(HOUR * 2)))], &[], &[]), 1);
    }

    #[test]
    fn in_a_storm_the_rest_comes_together_and_nobody_else_waits_for_it() {
        let (one, other) = (Some(TenantId::new()), Some(TenantId::new()));
        let now = Timestamp::now();
        let all = || vec![news(one, None), news(one, None), news(other, None)];
        assert_eq!(told(all(), &[], &[(one, (3, now.minus(HOUR / 2)))]), 1);
        assert_eq!(told(all(), &[], &[(one, (2, now))]), 3);
        assert_eq!(told(all(), &[], &[(one, (9, now.minus(HOUR * 2)))]), 3);
    }

    #[test]
    fn nobody_is_told_of_what_a_platforms_outage_brings() {
        assert_eq!(told(vec![news(Some(TenantId::new()), None)], &["hubspot"], &[]), 0);
        let operators = News { integration: None, ..news(None, None) };
        assert_eq!(told(vec![operators], &["hubspot"], &[]), 1);
    }
}
