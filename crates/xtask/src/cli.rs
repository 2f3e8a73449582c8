//! The commands and their flags; each is carried out in its own module.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::ci::Outcome;
use crate::console::{Console, ServiceLines};
use crate::{bench, browser, ci, console, contract, crash, demo, fuzz, supply, test, tidy, up, upgrade, workflows};

#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", about = "Runs, demonstrates, tests and checks the whole system on one machine")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Start everything: PostgreSQL, RabbitMQ, the services, the sandbox and a demo tenant.
    Up(up::Args),
    /// Start everything afresh, send prospects through it, count them in the CRM, take it down.
    Demo(demo::Args),
    /// Run the whole test suite against a PostgreSQL and a RabbitMQ of its own; with --n8n, the suite against a real n8n.
    Test(test::Args),
    /// Ask the running API what its document allows and forbids; no answer may be unforeseen.
    Contract(contract::Args),
    /// Check what no lint checks: layers, file sizes, names.
    Tidy(tidy::Args),
    /// Check what the programs are made of that others have written: licences, sources, advisories, what is unused.
    Supply(supply::Args),
    /// Measure throughput and latency beside the physical limits.
    Bench(bench::Args),
    /// Kill every process at every step under load, and count what was lost or done twice.
    Crash(crash::Args),
    /// Put the new schema under an older version that runs and is used, then replace it service by service; count what fails.
    Upgrade(upgrade::Args),
    /// Take servers, lines, clocks and consumers away under the same load, and count what was lost or done twice.
    Faults(crash::faults::Args),
    /// Give any bytes to every parser of what strangers send, and look for what breaks.
    Fuzz(fuzz::Args),
    /// Walk the guide of the product in a real Chromium, and look for barriers on every page.
    Browser(browser::Args),
    /// Take a picture of every page of the dashboard, in every language, theme and width.
    Screenshots(browser::Args),
    /// Write the workflows of n8n-workflows/ anew; `tidy` says when they are not as they should be.
    Workflows,
    /// Run what the hosted CI runs.
    Ci,
}

/// Parses the command line and carries out the command.
///
/// The exit code is 0 only if the command did all that it promises.
#[must_use]
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Task::Up(args) => wait_for(up::run(&args)),
        Task::Demo(args) => wait_for(demo::run(&args)),
        Task::Test(args) => wait_for(test::run(&args)),
        Task::Contract(args) => wait_for(told("contract", contract::run(&args))),
        Task::Tidy(args) => tidy::run(&args).map(|()| ExitCode::SUCCESS),
        Task::Supply(args) => wait_for(supply::run(&args)),
        Task::Bench(args) => wait_for(bench::run(&args)),
        Task::Crash(args) => wait_for(crash::run(&args)),
        Task::Upgrade(args) => wait_for(upgrade::run(&args)),
        Task::Faults(args) => wait_for(crash::faults::run(&args)),
        Task::Fuzz(args) => wait_for(told("fuzz", fuzz::run(&args))),
        Task::Browser(args) => wait_for(told("browser", browser::run(&args, browser::Errand::Walk))),
        Task::Screenshots(args) => wait_for(told("screenshots", browser::run(&args, browser::Errand::Screenshots))),
        Task::Workflows => workflows::run(),
        Task::Ci => wait_for(ci::run()),
    };
    outcome.unwrap_or_else(|error| {
        console::complain(&error);
        ExitCode::FAILURE
    })
}

/// The exit code of a check; why it was skipped is said.
async fn told(name: &str, check: impl Future<Output = anyhow::Result<Outcome>>) -> anyhow::Result<ExitCode> {
    let outcome = check.await?;
    if let Outcome::Skipped(reason) = outcome {
        ci::skip(&Console::new(ServiceLines::InFilesOnly), name, reason)?;
    }
    Ok(if outcome == Outcome::Fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn wait_for(task: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the async runtime did not start")?;
    runtime.block_on(task)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_that_a_document_names_is_understood() {
        let documented = tidy::documented("cargo xtask ").unwrap();
        assert!(documented.len() > 30, "{documented:?}");
        for command in documented {
            let words = command.split_whitespace().skip(1);
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{command}: {error}");
            }
        }
    }
}
