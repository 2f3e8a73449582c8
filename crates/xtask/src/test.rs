//! `cargo xtask test`: the whole test suite, with a PostgreSQL and a RabbitMQ of its own.

use std::process::{ExitCode, ExitStatus};

use anyhow::Context as _;

use secrecy::ExposeSecret as _;

use crate::console::{Console, ServiceLines};
use crate::n8n::{self, Executions, Found, Install, N8n, Place};
use crate::services::Services;
use crate::services::postgres::Durability;
use crate::session::{Options, Session};
use crate::{secrets, up, workspace};

const BASE_PORT: u16 = 21_000;

/// The tests that need a real n8n.
const N8N_SUITE: &str = "real_n8n::";

/// The arguments of `cargo xtask test`.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    /// Only the suite against a real n8n, which is installed if need be: minutes, and gigabytes the first time.
    #[arg(long)]
    n8n: bool,
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

    /// What `cargo test` is given.
    fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        if self.n8n {
            words.extend(["-p", "xtask", "--test", "it"].map(str::to_owned));
        } else if !self.names_packages() {
            words.push("--workspace".to_owned());
        }
        words.extend(self.rest.iter().cloned());
        if !words.iter().any(|word| word == "--") {
            words.push("--".to_owned());
        }
        // One n8n at a time: it is killed and stopped there.
        let of_n8n: &[&str] = if self.n8n { &[N8N_SUITE, "--test-threads=1"] } else { &["--skip", N8N_SUITE] };
        words.extend(of_n8n.iter().map(|word| (*word).to_owned()));
        words
    }
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let console = Console::new(ServiceLines::InFilesOnly);
    let folder = workspace::root().join(".dev/test");
    let options = Options { durability: Durability::Relaxed, ..Options::new(BASE_PORT) };
    let install = if args.n8n { Some(n8n::install::find_or_install(&console).await?) } else { None };
    let install = match install {
        Some(Found::Nowhere(why)) => {
            console.note(&format!("– n8n: SKIPPED: {why}"));
            return Ok(ExitCode::SUCCESS);
        }
        Some(Found::Here(install)) => Some(install),
        None => None,
    };
    // Before the ports are chosen: while it takes its minutes, another checkout's tests may take them.
    up::interruptible(build(&console)).await.transpose()?.context("interrupted")?;
    Services::wipe(&folder).await?;
    let mut session = Session::open(&folder, options, console.clone()).await?;
    let outcome = up::interruptible(carry_out(&mut session, (args, install), &console)).await;
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

async fn carry_out(
    session: &mut Session,
    (args, install): (&Args, Option<Install>),
    console: &Console,
) -> anyhow::Result<ExitStatus> {
    session.start_services().await?;
    let services = session.services.as_ref().context("PostgreSQL and RabbitMQ are not started")?;
    let mut test = workspace::cargo();
    test.arg("test").args(args.words());
    if let Some(install) = install {
        test.env("COCCINELLE_N8N", prepared(session, install, console).await?);
    }
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

/// Makes an n8n ready that the tests start and stop as they like; where it is, for their environment.
async fn prepared(session: &Session, install: Install, console: &Console) -> anyhow::Result<String> {
    let services = session.services.as_ref().context("PostgreSQL and RabbitMQ are not started")?;
    let place = Place {
        database: services.postgres.further_database(N8n::NAME).await?,
        home: session.home().path("n8n"),
        signing: secrets::random(),
        key: secrets::random(),
    };
    let step = console.step("import and publish n8n's workflows");
    let ports = session.ports();
    let n8n = N8n::new(install, place, (ports.n8n, ports.n8n_broker));
    n8n.prepare(Executions::All, |line| step.detail(line)).await?;
    step.done();
    let place = n8n.place();
    let told = serde_json::json!({
        "database": place.database.as_str(),
        "home": place.home,
        "signing": place.signing.expose_secret(),
        "key": place.key.expose_secret(),
    });
    Ok(told.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Args {
        Args { n8n: false, rest: words.iter().map(|word| (*word).to_owned()).collect() }
    }

    #[test]
    fn tests_the_whole_workspace_unless_packages_are_named() {
        assert!(args(&["-p", "domain"]).names_packages());
        assert!(args(&["--package=domain"]).names_packages());
        assert!(!args(&["merge", "--", "-p"]).names_packages());
        assert!(!args(&[]).names_packages());
    }

    #[test]
    fn leaves_the_suite_of_n8n_to_whoever_asks_for_it() {
        assert_eq!(args(&[]).words(), ["--workspace", "--", "--skip", "real_n8n::"]);
        let words = args(&["-p", "domain", "--", "--nocapture"]).words();
        assert_eq!(words, ["-p", "domain", "--", "--nocapture", "--skip", "real_n8n::"]);
        let words = Args { n8n: true, rest: Vec::new() }.words();
        assert_eq!(words, ["-p", "xtask", "--test", "it", "--", "real_n8n::", "--test-threads=1"]);
    }
}
