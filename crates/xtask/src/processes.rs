//! Processes seen by their id: alive or not, whose they are, and how to end them. Starting them is not done here.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Whether the process runs; one that has ended and only waits to be reaped does not.
#[must_use]
pub fn alive(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The state follows the name, which is in parentheses and may hold anything.
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|letter| letter != 'Z' && letter != 'X')
}

/// The file that the process executes, also where that file has been replaced since.
#[must_use]
pub fn executable(pid: u32) -> Option<PathBuf> {
    let link = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let text = link.to_str()?;
    Some(PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(text)))
}

/// The folder that the process works in.
#[must_use]
pub fn working_folder(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// Reads a process id from the first line of a file; `None` where there is no such file or number.
#[must_use]
pub fn read_pid(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

/// Sends a signal; a process that is gone already is no error.
///
/// # Errors
/// Fails when the process is not ours to signal.
pub fn signal(pid: u32, signal: Signal) -> anyhow::Result<()> {
    ignore_gone(kill(number(pid)?, signal)).with_context(|| format!("cannot send {signal} to process {pid}"))
}

/// Sends a signal to a whole process group; one that is gone already is no error.
///
/// # Errors
/// Fails when the group is not ours to signal.
pub fn signal_group(leader: u32, signal: Signal) -> anyhow::Result<()> {
    ignore_gone(killpg(number(leader)?, signal)).with_context(|| format!("cannot send {signal} to group {leader}"))
}

/// Waits until the process is gone; false if it still runs after `limit`.
pub async fn gone(pid: u32, limit: Duration) -> bool {
    let started = Instant::now();
    while alive(pid) {
        if started.elapsed() > limit {
            return false;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    true
}

/// Asks the process to end, and ends it by force after `limit`.
///
/// # Errors
/// Fails when the process is not ours to signal.
pub async fn end(pid: u32, limit: Duration) -> anyhow::Result<()> {
    signal(pid, Signal::SIGTERM)?;
    if !gone(pid, limit).await {
        signal(pid, Signal::SIGKILL)?;
        gone(pid, limit).await;
    }
    Ok(())
}

fn number(pid: u32) -> anyhow::Result<Pid> {
    // 0 and negative numbers would address whole groups.
    let number = i32::try_from(pid).ok().filter(|number| *number > 1);
    number.map(Pid::from_raw).with_context(|| format!("{pid} is not a process id"))
}

fn ignore_gone(outcome: nix::Result<()>) -> nix::Result<()> {
    match outcome {
        Err(Errno::ESRCH) => Ok(()),
        other => other,
    }
}
