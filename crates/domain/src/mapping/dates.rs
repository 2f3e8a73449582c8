//! Moments as text in a tenant's own format, and back. Which formats come back is told by trying.

use std::fmt::Write as _;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDateTime, Utc};

use crate::settings::TimeZone;
use crate::time::Timestamp;

/// Whether a format can be written at all.
pub(super) fn is_format(format: &str) -> bool {
    !StrftimeItems::new(format).any(|item| item == Item::Error) && write(probe(), format, TimeZone::default()).is_some()
}

/// A moment of which no two parts are alike.
fn probe() -> Timestamp {
    Timestamp::from(DateTime::<Utc>::from_timestamp(1_784_018_405, 0).unwrap_or_default())
}

/// Whether a moment can be told from its text, to the second.
pub(super) fn says_the_second(format: &str, zone: TimeZone) -> bool {
    let probe = probe();
    write(probe, format, zone).and_then(|text| read(&text, format, zone)) == Some(probe)
}

/// The moment as it is written where it is that time.
pub(super) fn write(at: Timestamp, format: &str, zone: TimeZone) -> Option<String> {
    let mut text = String::new();
    // Formatting fails where the format is none.
    write!(text, "{}", DateTime::<Utc>::from(at).with_timezone(&zone.rules()).format(format)).ok()?;
    Some(text)
}

/// The moment that a text means; `None` where it is none, or where the clocks leave that hour out.
pub(super) fn read(text: &str, format: &str, zone: TimeZone) -> Option<Timestamp> {
    let local = NaiveDateTime::parse_from_str(text, format).ok()?;
    local.and_local_timezone(zone.rules()).earliest().map(|at| Timestamp::from(at.to_utc()))
}
