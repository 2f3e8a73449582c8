//! Starts the gateway and stops it on a signal.

use anyhow::Context as _;
use api_gateway::startup;
use mimalloc::MiMalloc;
use runtime::{config, shutdown, telemetry};

/// A request is made of many short-lived pieces, which glibc's allocator gave and took back for a fifth of a door's time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let settings = config::load()?;
    let _telemetry = telemetry::start(&settings.telemetry, "api-gateway");
    let app = startup::build(settings)?;
    app.run_until(shutdown::on_signal()).await.context("the listener broke")
}
