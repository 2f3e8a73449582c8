//! One PostgreSQL: its data folder, starting, stopping, killing. What is in the database is not known here.

mod cluster;
pub mod disk;
mod place;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::Url;
use secrecy::ExposeSecret as _;

use self::cluster::Cluster;
use self::disk::Disk;
use super::docker::{Container, Image};
use super::install::PostgresMeans;
use crate::console::Console;
use crate::secrets;

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

impl Postgres {
    pub(super) fn given(url: Url) -> Self {
        Self { url, engine: Engine::Given }
    }

    pub(super) async fn private(
        means: PostgresMeans,
        folder: &Path,
        port: u16,
        console: &Console,
    ) -> anyhow::Result<Self> {
        let password_file = folder.join("postgres.password");
        if !password_file.exists() {
            // The folder is new, and what an earlier one of this name left outside opens to nobody any more.
            remove(folder).await?;
        }
        let password = secrets::kept(&password_file)?;
        let url = Url::parse(&format!("postgres://postgres:{}@127.0.0.1:{port}/postgres", password.expose_secret()))?;
        let engine = match means {
            PostgresMeans::Programs(programs) => {
                Engine::Cluster(Cluster::new(programs, place::choose(folder, console)?, port, password))
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

    /// The process from which all of the server's descend; `None` where it does not run, or is no program's.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match &self.engine {
            Engine::Cluster(cluster) => cluster.pid(),
            Engine::Given | Engine::Docker(_) => None,
        }
    }

    /// The file in which the server writes what it has to say; `None` where it is no program's.
    #[must_use]
    pub fn log(&self) -> Option<PathBuf> {
        match &self.engine {
            Engine::Cluster(cluster) => Some(cluster.log()),
            Engine::Given | Engine::Docker(_) => None,
        }
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

    /// As [`Postgres::database`], for a program that must not share ours.
    ///
    /// # Errors
    /// As there, and for a given server, where databases are not ours to make.
    pub async fn further_database(&self, name: &'static str) -> anyhow::Result<Url> {
        match &self.engine {
            Engine::Given => bail!("{name} needs a database of its own: unset DATABASE_URL"),
            Engine::Cluster(_) | Engine::Docker(_) => self.database(name).await,
        }
    }

    /// Runs a statement as the superuser, and gives what `psql` printed.
    ///
    /// # Errors
    /// Fails with what `psql` said, and for a given server, which is not ours to change.
    pub async fn query(&self, sql: &str) -> anyhow::Result<String> {
        match &self.engine {
            Engine::Given => bail!("a PostgreSQL given by URL is not changed"),
            Engine::Cluster(cluster) => cluster.query(sql).await,
            Engine::Docker(container) => container.exec(&["psql", "-U", "postgres", "-Atc", sql]).await,
        }
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

    /// Starts a replica, without which nothing is committed from now on; [`Postgres::stop`] stops it as well.
    ///
    /// # Errors
    /// Fails when it does not follow within a minute and a half, and where this server is not a program's.
    pub async fn follow(&self) -> anyhow::Result<Self> {
        let Engine::Cluster(cluster) = &self.engine else {
            bail!("only a PostgreSQL from its own programs has a replica");
        };
        let copy = cluster.copy().await?;
        let mut url = self.url.clone();
        url.set_port(Some(copy.port())).map_err(|()| anyhow::anyhow!("the address of a server takes no port"))?;
        copy.boot(Durability::Kept).await?;
        for sql in ["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"] {
            self.query(sql).await?;
        }
        let (following, started) = ("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'", Instant::now());
        while self.query(following).await?.is_empty() {
            if started.elapsed() > START_LIMIT {
                bail!("the replica does not follow");
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        Ok(Self { url, engine: Engine::Cluster(copy) })
    }

    /// Has a replica take the place of the server that it follows.
    ///
    /// # Errors
    /// Fails with what `pg_ctl` said, and where there is no replica.
    pub async fn promote(&self) -> anyhow::Result<()> {
        match &self.engine {
            Engine::Cluster(cluster) => cluster.promote().await,
            Engine::Given | Engine::Docker(_) => bail!("there is no replica"),
        }
    }

    /// Moves the files of the stopped server onto a small disk in memory, which is there until they are removed.
    ///
    /// # Errors
    /// Fails when nothing can be mounted, and where this server is not a program's.
    pub async fn confine(&self) -> anyhow::Result<Disk> {
        match &self.engine {
            Engine::Cluster(cluster) => cluster.confine().await,
            Engine::Given | Engine::Docker(_) => bail!("only a PostgreSQL from its own programs can be moved"),
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
    let home = place::expected(folder);
    cluster::running(&home)?;
    let lines = std::fs::read_to_string(home.join("data/postmaster.pid")).ok()?;
    lines.lines().nth(3)?.parse().ok()
}

/// Stops the private server that runs for this folder, if one does, and removes its files.
pub(super) async fn remove(folder: &Path) -> anyhow::Result<()> {
    for home in place::possible(folder).into_iter().filter(|home| home.exists()) {
        cluster::halt(&cluster::replica(&home)).await?;
        cluster::halt(&home).await?;
        disk::unmount(&home.join("data")).await?;
        std::fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::*;
    use crate::console::ServiceLines;
    use crate::services::Services;

    /// A folder that nobody but its owner may enter, as root's own is.
    fn closed_folder(name: &str) -> PathBuf {
        let closed = std::env::temp_dir().join(format!("xtask-closed-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&closed).unwrap();
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
        closed.join(".dev")
    }

    /// The server of this folder, and where its data is once somebody has put some there.
    async fn with_data(folder: &Path) -> (Postgres, PathBuf) {
        std::fs::create_dir_all(folder).unwrap();
        let console = Console::new(ServiceLines::InFilesOnly);
        let means = PostgresMeans::Programs(PathBuf::from("/nowhere"));
        let postgres = Postgres::private(means, folder, 1, &console).await.unwrap();
        let data = place::expected(folder).join("data");
        (postgres, data)
    }

    #[tokio::test]
    async fn no_new_password_meets_an_old_cluster() {
        let folder = closed_folder("password");
        if nix::unistd::geteuid().is_root() && place::server_user().is_err() {
            return;
        }
        let (first, data) = with_data(&folder).await;
        std::fs::create_dir_all(&data).unwrap();
        let (again, _) = with_data(&folder).await;
        assert_eq!(first.url(), again.url());
        assert!(data.exists(), "the next run finds it");

        std::fs::remove_dir_all(&folder).unwrap();
        let (anew, place) = with_data(&folder).await;
        assert_eq!(place, data);
        assert_ne!(first.url(), anew.url());
        assert!(!data.exists(), "with another password there is another cluster");
        Services::wipe(&folder).await.unwrap();
        std::fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    }

    #[tokio::test]
    async fn what_was_kept_outside_is_wiped_also_when_the_folder_is_gone() {
        let folder = closed_folder("wipe");
        if nix::unistd::geteuid().is_root() && place::server_user().is_err() {
            return;
        }
        let (_, data) = with_data(&folder).await;
        std::fs::create_dir_all(&data).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        Services::wipe(&folder).await.unwrap();
        assert!(!data.parent().unwrap().exists() && !folder.exists());
        std::fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    }
}
