//! One PostgreSQL: its data folder, starting, stopping, killing. What is in the database is not known here.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::process::Command;

use super::docker::{Container, Image};
use super::install::{PostgresMeans, tail};
use crate::home::write_private;
use crate::processes;
use crate::workspace::output;

const START_LIMIT: Duration = Duration::from_secs(90);

/// A PostgreSQL server, reached as a superuser.
#[derive(Debug)]
pub struct Postgres {
    url: Url,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Given,
    Cluster(Cluster),
    Docker(Container),
}

/// What a commit promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A commit survives a power failure.
    Kept,
    /// A commit survives a crash of PostgreSQL, but not of the machine: for tests, which it makes faster.
    Relaxed,
}

#[derive(Debug)]
struct Cluster {
    programs: PathBuf,
    /// Holds `data` and `log`; belongs to the user who runs the server.
    home: PathBuf,
    port: u16,
    password: SecretString,
}

impl Postgres {
    pub(super) fn given(url: Url) -> Self {
        Self { url, engine: Engine::Given }
    }

    pub(super) fn private(means: PostgresMeans, folder: &Path, port: u16) -> anyhow::Result<Self> {
        let password = password(&folder.join("postgres.password"))?;
        let url = Url::parse(&format!("postgres://postgres:{}@127.0.0.1:{port}/postgres", password.expose_secret()))?;
        let engine = match means {
            PostgresMeans::Programs(programs) => {
                Engine::Cluster(Cluster { programs, home: home(folder)?, port, password })
            }
            PostgresMeans::Docker => Engine::Docker(Container::new(
                folder,
                Image {
                    service: "postgres",
                    image: "postgres:15",
                    data: "/var/lib/postgresql/data",
                    ports: vec![(port, 5432)],
                    password: Some(password),
                },
            )),
        };
        Ok(Self { url, engine })
    }

    /// The superuser's URL. It holds the password: not for printing.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Starts the server, or finds it running, and waits until it serves.
    ///
    /// # Errors
    /// Fails with the end of the server's log when it does not come up.
    pub async fn boot(&self, durability: Durability) -> anyhow::Result<()> {
        match &self.engine {
            Engine::Given => Ok(()),
            Engine::Cluster(cluster) => cluster.boot(durability).await,
            Engine::Docker(container) => {
                container.start().await?;
                let started = Instant::now();
                // Over TCP: the image's set-up phase listens on the socket only.
                while container.exec(&["pg_isready", "-q", "-h", "127.0.0.1"]).await.is_err() {
                    if started.elapsed() > START_LIMIT {
                        bail!("PostgreSQL's container does not serve:\n{}", container.log().await);
                    }
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                Ok(())
            }
        }
    }

    /// Makes the database unless it exists, and gives its URL. A given server's own database is used as it is.
    ///
    /// # Errors
    /// Fails with what `psql` said.
    pub async fn database(&self, name: &'static str) -> anyhow::Result<Url> {
        let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
        let create = format!("CREATE DATABASE {name}");
        match &self.engine {
            Engine::Given => return Ok(self.url.clone()),
            Engine::Cluster(cluster) => {
                if cluster.query(&exists).await?.is_empty() {
                    cluster.query(&create).await?;
                }
            }
            Engine::Docker(container) => {
                let psql = ["psql", "-U", "postgres", "-Atc"];
                if container.exec(&[&psql[..], &[exists.as_str()]].concat()).await?.is_empty() {
                    container.exec(&[&psql[..], &[create.as_str()]].concat()).await?;
                }
            }
        }
        let mut url = self.url.clone();
        url.set_path(name);
        Ok(url)
    }

    /// Stops the server in order; sessions are ended. A given server is left alone.
    ///
    /// # Errors
    /// Fails when it still runs after a minute.
    pub async fn stop(&self) -> anyhow::Result<()> {
        match &self.engine {
            Engine::Given => Ok(()),
            Engine::Cluster(cluster) => cluster.stop().await,
            Engine::Docker(container) => container.stop().await,
        }
    }

    /// Kills the server as a crash would; [`Postgres::boot`] brings it back.
    ///
    /// # Errors
    /// Fails for a given server, which is not ours to kill.
    pub async fn kill(&self) -> anyhow::Result<()> {
        match &self.engine {
            Engine::Given => bail!("a PostgreSQL given by URL is not killed"),
            Engine::Cluster(cluster) => cluster.kill().await,
            Engine::Docker(container) => container.kill().await,
        }
    }
}

/// The port of the private server that runs for this folder, if one does.
pub(super) fn running_port(folder: &Path) -> Option<u16> {
    let home = expected_home(folder);
    let file = home.join("data/postmaster.pid");
    let pid = processes::read_pid(&file)?;
    let lines = std::fs::read_to_string(file).ok()?;
    let port = lines.lines().nth(3)?.parse().ok()?;
    processes::alive(pid).then_some(port)
}

/// Stops the private server that runs for this folder, if one does, and removes its files.
pub(super) async fn remove(folder: &Path) -> anyhow::Result<()> {
    let home = expected_home(folder);
    if !home.exists() {
        return Ok(());
    }
    let pid = processes::read_pid(&home.join("data/postmaster.pid"));
    // The server works in its data folder: a stranger with this id does not.
    let ours = |pid: &u32| processes::working_folder(*pid).is_some_and(|folder| folder == home.join("data"));
    if let Some(pid) = pid.filter(ours) {
        processes::signal(pid, Signal::SIGQUIT)?;
        processes::gone(pid, Duration::from_secs(30)).await;
    }
    std::fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))
}

impl Cluster {
    async fn boot(&self, durability: Durability) -> anyhow::Result<()> {
        if self.owner("pg_ctl").args(["status", "-D"]).arg(self.data()).output().await?.status.success() {
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
        let mut initdb = self.owner("initdb");
        initdb.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]);
        initdb.args(["--no-instructions", "-D"]).arg(self.data()).arg("--pwfile").arg(&password_file);
        let outcome = output(&mut initdb).await;
        std::fs::remove_file(&password_file)?;
        if outcome.is_err() {
            // A half-made data folder would be taken for a good one.
            std::fs::remove_dir_all(self.data()).ok();
        }
        outcome.map(drop)
    }

    async fn query(&self, sql: &str) -> anyhow::Result<String> {
        let mut psql = self.owner("psql");
        psql.env("PGPASSWORD", self.password.expose_secret()).args(["-X", "-h", "127.0.0.1", "-U", "postgres"]);
        output(psql.args(["-p", &self.port.to_string(), "-Atc", sql])).await
    }

    async fn stop(&self) -> anyhow::Result<()> {
        if self.pid().is_none() {
            return Ok(());
        }
        let mut stop = self.owner("pg_ctl");
        output(stop.args(["stop", "-s", "-m", "fast", "-w", "-t", "60", "-D"]).arg(self.data())).await.map(drop)
    }

    async fn kill(&self) -> anyhow::Result<()> {
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

/// The folder for the server's files: inside ours, or under /var/tmp where user `postgres` cannot enter ours.
fn home(folder: &Path) -> anyhow::Result<PathBuf> {
    if let Some(recorded) = recorded_home(folder) {
        return prepared(recorded);
    }
    let inside = folder.join("postgres");
    if !nix::unistd::geteuid().is_root() {
        return prepared(inside);
    }
    if reachable(folder)? {
        return prepared(inside);
    }
    let name = folder.to_string_lossy().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let outside = PathBuf::from(format!("/var/tmp/coccinelle{name}-postgres"));
    write_private(&folder.join("postgres.folder"), outside.to_string_lossy().as_bytes())?;
    prepared(outside)
}

fn recorded_home(folder: &Path) -> Option<PathBuf> {
    std::fs::read_to_string(folder.join("postgres.folder")).ok().map(|text| PathBuf::from(text.trim()))
}

fn expected_home(folder: &Path) -> PathBuf {
    recorded_home(folder).unwrap_or_else(|| folder.join("postgres"))
}

fn prepared(home: PathBuf) -> anyhow::Result<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    if nix::unistd::geteuid().is_root() {
        let user = server_user()?;
        let owner = std::fs::symlink_metadata(&home)?.uid();
        if owner != 0 && owner != user.uid.as_raw() {
            bail!("{} belongs to somebody else", home.display());
        }
        std::os::unix::fs::chown(&home, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    Ok(home)
}

/// Whether user `postgres` may pass through every folder on the way.
fn reachable(folder: &Path) -> anyhow::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let user = server_user()?;
    for step in folder.ancestors() {
        let meta = std::fs::metadata(step)?;
        let bit = if meta.uid() == user.uid.as_raw() {
            0o100
        } else if meta.gid() == user.gid.as_raw() {
            0o010
        } else {
            0o001
        };
        if meta.mode() & bit == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn server_user() -> anyhow::Result<nix::unistd::User> {
    nix::unistd::User::from_name("postgres")?.context("root needs a user `postgres` to run PostgreSQL as")
}

fn password(file: &Path) -> anyhow::Result<SecretString> {
    if let Ok(text) = std::fs::read_to_string(file) {
        return Ok(text.trim().to_owned().into());
    }
    let made = crate::secrets::random();
    write_private(file, made.expose_secret().as_bytes())?;
    Ok(made)
}
