//! What tenants want taken out of logged bodies, by patterns of their own, and the bodies themselves.

use std::hint::black_box;

use domain::redaction::{Redaction, Redactor};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Trial {
    #[serde(default)]
    redaction: Redaction,
    body: Value,
}

pub(crate) fn run(data: &[u8]) {
    let Ok(Trial { redaction, body }) = serde_json::from_slice(data) else { return };
    // What has faults is never applied.
    if redaction.faults("redaction").is_empty() {
        black_box(Redactor::new(&redaction).body(body));
    }
}
