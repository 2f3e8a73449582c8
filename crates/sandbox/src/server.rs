//! Starting and stopping: a thread with its own runtime, so that any test can hold a sandbox.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use actix_web::{App, HttpServer, dev::ServerHandle, rt, web};

use crate::{
    control, journal::Journal, pages, requests::Requests, sender::Sender, settings::SettingsFile, tools::Tools,
    world::World,
};

/// How a sandbox is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The file that keeps the data over a restart. Beside it lies `<file>.settings.json` with the
    /// switches and webhook targets.
    pub journal: Option<PathBuf>,
}

impl Default for Options {
    /// A free port on loopback, in memory.
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), journal: None }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the sandbox's journal cannot be used")]
    Journal(#[source] io::Error),
    #[error("the sandbox cannot listen")]
    Listen(#[source] io::Error),
    #[error("the sandbox's client for webhooks cannot be made")]
    Client(#[source] reqwest::Error),
}

/// A sandbox that answers. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// `http://127.0.0.1:…`, without a slash at the end.
    pub url: String,
    server: Option<(ServerHandle, JoinHandle<()>)>,
}

impl Running {
    /// The base URL under which HubSpot's paths lie.
    #[must_use]
    pub fn hubspot_url(&self) -> String {
        self.platform_url("hubspot")
    }

    /// The base URL under which a platform's paths lie.
    #[must_use]
    pub fn platform_url(&self, slug: &str) -> String {
        format!("{}/{slug}", self.url)
    }

    /// Stops at once, dropping the requests under way, and returns when the port is free.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some((handle, thread)) = self.server.take() {
            // The command is sent by the call; the future only waits, which joining does.
            drop(handle.stop(false));
            if thread.join().is_err() {
                tracing::error!("the sandbox's thread ended in a panic");
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts a sandbox on a thread of its own and returns once it answers.
///
/// # Errors
/// Where the journal cannot be read, or the address cannot be taken.
pub fn start(options: Options) -> Result<Running, StartError> {
    let (started, outcome) = mpsc::channel();
    let thread = thread::Builder::new()
        .name("sandbox".into())
        .spawn(move || rt::System::new().block_on(serve(options, started)))
        .map_err(StartError::Listen)?;
    let (address, handle) = outcome.recv().map_err(|error| StartError::Listen(io::Error::other(error)))??;
    Ok(Running { url: format!("http://{address}"), server: Some((handle, thread)) })
}

type Started = mpsc::Sender<Result<(SocketAddr, ServerHandle), StartError>>;

async fn serve(options: Options, started: Started) {
    let (world, deliveries) = match world(&options) {
        Ok(parts) => parts,
        Err(error) => return tell(&started, Err(error)),
    };
    let world = web::Data::new(world);
    let app = move || {
        let mut app = App::new().app_data(world.clone()).configure(pages::configure).configure(control::configure);
        for stand_in in &world.stand_ins {
            let mount = |config: &mut web::ServiceConfig| Arc::clone(stand_in).mount(config);
            app = app.service(web::scope(&format!("/{}", stand_in.slug())).configure(mount));
        }
        app
    };
    let bound = HttpServer::new(app).workers(2).backlog(4_096).disable_signals().bind(options.listen);
    let (server, address) = match bound.map(|server| (server.addrs().first().copied(), server)) {
        Ok((address, server)) => (server.run(), address.unwrap_or(options.listen)),
        Err(error) => return tell(&started, Err(StartError::Listen(error))),
    };
    let deliveries = rt::spawn(deliveries);
    tell(&started, Ok((address, server.handle())));
    if let Err(error) = server.await {
        tracing::error!(%error, "the sandbox's server ended");
    }
    deliveries.abort();
}

fn tell(started: &Started, outcome: Result<(SocketAddr, ServerHandle), StartError>) {
    if started.send(outcome).is_err() {
        tracing::error!("nobody waited for the sandbox to start");
    }
}

fn world(options: &Options) -> Result<(World, impl Future<Output = ()> + use<>), StartError> {
    // Another part of the process may have installed a provider already; either serves.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::trace!("a TLS provider was there already");
    }
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().map_err(StartError::Client)?;
    let (sender, deliveries) = Sender::new(client);
    let (journal, settings) = match &options.journal {
        Some(path) => (Journal::open(path).map_err(StartError::Journal)?, SettingsFile::beside(path)),
        None => (Journal::default(), SettingsFile::default()),
    };
    let tools = Tools { journal, requests: Requests::default(), sender };
    Ok((World::rebuild(tools, settings), deliveries))
}

/// Returns on Ctrl-C or SIGTERM.
///
/// # Errors
/// Where the signals cannot be listened to.
pub fn wait_until_told_to_stop() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    })
}
