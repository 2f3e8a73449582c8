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
use crate::session::Service;
use crate::workspace::{output, root};

/// How often each processor is looked at in a second: not in step with what happens a hundred times in one.
const FREQUENCY: &str = "99";
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
    pub(super) async fn end(mut self) -> anyhow::Result<String> {
        if let Some(pid) = self.recorder.id() {
            // It writes down what it has, and ends.
            processes::signal(pid, Signal::SIGINT)?;
        }
        self.recorder.wait().await?;
        let mut script = Command::new(&self.perf);
        script.args(["script", "--show-task-events", "--fields", "comm,pid,tid,ip,sym,dso", "--input"]).arg(&self.file);
        let said = output(&mut script).await?;
        let looks = Looks::read(&said);
        let (name, file) = (self.service.name(), self.file.display());
        let (by_program, by_function) = (looks.by_program(), looks.by_function(name));
        Ok(format!("By program\n{by_program}\nIn {name}\n{by_function}\nAll of it is in {file}"))
    }
}

/// What was seen: each time, which process ran, and what it was at. What the system and its libraries do for it counts as well.
#[derive(Debug, Default)]
struct Looks<'a> {
    /// Processes by what their first thread is called, also of those that have ended.
    programs: BTreeMap<u32, &'a str>,
    /// Processes, functions, and the files that these are in.
    seen: Vec<(u32, &'a str, &'a str)>,
}

impl<'a> Looks<'a> {
    fn read(said: &'a str) -> Self {
        let mut looks = Self::default();
        for line in said.lines() {
            looks.note(line);
        }
        looks
    }

    /// `name 12/34 address function (file)`, or `name 12/34 PERF_RECORD_COMM: new name:12/34`; other records tell nothing. What
    /// cannot be read is no look.
    fn note(&mut self, line: &'a str) -> Option<()> {
        if let Some((_, event)) = line.split_once("PERF_RECORD_") {
            let (name, ids) = event.strip_prefix("COMM")?.split_once(": ")?.1.rsplit_once(':')?;
            let (process, thread) = numbers(ids.trim())?;
            self.call(process, thread, name);
            return Some(());
        }
        // A name may have spaces and strokes of its own.
        let (ids, (process, thread)) = line.split(' ').find_map(|word| Some((word, numbers(word)?)))?;
        let (name, rest) = line.split_once(ids)?;
        self.call(process, thread, name.trim());
        let (_address, rest) = rest.trim_start().split_once(' ')?;
        let (function, file) = rest.rsplit_once(" (")?;
        self.seen.push((process, function, file.trim_end_matches(')')));
        Some(())
    }

    fn call(&mut self, process: u32, thread: u32, name: &'a str) {
        if process == thread {
            self.programs.insert(process, if process == 0 { "idle" } else { name });
        }
    }

    fn program(&self, process: u32) -> &'a str {
        self.programs.get(&process).copied().unwrap_or("what has no name")
    }

    fn by_program(&self) -> String {
        table(self.seen.iter().map(|(process, _, _)| self.program(*process).to_owned()))
    }

    fn by_function(&self, program: &str) -> String {
        // What Linux keeps of a name.
        let program: String = program.chars().take(15).collect();
        let of_it = self.seen.iter().filter(|(process, _, _)| self.program(*process) == program);
        table(of_it.map(|(_, function, file)| format!("{:<20} {function}", file.rsplit('/').next().unwrap_or(file))))
    }
}

/// A process and a thread of it.
fn numbers(ids: &str) -> Option<(u32, u32)> {
    let (process, thread) = ids.split_once('/')?;
    Some((process.parse().ok()?, thread.parse().ok()?))
}

/// The share of all that each has, the largest first.
fn table(all: impl Iterator<Item = String>) -> String {
    let mut counts = BTreeMap::<String, u32>::new();
    for each in all {
        *counts.entry(each).or_default() += 1;
    }
    let sum: u32 = counts.values().sum();
    let mut rows: Vec<(u32, String)> = counts.into_iter().map(|(what, looks)| (looks, what)).collect();
    rows.sort_by(|(left, _), (right, _)| right.cmp(left));
    let share = |looks: u32| 100.0 * f64::from(looks) / f64::from(sum);
    rows.into_iter().take(TOP).map(|(looks, what)| format!("{:>9.2}%  {what}\n", share(looks))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
          swapper     0/0      ffffffff821f2c2b pv_native_safe_halt ([kernel.kallsyms])
 sync-dispatcher    12/12     PERF_RECORD_COMM exec: sync-dispatcher:12/12
 sync-dispatcher    12/12     PERF_RECORD_FORK(12:13):(12:12)
 tokio-rt worker    12/13     7f00 <T as core::fmt::Display>::fmt (/a/target/release/sync-dispatcher)
 tokio-rt worker    12/13     7f01 malloc (/usr/lib/x86_64-linux-gnu/libc.so.6)
 tokio-rt worker    12/13     7f01 malloc (/usr/lib/x86_64-linux-gnu/libc.so.6)
        postgres    20/20     1000 [unknown] (/usr/lib/postgresql/15/bin/postgres)
        postgres    21/21     1000 [unknown] (/usr/lib/postgresql/15/bin/postgres)
 something else
";

    #[test]
    fn processes_of_one_program_count_together_and_threads_with_their_process() {
        let shown = Looks::read(SAID).by_program();
        assert_eq!(shown, "    50.00%  sync-dispatcher\n    33.33%  postgres\n    16.67%  idle\n");
    }

    #[test]
    fn of_a_program_each_function_is_shown_wherever_it_is() {
        let shown = Looks::read(SAID).by_function("sync-dispatcher");
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 2, "{shown}");
        assert!(lines[0].ends_with("%  libc.so.6            malloc"), "{shown}");
        assert!(lines[1].ends_with("%  sync-dispatcher      <T as core::fmt::Display>::fmt"), "{shown}");
    }

    #[test]
    fn no_more_rows_are_shown_than_fit() {
        assert_eq!(table((0..40).map(|row| row.to_string())).lines().count(), TOP);
    }
}
