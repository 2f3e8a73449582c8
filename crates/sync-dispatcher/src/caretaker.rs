//! What has to be asked of others now and then, whether or not anything is owed: that grants live on, that platforms call us, and that
//! n8n is there. Apart from the reconciler, which must not wait for them.

use persistence::{Scope, integrations};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::engine::{DispatchError, Engine};

/// Integrations that are looked after in one step.
const STEP: i64 = 100;

/// Looks after them at the interval of the reconciler until `shutdown`.
pub(crate) async fn run(engine: Engine, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(engine.settings.reconcile_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        tokio::select! {
            // What is cut off here is another replica's, or ours after the next start; a refresh under way goes on by itself.
            () = shutdown.cancelled() => return,
            () = look_after(&engine) => {}
        }
    }
}

async fn look_after(engine: &Engine) {
    if let Err(error) = engine.accounts.keep_idle_alive(STEP).await {
        tracing::warn!(%error, "idle grants could not be looked after");
    }
    if let Err(error) = engine.accounts.check_subscriptions(&engine.public_url, STEP).await {
        tracing::warn!(%error, "it could not be seen whether platforms call us");
    }
    if let Err(error) = engine.accounts.check_apps(&engine.public_url).await {
        tracing::warn!(%error, "it could not be seen whether platforms call our app");
    }
    if let Err(error) = look_at_workflows(engine).await {
        tracing::warn!(%error, "it could not be seen whether n8n is there");
    }
}

async fn look_at_workflows(engine: &Engine) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let platforms = integrations::delivered_by_workflow(&mut tx).await?;
    tx.commit().await?;
    engine.n8n.look_at(platforms).await;
    Ok(())
}
