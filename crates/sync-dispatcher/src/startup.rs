//! Putting the dispatcher together from its settings, so that tests start what production starts.

use std::io;

use accounts::{AccountError, Accounts};
use backing::Backing;
use domain::message::{CallbackApply, EventMerge, RecordAmend, RecordPush, RecordPushBulk, RunPage, WebhookApply};
use messaging::consumer;
use runtime::config::Settings;
use runtime::health::Rule;
use runtime::http::{Bound, operations};
use runtime::{crypto, metrics};
use tokio_util::sync::CancellationToken;
use vault::{Vault, VaultError};

use crate::apply::Apply;
use crate::beliefs::Believed;
use crate::converge::Lanes;
use crate::engine::Engine;
use crate::merge::Merge;
use crate::reconcile;
use crate::runs::Pages;

/// Messages of the intake, and deliveries, that are merged at once. Each holds one connection of the pool.
const MERGES: usize = 4;

/// Decisions that are carried out at once: people make them, so they are few.
const AMENDS: usize = 1;

/// Pages of runs at once, each of another integration.
const PAGES: usize = 4;

/// Batch calls of one integration at once for what nobody waits for: the others are left to what happens now.
const BULK_PARALLEL: usize = 1;

/// Messages fetched ahead for each that is handled.
const AHEAD: u16 = 32;

/// Why the dispatcher cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its address is taken.
    #[error("cannot listen")]
    Listen(#[from] io::Error),
    /// The master keys cannot be read.
    #[error("the key ring cannot be used")]
    KeyRing(#[from] VaultError),
    /// The platforms cannot be called.
    #[error("the platforms cannot be called")]
    Accounts(#[from] AccountError),
    /// n8n cannot be called.
    #[error("n8n cannot be called")]
    N8n(#[from] connectors::http::SetupError),
}

/// A dispatcher that has its port and does nothing yet.
#[derive(Debug)]
pub struct App {
    bound: Bound,
    engine: Engine,
}

/// Builds the dispatcher; whatever is away is connected to when it is back.
///
/// # Errors
/// When the address is taken or the key ring cannot be read.
pub fn build(settings: Settings) -> Result<App, StartError> {
    crypto::install();
    let backing = Backing::connect(&settings, "sync-dispatcher");
    // Working takes both.
    let operations = operations(backing.readiness(Rule::All), metrics::install());
    let Backing { broker, database, steps } = backing;
    let vault = Vault::watching(&settings.vault.key_ring_file)?;
    let timeout = settings.dispatcher.platform_timeout;
    let accounts = Accounts::new(database.clone(), vault, &settings.platforms, timeout)?;
    let bound = runtime::http::bind(&settings.http, operations)?;
    let schedule = settings.broker.retry_schedule;
    let n8n = crate::n8n::N8n::new(settings.n8n)?;
    Ok(App {
        bound,
        engine: Engine {
            database,
            broker,
            accounts,
            schedule,
            settings: settings.dispatcher,
            steps,
            believed: Believed::new(),
            n8n,
        },
    })
}

impl App {
    /// The port, the real one where 0 was asked for.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.bound.port()
    }

    /// Works until `shutdown`, finishes what is under way and gives the rest back to the broker.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn run_until(self, shutdown: CancellationToken) -> io::Result<()> {
        let Self { bound, engine } = self;
        let broker = engine.broker.clone();
        let events =
            consumer::run(broker.deliveries::<EventMerge>(AHEAD), MERGES, Merge(engine.clone()), shutdown.clone());
        let webhooks =
            consumer::run(broker.deliveries::<WebhookApply>(AHEAD), MERGES, Apply(engine.clone()), shutdown.clone());
        let amendments = consumer::run(
            broker.deliveries::<RecordAmend>(AHEAD),
            AMENDS,
            crate::amend::Amend(engine.clone()),
            shutdown.clone(),
        );
        let callbacks = consumer::run(
            broker.deliveries::<CallbackApply>(AHEAD),
            MERGES,
            crate::callback::Callback(engine.clone()),
            shutdown.clone(),
        );
        let pushes = broker.deliveries::<RecordPush>(engine.settings.push_prefetch);
        // On the heap: together these states would be a large part of a thread's stack.
        let parallel = engine.settings.lane_parallel;
        let live = Box::pin(Lanes::new(engine.clone(), parallel).run(pushes, shutdown.clone()));
        let pushes = broker.deliveries::<RecordPushBulk>(engine.settings.bulk_prefetch);
        let bulk = Box::pin(Lanes::new(engine.clone(), BULK_PARALLEL).run(pushes, shutdown.clone()));
        let pages = broker.deliveries::<RunPage>(AHEAD);
        let pages = Box::pin(consumer::run(pages, PAGES, Pages(engine.clone()), shutdown.clone()));
        let reconciler = Box::pin(reconcile::run(engine, shutdown.clone()));
        let (events, webhooks, amendments) = (Box::pin(events), Box::pin(webhooks), Box::pin(amendments));
        let callbacks = Box::pin(callbacks);
        let listener = async {
            let ended = bound.run_until(shutdown.clone()).await;
            // Without its pages nobody could tell how the rest does.
            shutdown.cancel();
            ended
        };
        let lanes = async { tokio::join!(live, bulk) };
        let work = async { tokio::join!(events, webhooks, amendments, callbacks, lanes, pages, reconciler) };
        let (ended, _work) = tokio::join!(listener, work);
        broker.close().await;
        ended
    }
}
