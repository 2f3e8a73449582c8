//! Putting the gateway together from its settings, so that tests start what production starts.

use std::io;
use std::path::PathBuf;

use accounts::{AccountError, Accounts};
use actix_web::web;
use backing::Backing;
use connectors::http::SetupError;
use messaging::Broker;
use runtime::config::Settings;
use runtime::health::Rule;
use runtime::http::{Bound, operations};
use runtime::{crypto, metrics};
use tokio_util::sync::CancellationToken;
use utoipa_actix_web::service_config::ServiceConfig;
use vault::{Vault, VaultError};

use crate::door::{self, Door};
use crate::events::Intake;
use crate::reference::Document;
use crate::{mappings::Descriptions, openapi, pages, reference, routes, state::Gateway, stream::Hub, unknown::Known};

/// Why the gateway cannot start. A database or a broker that is away is no reason.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The master keys cannot be read.
    #[error("the key ring {0} cannot be used")]
    KeyRing(PathBuf, #[source] VaultError),
    /// Platforms cannot be called.
    #[error("platform accounts cannot be opened")]
    Accounts(#[from] AccountError),
    /// The issuer of tokens cannot be called.
    #[error("the issuer of tokens cannot be called")]
    Issuer(#[from] SetupError),
    /// The API cannot be described.
    #[error("the OpenAPI document cannot be written")]
    Document(#[source] serde_json::Error),
    /// The address is taken.
    #[error("cannot listen")]
    Listener(#[from] io::Error),
}

/// A gateway that has its port and does not answer yet.
#[derive(Debug)]
pub struct App {
    bound: Bound,
    broker: Broker,
    door: web::Data<Door>,
    hub: web::Data<Hub>,
}

/// Builds the gateway; whatever is away is connected to when it is back.
///
/// # Errors
/// When the settings name something that cannot be used.
pub fn build(settings: Settings) -> Result<App, StartError> {
    crypto::install();
    let file = &settings.vault.key_ring_file;
    let vault = Vault::watching(file).map_err(|error| StartError::KeyRing(file.clone(), error))?;
    let backing = Backing::connect(&settings, "api-gateway");
    // What is accepted is kept by either of them.
    let operations = operations(backing.readiness(Rule::Any), metrics::install());
    let Backing { broker, database, .. } = backing;
    let accounts = Accounts::new(database.clone(), vault, &settings.platforms, settings.dispatcher.platform_timeout)?;
    let door = web::Data::new(Door::new(&settings.auth, &settings.gateway, database.clone())?);
    let origins = settings.gateway.allowed_origins.clone();
    let payload = web::PayloadConfig::new(settings.gateway.body_limit);
    let hub = web::Data::new(Hub::new(database.clone(), settings.gateway.streams_per_tenant));
    let news = hub.clone();
    let gateway = web::Data::new(Gateway {
        broker: broker.clone(),
        intake: Intake::new(broker.clone(), database.clone()),
        database,
        accounts,
        descriptions: Descriptions::new(),
        platform_timeout: settings.dispatcher.platform_timeout,
        looks: (settings.dispatcher.poll_every, settings.dispatcher.walk_every),
        n8n: settings.n8n,
        public_url: settings.webhooks.public_url,
        limits: settings.gateway,
        session_life: settings.auth.session_life,
        retention_days: settings.log_writer.retention_days,
    });
    let document = openapi::document();
    let known = web::Data::new(Known::of(&document));
    let document = web::Data::new(Document::of(&document).map_err(StartError::Document)?);
    let entrance = door.clone();
    let bound = runtime::http::bind(&settings.http, move |app| {
        app.app_data(document.clone())
            .app_data(known.clone())
            .app_data(gateway.clone())
            .app_data(entrance.clone())
            .app_data(news.clone())
            .app_data(payload.clone());
        app.configure(&operations).configure(reference::pages).configure(pages::dashboard);
        routes::api(&mut ServiceConfig::new(app), door::cors(&origins));
    })?;
    Ok(App { bound, broker, door, hub })
}

impl App {
    /// The port, the real one where 0 was asked for.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.bound.port()
    }

    /// Answers and tells news until `shutdown`, lets the requests under way end, and says goodbye to the broker.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn run_until(self, shutdown: CancellationToken) -> io::Result<()> {
        let Self { bound, broker, door, hub } = self;
        let serve = async {
            let ended = bound.run_until(shutdown.clone()).await;
            // Without it nobody listens.
            shutdown.cancel();
            ended
        };
        // On the heap: with what each of them waits for, they would be a large part of a thread's stack.
        let fresh = Box::pin(door.keep_fresh(&shutdown));
        // Streams end at once: none may keep the process from stopping.
        let (ended, (), ()) = tokio::join!(serve, fresh, Box::pin(hub.run(&shutdown)));
        broker.close().await;
        ended
    }
}
