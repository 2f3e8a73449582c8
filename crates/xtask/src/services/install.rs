//! Finds the programs of PostgreSQL and RabbitMQ, installs them by apt where they are missing, or falls back to Docker.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use tokio::process::Command;

use super::docker;
use crate::console::Console;
use crate::workspace::output;

/// The oldest versions that the services work with, as their settings say.
const POSTGRES: [u32; 1] = [15];
const RABBITMQ: [u32; 2] = [3, 10];

/// Bytes that are read of a log at most.
const END: u64 = 256 * 1024;

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
    if wanted.postgres && find_postgres().await.is_none() {
        missing.push("postgresql");
    }
    if wanted.rabbitmq && find_rabbitmq().is_none() {
        missing.push("rabbitmq-server");
    }
    let mut trouble = None;
    if !missing.is_empty() {
        trouble = apt(&missing.join(" and "), &missing, folder, console).await.err();
    }
    let postgres = find_postgres().await.map_or(PostgresMeans::Docker, PostgresMeans::Programs);
    let rabbitmq = find_rabbitmq().unwrap_or(RabbitMqMeans::Docker);
    let mut lacking = Vec::new();
    if wanted.postgres && matches!(postgres, PostgresMeans::Docker) {
        lacking.push("PostgreSQL 15 or later");
    }
    if wanted.rabbitmq && matches!(rabbitmq, RabbitMqMeans::Docker) {
        lacking.push("RabbitMQ 3.10 or later");
    }
    if !lacking.is_empty() {
        let lacking = lacking.join(" and ");
        let why = trouble.map_or_else(String::new, |error| format!(" (apt was tried: {error:#})"));
        if !docker::answers().await {
            bail!(
                "install {lacking}, or start Docker, or set DATABASE_URL and AMQP_URL to servers that run already{why}"
            );
        }
        console.note(&format!("{lacking}: not here, so by Docker{why}"));
    }
    Ok(Means { postgres, rabbitmq })
}

/// Whether the servers' own programs are here, or apt may bring them; where not, containers are all that is left.
pub(crate) async fn has_programs() -> bool {
    Path::new("/usr/bin/apt-get").exists() || (find_postgres().await.is_some() && find_rabbitmq().is_some())
}

/// The newest PostgreSQL's programs: Debian's places first, then the search path.
async fn find_postgres() -> Option<PathBuf> {
    let mut versions = entries(Path::new("/usr/lib/postgresql"), "");
    versions.sort_by_key(|path| numbers(&last_part(path)));
    let places = versions.into_iter().rev().map(|version| version.join("bin"));
    new_enough_postgres(places.chain(search_path())).await
}

/// The first of these folders that has all the programs, of a version that will do.
async fn new_enough_postgres(places: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    for bin in places.filter(|bin| ["initdb", "pg_ctl", "psql"].iter().all(|name| bin.join(name).is_file())) {
        // `initdb (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`
        let said = output(Command::new(bin.join("initdb")).arg("--version")).await.unwrap_or_default();
        if said.split_whitespace().nth(2).is_some_and(|version| numbers(version).as_slice() >= POSTGRES.as_slice()) {
            return Some(bin);
        }
    }
    None
}

fn find_rabbitmq() -> Option<RabbitMqMeans> {
    let sbin = newest_rabbitmq(Path::new("/usr/lib/rabbitmq/lib"))?.join("sbin");
    let runtimes = entries(Path::new("/usr/lib/erlang"), "erts-").into_iter().map(|runtime| runtime.join("bin"));
    let epmd = runtimes.chain(search_path()).map(|bin| bin.join("epmd")).find(|epmd| epmd.is_file())?;
    sbin.join("rabbitmq-server").is_file().then_some(RabbitMqMeans::Programs { sbin, epmd })
}

/// The newest server in Debian's place, if it will do.
fn newest_rabbitmq(place: &Path) -> Option<PathBuf> {
    let servers = entries(place, "rabbitmq_server-").into_iter();
    let new_enough = servers.filter(|path| numbers(&last_part(path)).as_slice() >= RABBITMQ.as_slice());
    new_enough.max_by_key(|path| numbers(&last_part(path)))
}

fn entries(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let listing = std::fs::read_dir(folder).into_iter().flatten().flatten();
    listing.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)).map(|entry| entry.path()).collect()
}

/// Where a program of that name is on the search path.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    search_path().map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// A program that a Debian package brings: this machine's, or the package's own, which is unpacked and not installed, since that
/// would start some servers.
pub async fn unpacked(name: &str, package: &str) -> Option<PathBuf> {
    let folder = crate::workspace::root().join(".dev").join(name);
    let unpacked = folder.join("usr/bin").join(name);
    if let Some(there) = program(name).or_else(|| unpacked.is_file().then(|| unpacked.clone())) {
        return Some(there);
    }
    std::fs::create_dir_all(&folder).ok()?;
    let unpack = format!("apt-get download {package} && dpkg -x {package}_*.deb .");
    output(Command::new("sh").args(["-ec", &unpack]).current_dir(&folder)).await.ok()?;
    unpacked.is_file().then_some(unpacked)
}

fn search_path() -> impl Iterator<Item = PathBuf> {
    let path = crate::workspace::variable("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn last_part(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The numbers in a name, so that 9 sorts before 15.
fn numbers(name: &str) -> Vec<u32> {
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

/// How root's rights are had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rights {
    Ours,
    BySudo,
    /// By sudo, which asks for a password in the terminal first.
    ByPassword,
    NotAtAll,
}

impl Rights {
    fn of(is_root: bool, sudo_is_silent: bool, has_terminal: bool) -> Self {
        match (is_root, sudo_is_silent, has_terminal) {
            (true, _, _) => Self::Ours,
            (false, true, _) => Self::BySudo,
            (false, false, true) => Self::ByPassword,
            (false, false, false) => Self::NotAtAll,
        }
    }

    /// Finds out, and asks for the password where that is how.
    async fn acquire(console: &Console) -> anyhow::Result<Self> {
        let is_root = nix::unistd::geteuid().is_root();
        let is_silent = !is_root && output(Command::new("sudo").args(["-n", "true"])).await.is_ok();
        let rights = Self::of(is_root, is_silent, io::stdin().is_terminal());
        match rights {
            Self::Ours | Self::BySudo => {}
            Self::ByPassword => {
                console.note("To install programs by apt, sudo may ask for your password");
                let status = Command::new("sudo").arg("-v").status().await.context("sudo could not be started")?;
                anyhow::ensure!(status.success(), "sudo refused");
            }
            Self::NotAtAll => bail!("without a terminal, sudo must be there and not ask for a password"),
        }
        Ok(rights)
    }
}

/// Installs Debian packages, called by this name; nothing of them comes up by itself.
pub(crate) async fn apt(name: &str, packages: &[&str], folder: &Path, console: &Console) -> anyhow::Result<()> {
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("this is no Debian or Ubuntu");
    }
    // Before the step, whose display would cover a question.
    let is_root = Rights::acquire(console).await? == Rights::Ours;
    let step = console.step(format!("install {name} by apt"));
    let log_path = folder.join("logs/install.log");
    std::fs::create_dir_all(folder.join("logs"))?;
    let log = File::create(&log_path)?;
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
    step.done();
    Ok(())
}

/// The last lines of a log file, for an error message.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = end_of(path).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// The end of a log file, of which nobody knows how long it has grown. It may begin within a line.
pub(crate) fn end_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut bytes = Vec::new();
    // Whoever writes it may go on meanwhile.
    file.take(END).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::make_program;

    #[test]
    fn sorts_versions_by_number() {
        let mut versions = vec![PathBuf::from("/x/15"), PathBuf::from("/x/9"), PathBuf::from("/x/9.6")];
        versions.sort_by_key(|path| numbers(&last_part(path)));
        assert_eq!(versions, [PathBuf::from("/x/9"), PathBuf::from("/x/9.6"), PathBuf::from("/x/15")]);
    }

    fn folder(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("xtask-install-{}-{name}", std::process::id()))
    }

    /// A folder with such programs, of which `initdb` says that it is of this version.
    fn programs(name: &str, version: &str, names: &[&str]) -> PathBuf {
        let bin = folder(name);
        std::fs::create_dir_all(&bin).unwrap();
        for program in names {
            let script = format!("#!/bin/sh\necho '{program} (PostgreSQL) {version} (Debian {version}-0+deb12u1)'\n");
            make_program(&bin.join(program), &script);
        }
        bin
    }

    #[test]
    fn of_a_log_that_has_grown_no_more_than_its_end_is_read() {
        let log = folder("log");
        let grown = format!("the first line\n{}the last line\n", "one in between\n".repeat(20_000));
        std::fs::write(&log, &grown).unwrap();
        let (end, lines) = (end_of(&log).unwrap(), tail(&log, 1));
        std::fs::remove_file(log).unwrap();
        assert_eq!((u64::try_from(end.len()).unwrap(), lines.as_str()), (END, "the last line"));
        assert!(grown.ends_with(&end));
    }

    #[tokio::test]
    async fn takes_the_first_postgres_that_is_whole_and_new_enough() {
        let all = ["initdb", "pg_ctl", "psql"];
        let old = programs("old", "14.20", &all);
        let partial = programs("partial", "16.1", &["initdb", "pg_ctl"]);
        let good = programs("good", "15.14", &all);
        let newer = programs("newer", "18beta1", &all);
        let found = async |places: [&PathBuf; 2]| new_enough_postgres(places.into_iter().cloned()).await;
        assert_eq!(found([&old, &partial]).await, None);
        assert_eq!(found([&old, &good]).await, Some(good.clone()));
        assert_eq!(found([&partial, &newer]).await, Some(newer.clone()));
        for bin in [old, partial, good, newer] {
            std::fs::remove_dir_all(bin).unwrap();
        }
    }

    #[test]
    fn takes_the_newest_rabbitmq_if_it_is_new_enough() {
        let place = folder("rabbitmq");
        let made = |version: &str| std::fs::create_dir_all(place.join(format!("rabbitmq_server-{version}"))).unwrap();
        made("3.9.27");
        assert_eq!(newest_rabbitmq(&place), None);
        made("3.10.8");
        made("4.0.5");
        assert_eq!(newest_rabbitmq(&place), Some(place.join("rabbitmq_server-4.0.5")));
        std::fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn asks_for_a_password_only_where_somebody_can_answer() {
        assert_eq!(Rights::of(true, false, false), Rights::Ours);
        assert_eq!(Rights::of(false, true, true), Rights::BySudo);
        assert_eq!(Rights::of(false, false, true), Rights::ByPassword);
        assert_eq!(Rights::of(false, false, false), Rights::NotAtAll);
    }
}
