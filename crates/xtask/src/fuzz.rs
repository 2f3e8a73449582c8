//! `cargo xtask fuzz`: any bytes for every parser of what strangers send, by libFuzzer. What is asked of a parser stands in `crates/fuzz`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::ci::Outcome;
use crate::console::{Console, ServiceLines};
use crate::services::install::program;
use crate::up::interruptible;
use crate::workspace::{self, cargo, output, root, variable};

/// Stable rustc's own instrumentation: the engine sees which edges were taken, what was compared, and how deep it went.
///
/// With assertions and checked arithmetic, since what overflows is a finding. One unit a crate, or edges would be counted twice.
const FLAGS: [&str; 9] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
];

/// Seconds that one input may take, and megabytes that one target may. They are the clock's: beside other work, the first telephone
/// number of a country takes some, until its expressions are compiled.
const BOUNDS: [&str; 2] = ["-timeout=30", "-rss_limit_mb=2048"];

/// Targets that are tried at the same time.
const AT_ONCE: usize = 2;

/// The files with what is worth trying from the beginning, in a folder for each target.
const SEEDS: &str = "crates/fuzz/corpus";

/// The arguments of `cargo xtask fuzz`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// How long each target is tried.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// The targets to try, by the names of the folders in crates/fuzz/corpus; all of them where none is named.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<Outcome> {
    let targets = chosen(&all()?, &args.targets)?;
    if program("c++").is_none() && variable("CXX").is_none() {
        return Ok(Outcome::Skipped("there is no C++ compiler (Debian's package g++) to build libFuzzer with"));
    }
    let console = Console::new(ServiceLines::InFilesOnly);
    let work = async {
        let fuzzer = build(&console).await?;
        try_all(&fuzzer, targets, args.minutes, &console).await
    };
    let tried = interruptible(work).await.transpose()?.context("interrupted")?;
    console.print(&table(&tried));
    let findings: usize = tried.values().map(|tried| tried.findings.len()).sum();
    for finding in tried.values().flat_map(|tried| &tried.findings) {
        console.note(&format!("✘ {}", finding.display()));
    }
    Ok(Outcome::of(findings == 0))
}

/// The names of all targets.
fn all() -> anyhow::Result<Vec<String>> {
    let folder = root().join(SEEDS);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Those that are wished for.
///
/// # Errors
/// When one is wished for that there is none of.
fn chosen(all: &[String], wished: &[String]) -> anyhow::Result<Vec<String>> {
    for name in wished {
        ensure!(all.contains(name), "there is no target `{name}`: name one of {}", all.join(", "));
    }
    Ok(if wished.is_empty() { all } else { wished }.to_vec())
}

/// Builds the fuzzer with its instrumentation; it has a folder of its own, since nothing else is built like this.
async fn build(console: &Console) -> anyhow::Result<PathBuf> {
    let step = console.step("build the fuzzer");
    let triple = host().await?;
    let target = root().join(".dev/fuzz/target");
    let mut build = cargo();
    build.args("build --quiet --locked --release --package fuzz --features engine --bin fuzz".split(' '));
    // Named, the triple keeps build scripts and macros out of the instrumentation.
    build.args(["--target", &triple]).arg("--target-dir").arg(&target);
    workspace::run(build.env("RUSTFLAGS", FLAGS.join(" ")).env_remove("CARGO_ENCODED_RUSTFLAGS")).await?;
    step.done();
    Ok(target.join(triple).join("release/fuzz"))
}

/// What this machine's own programs are built for.
async fn host() -> anyhow::Result<String> {
    let said = output(cargo().arg("-vV")).await?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("cargo does not say what it builds for")
}

/// What came of a target.
#[derive(Debug)]
struct Tried {
    runs: u64,
    seconds: u64,
    findings: Vec<PathBuf>,
}

async fn try_all(
    fuzzer: &Path,
    targets: Vec<String>,
    minutes: u64,
    console: &Console,
) -> anyhow::Result<BTreeMap<String, Tried>> {
    let mut waiting = targets.into_iter();
    let mut under_way = JoinSet::new();
    let mut tried = BTreeMap::new();
    loop {
        while under_way.len() < AT_ONCE
            && let Some(target) = waiting.next()
        {
            console.note(&format!("… {target}"));
            let fuzzer = fuzzer.to_owned();
            under_way.spawn(async move { (try_out(&fuzzer, &target, minutes).await, target) });
        }
        let Some(ended) = under_way.join_next().await else { return Ok(tried) };
        let (outcome, target) = ended.context("a target was given up")?;
        let outcome = outcome.with_context(|| format!("`{target}` could not be tried"))?;
        let mark = if outcome.findings.is_empty() { '✔' } else { '✘' };
        console.note(&format!("{mark} {target} ({} runs)", outcome.runs));
        tried.insert(target, outcome);
    }
}

/// Tries one target. What it learns is kept in `.dev/fuzz/corpus`, where the next time goes on.
async fn try_out(fuzzer: &Path, target: &str, minutes: u64) -> anyhow::Result<Tried> {
    let place = |name: &str| root().join(".dev/fuzz").join(name);
    let (learnt, findings) = (place("corpus").join(target), place("findings").join(target));
    // Earlier findings are no longer of this program.
    fs::remove_dir_all(&findings).ok();
    for folder in [&learnt, &findings, &place("logs")] {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let log = place("logs").join(format!("{target}.log"));
    let mut fuzz = Command::new(fuzzer);
    fuzz.arg(&learnt).arg(root().join(SEEDS).join(target)).args(BOUNDS);
    fuzz.arg(format!("-max_total_time={}", minutes * 60)).arg("-print_final_stats=1");
    fuzz.arg(format!("-artifact_prefix={}/", findings.display()));
    fuzz.env("COCCINELLE_FUZZ", target).env("RUST_BACKTRACE", "1").current_dir(root()).kill_on_drop(true);
    fuzz.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log)?);
    let started = Instant::now();
    let status = fuzz.status().await.context("the fuzzer could not be started")?;
    let seconds = started.elapsed().as_secs();
    let findings = files(&findings)?;
    // It ends badly over a finding, and over nothing else.
    ensure!(status.success() || !findings.is_empty(), "it ended with {status}: see {}", log.display());
    Ok(Tried { runs: runs(&String::from_utf8_lossy(&fs::read(&log)?)), seconds, findings })
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

/// How many inputs were tried, as the engine says at its end.
fn runs(log: &str) -> u64 {
    let said = log.lines().rev().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    said.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

fn table(tried: &BTreeMap<String, Tried>) -> String {
    let rows = tried.iter().map(|(target, Tried { runs, seconds, findings })| {
        format!("\n| `{target}` | {runs} | {seconds} | {} |", findings.len())
    });
    "| target | runs | seconds | findings |\n|---|---:|---:|---:|".to_owned() + &rows.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_all_targets_unless_some_are_named() {
        let all = ["event", "url"].map(str::to_owned);
        assert_eq!(chosen(&all, &[]).unwrap(), all);
        assert_eq!(chosen(&all, &["url".to_owned()]).unwrap(), ["url"]);
        let refused = chosen(&all, &["urn".to_owned()]).unwrap_err().to_string();
        assert_eq!(refused, "there is no target `urn`: name one of event, url");
    }

    #[test]
    fn knows_the_targets_by_the_folders_of_their_corpus() {
        assert!(all().unwrap().contains(&"webhook".to_owned()));
    }

    #[test]
    fn tells_what_came_of_each_target() {
        let log = "#1 INITED\nDone 7 runs in 1 s\nstat::number_of_executed_units: 712345\nstat::peak_rss_mb: 80\n";
        assert_eq!((runs(log), runs("killed")), (712_345, 0));
        let tried = Tried { runs: 7, seconds: 60, findings: vec![PathBuf::from("crash-1")] };
        let table = table(&BTreeMap::from([("url".to_owned(), tried)]));
        assert_eq!(table, "| target | runs | seconds | findings |\n|---|---:|---:|---:|\n| `url` | 7 | 60 | 1 |");
    }
}
