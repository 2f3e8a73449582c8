//! What no service can be faster than: the broker alone and the web server alone, as example programs of their own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::load::{Load, Plan, Requests, drive};
use super::report::Rate;
use super::usage::{Cores, Meter};
use crate::session::Session;
use crate::stack::Program;
use crate::workspace;

const BARE_HANDLER: &str = "bare_handler";
const START_LIMIT: Duration = Duration::from_secs(20);

/// Publishes to the broker, and does nothing else, with so many confirms outstanding.
///
/// # Errors
/// Fails with what the program said.
pub(super) async fn raw_publish(session: &Session, outstanding: u32, seconds: u64) -> anyhow::Result<Rate> {
    let services = session.services.as_ref().context("the broker is not started")?;
    let mut command = Command::new(example("raw_publish")?);
    command.args([outstanding.to_string(), seconds.to_string()]).env("AMQP_URL", services.rabbitmq.url().as_str());
    let printed = workspace::output(&mut command).await?;
    serde_json::from_str(&printed).with_context(|| format!("raw_publish printed {printed}"))
}

/// Sends deliveries to a handler that checks their signature and keeps nothing.
///
/// # Errors
/// Fails when the program does not serve, or refuses all.
pub(super) async fn bare_handler(
    session: &mut Session,
    secret: &str,
    plan: Plan,
    requests: impl Requests,
) -> anyhow::Result<(Load, Cores)> {
    session.stack.start(Program {
        name: BARE_HANDLER.to_owned(),
        executable: example(BARE_HANDLER)?,
        arguments: vec![plan.address.port().to_string().into()],
        environment: vec![("WEBHOOK_SECRET".to_owned(), secret.to_owned())],
    })?;
    listening(session, plan.address).await?;
    let meter = Meter::start(session.stack.pid(BARE_HANDLER));
    let load = drive(plan, requests).await;
    let cores = meter.read();
    session.stack.halt(BARE_HANDLER).await;
    Ok((load?, cores))
}

pub(super) fn example(name: &str) -> anyhow::Result<PathBuf> {
    Ok(workspace::binaries()?.join("examples").join(name))
}

async fn listening(session: &Session, address: SocketAddr) -> anyhow::Result<()> {
    let started = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        if started.elapsed() > START_LIMIT {
            bail!("{BARE_HANDLER} does not listen; its log ends with:\n{}", session.stack.tail(BARE_HANDLER, 10));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
