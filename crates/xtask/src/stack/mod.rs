//! The supervisor of our own processes: starts them, restarts the crashed, stops all in reverse order.
//!
//! What the processes are is not known here; see [`crate::session`].

mod backoff;
mod leftovers;
mod output;
mod supervisor;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;

pub use self::backoff::Backoff;
use self::supervisor::{Supervised, Wiring};
use crate::console::Console;
use crate::processes;

/// How long a process may take to end after SIGTERM before it is killed.
pub const STOP_LIMIT: Duration = Duration::from_secs(20);

/// A process to be kept running.
#[derive(Clone, Debug)]
pub struct Program {
    /// Shown before each of its lines; also names its log file.
    pub name: String,
    /// The file to execute.
    pub executable: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables added to xtask's own.
    pub environment: Vec<(String, String)>,
}

/// Running programs, in the order in which they were started.
///
/// Logs go to `logs/<name>.log` in the folder, process ids to `run/<name>.pid`.
#[derive(Debug)]
pub struct Stack {
    folder: PathBuf,
    console: Console,
    backoff: Backoff,
    running: Vec<Supervised>,
}

/// Stops the programs that a killed xtask left behind in its folder.
///
/// # Errors
/// Fails when one of them cannot be signalled.
pub async fn stop_leftovers(folder: &Path) -> anyhow::Result<()> {
    leftovers::stop(&folder.join("run")).await
}

impl Stack {
    /// A stack without programs.
    #[must_use]
    pub fn new(folder: &Path, console: Console, backoff: Backoff) -> Self {
        Self { folder: folder.to_owned(), console, backoff, running: Vec::new() }
    }

    /// Starts a program and keeps it running until [`Stack::stop`] or [`Stack::halt`].
    ///
    /// # Errors
    /// Fails when its log file cannot be opened; a program that does not start is tried again with back-off.
    pub fn start(&mut self, program: Program) -> anyhow::Result<()> {
        std::fs::create_dir_all(self.run_folder())?;
        let log = output::Log::open(&self.log_file(&program.name), &program.name, self.running.len(), &self.console)?;
        let wiring = Wiring {
            log,
            pid_file: self.run_folder().join(format!("{}.pid", program.name)),
            console: self.console.clone(),
            backoff: self.backoff,
        };
        self.running.push(Supervised::start(program, wiring));
        Ok(())
    }

    /// The process id of a program, unless it is between a crash and its restart.
    #[must_use]
    pub fn pid(&self, name: &str) -> Option<u32> {
        self.find(name)?.pid()
    }

    /// Kills a program with SIGKILL and waits until it is dead; the supervisor starts it again.
    ///
    /// # Errors
    /// Fails when it does not run just now.
    pub async fn kill(&self, name: &str) -> anyhow::Result<()> {
        let pid = self.pid(name).with_context(|| format!("{name} does not run"))?;
        processes::signal(pid, Signal::SIGKILL)?;
        processes::gone(pid, STOP_LIMIT).await;
        Ok(())
    }

    /// Stops a program in order and forgets it; gives how it ended, unless it was not running just then.
    ///
    /// One that does not end within [`STOP_LIMIT`] is killed, and has then ended by that signal.
    pub async fn halt(&mut self, name: &str) -> Option<ExitStatus> {
        let place = self.running.iter().position(|supervised| supervised.name() == name)?;
        self.running.remove(place).stop().await
    }

    /// Stops all programs, the last started first.
    pub async fn stop(&mut self) {
        while let Some(supervised) = self.running.pop() {
            supervised.stop().await;
        }
    }

    /// The last lines that a program wrote.
    #[must_use]
    pub fn tail(&self, name: &str, lines: usize) -> String {
        crate::services::install::tail(&self.log_file(name), lines)
    }

    fn find(&self, name: &str) -> Option<&Supervised> {
        self.running.iter().find(|supervised| supervised.name() == name)
    }

    fn run_folder(&self) -> PathBuf {
        self.folder.join("run")
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{name}.log"))
    }
}
