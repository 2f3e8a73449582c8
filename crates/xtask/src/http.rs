//! The HTTP client that talks to our own services and the broker's management, all on loopback.

use std::time::Duration;

use anyhow::Context as _;

/// A client that ignores proxies and gives up after 15 seconds.
///
/// # Errors
/// Fails when the client cannot be built.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    // Refused when a provider is installed already, which is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(15))
        .build()
        .context("the HTTP client could not be built")
}
