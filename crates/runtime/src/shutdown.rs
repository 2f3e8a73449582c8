//! Turning the signals of a supervisor into one token. What to do then is decided by whoever holds it.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first SIGTERM or SIGINT.
///
/// Must be called within a tokio runtime. Where a signal cannot be listened to, that is logged and its default stays.
#[must_use]
pub fn on_signal() -> CancellationToken {
    let token = CancellationToken::new();
    for (kind, name) in [(SignalKind::terminate(), "SIGTERM"), (SignalKind::interrupt(), "SIGINT")] {
        match signal(kind) {
            Ok(mut signals) => {
                let token = token.clone();
                tokio::spawn(async move {
                    if signals.recv().await.is_some() {
                        tracing::info!(signal = name, "shutting down");
                        token.cancel();
                    }
                });
            }
            Err(error) => tracing::error!(signal = name, %error, "cannot listen to a signal"),
        }
    }
    token
}
