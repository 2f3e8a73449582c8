//! PostgreSQL and RabbitMQ for one running system: given by URL, private instances of their programs, or containers.

mod complaints;
pub mod docker;
pub mod install;
pub mod ports;
pub mod postgres;
pub mod rabbitmq;

use std::path::Path;

use anyhow::Context as _;
use reqwest::Url;

use self::install::Means;
use self::ports::Ports;
use self::postgres::{Durability, Postgres};
use self::rabbitmq::RabbitMq;
use crate::console::Console;

/// Both services of one running system. Nothing runs before [`Services::boot`].
#[derive(Debug)]
pub struct Services {
    /// The database.
    pub postgres: Postgres,
    /// The broker.
    pub rabbitmq: RabbitMq,
}

/// Whether `DATABASE_URL` and `AMQP_URL` are used where they are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What is given is used; what is not is private.
    GivenOrPrivate,
    /// Always private instances, which may be stopped and killed at will.
    Private,
}

impl Services {
    /// Finds out what each service will be, installing programs where they are missing; starts nothing.
    ///
    /// # Errors
    /// Says in one sentence what to install when there is no way to get the programs.
    pub async fn prepare(folder: &Path, ports: Ports, choice: Choice, console: &Console) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        // Processes of ours are told from others by the folder they work in, which the system names in full.
        let folder = &folder.canonicalize()?;
        let given = match choice {
            Choice::GivenOrPrivate => Given::read()?,
            Choice::Private => Given::default(),
        };
        let wanted = install::Wanted { postgres: given.postgres.is_none(), rabbitmq: given.rabbitmq.is_none() };
        let Means { postgres, rabbitmq } = install::find_or_install(wanted, folder, console).await?;
        let postgres = match given.postgres {
            Some(url) => Postgres::given(url),
            None => Postgres::private(postgres, folder, ports.postgres, console).await?,
        };
        let rabbitmq = match given.rabbitmq {
            Some((amqp, management)) => RabbitMq::given(amqp, management),
            None => RabbitMq::private(rabbitmq, folder, ports)?,
        };
        Ok(Self { postgres, rabbitmq })
    }

    /// Starts both at once, or finds them running, and waits until they serve.
    ///
    /// # Errors
    /// Fails with what the service wrote to its log when one does not come up.
    pub async fn boot(&self, durability: Durability) -> anyhow::Result<()> {
        let (postgres, rabbitmq) = tokio::join!(self.postgres.boot(durability), self.rabbitmq.boot());
        postgres.and(rabbitmq)
    }

    /// Stops both, the broker first. What was given by URL is left alone.
    ///
    /// # Errors
    /// Fails when one of them cannot be stopped; the other is stopped all the same.
    pub async fn stop(&self) -> anyhow::Result<()> {
        let rabbitmq = self.rabbitmq.stop().await;
        let postgres = self.postgres.stop().await;
        rabbitmq.and(postgres)
    }

    /// Stops what an earlier system left running in the folder, and removes it, so that the next run starts afresh.
    ///
    /// # Errors
    /// Fails when another xtask works in the folder, or a file cannot be removed.
    pub async fn wipe(folder: &Path) -> anyhow::Result<()> {
        // Also where there is no folder: something of an earlier one may be outside of it.
        let home = crate::home::Home::open(folder)?;
        crate::stack::stop_leftovers(home.folder()).await?;
        rabbitmq::stop_leftovers(home.folder()).await?;
        postgres::remove(home.folder()).await?;
        docker::remove(home.folder()).await?;
        std::fs::remove_dir_all(home.folder()).with_context(|| format!("cannot remove {}", folder.display()))
    }

    /// Whether a private instance from an earlier run, which will be used again, holds the port.
    #[must_use]
    pub fn already_hold(folder: &Path, port: u16) -> bool {
        postgres::running_port(folder) == Some(port) || rabbitmq::holds(folder, port) || docker::holds(folder, port)
    }
}

#[derive(Default)]
struct Given {
    postgres: Option<Url>,
    rabbitmq: Option<(Url, Option<Url>)>,
}

impl Given {
    fn read() -> anyhow::Result<Self> {
        let management = url("AMQP_MANAGEMENT_URL")?;
        let rabbitmq = url("AMQP_URL")?.map(|amqp| (amqp, management));
        Ok(Self { postgres: url("DATABASE_URL")?, rabbitmq })
    }
}

fn url(variable: &str) -> anyhow::Result<Option<Url>> {
    let text = crate::workspace::variable(variable);
    // The text is not repeated: it may hold a password.
    text.map(|text| Url::parse(&text).map_err(|error| anyhow::anyhow!("{variable} is not a URL: {error}"))).transpose()
}

/// Writes a script that can be run, for tests.
///
/// Another process writes it: a file that this one has open for writing is held by the forks of other tests as well, and
/// what is open for writing cannot be run.
#[cfg(test)]
fn make_program(path: &Path, script: &str) {
    let mut write = std::process::Command::new("sh");
    write.args(["-c", r#"printf %s "$1" >"$2" && chmod 755 "$2""#, "sh", script]).arg(path);
    assert!(write.status().unwrap().success());
}
