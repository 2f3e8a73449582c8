//! The small things that stand in headers, paths and fields: ids, names, times, traces, telephone numbers.

use std::fmt::Display;
use std::str::FromStr;

use domain::id::{ErrandId, IntegrationId, LinkId, RecordId, RunId, TenantId};
use domain::identity::{Region, e164};
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use domain::schema::is_email;
use domain::settings::TimeZone;
use domain::time::Timestamp;
use domain::trace::TraceParent;
use domain::workflow::Action;
use lettre::Address;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    stays::<ErrandId>(text);
    stays::<IntegrationId>(text);
    stays::<LinkId>(text);
    stays::<RecordId>(text);
    stays::<RunId>(text);
    stays::<TenantId>(text);
    stays::<Action>(text);
    stays::<PlatformSlug>(text);
    stays::<RecordKind>(text);
    stays::<TraceParent>(text);
    time(text);
    clock(text);
    // What is let in as an address is one to the mailer.
    assert!(!is_email(text) || text.parse::<Address>().is_ok(), "{text}");
    for region in [Region::DE, Region::FR, Region::US] {
        if let Some(number) = e164(text, region) {
            let is_one = number.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
            assert!(is_one, "{number}");
        }
    }
}

/// What is read and written is read as the same.
fn stays<T: FromStr + Display>(text: &str) {
    let Ok(read) = text.parse::<T>() else { return };
    let written = read.to_string();
    let again = written.parse::<T>().ok().map(|again| again.to_string());
    assert_eq!(again.as_ref(), Some(&written));
}

/// As it travels over the broker.
fn time(text: &str) {
    let Some(time) = Timestamp::parse(text) else { return };
    assert!(is_carried(time), "{time}");
    assert!(time.next() >= time);
}

/// Whether a moment is the same once it was written into a message; what cannot be stored is none that is read.
pub(crate) fn is_carried(time: Timestamp) -> bool {
    let carried = serde_json::to_value(time).and_then(serde_json::from_value::<Timestamp>);
    carried.is_ok_and(|carried| carried == time)
}

/// A tenant's clocks are known by their name, and show an hour that began.
fn clock(text: &str) {
    let Ok(zone) = text.parse::<TimeZone>() else { return };
    assert_eq!(zone.name().parse::<TimeZone>().ok(), Some(zone));
    for at in ["1883-11-18T12:00:00Z", "2011-12-30T09:59:59.999999Z", "2026-10-25T01:30:00Z"] {
        let at = Timestamp::parse(at).expect("that is a moment");
        assert!(zone.hour_of(at) <= at, "{text} {at}");
    }
}
