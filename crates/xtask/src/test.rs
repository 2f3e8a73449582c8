//! `cargo xtask test`: the whole test suite, with a PostgreSQL and a RabbitMQ of its own.

use std::process::{ExitCode, ExitStatus};

use anyhow::Context as _;

use crate::console::{Console, ServiceLines};
use crate::services::Services;
use crate::services::postgres::Durability;
use crate::session::{Options, Session};
use crate::{up, workspace};

const BASE_PORT: u16 = 21_000;

/// The arguments of `cargo xtask test`.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    /// Passed on to `cargo test` after `--`: filters, `-p NAME` for one package, and after another `--` what the test binaries take.
    #[arg(last = true)]
    rest: Vec<String>,
}

impl Args {
    /// Beside `--workspace`, cargo would pay no heed to `-p`.
    fn names_packages(&self) -> bool {
        let cargos_own = self.rest.iter().take_while(|word| *word != "--");
        cargos_own.into_iter().any(|word| word.starts_with("-p") || word.starts_with("--package"))
    }
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let console = Console::new(ServiceLines::InFilesOnly);
    let folder = workspace::root().join(".dev/test");
    let options = Options { durability: Durability::Relaxed, ..Options::new(BASE_PORT) };
    // Before the ports are chosen: while it takes its minutes, another checkout's tests may take them.
    up::interruptible(build(&console)).await.transpose()?.context("interrupted")?;
    Services::wipe(&folder).await?;
    let mut session = Session::open(&folder, options, console.clone()).await?;
    let outcome = up::interruptible(carry_out(&mut session, args, &console)).await;
    session.take_down().await;
    drop(session);
    Services::wipe(&folder).await?;
    let status = outcome.transpose()?.context("interrupted")?;
    // Ended by a signal: there is no code to pass on.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

async fn build(console: &Console) -> anyhow::Result<()> {
    let step = console.step("build the binaries");
    workspace::run(workspace::cargo().args(["build", "--quiet", "--workspace", "--bins"])).await?;
    step.done();
    Ok(())
}

async fn carry_out(session: &mut Session, args: &Args, console: &Console) -> anyhow::Result<ExitStatus> {
    session.start_services().await?;
    let services = session.services.as_ref().context("PostgreSQL and RabbitMQ are not started")?;
    let mut test = workspace::cargo();
    test.arg("test");
    if !args.names_packages() {
        test.arg("--workspace");
    }
    test.args(&args.rest);
    test.env("DATABASE_URL", services.postgres.url().as_str()).env("AMQP_URL", services.rabbitmq.url().as_str());
    if let Some(management) = services.rabbitmq.management_url() {
        test.env("AMQP_MANAGEMENT_URL", management.as_str());
    }
    test.env("COCCINELLE_BIN_DIR", workspace::binaries()?);
    console.note("… run the tests");
    let started = std::time::Instant::now();
    let status = test.status().await.context("`cargo test` could not be started")?;
    let mark = if status.success() { '✔' } else { '✘' };
    console.note(&format!("{mark} run the tests ({:.1} s)", started.elapsed().as_secs_f32()));
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Args {
        Args { rest: words.iter().map(|word| (*word).to_owned()).collect() }
    }

    #[test]
    fn tests_the_whole_workspace_unless_packages_are_named() {
        assert!(args(&["-p", "domain"]).names_packages());
        assert!(args(&["--package=domain"]).names_packages());
        assert!(!args(&["merge", "--", "-p"]).names_packages());
        assert!(!args(&[]).names_packages());
    }
}
