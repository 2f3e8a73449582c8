//! Coming to the broker for a moment.

use std::time::Duration;

use anyhow::bail;
use messaging::{Broker, BrokerOptions};
use runtime::config::Settings;
use tokio::time::{Instant, sleep};

/// How long a command waits for the broker.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// Connects; fails where there is no connection within a few seconds.
pub(crate) async fn connect(settings: &Settings) -> anyhow::Result<Broker> {
    let broker = Broker::connect(BrokerOptions {
        url: settings.broker.url.clone(),
        confirm_timeout: settings.broker.confirm_timeout,
        schedule: settings.broker.retry_schedule.clone(),
        name: "admin",
    });
    let began = Instant::now();
    while !broker.is_connected() {
        if began.elapsed() > PATIENCE {
            bail!("the broker does not answer");
        }
        sleep(LOOK).await;
    }
    Ok(broker)
}
