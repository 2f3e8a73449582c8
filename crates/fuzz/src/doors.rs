//! The parsers that are private in the services, by the doors that these have when they are built for fuzzing.

use std::hint::black_box;

use domain::time::Timestamp;
use url::Url;

use crate::text::is_carried;

/// The path of a webhook's address, a slash between its parts.
pub(crate) fn address(data: &[u8]) {
    let Ok(path) = std::str::from_utf8(data) else { return };
    let (platform, integration) = path.split_once('/').map_or((path, None), |(platform, id)| (platform, Some(id)));
    black_box(webhook_ingest::fuzzing::address(platform, integration));
}

pub(crate) fn body(data: &[u8]) {
    black_box(api_gateway::fuzzing::body(data));
}

pub(crate) fn events(data: &[u8]) {
    black_box(api_gateway::fuzzing::events(data));
}

pub(crate) fn header(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    black_box(api_gateway::fuzzing::header(text));
    let seen = api_gateway::fuzzing::seen(text);
    for way in &seen.ways_back {
        leads_nowhere_else(way);
    }
    for (at, told) in &seen.moments {
        is_told(*at, told);
    }
}

/// As browsers follow it, from whatever page of ours.
fn leads_nowhere_else(way: &str) {
    for page in ["https://app.example.com/dashboard/login?next=/x", "http://127.0.0.1:8080"] {
        let page = Url::parse(page).expect("that is an address");
        let led = page.join(way).expect("that leads somewhere");
        assert_eq!(led.origin(), page.origin(), "{way}");
    }
}

/// What is typed as a moment is one that can be stored, and is told by itself.
fn is_told(at: Timestamp, told: &str) {
    assert!(is_carried(at), "{at}");
    assert!(told.contains(&format!("datetime=\"{at}\"")), "{told}");
}

pub(crate) fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    black_box(api_gateway::fuzzing::token(text));
}
