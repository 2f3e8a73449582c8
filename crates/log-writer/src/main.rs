//! Starts the log writer and stops it on a signal.

use anyhow::Context as _;
use log_writer::startup;
use runtime::{config, shutdown, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = config::load()?;
    let _telemetry = telemetry::start(&settings.telemetry, "log-writer");
    let app = startup::build(settings).context("cannot start")?;
    app.run_until(shutdown::on_signal()).await.context("the listener broke")
}
