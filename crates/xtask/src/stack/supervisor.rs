//! One supervised process: a task that starts it, waits for its end, and starts it again after a pause.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::output::Log;
use super::{Backoff, Program, STOP_LIMIT, leftovers};
use crate::console::Console;
use crate::processes;

/// What a supervised process is tied to.
#[derive(Debug)]
pub(super) struct Wiring {
    pub(super) log: Log,
    pub(super) pid_file: PathBuf,
    pub(super) console: Console,
    pub(super) backoff: Backoff,
}

/// The handle of a process that is kept running.
#[derive(Debug)]
pub(super) struct Supervised {
    name: String,
    pid: watch::Receiver<Option<u32>>,
    stop: CancellationToken,
    task: JoinHandle<Option<ExitStatus>>,
}

enum End {
    Asked(ExitStatus),
    Unasked(String),
}

impl Supervised {
    pub(super) fn start(program: Program, wiring: Wiring) -> Self {
        let stop = CancellationToken::new();
        let (sender, pid) = watch::channel(None);
        let name = program.name.clone();
        let task = tokio::spawn(keep_running(program, wiring, sender, stop.clone()));
        Self { name, pid, stop, task }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn pid(&self) -> Option<u32> {
        *self.pid.borrow()
    }

    pub(super) async fn stop(self) -> Option<ExitStatus> {
        self.stop.cancel();
        // The task panics never; if it did, `kill_on_drop` has ended the process.
        self.task.await.ok().flatten()
    }
}

/// Gives how the process ended when it was asked to; `None` if it was not running then.
async fn keep_running(
    program: Program,
    wiring: Wiring,
    pid: watch::Sender<Option<u32>>,
    stop: CancellationToken,
) -> Option<ExitStatus> {
    let mut pause: Option<Duration> = None;
    while !stop.is_cancelled() {
        let started = Instant::now();
        let end = run_once(&program, &wiring, &pid, &stop).await;
        pid.send_replace(None);
        std::fs::remove_file(&wiring.pid_file).ok();
        let reason = match end {
            Ok(End::Asked(status)) => return Some(status),
            Ok(End::Unasked(reason)) => reason,
            Err(error) => format!("could not be started: {error:#}"),
        };
        let wait = wiring.backoff.next(pause, started.elapsed());
        pause = Some(wait);
        let seconds = wait.as_secs_f32();
        wiring.console.note(&format!("✘ {} {reason}; it is started again in {seconds:.0} s", program.name));
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(wait) => {}
        }
    }
    None
}

async fn run_once(
    program: &Program,
    wiring: &Wiring,
    pid: &watch::Sender<Option<u32>>,
    stop: &CancellationToken,
) -> anyhow::Result<End> {
    let mut child = spawn(program)?;
    let id = child.id().context("it ended at once")?;
    leftovers::note(&wiring.pid_file, id)?;
    let out = child.stdout.take().map(|stream| wiring.log.follow(stream));
    let err = child.stderr.take().map(|stream| wiring.log.follow(stream));
    pid.send_replace(Some(id));
    let end = tokio::select! {
        status = child.wait() => End::Unasked(format!("ended unasked with {}", status?)),
        () = stop.cancelled() => End::Asked(end(&mut child, id, program, wiring).await?),
    };
    for stream in [out, err].into_iter().flatten() {
        // A grandchild may hold the pipe open: its lines are not worth waiting for.
        tokio::time::timeout(Duration::from_secs(1), stream).await.ok();
    }
    Ok(end)
}

fn spawn(program: &Program) -> anyhow::Result<Child> {
    let mut command = Command::new(&program.executable);
    command.args(&program.arguments).envs(program.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: Ctrl-C in the terminal must reach xtask only, which then stops all in order.
    command.process_group(0).kill_on_drop(true);
    command.spawn().with_context(|| program.executable.display().to_string())
}

async fn end(child: &mut Child, id: u32, program: &Program, wiring: &Wiring) -> anyhow::Result<ExitStatus> {
    processes::signal(id, Signal::SIGTERM)?;
    if let Ok(status) = tokio::time::timeout(STOP_LIMIT, child.wait()).await {
        return Ok(status?);
    }
    wiring.console.note(&format!("✘ {} did not stop in {} s and is killed", program.name, STOP_LIMIT.as_secs()));
    child.kill().await?;
    Ok(child.wait().await?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Stack;
    use super::*;
    use crate::console::ServiceLines;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-stack-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn shell(name: &str, script: &str) -> Program {
        Program {
            name: name.to_owned(),
            executable: PathBuf::from("/bin/sh"),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("GREETING".to_owned(), "bonjour".to_owned())],
        }
    }

    fn stack(folder: &Path) -> Stack {
        let quick = Duration::from_millis(20);
        let backoff = Backoff { first: quick, longest: quick, steady: Duration::from_secs(60) };
        Stack::new(folder, Console::new(ServiceLines::InFilesOnly), backoff)
    }

    async fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let started = Instant::now();
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        while !holds() {
            assert!(started.elapsed() < Duration::from_secs(20), "{what} did not come true");
            looks.tick().await;
        }
    }

    #[tokio::test]
    async fn starts_a_crashed_process_again() {
        let folder = folder("crash");
        let marks = folder.join("marks");
        let mut stack = stack(&folder);
        stack.start(shell("mortal", &format!("echo x >>{}; exit 3", marks.display()))).unwrap();
        let runs = || std::fs::read_to_string(&marks).unwrap_or_default().lines().count();
        until("a third run", || runs() >= 3).await;
        stack.stop().await;
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn gives_a_killed_process_a_successor_and_stops_it_in_order() {
        let folder = folder("kill");
        let mut stack = stack(&folder);
        stack
            .start(shell("loyal", "trap 'echo $GREETING et adieu; exit 0' TERM; while :; do sleep 0.05; done"))
            .unwrap();
        until("a first process", || stack.pid("loyal").is_some()).await;
        let first = stack.pid("loyal").unwrap();
        stack.kill("loyal").await.unwrap();
        until("a successor", || stack.pid("loyal").is_some_and(|pid| pid != first)).await;
        let second = stack.pid("loyal").unwrap();
        // The trap is set once the shell runs its loop, which is when it has a child.
        let children = format!("/proc/{second}/task/{second}/children");
        until("the loop", || std::fs::read_to_string(&children).is_ok_and(|text| !text.is_empty())).await;
        let log = folder.join("logs/loyal.log");
        assert!(stack.halt("loyal").await.unwrap().success());
        assert!(!processes::alive(second));
        assert!(std::fs::read_to_string(log).unwrap().contains("bonjour et adieu"));
        assert!(!folder.join("run/loyal.pid").exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn stops_what_a_killed_xtask_left_behind_but_nothing_else() {
        let folder = folder("left");
        let run = folder.join("run");
        std::fs::create_dir_all(&run).unwrap();
        let mut ours = Command::new("sleep").arg("600").kill_on_drop(true).spawn().unwrap();
        let mut other = Command::new("sleep").arg("600").kill_on_drop(true).spawn().unwrap();
        leftovers::note(&run.join("ours.pid"), ours.id().unwrap()).unwrap();
        let disguised = serde_json::json!({ "pid": other.id(), "executable": "/somewhere/else/sleep" });
        std::fs::write(run.join("other.pid"), disguised.to_string()).unwrap();
        super::super::stop_leftovers(&folder).await.unwrap();
        assert!(!processes::alive(ours.id().unwrap()) || ours.try_wait().unwrap().is_some());
        assert!(other.try_wait().unwrap().is_none());
        assert_eq!(std::fs::read_dir(&run).unwrap().count(), 0);
        other.kill().await.unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
