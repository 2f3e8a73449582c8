//! The HTTP client that talks to our own services and the broker's management, and how those small servers read that stand for others
//! where something is measured or tried; all on loopback.

use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;

/// How long a connection is kept that nobody uses: less than the five seconds after which a server drops it, or a request would go
/// out just as it does.
const IDLE: Duration = Duration::from_secs(2);

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
        .pool_idle_timeout(IDLE)
        .build()
        .context("the HTTP client could not be built")
}

/// The body of a request; `None` once there are no more.
pub(crate) async fn read_body(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}
