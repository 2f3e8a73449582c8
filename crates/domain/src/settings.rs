//! What a tenant sets for itself: language, time zone, who is told of trouble. Redaction and conflicts have modules of their own.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// The language of mails and pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

/// The time zone in which a tenant's days begin, by its IANA name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "Europe/Paris")]
pub struct TimeZone(Tz);

/// The text names no time zone.
#[derive(Debug, thiserror::Error)]
#[error("not an IANA time zone, expected a name as in Europe/Paris")]
pub struct UnknownTimeZone;

impl TimeZone {
    /// Its IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the clocks there show at that time.
    #[must_use]
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        DateTime::<Utc>::from(at).with_timezone(&self.0).naive_local()
    }

    /// When the hour began that they show then: some clocks are half an hour off, or a quarter.
    #[must_use]
    pub fn hour_of(self, at: Timestamp) -> Timestamp {
        let shown = self.local(at);
        at.minus(Duration::new(u64::from(shown.minute() * 60 + shown.second()), shown.nanosecond()))
    }

    /// When its clocks show what.
    pub(crate) fn rules(self) -> Tz {
        self.0
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self(Tz::Europe__Paris)
    }
}

impl FromStr for TimeZone {
    type Err = UnknownTimeZone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_unknown| UnknownTimeZone)
    }
}

impl TryFrom<String> for TimeZone {
    type Error = UnknownTimeZone;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> Self {
        zone.name().to_owned()
    }
}

/// In which form a webhook is told of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertForm {
    /// As Slack's incoming webhooks take it.
    Slack,
    /// Our own, signed with the webhook's secret.
    Signed,
}

/// A webhook that is told of trouble, without its address, which may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertWebhook {
    /// What the tenant calls it; no two have the same name.
    #[schema(example = "Astreinte")]
    pub name: String,
    /// In which form it is told.
    pub form: AlertForm,
    /// The host of its address; the rest is not shown.
    #[schema(example = "hooks.slack.com")]
    pub host: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_zone_is_one_that_iana_names() {
        assert_eq!("Europe/Paris".parse::<TimeZone>().unwrap(), TimeZone::default());
        for text in ["", "Paris", "GMT+2", "Europe/Atlantis", "europe/paris\0"] {
            assert!(text.parse::<TimeZone>().is_err(), "{text}");
        }
    }

    #[test]
    fn hours_begin_where_the_clocks_say_so() {
        for (zone, at, begin) in [
            ("Europe/Paris", "2026-11-22T10:45:10.5Z", "2026-11-22T10:00:00Z"),
            ("Asia/Kolkata", "2026-11-22T10:45:10.5Z", "2026-11-22T10:30:00Z"),
            ("Asia/Kolkata", "2026-11-22T10:15:00Z", "2026-11-22T09:30:00Z"),
            ("Asia/Kathmandu", "2026-11-22T10:15:00Z", "2026-11-22T10:15:00Z"),
            // The clocks show two o'clock twice; they are two hours.
            ("Europe/Paris", "2026-10-25T00:59:59Z", "2026-10-25T00:00:00Z"),
            ("Europe/Paris", "2026-10-25T01:00:01Z", "2026-10-25T01:00:00Z"),
        ] {
            let (zone, at): (TimeZone, _) = (zone.parse().unwrap(), Timestamp::parse(at).unwrap());
            assert_eq!(zone.hour_of(at), Timestamp::parse(begin).unwrap(), "{zone:?} {at}");
        }
    }
}
