//! Putting the service together from its settings, the same for `main` and for the tests.

use std::io;

use accounts::WebhookSecrets;
use actix_web::web::{Data, ServiceConfig};
use backing::Backing;
use messaging::Broker;
use runtime::config::Settings;
use runtime::health::Rule;
use runtime::http::Bound;
use tokio_util::sync::CancellationToken;
use vault::{Vault, VaultError};

use crate::body::Bodies;
use crate::door::Door;
use crate::intake::Intake;
use crate::keeper::Keeper;
use crate::keys::Keys;
use crate::refusals::Refusals;
use crate::routes;

/// The service, listening and not yet answering.
#[derive(Debug)]
pub struct App {
    bound: Bound,
    broker: Broker,
}

/// Takes the port and begins to connect; neither the broker nor the database need be there.
///
/// # Errors
/// When the address is taken.
pub fn build(settings: &Settings) -> io::Result<App> {
    let backing = Backing::connect(settings, "webhook-ingest");
    // Either is enough: what the broker does not take, the inbox keeps.
    let operations = runtime::http::operations(backing.readiness(Rule::Any), runtime::metrics::install());
    let Backing { broker, database, .. } = backing;
    let keys = Keys::new(opener(settings).map(|vault| WebhookSecrets::new(database.clone(), vault.into())));
    let intake = Data::new(Intake::new(
        (Door::new(settings), keys),
        Keeper::new(broker.clone(), database),
        Refusals::new(broker.clone(), settings.ingest.refusals_logged_per_minute),
        settings.ingest.repeat_window,
    ));
    let bodies = Bodies::new(settings.ingest.body_limit, settings.ingest.bodies_limit);
    let configure = move |routes: &mut ServiceConfig| {
        operations(routes);
        routes.app_data(intake.clone()).app_data(bodies.clone());
        routes::add(routes);
    };
    Ok(App { bound: runtime::http::bind(&settings.http, configure)?, broker })
}

/// What opens the secrets of single integrations. Only platforms whose secrets are ours to choose need it: the others are
/// served without the master keys, and these are refused as unavailable.
fn opener(settings: &Settings) -> Option<Vault> {
    let opened = Vault::watching(&settings.vault.key_ring_file);
    let report =
        |error: &VaultError| tracing::info!(%error, "without a key ring, no integration's own secret can be opened");
    opened.inspect_err(report).ok()
}

impl App {
    /// The port, the real one where 0 was asked for.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.bound.port()
    }

    /// Answers until `shutdown`, lets the requests under way end, then leaves the broker.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn run_until(self, shutdown: CancellationToken) -> io::Result<()> {
        let served = self.bound.run_until(shutdown).await;
        self.broker.close().await;
        served
    }
}
