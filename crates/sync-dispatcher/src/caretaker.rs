//! What has to be asked of platforms now and then, whether or not anything is owed: that grants live on, and that they call us.
//! Apart from the reconciler, which must not wait for a platform.

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;

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
}
