//! How long the broker's queues are, for the metrics: looked at here for all services, since one look sees every queue.

use std::time::Duration;

use messaging::Broker;
use tokio_util::sync::CancellationToken;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(15);

/// Looks until `shutdown`. A broker that does not answer is a gap.
pub(crate) async fn run(broker: &Broker, shutdown: &CancellationToken) {
    loop {
        if let Some(Some(depths)) = shutdown.run_until_cancelled(broker.depths()).await {
            for depth in depths {
                metrics::gauge!("coccinelle_queue_ready", "queue" => depth.queue.clone()).set(f64::from(depth.ready));
                metrics::gauge!("coccinelle_queue_consumers", "queue" => depth.queue).set(f64::from(depth.consumers));
            }
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return;
        }
    }
}
