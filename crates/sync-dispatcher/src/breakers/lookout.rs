//! Whether what did not answer is back: asked without anything that is owed there, and shown to whoever watches.

use connectors::registry::{self, Platform};
use domain::integration::Integration;
use persistence::{Scope, breakers, integrations};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{Answered, answer};
use crate::converge::{chain, unusable};
use crate::engine::{DispatchError, Engine};

/// Breakers that are looked at in one step.
const STEP: i64 = 100;

/// Looks at what does not answer, whether it is back, until `shutdown`. Whether anything is owed there does not matter.
pub(crate) async fn watch(engine: Engine, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(engine.settings.breaker_pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        // A look that is cut off here is another replica's after the pause.
        let looked = tokio::select! {
            () = shutdown.cancelled() => return,
            looked = look(&engine) => looked,
        };
        if let Err(error) = looked {
            tracing::warn!(error = %chain(&error), "it could not be seen whether platforms are back");
        }
    }
}

async fn look(engine: &Engine) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let due = breakers::take_due(&mut tx, engine.settings.breaker_pause, STEP).await?;
    let mut found = Vec::new();
    for (tenant, id) in due {
        found.extend(integrations::get(&mut tx, tenant, id).await?);
    }
    tx.commit().await?;
    let looks = found.iter().map(|integration| probe(engine, integration));
    let results = futures_util::future::join_all(looks).await;
    show(engine).await?;
    results.into_iter().collect()
}

/// Asks a platform whose account it is: the smallest question there is.
async fn probe(engine: &Engine, integration: &Integration) -> Result<(), DispatchError> {
    let Some(platform) = Platform::from_slug(&integration.platform) else { return Ok(()) };
    let asked = match engine.accounts.open(integration).await {
        Ok(account) => platform.connector().probe().test(&account).await.map(drop),
        Err(error) => Err(unusable(&error)),
    };
    match Answered::of(&asked) {
        Some(Answered::Yes) => answer(engine, integration).await,
        Some(Answered::No) | None => Ok(()),
    }
}

/// What is open, for whoever watches.
async fn show(engine: &Engine) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let open = breakers::open(&mut tx).await?;
    tx.commit().await?;
    for platform in registry::all() {
        let slug = platform.connector().descriptor().slug;
        let at = open.iter().find(|at| at.platform.as_str() == slug);
        let integrations = at.map_or(0, |at| u32::try_from(at.integrations).unwrap_or(u32::MAX));
        let whole = u32::from(at.is_some_and(|at| at.whole));
        for (of, count) in [("integration", integrations), ("platform", whole)] {
            metrics::gauge!("coccinelle_breakers_open", "platform" => slug, "of" => of).set(f64::from(count));
        }
    }
    Ok(())
}
