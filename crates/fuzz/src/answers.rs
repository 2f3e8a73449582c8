//! What platforms answer to a workflow's call: the refusal that is read into it, and the id of the object that it shows.

use std::hint::black_box;

use connectors::http::RawAnswer;
use connectors::registry;
use serde::Deserialize;
use serde_json::Value;

/// An answer as a corpus holds it.
#[derive(Deserialize)]
struct Answered {
    status: u16,
    body: Value,
}

pub(crate) fn run(data: &[u8]) {
    let Ok(Answered { status, body }) = serde_json::from_slice(data) else { return };
    // No others come over HTTP.
    if !(200..600).contains(&status) {
        return;
    }
    let answer = RawAnswer { status, body, retry_after: None };
    for proxy in registry::all().iter().filter_map(|platform| platform.connector().proxy()) {
        black_box((proxy.refusal(&answer), proxy.id_of(&answer.body), proxy.remote(&answer.body)));
    }
}
