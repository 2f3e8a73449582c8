//! `cargo xtask workflows`: writes the workflows of `n8n-workflows/`, which are alike but for their platform. What n8n makes of them is not known here.

mod integration;
mod nodes;
mod platforms;

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use crate::console::{Console, ServiceLines};
use crate::workspace::root;

/// Where they are, from the root of the workspace.
pub(crate) const FOLDER: &str = "n8n-workflows";

/// The files and what they should hold.
pub(crate) fn all() -> impl Iterator<Item = (String, Value)> {
    platforms::ALL
        .iter()
        .map(|platform| (format!("{FOLDER}/{}-integration.json", platform.slug), integration::workflow(platform)))
}

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let console = Console::new(ServiceLines::InFilesOnly);
    for (path, workflow) in all() {
        let text = serde_json::to_string_pretty(&workflow)? + "\n";
        std::fs::write(root().join(&path), text).with_context(|| format!("cannot write {path}"))?;
        console.note(&format!("✔ {path}"));
    }
    Ok(ExitCode::SUCCESS)
}
