//! Where the processors' time goes while something is measured, as Linux' own profiler sees it. What is measured is not known here.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::processes;
use crate::services::install::{tail, unpacked};
use crate::session::{Service, Session};
use crate::workspace::{output, root};

/// How often each processor is looked at in a second: not in step with what happens a hundred times in one.
const FREQUENCY: &str = "99";
/// What takes less is not shown, in percent.
const LEAST: &str = "0.5";
/// Lines of a table.
const TOP: usize = 30;
/// A profiler that may not look says so within this.
const REFUSED: Duration = Duration::from_secs(1);

/// A profile that is being taken, of all that runs on this machine: services may be started anew meanwhile.
#[derive(Debug)]
pub(super) struct Profile {
    service: Service,
    perf: PathBuf,
    recorder: Child,
    file: PathBuf,
}

impl Profile {
    /// Begins to look, at this service in particular.
    ///
    /// # Errors
    /// Where there is no `perf`, or it may not look.
    pub(super) async fn begin(service: Service) -> anyhow::Result<Self> {
        let perf = unpacked("perf", "linux-perf").await;
        let perf = perf.context("`perf` (Debian's package linux-perf) is not there, and apt cannot bring it")?;
        let folder = root().join(".dev/profile");
        std::fs::create_dir_all(&folder)?;
        let (file, log) = (folder.join("perf.data"), folder.join("perf.log"));
        let said = File::create(&log)?;
        let mut record = Command::new(&perf);
        record.args(["record", "--quiet", "--all-cpus", "--freq", FREQUENCY, "--output"]).arg(&file);
        record.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        // A group of its own: Ctrl-C in the terminal must reach xtask only.
        let mut recorder = record.process_group(0).kill_on_drop(true).spawn().context("perf could not be started")?;
        if let Ok(ended) = timeout(REFUSED, recorder.wait()).await {
            bail!("perf ended with {}:\n{}", ended?, tail(&log, 5));
        }
        Ok(Self { service, perf, recorder, file })
    }

    /// Ends it; gives what took the time on the machine, program by program, and in the service, function by function.
    ///
    /// # Errors
    /// Fails with what `perf` said.
    pub(super) async fn end(mut self, session: &Session) -> anyhow::Result<String> {
        if let Some(pid) = self.recorder.id() {
            // It writes down what it has, and ends.
            processes::signal(pid, Signal::SIGINT)?;
        }
        self.recorder.wait().await?;
        let name = self.service.name();
        // One that was stopped before the end is known by its program, without what the system and its libraries did for it.
        let of_it = match session.stack.pid(name) {
            Some(pid) => format!("--pid={pid}"),
            None => format!("--dsos={name}"),
        };
        let by_program = self.by_program().await?;
        let by_function = self.report(&["--fields", "overhead,dso,symbol", &of_it]).await?;
        Ok(format!("By program\n{by_program}\nIn {name}\n{by_function}\nAll of it is in {}", self.file.display()))
    }

    /// What `perf report` calls a process is a thread, so the looks are counted here.
    async fn by_program(&self) -> anyhow::Result<String> {
        let mut script = Command::new(&self.perf);
        script.args(["script", "--fields", "pid", "--input"]).arg(&self.file);
        output(&mut script).await.map(|pids| shares(&pids, program_of))
    }

    async fn report(&self, how: &[&str]) -> anyhow::Result<String> {
        let mut report = Command::new(&self.perf);
        report.args(["report", "--stdio", "--no-children", "--percent-limit", LEAST, "--input"]).arg(&self.file);
        output(report.args(how)).await.map(|said| top(&said))
    }
}

/// The name of a process that still runs.
fn program_of(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
    name.map_or_else(|_gone| "what has ended".to_owned(), |name| name.trim().to_owned())
}

/// The share that each program had of all looks, the largest first; a process stands in a line for each time that it was seen.
fn shares(pids: &str, program_of: impl Fn(u32) -> String) -> String {
    let (mut by_process, mut by_program) = (BTreeMap::<u32, u32>::new(), BTreeMap::<String, u32>::new());
    for pid in pids.lines().filter_map(|line| line.trim().parse::<u32>().ok()) {
        *by_process.entry(pid).or_default() += 1;
    }
    let all: u32 = by_process.values().sum();
    for (pid, looks) in by_process {
        *by_program.entry(program_of(pid)).or_default() += looks;
    }
    let mut rows: Vec<(u32, String)> = by_program.into_iter().map(|(program, looks)| (looks, program)).collect();
    rows.sort_unstable();
    let share = |looks: u32| 100.0 * f64::from(looks) / f64::from(all);
    rows.into_iter().rev().take(TOP).map(|(looks, program)| format!("{:>9.2}%  {program}\n", share(looks))).collect()
}

/// The first lines of a report, without what stands above the table.
fn top(said: &str) -> String {
    let rows = said.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.take(TOP).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_of_one_program_count_together() {
        let name = |pid: u32| String::from(if pid == 7 { "api-gateway" } else { "postgres" });
        let shown = shares("    7 \n   12 \n   13 \n   12 \n", name);
        assert_eq!(shown, "    75.00%  postgres\n    25.00%  api-gateway\n");
    }

    #[test]
    fn of_a_report_the_rows_are_shown_and_no_more_than_fit() {
        let rows: String =
            (0..40).map(|row| format!("     2.{row:02}%  api-gateway  [.] function_{row}   \n")).collect();
        let shown = top(&format!("# To display the perf.data header info\n#\n# Overhead  Symbol\n\n{rows}"));
        assert_eq!(shown.lines().count(), TOP);
        assert!(shown.starts_with("     2.00%  api-gateway  [.] function_0\n"), "{shown}");
    }
}
