//! `cargo xtask ci`: what the hosted CI runs, in its order, ending at the first failure.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use tokio::process::Command;

use crate::console::{Console, ServiceLines};
use crate::services::install::{apt, unpacked};
use crate::workspace::{cargo, output, root, variable};
use crate::{browser, cluster, contract, hosted, supply, test, tidy};

/// Where it is set, what cannot be checked fails: the hosted workflow sets it, where all is there that the checks need.
const SKIP_NOTHING: &str = "COCCINELLE_SKIP_NOTHING";

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let console = Console::new(ServiceLines::InFilesOnly);
    // The tests clean up after themselves when they are interrupted; the other stages have nothing to clean up.
    Box::pin(stages(&console)).await?;
    Ok(ExitCode::SUCCESS)
}

const ALERTS_TEST: &str = "deploy/prometheus/alerts_test.yml";

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was made, and all is well.
    Holds,
    /// It was made, and something is wrong.
    Fails,
    /// It was not made, and why.
    Skipped(&'static str),
}

impl Outcome {
    pub(crate) fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }

    /// The line that says so.
    pub(crate) fn line(self, name: &str, seconds: f32) -> String {
        match self {
            Self::Holds => format!("✔ {name} ({seconds:.1} s)"),
            Self::Fails => format!("✘ {name} ({seconds:.1} s)"),
            Self::Skipped(reason) => skipped(name, reason),
        }
    }

    /// Makes an error of a failure.
    fn or(self, complaint: &'static str) -> anyhow::Result<Self> {
        match self {
            Self::Fails => bail!(complaint),
            Self::Holds | Self::Skipped(_) => Ok(self),
        }
    }
}

/// The line that says why something was not checked; whoever looks for such lines looks for `SKIPPED: `.
fn skipped(name: &str, reason: &str) -> String {
    format!("– {name}: SKIPPED: {reason}")
}

/// Says why a whole check was not made.
///
/// # Errors
/// Where nothing may be skipped.
pub fn skip(console: &Console, name: &str, reason: &str) -> anyhow::Result<()> {
    console.note(&skipped(name, reason));
    permit(name, variable(SKIP_NOTHING).is_none())
}

fn permit(name: &str, may_skip: bool) -> anyhow::Result<()> {
    anyhow::ensure!(may_skip, "{name} was skipped, and {SKIP_NOTHING} is set: bring what it needs");
    Ok(())
}

async fn stages(console: &Console) -> anyhow::Result<()> {
    stage(console, "fmt", command(&["fmt", "--all", "--check"])).await?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    stage(console, "clippy", command(&clippy)).await?;
    stage(console, "tidy", async { tidy::run(&tidy::Args {}).map(|()| Outcome::Holds) }).await?;
    tell_hosted(console);
    stage(console, "supply", supply::check(console)).await?;
    stage(console, "advisories", supply::advisories(console)).await?;
    stage(console, "doc", document()).await?;
    stage(console, "test", Box::pin(test())).await?;
    stage(console, "contract", Box::pin(contract())).await?;
    stage(console, "browser", Box::pin(browser())).await?;
    stage(console, "kubernetes", cluster::check(console)).await?;
    stage(console, "hosted workflow", hosted::check(console)).await?;
    stage(console, "promtool check rules", check_rules()).await?;
    stage(console, "docker compose config", check_compose(console)).await
}

/// Says how many commands of the documents are left to the hosted workflow, whose other jobs run them: that fails nothing, even where
/// nothing may be skipped.
fn tell_hosted(console: &Console) {
    let reason =
        format!("{} take a host, or longer than this list may ({})", tidy::hosted_commands(), hosted::WORKFLOW);
    console.note(&skipped("commands of the documents", &reason));
}

async fn stage(
    console: &Console,
    name: &str,
    work: impl Future<Output = anyhow::Result<Outcome>>,
) -> anyhow::Result<()> {
    console.note(&format!("… {name}"));
    let started = Instant::now();
    let outcome = work.await;
    let ended = if let Ok(Outcome::Skipped(reason)) = outcome {
        skip(console, name, reason)
    } else {
        let shown = outcome.as_ref().copied().unwrap_or(Outcome::Fails);
        console.note(&shown.line(name, started.elapsed().as_secs_f32()));
        outcome.map(drop)
    };
    ended.map_err(|error| error.context(format!("stage {name} failed")))
}

async fn command(arguments: &[&str]) -> anyhow::Result<Outcome> {
    crate::workspace::run(cargo().args(arguments)).await.map(|()| Outcome::Holds)
}

async fn document() -> anyhow::Result<Outcome> {
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
    crate::workspace::run(doc.env("RUSTDOCFLAGS", "-D warnings")).await.map(|()| Outcome::Holds)
}

async fn test() -> anyhow::Result<Outcome> {
    let code = test::run(&test::Args::default()).await?;
    Outcome::of(code == ExitCode::SUCCESS).or("tests failed")
}

async fn contract() -> anyhow::Result<Outcome> {
    let outcome = contract::run(&contract::Args::default()).await?;
    outcome.or("the API answered what its document does not foresee")
}

async fn browser() -> anyhow::Result<Outcome> {
    let outcome = browser::run(&browser::Args::default(), browser::Errand::Walk).await?;
    outcome.or("the dashboard does not do in a browser what its guide says")
}

/// The words of whichever Compose is installed, brought by apt where there is none.
async fn compose_reader(console: &Console) -> Option<&'static [&'static str]> {
    if let Some(words) = installed_compose().await {
        return Some(words);
    }
    apt("Docker Compose", &["docker-compose"], &root().join(".dev/compose"), console).await.ok()?;
    installed_compose().await
}

async fn installed_compose() -> Option<&'static [&'static str]> {
    let forms: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
    for words in forms {
        if output(compose(words).arg("version")).await.is_ok() {
            return Some(words);
        }
    }
    None
}

/// The alert rules and the configurations that name them, read as Prometheus will, and each rule tried in its trouble and without.
async fn check_rules() -> anyhow::Result<Outcome> {
    let Some(promtool) = unpacked("promtool", "prometheus").await else {
        return Ok(Outcome::Skipped("`promtool` (Debian's package prometheus) is not there, and apt cannot bring it"));
    };
    // Debian's promtool knows nothing of Kubernetes: the configuration for a cluster is checked in the hosted workflow.
    for words in [["check", "config", "deploy/prometheus/prometheus.yml"], ["test", "rules", ALERTS_TEST]] {
        output(Command::new(&promtool).args(words).current_dir(root())).await?;
    }
    Ok(Outcome::Holds)
}

async fn check_compose(console: &Console) -> anyhow::Result<Outcome> {
    let Some(words) = compose_reader(console).await else {
        return Ok(Outcome::Skipped(
            "neither `docker compose` nor `docker-compose` is there, and apt cannot bring one",
        ));
    };
    output(compose(words).args(["config", "--quiet"])).await.map(|_| Outcome::Holds)
}

fn compose(words: &[&str]) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(words.next().copied().unwrap_or("docker"));
    command.args(words).current_dir(root());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_skipped_is_neither_well_nor_wrong() {
        assert_eq!(Outcome::of(true).line("contract", 1.25), "✔ contract (1.2 s)");
        assert_eq!(Outcome::of(false).line("contract", 1.0), "✘ contract (1.0 s)");
        let skipped = Outcome::Skipped("there is no Python");
        assert_eq!(skipped.line("contract", 1.0), "– contract: SKIPPED: there is no Python");
        assert_eq!(skipped.or("no").unwrap(), skipped);
        assert_eq!(Outcome::Fails.or("the API is wrong").unwrap_err().to_string(), "the API is wrong");
    }

    #[test]
    fn where_nothing_may_be_skipped_a_skipped_check_fails() {
        assert!(permit("contract", true).is_ok());
        let refused = permit("contract", false).unwrap_err().to_string();
        assert_eq!(refused, "contract was skipped, and COCCINELLE_SKIP_NOTHING is set: bring what it needs");
    }
}
