//! `webhook-ingest`: verifies what platforms deliver, keeps it safe, and answers. This file is its table of contents.

use mimalloc::MiMalloc;
use webhook_ingest::startup;

/// A request is made of many short-lived pieces, which glibc's allocator gave and took back for a fifth of a door's time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = runtime::config::load()?;
    let _telemetry = runtime::telemetry::start(&settings.telemetry, "webhook-ingest");
    runtime::crypto::install();
    let shutdown = runtime::shutdown::on_signal();
    startup::build(&settings)?.run_until(shutdown).await?;
    Ok(())
}
