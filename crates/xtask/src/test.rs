//! `cargo xtask test`: the whole test suite, with a PostgreSQL and a RabbitMQ of its own.

use std::io;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use secrecy::ExposeSecret as _;
use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;

use crate::console::{Console, ServiceLines};
use crate::n8n::{self, Executions, Found, Install, N8n, Place};
use crate::services::Services;
use crate::services::postgres::Durability;
use crate::session::{Options, Session};
use crate::{ci, secrets, up, workspace};

use self::failures::Failures;

mod failures;

const BASE_PORT: u16 = 21_000;

/// How long the last lines may take after the tests have ended: only a process that they left behind holds the output any longer.
const LAST_LINES: Duration = Duration::from_secs(30);

/// Bytes of their output that are passed on at once.
const PIECE: usize = 8_192;

/// The tests that need a real n8n.
const N8N_SUITE: &str = "real_n8n::";

/// The arguments of `cargo xtask test`.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    /// Only the suite against a real n8n, which is installed if need be: minutes, and gigabytes the first time.
    #[arg(long)]
    n8n: bool,
    /// Only this package; may be given several times.
    #[arg(short, long = "package", value_name = "NAME")]
    packages: Vec<String>,
    /// Passed on to `cargo test` after `--`: filters, `--no-fail-fast`, and after another `--` what the test binaries take.
    #[arg(last = true)]
    rest: Vec<String>,
}

impl Args {
    /// What `cargo test` is given, where these are the workspace's packages.
    ///
    /// Packages are chosen by leaving out the others: so all are built with the same features, whichever are tested, and
    /// nothing is built twice.
    ///
    /// # Errors
    /// When a package is named that there is none of.
    fn words(&self, all: &[String]) -> anyhow::Result<Vec<String>> {
        let mine: &[String] = if self.n8n { &["xtask".to_owned()] } else { &self.packages };
        if let Some(stranger) = mine.iter().find(|name| !all.contains(name)) {
            bail!("there is no package `{stranger}`: name one of {}", all.join(", "));
        }
        let mut words = vec!["--workspace".to_owned()];
        for other in all.iter().filter(|name| !mine.is_empty() && !mine.contains(name)) {
            words.extend(["--exclude".to_owned(), other.clone()]);
        }
        if self.n8n {
            words.extend(["--test", "it"].map(str::to_owned));
        }
        words.extend(self.rest.iter().cloned());
        if !words.iter().any(|word| word == "--") {
            words.push("--".to_owned());
        }
        // One n8n at a time: it is killed and stopped there.
        let of_n8n: &[&str] = if self.n8n { &[N8N_SUITE, "--test-threads=1"] } else { &["--skip", N8N_SUITE] };
        words.extend(of_n8n.iter().map(|word| (*word).to_owned()));
        Ok(words)
    }
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let words = args.words(&workspace::packages()?)?;
    let console = Console::new(ServiceLines::InFilesOnly);
    let folder = workspace::root().join(".dev/test");
    let options = Options { durability: Durability::Relaxed, ..Options::new(BASE_PORT) };
    let install = if args.n8n { Some(n8n::install::find_or_install(&console).await?) } else { None };
    let install = match install {
        Some(Found::Nowhere(why)) => {
            ci::skip(&console, "n8n", why)?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Found::Here(install)) => Some(install),
        None => None,
    };
    // Before the ports are chosen: while it takes its minutes, another checkout's tests may take them.
    up::interruptible(build(&console)).await.transpose()?.context("interrupted")?;
    Services::wipe(&folder).await?;
    let mut session = Session::open(&folder, options, console.clone()).await?;
    let outcome = up::interruptible(carry_out(&mut session, (words, install), &console)).await;
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
    (words, install): (Vec<String>, Option<Install>),
    console: &Console,
) -> anyhow::Result<ExitStatus> {
    session.start_services().await?;
    let services = session.services.as_ref().context("PostgreSQL and RabbitMQ are not started")?;
    let mut test = workspace::cargo();
    test.arg("test").args(words);
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
    let (status, failures) = watched(test, console).await?;
    let mark = if status.success() { '✔' } else { '✘' };
    console.note(&format!("{mark} run the tests ({:.1} s)", started.elapsed().as_secs_f32()));
    if !status.success() {
        console.note(&services.complaints(session.home().folder()).await);
        failures.iter().for_each(|told| console.note(told));
    }
    Ok(status)
}

/// Runs it, passes on what it prints, and gathers what it says of failures.
async fn watched(mut test: Command, console: &Console) -> anyhow::Result<(ExitStatus, Option<String>)> {
    let mut test = test.stdout(Stdio::piped()).spawn().context("`cargo test` could not be started")?;
    let output = test.stdout.take().context("`cargo test` has no output")?;
    let failures = Arc::new(Mutex::new(Failures::default()));
    let mut reading = tokio::spawn(read(output, console.clone(), Arc::clone(&failures)));
    let status = test.wait().await?;
    if let Ok(read) = timeout(LAST_LINES, &mut reading).await {
        read??;
    } else {
        reading.abort();
        console.note("… a process that the tests started goes on, and holds their output");
    }
    Ok((status, failures.lock().unwrap_or_else(PoisonError::into_inner).told()))
}

/// Passes on piece by piece, so that the name of a test is seen while it runs.
async fn read(mut output: ChildStdout, console: Console, failures: Arc<Mutex<Failures>>) -> io::Result<()> {
    let (mut piece, mut line) = (Vec::with_capacity(PIECE), Vec::new());
    while output.read_buf(&mut piece).await? > 0 {
        console.pass_on(&piece);
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let read = String::from_utf8_lossy(&line);
                failures.lock().unwrap_or_else(PoisonError::into_inner).read(read.trim_end());
                line.clear();
            }
        }
        piece.clear();
    }
    Ok(())
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

    fn words(args: &Args) -> Vec<String> {
        args.words(&["domain", "vault", "xtask"].map(str::to_owned)).unwrap()
    }

    #[test]
    fn tests_the_whole_workspace_unless_packages_are_named() {
        assert_eq!(words(&Args::default()), ["--workspace", "--", "--skip", "real_n8n::"]);
        let args = Args { packages: vec!["domain".to_owned()], ..Args::default() };
        let others = ["--workspace", "--exclude", "vault", "--exclude", "xtask", "--", "--skip", "real_n8n::"];
        assert_eq!(words(&args), others);
        let args = Args { packages: vec!["domian".to_owned()], ..Args::default() };
        let refused = args.words(&["domain".to_owned()]).unwrap_err();
        assert_eq!(refused.to_string(), "there is no package `domian`: name one of domain");
    }

    #[test]
    fn leaves_the_suite_of_n8n_to_whoever_asks_for_it() {
        let rest = ["merge", "--", "--nocapture"].map(str::to_owned).to_vec();
        let theirs = words(&Args { rest, ..Args::default() });
        assert_eq!(theirs, ["--workspace", "merge", "--", "--nocapture", "--skip", "real_n8n::"]);
        let ours = words(&Args { n8n: true, ..Args::default() });
        assert_eq!(ours.last_chunk(), Some(&["it", "--", "real_n8n::", "--test-threads=1"].map(str::to_owned)));
    }
}
