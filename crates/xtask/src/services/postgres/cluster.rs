//! A PostgreSQL cluster from its own programs, run as user `postgres` where we are root.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::super::install::tail;
use super::super::ports::beside;
use super::Durability;
use super::disk::Disk;
use super::place::server_user;
use crate::home::write_private;
use crate::processes;
use crate::workspace::output;

/// Room for the files of a new cluster, and for what some minutes add to them.
const DISK_MEGABYTES: u32 = 512;

#[derive(Debug)]
pub(super) struct Cluster {
    programs: PathBuf,
    /// Holds `data` and `log`; belongs to the user who runs the server.
    home: PathBuf,
    port: u16,
    password: SecretString,
    /// `initdb` or `pg_ctl` at its work: it goes on when nobody waits for it any more.
    starter: Mutex<Option<Child>>,
}

impl Cluster {
    pub(super) fn new(programs: PathBuf, home: PathBuf, port: u16, password: SecretString) -> Self {
        Self { programs, home, port, password, starter: Mutex::new(None) }
    }

    /// A copy of this one's files as they are now, which follows it once it is booted.
    pub(super) async fn copy(&self) -> anyhow::Result<Self> {
        let home = replica(&self.home);
        let copy = Self::new(self.programs.clone(), home, beside(self.port, 2)?, self.password.clone());
        let mut backup = self.client("pg_basebackup");
        // With how to follow this one among its settings.
        backup.args(["--write-recovery-conf", "--checkpoint=fast", "-D"]).arg(copy.data());
        output(&mut backup).await?;
        Ok(copy)
    }

    /// Has what follows another take no more from it, and take writes itself.
    pub(super) async fn promote(&self) -> anyhow::Result<()> {
        let mut promote = self.owner("pg_ctl");
        output(promote.args(["promote", "-s", "-w", "-t", "60", "-D"]).arg(self.data())).await.map(drop)
    }

    /// Moves the files of the stopped server onto a small disk.
    pub(super) async fn confine(&self) -> anyhow::Result<Disk> {
        let (data, before) = (self.data(), self.home.join("data.before"));
        std::fs::rename(&data, &before)?;
        std::fs::create_dir(&data)?;
        let disk = Disk::mount(data, self.log(), DISK_MEGABYTES, &std::fs::metadata(&before)?).await?;
        output(Command::new("cp").args(["-a", "-T"]).arg(&before).arg(self.data())).await?;
        Ok(disk)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) async fn boot(&self, durability: Durability) -> anyhow::Result<()> {
        // Not by `pg_ctl status`, which takes one for running that is dead and not buried yet.
        if self.pid().is_some() {
            return Ok(());
        }
        self.forget_a_stranger()?;
        if !self.data().join("PG_VERSION").exists() {
            self.initialise().await?;
        }
        let tuning = match durability {
            Durability::Kept => "",
            Durability::Relaxed => "-c fsync=off -c synchronous_commit=off -c full_page_writes=off",
        };
        // No socket: its path would be too long in a deep checkout, and TCP is what the services use.
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 {tuning}",
            self.port
        );
        let log = self.log();
        let started = Instant::now();
        loop {
            let mut start = self.owner("pg_ctl");
            start.args(["start", "-w", "-t", "60", "-s", "-D"]).arg(self.data()).arg("-l").arg(&log);
            // Its output must not be a pipe: the server would keep it open.
            start.args(["-o", &options]).stdin(std::process::Stdio::null());
            start.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            if self.finish(start).await? {
                return Ok(());
            }
            // After a kill, the old server's children may hold its shared memory for a moment.
            if started.elapsed() > Duration::from_secs(20) {
                bail!("PostgreSQL did not start:\n{}", tail(&log, 10));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Runs the starter to its end. Where the waiting is broken off, [`Cluster::stop`] takes it up again.
    async fn finish(&self, mut start: Command) -> anyhow::Result<bool> {
        // A group of its own: Ctrl-C in the terminal must reach xtask only, which then stops all in order.
        start.process_group(0);
        let mut starter = self.starter.lock().await;
        let child = start.spawn().context("a program of PostgreSQL's could not be started")?;
        let status = starter.insert(child).wait().await;
        *starter = None;
        Ok(status?.success())
    }

    /// After a power cut, a stranger may have the number of the server that was: the new one would take it for that.
    fn forget_a_stranger(&self) -> anyhow::Result<()> {
        let file = self.data().join("postmaster.pid");
        match processes::read_pid(&file) {
            Some(pid) if processes::alive(pid) => std::fs::remove_file(&file).context("cannot remove a stale pid file"),
            Some(_) | None => Ok(()),
        }
    }

    async fn initialise(&self) -> anyhow::Result<()> {
        let password_file = self.home.join("password");
        write_private(&password_file, self.password.expose_secret().as_bytes())?;
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&password_file, Some(server_user()?.uid.as_raw()), None)?;
        }
        // Made under another name: an interrupted initdb leaves a folder that looks like a good one.
        let unfinished = self.home.join("data.part");
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished)?;
        }
        let mut initdb = self.owner("initdb");
        initdb.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8"]);
        initdb.args(["--locale=C.UTF-8", "--no-instructions", "-D"]).arg(&unfinished);
        let log = self.home.join("initdb.log");
        initdb.arg("--pwfile").arg(&password_file).stdin(std::process::Stdio::null());
        initdb.stdout(std::process::Stdio::null()).stderr(std::fs::File::create(&log)?);
        let is_made = self.finish(initdb).await;
        std::fs::remove_file(&password_file)?;
        if !is_made? {
            bail!("PostgreSQL's initdb failed:\n{}", tail(&log, 10));
        }
        Ok(std::fs::rename(&unfinished, self.data())?)
    }

    pub(super) async fn query(&self, sql: &str) -> anyhow::Result<String> {
        output(self.client("psql").args(["-X", "-Atc", sql])).await
    }

    /// A program that asks the server as its superuser.
    fn client(&self, program: &str) -> Command {
        let mut client = self.owner(program);
        client.env("PGPASSWORD", self.password.expose_secret());
        client.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string()]);
        client
    }

    pub(super) async fn stop(&self) -> anyhow::Result<()> {
        if let Some(mut starter) = self.starter.lock().await.take() {
            starter.wait().await?;
        }
        halt(&replica(&self.home)).await?;
        if self.pid().is_none() {
            return Ok(());
        }
        let mut stop = self.owner("pg_ctl");
        output(stop.args(["stop", "-s", "-m", "fast", "-w", "-t", "60", "-D"]).arg(self.data())).await.map(drop)
    }

    pub(super) async fn kill(&self) -> anyhow::Result<()> {
        let pid = self.pid().context("PostgreSQL does not run")?;
        processes::signal(pid, Signal::SIGKILL)?;
        processes::gone(pid, Duration::from_secs(10)).await;
        Ok(())
    }

    pub(super) fn pid(&self) -> Option<u32> {
        running(&self.home)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// A command as the user who owns the server: PostgreSQL refuses root.
    fn owner(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if nix::unistd::geteuid().is_root() {
            let mut runuser = Command::new("runuser");
            runuser.args(["-u", "postgres", "--"]).arg(program);
            runuser
        } else {
            Command::new(program)
        };
        command.current_dir("/").env("LC_ALL", "C.UTF-8");
        command
    }
}

/// Where the replica of the cluster in this folder has its files, if there is one.
pub(super) fn replica(home: &Path) -> PathBuf {
    home.join("replica")
}

/// Ends the server of the cluster in this folder at once, if it runs.
pub(super) async fn halt(home: &Path) -> anyhow::Result<()> {
    if let Some(pid) = running(home) {
        processes::signal(pid, Signal::SIGQUIT)?;
        processes::gone(pid, Duration::from_secs(30)).await;
    }
    Ok(())
}

/// The server of the cluster in this folder, if it runs. It works in its data folder: a stranger with its number does not.
pub(super) fn running(home: &Path) -> Option<u32> {
    let data = home.join("data");
    let pid = processes::read_pid(&data.join("postmaster.pid"))?;
    let ours = processes::alive(pid) && processes::working_folder(pid) == data.canonicalize().ok();
    ours.then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::make_program;

    /// Starts nothing before the gate is open, and stops what it has started.
    const PG_CTL: &str = r#"#!/bin/sh
cd "$(dirname "$0")/data" || exit 1
case "$1" in
start)
    touch ../data/waiting
    while [ ! -e ../gate ]; do sleep 0.02; done
    sleep 600 & echo $! >postmaster.pid ;;
stop) kill "$(cat postmaster.pid)" ;;
esac
"#;

    const INITDB: &str = r#"#!/bin/sh
cd "$(dirname "$0")/data" || exit 1
touch waiting
while [ ! -e ../gate ]; do sleep 0.02; done
touch finished
"#;

    /// A cluster whose programs are scripts; none where root has no user to run it as.
    fn cluster(name: &str) -> Option<Cluster> {
        let home = std::env::temp_dir().join(format!("xtask-cluster-{}-{name}", std::process::id()));
        std::fs::create_dir_all(home.join("data")).unwrap();
        std::fs::write(home.join("data/PG_VERSION"), "15").unwrap();
        for (name, script) in [("pg_ctl", PG_CTL), ("initdb", INITDB)] {
            make_program(&home.join(name), script);
        }
        if nix::unistd::geteuid().is_root() {
            let user = server_user().ok()?;
            std::os::unix::fs::chown(home.join("data"), Some(user.uid.as_raw()), None).unwrap();
        }
        Some(Cluster::new(home.clone(), home, 1, "x".to_owned().into()))
    }

    async fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let started = Instant::now();
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        while !holds() {
            assert!(started.elapsed() < Duration::from_secs(60), "{what} did not come true");
            looks.tick().await;
        }
    }

    #[tokio::test]
    async fn a_server_whose_start_was_broken_off_is_stopped_all_the_same() {
        let Some(cluster) = cluster("broken-off") else { return };
        let home = cluster.home.clone();
        tokio::select! {
            outcome = cluster.boot(Durability::Kept) => panic!("{outcome:?}"),
            () = until("the wait at the gate", || home.join("data/waiting").exists()) => {}
        }
        std::fs::write(home.join("gate"), "").unwrap();
        cluster.stop().await.unwrap();
        let pid = processes::read_pid(&home.join("data/postmaster.pid")).expect("the server was started meanwhile");
        until("its end", || !processes::alive(pid)).await;
        std::fs::remove_dir_all(&home).unwrap();
    }

    #[tokio::test]
    async fn a_cluster_whose_making_was_broken_off_is_left_alone_before_all_is_over() {
        let Some(cluster) = cluster("unmade") else { return };
        let home = cluster.home.clone();
        std::fs::remove_file(home.join("data/PG_VERSION")).unwrap();
        tokio::select! {
            outcome = cluster.boot(Durability::Kept) => panic!("{outcome:?}"),
            () = until("the wait at the gate", || home.join("data/waiting").exists()) => {}
        }
        std::fs::write(home.join("gate"), "").unwrap();
        cluster.stop().await.unwrap();
        assert!(home.join("data/finished").exists(), "initdb still writes");
        std::fs::remove_dir_all(&home).unwrap();
    }

    #[tokio::test]
    async fn a_stranger_with_the_servers_number_is_neither_taken_for_it_nor_touched() {
        let Some(cluster) = cluster("stranger") else { return };
        let home = cluster.home.clone();
        let mut stranger = Command::new("sleep").arg("600").current_dir("/").kill_on_drop(true).spawn().unwrap();
        let number = stranger.id().unwrap();
        std::fs::write(home.join("data/postmaster.pid"), format!("{number}\n\n\n5432\n")).unwrap();
        assert_eq!(running(&home), None);
        cluster.stop().await.unwrap();
        cluster.kill().await.unwrap_err();
        std::fs::write(home.join("gate"), "").unwrap();
        cluster.boot(Durability::Kept).await.unwrap();
        assert!(running(&home).is_some_and(|pid| pid != number), "a server of its own");
        cluster.stop().await.unwrap();
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().await.unwrap();
        std::fs::remove_dir_all(&home).unwrap();
    }
}
