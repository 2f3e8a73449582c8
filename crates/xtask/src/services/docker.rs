//! PostgreSQL and RabbitMQ in containers, for machines whose packages cannot provide them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::process::Command;

use crate::home::{read_json, write_json};
use crate::workspace::output;

const SERVICES: [&str; 2] = ["postgres", "rabbitmq"];

/// A named container with a named volume; it keeps its data when it is stopped.
#[derive(Debug)]
pub struct Container {
    name: String,
    image: &'static str,
    data: &'static str,
    /// Pairs of a port on 127.0.0.1 and one in the container.
    ports: Vec<(u16, u16)>,
    password: Option<SecretString>,
    record: PathBuf,
}

/// What a container needs besides its place.
#[derive(Debug)]
pub struct Image {
    /// The service, which names the container.
    pub service: &'static str,
    /// The image with its tag.
    pub image: &'static str,
    /// Where the image keeps its data.
    pub data: &'static str,
    /// Pairs of a port on 127.0.0.1 and one in the container.
    pub ports: Vec<(u16, u16)>,
    /// PostgreSQL's superuser password.
    pub password: Option<SecretString>,
}

impl Container {
    /// The container of this image that belongs to the folder.
    #[must_use]
    pub fn new(folder: &Path, image: Image) -> Self {
        Self {
            name: name(folder, image.service),
            image: image.image,
            data: image.data,
            ports: image.ports,
            password: image.password,
            record: record(folder, image.service),
        }
    }

    /// Starts the container, making it first where there is none with these ports.
    ///
    /// # Errors
    /// Fails with what `docker` said.
    pub async fn start(&self) -> anyhow::Result<()> {
        let published: Vec<u16> = self.ports.iter().map(|(outside, _)| *outside).collect();
        let same_ports = read_json::<Vec<u16>>(&self.record)?.as_ref() == Some(&published);
        if same_ports && output(docker().args(["start", &self.name])).await.is_ok() {
            return Ok(());
        }
        // The data is in the volume, which stays.
        output(docker().args(["rm", "--force", &self.name])).await.ok();
        if !self.record.exists() {
            // It is an earlier folder's of this name, whose password is gone.
            output(docker().args(["volume", "rm", "--force", &self.name])).await.ok();
        }
        let mut run = docker();
        run.args(["run", "--detach", "--name", &self.name, "--hostname", "coccinelle"]);
        run.args(["--volume", &format!("{}:{}", self.name, self.data)]);
        for (outside, inside) in &self.ports {
            run.args(["--publish", &format!("127.0.0.1:{outside}:{inside}")]);
        }
        if let Some(password) = &self.password {
            // Only the name is on the command line, which everybody can read.
            run.args(["--env", "POSTGRES_PASSWORD"]).env("POSTGRES_PASSWORD", password.expose_secret());
        }
        output(run.arg(self.image)).await?;
        write_json(&self.record, &published)
    }

    /// Stops the container; one that does not run is no error.
    ///
    /// # Errors
    /// Fails with what `docker` said.
    pub async fn stop(&self) -> anyhow::Result<()> {
        if self.record.exists() {
            output(docker().args(["stop", "--time", "30", &self.name])).await?;
        }
        Ok(())
    }

    /// Kills what runs in the container.
    ///
    /// # Errors
    /// Fails with what `docker` said.
    pub async fn kill(&self) -> anyhow::Result<()> {
        output(docker().args(["kill", &self.name])).await.map(drop)
    }

    /// Runs a command in the container.
    ///
    /// # Errors
    /// Fails with what the command said.
    pub async fn exec(&self, words: &[&str]) -> anyhow::Result<String> {
        output(docker().args(["exec", &self.name]).args(words)).await
    }

    /// The last lines that the container wrote.
    pub async fn log(&self) -> String {
        output(docker().args(["logs", "--tail", "10", &self.name])).await.unwrap_or_default()
    }
}

/// Whether there is a Docker daemon that we may use.
pub async fn answers() -> bool {
    output(docker().args(["info", "--format", "{{.ServerVersion}}"])).await.is_ok()
}

/// The bytes of an image; `None` where there is no Docker, or no such image.
pub async fn image_size(image: &str) -> Option<u64> {
    output(docker().args(["image", "inspect", "--format", "{{.Size}}", image])).await.ok()?.parse().ok()
}

/// Whether a container of the folder has the port. One that is stopped has none: another program may hold it then.
pub(super) fn holds(folder: &Path, port: u16) -> bool {
    SERVICES.iter().any(|service| {
        let record = read_json::<Vec<u16>>(&record(folder, service));
        record.ok().flatten().is_some_and(|ports| ports.contains(&port)) && runs(&name(folder, service))
    })
}

fn runs(name: &str) -> bool {
    let mut inspect = std::process::Command::new("docker");
    inspect.args(["inspect", "--format", "{{.State.Running}}", name]);
    inspect.output().is_ok_and(|seen| seen.status.success() && seen.stdout.trim_ascii() == b"true")
}

/// Removes the folder's containers with their data.
pub(super) async fn remove(folder: &Path) -> anyhow::Result<()> {
    for service in SERVICES.into_iter().filter(|service| record(folder, service).exists()) {
        let name = name(folder, service);
        output(docker().args(["rm", "--force", &name])).await?;
        output(docker().args(["volume", "rm", "--force", &name])).await?;
    }
    Ok(())
}

fn name(folder: &Path, service: &str) -> String {
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    format!("coccinelle-{:016x}-{service}", hasher.finish())
}

/// The file that says that a container was made, and with which ports.
fn record(folder: &Path, service: &str) -> PathBuf {
    folder.join(format!("{service}.container.json"))
}

fn docker() -> Command {
    Command::new("docker")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_does_not_run_holds_no_port() {
        let folder = std::env::temp_dir().join(format!("xtask-docker-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        write_json(&record(&folder, "postgres"), &[5_432_u16]).unwrap();
        assert!(!holds(&folder, 5_432));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
