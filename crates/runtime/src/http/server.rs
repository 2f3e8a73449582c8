//! Listening, and stopping without cutting anybody off. The routes are the binary's.

use std::fmt;
use std::io;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpServer};
use tokio_util::sync::CancellationToken;

use super::headers;
use super::patience::{self, Limits};
use super::peer::TrustedProxies;
use super::problem::Problem;
use super::trace::follow;
use crate::config::HttpSettings;

/// A listener that has its port and does not answer yet.
pub struct Bound {
    port: u16,
    server: Server,
    /// How long it goes on answering after it was told to stop.
    drain: Duration,
    leaving: Leaving,
}

/// Whether this process is on its way out and shall be sent nothing more.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaving(CancellationToken);

impl Leaving {
    pub(super) fn is_so(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("port", &self.port).finish_non_exhaustive()
    }
}

/// Takes the port. Each worker thread runs `configure` once; what is not routed there is a 404 problem.
///
/// # Errors
/// When the address is taken or not ours.
pub fn bind(
    settings: &HttpSettings,
    configure: impl Fn(&mut ServiceConfig) + Send + Clone + 'static,
) -> io::Result<Bound> {
    let (frame, reading_timeout) = (settings.clone(), settings.reading_timeout);
    let leaving = Leaving::default();
    let told = leaving.clone();
    let server = HttpServer::new(move || {
        let unknown = web::to(|| async { Err::<&str, _>(Problem::not_found()) });
        App::new()
            .app_data(TrustedProxies::new(&frame.trusted_proxies))
            .app_data(told.clone())
            .app_data(Limits { body_timeout: frame.body_timeout, url: frame.url_limit })
            .wrap(from_fn(patience::limit))
            .wrap(headers::protective(frame.behind_tls))
            .wrap(from_fn(follow))
            .configure(configure.clone())
            .default_service(unknown)
    })
    .disable_signals()
    .on_connect(move |connection, _| patience::for_reading(connection, reading_timeout))
    .client_request_timeout(settings.request_timeout)
    .client_disconnect_timeout(settings.disconnect_timeout)
    .keep_alive(settings.keep_alive)
    .shutdown_timeout(settings.shutdown_timeout.as_secs().max(1))
    .bind(settings.listen)?;
    let port = server.addrs().first().map_or(settings.listen.port(), std::net::SocketAddr::port);
    Ok(Bound { port, server: server.run(), drain: settings.drain, leaving })
}

impl Bound {
    /// The port, the real one where 0 was asked for.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers until `shutdown` and, no longer ready, for the time that whoever sends requests needs to notice. Then it takes no
    /// more and lets the requests under way end.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn run_until(self, shutdown: CancellationToken) -> io::Result<()> {
        let (handle, mut server) = (self.server.handle(), self.server);
        tracing::info!(port = self.port, "listening");
        tokio::select! {
            ended = &mut server => return ended,
            () = shutdown.cancelled() => self.leaving.0.cancel(),
        }
        tokio::select! {
            ended = &mut server => return ended,
            () = tokio::time::sleep(self.drain) => {}
        }
        // The server must be polled while it stops.
        let (ended, ()) = tokio::join!(server, handle.stop(true));
        ended
    }
}
