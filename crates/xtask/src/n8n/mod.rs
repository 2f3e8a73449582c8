//! A real n8n with our workflows in it, as one process on loopback. Who keeps it running is `stack`'s; what it is for, `session`'s.

pub mod install;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

pub use self::install::{Found, Install};
use crate::stack::Program;
use crate::workspace::{self, root};

/// What is wanted of an n8n: where it keeps what, and the secret by which it knows our writes.
#[derive(Clone, Debug)]
pub struct Place {
    /// A database of its own.
    pub database: Url,
    /// Its folder.
    pub home: PathBuf,
    /// The text of our `n8n.signing_secret`.
    pub signing: SecretString,
    /// Seals n8n's own credentials.
    pub key: SecretString,
}

/// One n8n.
#[derive(Clone, Debug)]
pub struct N8n {
    install: Install,
    place: Place,
    port: u16,
    helpers: u16,
}

/// Whether n8n keeps what passed through a workflow that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executions {
    /// As the workflows say: those that failed.
    Failed,
    /// All, for whoever wants to look for something in them.
    All,
}

impl N8n {
    /// Its name, as the supervisor calls it.
    pub const NAME: &'static str = "n8n";

    /// An n8n that does not run yet, on two ports of 127.0.0.1.
    #[must_use]
    pub fn new(install: Install, place: Place, (port, helpers): (u16, u16)) -> Self {
        Self { install, place, port, helpers }
    }

    /// Where it answers, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it keeps what.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Makes the signing secret's credential, imports the workflows and publishes them, unless an earlier run did. It must
    /// not run meanwhile. What is done is told line by line.
    ///
    /// # Errors
    /// Fails with what n8n said.
    pub async fn prepare(&self, executions: Executions, progress: impl Fn(&str)) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.place.home)?;
        let mut command = Command::new(&self.install.node);
        command.arg(root().join("deploy/n8n/prepare.mjs")).arg(root().join("n8n-workflows"));
        match executions {
            Executions::Failed => {}
            Executions::All => drop(command.arg("--keep-executions")),
        }
        command.arg("--").arg(&self.install.node).arg(&self.install.script);
        command.envs(self.environment()?).env("COCCINELLE_SIGNING_SECRET", self.place.signing.expose_secret());
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines()).context("no output")?;
        while let Some(line) = lines.next_line().await? {
            progress(&line);
        }
        let ended = child.wait_with_output().await?;
        if !ended.status.success() {
            bail!("n8n could not be made ready: {}", String::from_utf8_lossy(&ended.stderr).trim());
        }
        Ok(())
    }

    /// The process itself.
    ///
    /// # Errors
    /// When the database's URL is not of the usual form.
    pub fn program(&self) -> anyhow::Result<Program> {
        Ok(Program {
            name: Self::NAME.to_owned(),
            executable: self.install.node.clone(),
            arguments: vec![self.install.script.clone().into(), "start".into()],
            environment: self.environment()?,
        })
    }

    /// A line for a shell in which `n8n` is this one, from the root of the checkout: as somebody types it who has installed n8n.
    ///
    /// # Errors
    /// When its folder cannot be written to.
    pub fn shell(&self, line: &str) -> anyhow::Result<Command> {
        let bin = self.place.home.join("bin");
        std::fs::create_dir_all(&bin)?;
        let (node, script) = (self.install.node.display(), self.install.script.display());
        std::fs::write(bin.join("n8n"), format!("#!/bin/sh\nexec '{node}' '{script}' \"$@\"\n"))?;
        std::fs::set_permissions(bin.join("n8n"), Permissions::from_mode(0o700))?;
        let mut shell = Command::new("sh");
        shell.args(["-ec", &format!("PATH=\"{}:$PATH\"\n{line}", bin.display())]).current_dir(root());
        shell.envs(self.environment()?).env("COCCINELLE_SIGNING_SECRET", self.place.signing.expose_secret());
        shell.env("N8N", self.url()).stdin(Stdio::null());
        Ok(shell)
    }

    /// Whether it takes what it is sent: its own word for it comes seconds too early, and while it starts it answers 200 to
    /// whatever it is asked.
    ///
    /// # Errors
    /// Says what it answered instead.
    pub async fn answers(&self, client: &reqwest::Client) -> anyhow::Result<()> {
        for slug in slugs()? {
            let url = format!("{}/webhook/coccinelle/{slug}", self.url());
            let answer = client.post(&url).json(&json!({"test": true})).send().await?;
            let (status, text) = (answer.status(), answer.text().await?);
            let told: Value = serde_json::from_str(&text).unwrap_or_default();
            if told.get("ok") != Some(&Value::Bool(true)) {
                bail!("{slug}: {status}: {text}");
            }
        }
        Ok(())
    }

    fn environment(&self) -> anyhow::Result<Vec<(String, String)>> {
        let database = &self.place.database;
        let host = database.host_str().context("the database of n8n has no host")?;
        let bin = self.install.node.parent().unwrap_or(Path::new("/"));
        let path = format!("{}:{}", bin.display(), workspace::variable("PATH").unwrap_or_default());
        let mut pairs: Vec<(String, String)> = [
            ("DB_POSTGRESDB_HOST", host.to_owned()),
            ("DB_POSTGRESDB_PORT", database.port().unwrap_or(5_432).to_string()),
            ("DB_POSTGRESDB_DATABASE", database.path().trim_start_matches('/').to_owned()),
            ("DB_POSTGRESDB_USER", database.username().to_owned()),
            ("DB_POSTGRESDB_PASSWORD", database.password().unwrap_or_default().to_owned()),
            ("N8N_USER_FOLDER", self.place.home.display().to_string()),
            ("N8N_ENCRYPTION_KEY", self.place.key.expose_secret().to_owned()),
            ("N8N_PORT", self.port.to_string()),
            ("N8N_RUNNERS_BROKER_PORT", self.helpers.to_string()),
            ("WEBHOOK_URL", format!("{}/", self.url())),
            // Its helpers are run by the Node that is found first.
            ("PATH", path),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        pairs.extend(FIXED.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(pairs)
    }
}

/// On loopback, without asking anybody outside for anything; the fastest of its ways to work out expressions.
const FIXED: [(&str, &str); 18] = [
    ("DB_TYPE", "postgresdb"),
    ("GENERIC_TIMEZONE", "Europe/Paris"),
    ("N8N_COMMUNITY_PACKAGES_ENABLED", "false"),
    ("N8N_DIAGNOSTICS_ENABLED", "false"),
    ("N8N_DYNAMIC_BANNERS_ENABLED", "false"),
    ("N8N_EXPRESSION_ENGINE", "legacy"),
    // Less than it is given before it is killed.
    ("N8N_GRACEFUL_SHUTDOWN_TIMEOUT", "10"),
    ("N8N_HOST", "127.0.0.1"),
    ("N8N_LICENSE_AUTO_RENEW_ENABLED", "false"),
    ("N8N_LISTEN_ADDRESS", "127.0.0.1"),
    ("N8N_PERSONALIZATION_ENABLED", "false"),
    ("N8N_RUNNERS_BROKER_LISTEN_ADDRESS", "127.0.0.1"),
    ("N8N_SECURE_COOKIE", "false"),
    ("N8N_TEMPLATES_ENABLED", "false"),
    ("N8N_VERSION_NOTIFICATIONS_ENABLED", "false"),
    ("NODE_ENV", "production"),
    ("NODE_NO_WARNINGS", "1"),
    ("NO_COLOR", "1"),
];

/// The platforms that have a workflow.
///
/// # Errors
/// When the folder of the workflows cannot be read.
pub fn slugs() -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(root().join("n8n-workflows"))?.flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut slugs: Vec<String> =
        names.filter_map(|name| name.strip_suffix("-integration.json").map(str::to_owned)).collect();
    slugs.sort_unstable();
    Ok(slugs)
}
