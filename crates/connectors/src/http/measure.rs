//! What is seen of a call from outside: how long the platform took, and how it answered. Nothing of what is said in it.

use std::time::Instant;

use reqwest::Response;
use tracing::Instrument as _;

use crate::account::Account;

/// Waits for the answer to a request that is being sent, and counts how it went.
pub(super) async fn send(
    account: &Account,
    sending: impl Future<Output = reqwest::Result<Response>>,
) -> reqwest::Result<Response> {
    let started = Instant::now();
    let span = tracing::info_span!("platform.call", otel.kind = "client", platform = %account.platform);
    let response = sending.instrument(span).await;
    let outcome = match response.as_ref().ok().map(|response| response.status().as_u16()) {
        None => "none",
        Some(200..300) => "ok",
        Some(429) => "limited",
        Some(500..) => "failed",
        Some(_) => "refused",
    };
    let labels = [("platform", account.platform.to_string()), ("outcome", outcome.to_owned())];
    metrics::histogram!("platform_request_seconds", &labels).record(started.elapsed());
    response
}
