//! A PostgreSQL cluster from its own programs, run as user `postgres` where we are root.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::process::Command;

use super::super::install::tail;
use super::Durability;
use super::place::server_user;
use crate::home::write_private;
use crate::processes;
use crate::workspace::output;

#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) programs: PathBuf,
    /// Holds `data` and `log`; belongs to the user who runs the server.
    pub(super) home: PathBuf,
    pub(super) port: u16,
    pub(super) password: SecretString,
}

impl Cluster {
    pub(super) async fn boot(&self, durability: Durability) -> anyhow::Result<()> {
        // Not by `pg_ctl status`, which takes one for running that is dead and not buried yet.
        if self.pid().is_some() {
            return Ok(());
        }
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
        let log = self.home.join("log");
        let started = Instant::now();
        loop {
            let mut start = self.owner("pg_ctl");
            start.args(["start", "-w", "-t", "60", "-s", "-D"]).arg(self.data()).arg("-l").arg(&log);
            // Its output must not be a pipe: the server would keep it open.
            start.args(["-o", &options]).stdin(std::process::Stdio::null());
            start.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            if start.status().await?.success() {
                return Ok(());
            }
            // After a kill, the old server's children may hold its shared memory for a moment.
            if started.elapsed() > Duration::from_secs(20) {
                bail!("PostgreSQL did not start:\n{}", tail(&log, 10));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
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
        let outcome = output(initdb.arg("--pwfile").arg(&password_file)).await;
        std::fs::remove_file(&password_file)?;
        outcome?;
        Ok(std::fs::rename(&unfinished, self.data())?)
    }

    pub(super) async fn query(&self, sql: &str) -> anyhow::Result<String> {
        let mut psql = self.owner("psql");
        psql.env("PGPASSWORD", self.password.expose_secret()).args(["-X", "-h", "127.0.0.1", "-U", "postgres"]);
        output(psql.args(["-p", &self.port.to_string(), "-Atc", sql])).await
    }

    pub(super) async fn stop(&self) -> anyhow::Result<()> {
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

    fn pid(&self) -> Option<u32> {
        processes::read_pid(&self.data().join("postmaster.pid")).filter(|pid| processes::alive(*pid))
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
