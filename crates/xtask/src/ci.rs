//! `cargo xtask ci`: what the hosted CI runs, in its order, ending at the first failure.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use tokio::process::Command;

use crate::console::{Console, ServiceLines};
use crate::workspace::{cargo, output, root};
use crate::{browser, cluster, contract, test, tidy};

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let console = Console::new(ServiceLines::InFilesOnly);
    // The tests clean up after themselves when they are interrupted; the other stages have nothing to clean up.
    Box::pin(stages(&console)).await?;
    Ok(ExitCode::SUCCESS)
}

async fn stages(console: &Console) -> anyhow::Result<()> {
    stage(console, "fmt", command(&["fmt", "--all", "--check"])).await?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    stage(console, "clippy", command(&clippy)).await?;
    stage(console, "tidy", async { tidy::run(&tidy::Args {}) }).await?;
    stage(console, "doc", document()).await?;
    stage(console, "test", Box::pin(test())).await?;
    stage(console, "contract", Box::pin(contract())).await?;
    stage(console, "browser", Box::pin(browser())).await?;
    stage(console, "kubernetes", cluster::check(console)).await?;
    match output(&mut promtool(&["--version"])).await {
        Ok(_) => stage(console, "promtool check rules", check_rules()).await?,
        Err(_) => console.note("SKIPPED promtool check rules: `promtool` (Debian's package prometheus) is not there"),
    }
    match compose_reader().await {
        Some(reader) => stage(console, "docker compose config", check_compose(reader)).await,
        None => {
            console.note("SKIPPED docker compose config: neither `docker compose` nor `docker-compose` is there");
            Ok(())
        }
    }
}

async fn stage(console: &Console, name: &str, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    console.note(&format!("… {name}"));
    let started = Instant::now();
    let outcome = work.await;
    let mark = if outcome.is_ok() { '✔' } else { '✘' };
    console.note(&format!("{mark} {name} ({:.1} s)", started.elapsed().as_secs_f32()));
    outcome.map_err(|error| error.context(format!("stage {name} failed")))
}

async fn command(arguments: &[&str]) -> anyhow::Result<()> {
    crate::workspace::run(cargo().args(arguments)).await
}

async fn document() -> anyhow::Result<()> {
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
    crate::workspace::run(doc.env("RUSTDOCFLAGS", "-D warnings")).await
}

async fn test() -> anyhow::Result<()> {
    if test::run(&test::Args::default()).await? != ExitCode::SUCCESS {
        bail!("tests failed");
    }
    Ok(())
}

async fn contract() -> anyhow::Result<()> {
    if contract::run(&contract::Args::default()).await? != ExitCode::SUCCESS {
        bail!("the API answered what its document does not foresee");
    }
    Ok(())
}

async fn browser() -> anyhow::Result<()> {
    if browser::run(&browser::Args::default(), browser::Errand::Walk).await? != ExitCode::SUCCESS {
        bail!("the dashboard does not do in a browser what its guide says");
    }
    Ok(())
}

/// The words of whichever Compose is installed.
async fn compose_reader() -> Option<&'static [&'static str]> {
    let forms: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
    for words in forms {
        if output(compose(words).arg("version")).await.is_ok() {
            return Some(words);
        }
    }
    None
}

/// The alert rules and the configuration that names them, read as Prometheus will.
async fn check_rules() -> anyhow::Result<()> {
    output(&mut promtool(&["check", "config", "deploy/prometheus/prometheus.yml"])).await.map(drop)
}

fn promtool(arguments: &[&str]) -> Command {
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(root());
    command
}

async fn check_compose(words: &[&str]) -> anyhow::Result<()> {
    output(compose(words).args(["config", "--quiet"])).await.map(drop)
}

fn compose(words: &[&str]) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(words.next().copied().unwrap_or("docker"));
    command.args(words).current_dir(root());
    command
}
