//! Points in time at PostgreSQL's precision, so that a value read back equals the one written. No clocks but the system's.

use std::fmt;

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A UTC point in time in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-22T18:04:05.678Z")]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The beginning of 1970: since when a value stands of which nobody said when it became so. Whatever has a time of its own is later.
    pub const UNIX_EPOCH: Self = Self(DateTime::<Utc>::UNIX_EPOCH);

    /// The present moment.
    #[must_use]
    pub fn now() -> Self {
        Self::from(Utc::now())
    }

    /// Parses RFC 3339 text; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|at| Self::from(at.to_utc()))
    }

    /// From milliseconds since 1970; `None` when out of range.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        DateTime::from_timestamp_millis(millis).map(Self)
    }

    /// Milliseconds since 1970, rounded down.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// The next representable moment.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(self.0))
    }

    /// This moment plus `duration`, saturating at the end of time.
    #[must_use]
    pub fn plus(self, duration: std::time::Duration) -> Self {
        let delta = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        Self::from(self.0.checked_add_signed(delta).unwrap_or(DateTime::<Utc>::MAX_UTC))
    }

    /// This moment less `duration`, saturating at the beginning of time.
    #[must_use]
    pub fn minus(self, duration: std::time::Duration) -> Self {
        let delta = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        Self::from(self.0.checked_sub_signed(delta).unwrap_or(DateTime::<Utc>::MIN_UTC))
    }

    /// How long it is from this moment to `later`; zero when `later` is not later.
    #[must_use]
    pub fn until(self, later: Self) -> std::time::Duration {
        (later.0 - self.0).to_std().unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        // Rounded by digits: rounding by durations refuses what no count of nanoseconds reaches, as the year 0.
        Self(at.trunc_subsecs(6))
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(at: Timestamp) -> Self {
        at.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DateTime::<Utc>::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn survives_a_round_trip_through_json_to_the_microsecond() {
        let now = Timestamp::now();
        let json = serde_json::to_string(&now).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), now);
    }

    #[test]
    fn drops_what_postgresql_cannot_store() {
        let fine = Timestamp::parse("2026-11-22T18:04:00.123456789Z").unwrap();
        assert_eq!(fine.to_string(), "2026-11-22T18:04:00.123456Z");
        // Beyond what nanoseconds can be counted to.
        let ancient = Timestamp::parse("0000-01-01T00:00:00.0000001Z").unwrap();
        assert_eq!(Timestamp::parse(&ancient.to_string()), Some(ancient));
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_none_and_no_arithmetic_leaves_time(
            text in ".{0,40}", near in "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,12})?(Z|[+-][0-9]{2}:[0-9]{2})",
            millis: i64, seconds: u64,
        ) {
            let times = [Timestamp::parse(&text), Timestamp::parse(&near), Timestamp::from_millis(millis)];
            for time in times.into_iter().flatten() {
                let later = time.plus(std::time::Duration::from_secs(seconds));
                prop_assert!(later >= time && time.next() >= time);
                prop_assert!(later == time || later.until(time).is_zero());
            }
            for time in [&text, &near].into_iter().filter_map(|text| Timestamp::parse(text)) {
                prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
            }
        }
    }
}
