//! Where the checkout and its build output are, how cargo is called, and the variables that xtask itself reads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tokio::process::Command;

/// The folder that holds the workspace's `Cargo.toml`.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The folder that cargo puts binaries into, built as this program was: debug or release.
///
/// # Errors
/// Fails when `cargo metadata` does.
pub fn binaries() -> anyhow::Result<PathBuf> {
    Ok(target()?.join(if cfg!(debug_assertions) { "debug" } else { "release" }))
}

/// The folder of all build output, also where `CARGO_TARGET_DIR` moves it.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    Ok(metadata()?.target_directory.into_std_path_buf())
}

/// The names of the workspace's packages.
pub(crate) fn packages() -> anyhow::Result<Vec<String>> {
    Ok(metadata()?.packages.into_iter().map(|package| package.name.to_string()).collect())
}

fn metadata() -> anyhow::Result<cargo_metadata::Metadata> {
    let mut command = cargo_metadata::MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps().exec().context("cargo metadata failed")
}

/// A variable of xtask's own environment; empty counts as unset.
pub(crate) fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "xtask prepares the environment from which services read their settings; it has none itself"
    )]
    let value = std::env::var(name).ok();
    value.filter(|text| !text.is_empty())
}

/// What `cargo run` tells this program of its own package, and a build script may heed as if it were the caller's wish.
const OF_THIS_PACKAGE: [&str; 7] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// A cargo command in the workspace's root, as a shell would give it, that dies with the future that runs it.
///
/// The script of ring heeds those variables: with them, all that stands on ring would be built anew whenever cargo is called
/// from here after a shell, and the other way round.
pub(crate) fn cargo() -> Command {
    let program = variable("CARGO").map_or_else(|| OsString::from("cargo"), OsString::from);
    let mut command = Command::new(program);
    command.current_dir(root()).kill_on_drop(true);
    OF_THIS_PACKAGE.iter().for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// Runs a command to its end with its output shown, and turns a failure into a sentence.
pub(crate) async fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = shown(command);
    let status = command.status().await.with_context(|| format!("`{shown}` could not be started"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Runs a command to its end and gives its standard output; what it said on failure is in the error.
pub(crate) async fn output(command: &mut Command) -> anyhow::Result<String> {
    let shown = shown(command);
    let output = command
        .kill_on_drop(true)
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .with_context(|| format!("`{shown}` could not be started"))?;
    if !output.status.success() {
        // Some programs complain on their standard output.
        let mut said = [&output.stderr, &output.stdout].map(|said| String::from_utf8_lossy(said)).into_iter();
        let said = said.find(|said| !said.trim().is_empty()).unwrap_or_default();
        bail!("`{shown}` ended with {}: {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn shown(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_program_complained_of_is_told_wherever_it_said_so() {
        for (script, told) in [("echo no; exit 1", "no"), ("echo yes; echo never >&2; exit 1", "never")] {
            let error = output(Command::new("sh").args(["-c", script])).await.unwrap_err().to_string();
            assert!(error.ends_with(&format!(": {told}")), "{error}");
        }
    }
}
