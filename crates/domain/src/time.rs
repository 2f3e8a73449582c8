//! Points in time at PostgreSQL's precision, so that a value read back equals the one written. No clocks but the system's.

use std::fmt;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A UTC point in time in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-22T18:04:05.678Z")]
pub struct Timestamp(DateTime<Utc>);

/// The first moment that PostgreSQL can store, with which its count of days begins (manual, section 8.5). Its last lies beyond ours.
const FIRST: DateTime<Utc> = match DateTime::from_timestamp_micros(-210_866_803_200_000_000) {
    Some(first) => first,
    None => DateTime::<Utc>::MIN_UTC,
};

impl Timestamp {
    /// The beginning of 1970: since when a value stands of which nobody said when it became so. Whatever has a time of its own is later.
    pub const UNIX_EPOCH: Self = Self(DateTime::<Utc>::UNIX_EPOCH);

    /// The present moment.
    #[must_use]
    pub fn now() -> Self {
        Self::from(Utc::now())
    }

    /// A moment; `None` where it lies before the first that can be stored.
    #[must_use]
    pub fn storable(at: DateTime<Utc>) -> Option<Self> {
        (at >= FIRST).then(|| Self::from(at))
    }

    /// Parses RFC 3339 text; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|at| Self::from(at.to_utc()))
    }

    /// From milliseconds since 1970; `None` when out of range.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        DateTime::from_timestamp_millis(millis).and_then(Self::storable)
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
        Self::from(self.0.checked_sub_signed(delta).map_or(FIRST, |at| at.max(FIRST)))
    }

    /// How long it is from this moment to `later`; zero when `later` is not later.
    #[must_use]
    pub fn until(self, later: Self) -> std::time::Duration {
        (later.0 - self.0).to_std().unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        // Counted, a leap second is the one that follows, as it is to PostgreSQL.
        Self(DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at))
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
        let at = DateTime::<Utc>::deserialize(deserializer)?;
        Self::storable(at).ok_or_else(|| D::Error::custom("must not lie before 4713 BC"))
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
        let leap = Timestamp::parse("2016-12-31T23:59:60.5Z").unwrap();
        assert_eq!(leap.to_string(), "2017-01-01T00:00:00.500000Z");
    }

    #[test]
    fn nothing_lies_before_the_first_moment_that_postgresql_can_store() {
        let (first, millis) = ("-4713-11-24T00:00:00.000000Z", -210_866_803_200_000);
        assert_eq!(Timestamp::from_millis(millis).unwrap().to_string(), first);
        assert_eq!(Timestamp::from_millis(millis - 1), None);
        assert_eq!(Timestamp::UNIX_EPOCH.minus(std::time::Duration::MAX).to_string(), first);
        let read = |text: &str| serde_json::from_value::<Timestamp>(text.into()).is_ok();
        assert!(read(first) && !read("-4713-11-23T23:59:59Z") && !read("-9999-01-01T00:00:00Z"));
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
                let earlier = time.minus(std::time::Duration::from_secs(seconds));
                prop_assert!(earlier <= time && Timestamp::storable(earlier.into()) == Some(earlier));
            }
            for time in [&text, &near].into_iter().filter_map(|text| Timestamp::parse(text)) {
                prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
            }
        }
    }
}
