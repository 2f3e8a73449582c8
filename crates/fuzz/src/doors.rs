//! The parsers that are private in the services, by the doors that these have when they are built for fuzzing.

use std::hint::black_box;

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
}

pub(crate) fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    black_box(api_gateway::fuzzing::token(text));
}
