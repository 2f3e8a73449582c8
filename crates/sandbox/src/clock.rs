//! Time as the stand-ins see and show it. No lag or latency is decided here.

use chrono::{DateTime, SecondsFormat, Utc};

/// Milliseconds since 1970, UTC: the resolution in which platforms show time.
pub(crate) type Millis = i64;

pub(crate) fn now() -> Millis {
    Utc::now().timestamp_millis()
}

/// ISO 8601 with milliseconds and `Z`, as HubSpot writes it.
pub(crate) fn iso(at: Millis) -> String {
    DateTime::<Utc>::from_timestamp_millis(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads epoch milliseconds, an ISO 8601 instant, or a plain date (its midnight, UTC).
pub(crate) fn parse(text: &str) -> Option<Millis> {
    if let Ok(millis) = text.parse::<Millis>() {
        return DateTime::<Utc>::from_timestamp_millis(millis).map(|_| millis);
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.timestamp_millis());
    }
    let date = text.parse::<chrono::NaiveDate>().ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_wrote() {
        assert_eq!(parse(&iso(1_767_348_000_123)), Some(1_767_348_000_123));
        assert_eq!(parse("1767348000123"), Some(1_767_348_000_123));
        assert_eq!(parse("2026-01-02").map(iso).as_deref(), Some("2026-01-02T00:00:00.000Z"));
        assert_eq!(parse("demain"), None);
    }
}
