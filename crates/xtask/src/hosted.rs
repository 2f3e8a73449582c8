//! The stage of CI that reads the hosted workflow, which nothing here can run: held against its schema, and each script in it by
//! shellcheck.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::ci::Outcome;
use crate::console::Console;
use crate::python::Program;
use crate::services::install::unpacked;
use crate::workspace::{output, root};

/// Below the root of the repository, as is every path here.
pub(crate) const WORKFLOW: &str = ".github/workflows/ci.yml";

/// What the host reads, each with its name and the schema that the validator has of its sort.
const READ: [(&str, &str, &str); 2] =
    [("ci", WORKFLOW, "vendor.github-workflows"), ("rust", ".github/actions/rust/action.yml", "vendor.github-actions")];

/// What is a script by itself.
const SCRIPTS: [&str; 3] = [".ci/run", ".github/block", "deploy/healthcheck"];

/// Where the workflow's scripts are written down for whoever reads them.
const FOLDER: &str = ".dev/hosted";

/// Brings the schema of GitHub's workflows along, so that nothing is fetched.
const VALIDATOR: Program = Program { name: "check-jsonschema", package: "check-jsonschema==0.39.0" };

/// Reads the workflow by the YAML that the validator brings along.
const AS_JSON: &str =
    "import json, sys, ruamel.yaml; json.dump(ruamel.yaml.YAML(typ='safe').load(open(sys.argv[1])), sys.stdout)";

/// Checks the workflow, what it is made of, and all scripts, or says why it cannot.
///
/// # Errors
/// Where the host would refuse the workflow, or the shell a script, or a script does what its writer cannot have meant.
pub(crate) async fn check(console: &Console) -> anyhow::Result<Outcome> {
    let validator = match VALIDATOR.install(console).await? {
        Ok(validator) => validator,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let Some(shellcheck) = unpacked("shellcheck", "shellcheck").await else {
        return Ok(Outcome::Skipped("`shellcheck` is not there, and apt cannot bring it"));
    };
    let mut written = Vec::new();
    for (name, path, schema) in READ {
        output(Command::new(&validator).args(["--builtin-schema", schema, path]).current_dir(root())).await?;
        let python = validator.with_file_name("python");
        let document = output(Command::new(python).args(["-c", AS_JSON, path]).current_dir(root())).await?;
        let document = serde_json::from_str(&document).with_context(|| format!("{path} cannot be read"))?;
        let scripts = scripts(&document);
        ensure!(!scripts.is_empty(), "{path} has no scripts");
        for (place, script) in scripts {
            written.push(write_down(&format!("{name}-{place}.sh"), &script)?);
        }
    }
    // What a script reads with `.`, another step has written.
    let mut read = Command::new(shellcheck);
    read.args(["--severity=warning", "--exclude=SC1090,SC1091"]).args(SCRIPTS).args(written);
    output(read.current_dir(root())).await.map(|_| Outcome::Holds)
}

/// Writes a script into a file of its own.
fn write_down(name: &str, script: &str) -> anyhow::Result<PathBuf> {
    let folder = root().join(FOLDER);
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let path = folder.join(name);
    std::fs::write(&path, script).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}

/// The scripts of a workflow's jobs, or of an action, each with its place. All are handed to bash, whether or not a step names a shell.
fn scripts(document: &Value) -> Vec<(String, String)> {
    let jobs = document["jobs"].as_object().into_iter().flatten().map(|(name, job)| (name.as_str(), job));
    let mut scripts = Vec::new();
    for (name, job) in jobs.chain([("runs", &document["runs"])]) {
        for (number, step) in job["steps"].as_array().into_iter().flatten().enumerate() {
            if let Some(run) = step["run"].as_str() {
                scripts.push((format!("{name}-{number}"), format!("#!/usr/bin/env bash\n{run}")));
            }
        }
    }
    scripts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_step_that_runs_something_is_a_script() {
        let named = |name: &str, run: &str| (name.to_owned(), format!("#!/usr/bin/env bash\n{run}"));
        let workflow = json!({ "jobs": {
            "check": { "steps": [{ "uses": "actions/checkout@v4" }, { "run": ".ci/run" }] },
            "fuzz": { "steps": [{ "name": "Fuzz", "run": "cargo xtask fuzz\nls\n" }] },
        }});
        assert_eq!(scripts(&workflow), [named("check-1", ".ci/run"), named("fuzz-0", "cargo xtask fuzz\nls\n")]);
        let action = json!({ "runs": { "using": "composite", "steps": [{ "shell": "bash", "run": "ls" }] } });
        assert_eq!(scripts(&action), [named("runs-0", "ls")]);
    }
}
