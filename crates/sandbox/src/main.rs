//! The `sandbox` binary: reads its arguments, starts the stand-ins, waits to be told to stop.

use std::{io::Write, net::SocketAddr, path::PathBuf};

use clap::Parser;

/// Stand-ins for the platforms that Coccinelle integrates with, for demonstrations and tests.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:20090")]
    listen: SocketAddr,
    /// Append every applied write to this file, and start from what it holds.
    #[arg(long)]
    journal: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let running = sandbox::start(sandbox::Options { listen: arguments.listen, journal: arguments.journal })?;
    writeln!(std::io::stdout(), "sandbox listening on {}", running.url)?;
    sandbox::wait_until_told_to_stop()?;
    running.stop();
    Ok(())
}
