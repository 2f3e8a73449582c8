//! Finds the programs of PostgreSQL and RabbitMQ, installs them by apt where they are missing, or falls back to Docker.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use tokio::process::Command;

use super::docker;
use crate::console::Console;
use crate::workspace::output;

/// Which of the two services need programs.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// PostgreSQL is not given by URL.
    pub postgres: bool,
    /// RabbitMQ is not given by URL.
    pub rabbitmq: bool,
}

/// How each service can be run.
#[derive(Debug)]
pub struct Means {
    /// How PostgreSQL is run.
    pub postgres: PostgresMeans,
    /// How RabbitMQ is run.
    pub rabbitmq: RabbitMqMeans,
}

/// How PostgreSQL is run.
#[derive(Clone, Debug)]
pub enum PostgresMeans {
    /// The folder with `initdb`, `pg_ctl` and `psql`.
    Programs(PathBuf),
    /// A container.
    Docker,
}

/// How RabbitMQ is run.
#[derive(Clone, Debug)]
pub enum RabbitMqMeans {
    /// The folder with `rabbitmq-server` itself (not Debian's wrapper in /usr/sbin, which changes user and
    /// folder), and Erlang's port mapper.
    Programs {
        /// `…/rabbitmq_server-*/sbin`.
        sbin: PathBuf,
        /// The `epmd` program.
        epmd: PathBuf,
    },
    /// A container.
    Docker,
}

/// Finds the programs, by apt if need be, else Docker.
///
/// # Errors
/// Says in one sentence what to install.
pub async fn find_or_install(wanted: Wanted, folder: &Path, console: &Console) -> anyhow::Result<Means> {
    let mut missing = Vec::new();
    if wanted.postgres && find_postgres().is_none() {
        missing.push("postgresql");
    }
    if wanted.rabbitmq && find_rabbitmq().is_none() {
        missing.push("rabbitmq-server");
    }
    let mut trouble = None;
    if !missing.is_empty() {
        let step = console.step(format!("install {} by apt", missing.join(" and ")));
        match apt(&missing, folder).await {
            Ok(()) => step.done(),
            Err(error) => trouble = Some(error),
        }
    }
    let postgres = find_postgres().map_or(PostgresMeans::Docker, PostgresMeans::Programs);
    let rabbitmq = find_rabbitmq().unwrap_or(RabbitMqMeans::Docker);
    let needs_docker = (wanted.postgres && matches!(postgres, PostgresMeans::Docker))
        || (wanted.rabbitmq && matches!(rabbitmq, RabbitMqMeans::Docker));
    if needs_docker && !docker::answers().await {
        let why = trouble.map_or_else(String::new, |error| format!(" (apt was tried: {error:#})"));
        bail!(
            "install {}, or start Docker, or set DATABASE_URL and AMQP_URL to servers that run already{why}",
            missing.join(" and ")
        );
    }
    Ok(Means { postgres, rabbitmq })
}

/// The newest PostgreSQL's programs: Debian's places first, then the search path.
fn find_postgres() -> Option<PathBuf> {
    let mut versions = entries(Path::new("/usr/lib/postgresql"), "");
    versions.sort_by_key(|path| numbers(path));
    let places = versions.into_iter().rev().map(|version| version.join("bin"));
    places.chain(search_path()).find(|bin| bin.join("initdb").is_file() && bin.join("pg_ctl").is_file())
}

fn find_rabbitmq() -> Option<RabbitMqMeans> {
    let mut servers = entries(Path::new("/usr/lib/rabbitmq/lib"), "rabbitmq_server-");
    servers.sort_by_key(|path| numbers(path));
    let sbin = servers.pop()?.join("sbin");
    let runtimes = entries(Path::new("/usr/lib/erlang"), "erts-").into_iter().map(|runtime| runtime.join("bin"));
    let epmd = runtimes.chain(search_path()).map(|bin| bin.join("epmd")).find(|epmd| epmd.is_file())?;
    sbin.join("rabbitmq-server").is_file().then_some(RabbitMqMeans::Programs { sbin, epmd })
}

fn entries(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let listing = std::fs::read_dir(folder).into_iter().flatten().flatten();
    listing.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)).map(|entry| entry.path()).collect()
}

/// Where a program of that name is on the search path.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    search_path().map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn search_path() -> impl Iterator<Item = PathBuf> {
    let path = crate::workspace::variable("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

/// The numbers in the last part of a path, so that 9 sorts before 15.
fn numbers(path: &Path) -> Vec<u32> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split(|letter: char| !letter.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

/// The system's own servers must not come up by the install: that is what `policy-rc.d` is for.
const INSTALL: &str = r#"
set -e
if [ ! -e /usr/sbin/policy-rc.d ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=300 update
apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
"#;

/// Installs Debian packages; nothing of them comes up by itself.
pub(crate) async fn apt(packages: &[&str], folder: &Path) -> anyhow::Result<()> {
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("this is no Debian or Ubuntu");
    }
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root && output(Command::new("sudo").args(["-n", "true"])).await.is_err() {
        bail!("neither root nor password-less sudo");
    }
    let log_path = folder.join("logs/install.log");
    std::fs::create_dir_all(folder.join("logs"))?;
    let log = std::fs::File::create(&log_path)?;
    let mut command = if is_root { Command::new("sh") } else { Command::new("sudo") };
    if !is_root {
        command.args(["-n", "sh"]);
    }
    command.args(["-c", INSTALL, "install"]).args(packages);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let status = command.status().await.context("the shell could not be started")?;
    if !status.success() {
        bail!("it failed:\n{}", tail(&log_path, 5));
    }
    Ok(())
}

/// The last lines of a log file, for an error message.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_versions_by_number() {
        let mut versions = vec![PathBuf::from("/x/15"), PathBuf::from("/x/9"), PathBuf::from("/x/9.6")];
        versions.sort_by_key(|path| numbers(path));
        assert_eq!(versions, [PathBuf::from("/x/9"), PathBuf::from("/x/9.6"), PathBuf::from("/x/15")]);
    }
}
