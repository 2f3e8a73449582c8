//! Starts the dispatcher and stops it on a signal.

use anyhow::Context as _;
use runtime::{config, shutdown, telemetry};
use sync_dispatcher::startup;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = config::load()?;
    let _telemetry = telemetry::start(&settings.telemetry, "sync-dispatcher");
    let app = startup::build(settings).context("the dispatcher cannot start")?;
    Box::pin(app.run_until(shutdown::on_signal())).await.context("the listener broke")
}
