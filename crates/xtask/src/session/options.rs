//! What can be chosen about a system before it is brought up.

use std::path::PathBuf;

use reqwest::Url;

use super::{Service, Workflows};
use crate::console::Console;
use crate::services::Choice;
use crate::services::postgres::Durability;
use crate::stack::Backoff;
use crate::workspace;

/// How a system is brought up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its ports are wished for; see `services::ports`.
    pub base_port: u16,
    /// Whether servers given by URL are used.
    pub choice: Choice,
    /// What a commit of the database promises.
    pub durability: Durability,
    /// When crashed services are started again.
    pub backoff: Backoff,
    /// Variables for our services beyond what makes them one system (`COCCINELLE__SECTION__KEY` and its value).
    pub settings: Vec<(String, String)>,
    /// Servers that are there already, with a migrated database; `choice` and `durability` are of no effect then.
    pub servers: Option<Servers>,
    /// Where the services' binaries are; where cargo puts them when nothing is said.
    pub binaries: Option<PathBuf>,
    /// Whose n8n makes the writes of integrations that want it so.
    pub workflows: Workflows,
}

/// A database and a vhost for one system, in servers that somebody else runs. The roles need no passwords of ours.
#[derive(Clone, Debug)]
pub struct Servers {
    /// The database as its owner.
    pub owner: Url,
    /// The database as the gateway's role.
    pub gateway: Url,
    /// The database as the workers' role.
    pub worker: Url,
    /// The vhost.
    pub broker: Url,
    /// The broker's management API.
    pub management: Option<Url>,
}

impl Options {
    /// As a developer wants it: given servers are used, data is kept, crashed services come back after a second.
    #[must_use]
    pub fn new(base_port: u16) -> Self {
        Self {
            base_port,
            choice: Choice::GivenOrPrivate,
            durability: Durability::Kept,
            backoff: Backoff::default(),
            settings: Vec::new(),
            servers: None,
            binaries: None,
            workflows: Workflows::None,
        }
    }

    /// As fast as the gateway can be, not as fast as one tenant may be.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        let names = ["REQUESTS_PER_SECOND", "BURST", "EVENTS_REQUESTS_PER_SECOND", "EVENTS_BURST"];
        self.settings.extend(names.map(|name| (format!("COCCINELLE__GATEWAY__{name}"), "1000000".to_owned())));
        self
    }
}

/// How the binaries that a session runs come about.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct Build {
    /// Run the binaries as they were built last.
    #[arg(long)]
    no_build: bool,
}

impl Build {
    /// Builds the binaries, unless they are wanted as they are.
    ///
    /// # Errors
    /// Fails when they do not compile; the compiler's words are on standard error.
    pub async fn run(self, console: &Console) -> anyhow::Result<()> {
        if self.no_build {
            return Ok(());
        }
        let step = console.step("build the services");
        let mut cargo = workspace::cargo();
        cargo.args(["build", "--quiet", "--package", "admin"]);
        for service in Service::ALL {
            cargo.args(["--package", service.name()]);
        }
        // Standard output is kept for results.
        workspace::run(cargo.stdout(std::process::Stdio::null())).await?;
        step.done();
        Ok(())
    }
}
