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
use crate::tidy;
use crate::workspace::{output, root};

/// Below the root of the repository, as is every path here.
pub(crate) const WORKFLOW: &str = ".github/workflows/ci.yml";

/// Where the host finds what it reads, and the schema that the validator has of its sort.
const READ: [(&str, &str); 2] =
    [(".github/workflows/", "vendor.github-workflows"), (".github/actions/", "vendor.github-actions")];

/// Where the workflow's scripts are written down for whoever reads them.
const FOLDER: &str = ".dev/hosted";

/// Brings the schemas of what GitHub reads along, so that nothing is fetched.
const VALIDATOR: Program = Program { name: "check-jsonschema", package: "check-jsonschema==0.39.0" };

/// Reads a document by the YAML that the validator brings along.
const AS_JSON: &str =
    "import json, sys, ruamel.yaml; json.dump(ruamel.yaml.YAML(typ='safe').load(open(sys.argv[1])), sys.stdout)";

/// Checks the workflow, what it is made of, and every script of the repository, or says why it cannot.
///
/// # Errors
/// Where a document does not hold its schema or uses an action that is not there, the shell would refuse a script, or a script does what
/// its writer cannot have meant. What stands between `${{` and `}}` is not looked at.
pub(crate) async fn check(console: &Console) -> anyhow::Result<Outcome> {
    let validator = match VALIDATOR.install(console).await? {
        Ok(validator) => validator,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let mut scripts: Vec<PathBuf> =
        tidy::files(|_, text| text.starts_with("#!"))?.into_iter().map(PathBuf::from).collect();
    for (folder, schema) in READ {
        let documents = tidy::files(|path, _| path.starts_with(folder))?;
        ensure!(!documents.is_empty(), "nothing is in {folder}");
        for path in documents {
            output(Command::new(&validator).args(["--builtin-schema", schema, &path]).current_dir(root())).await?;
            let python = validator.with_file_name("python");
            let document = output(Command::new(python).args(["-c", AS_JSON, &path]).current_dir(root())).await?;
            let document = serde_json::from_str(&document).with_context(|| format!("{path} cannot be read"))?;
            scripts.extend(write_down(&path, &document)?);
        }
    }
    let Some(shellcheck) = unpacked("shellcheck", "shellcheck").await else {
        return Ok(Outcome::Skipped("`shellcheck` is not there, and apt cannot bring it"));
    };
    // What a script reads with `.`, another step has written.
    let mut read = Command::new(shellcheck);
    read.args(["--severity=warning", "--exclude=SC1090,SC1091"]).args(scripts).current_dir(root());
    output(&mut read).await.map(|_| Outcome::Holds)
}

/// Writes each script of a document into a file of its own, named by where it stands.
fn write_down(path: &str, document: &Value) -> anyhow::Result<Vec<PathBuf>> {
    let (folder, steps) = (root().join(FOLDER), steps(document));
    ensure!(!steps.is_empty(), "{path} has no steps");
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut written = Vec::new();
    for (place, step) in steps {
        ensure!(is_there(&step), "{path}, {place}: there is no such action");
        if let Some(script) = script(&step) {
            let file = folder.join(format!("{}-{place}.sh", path.trim_start_matches('.').replace('/', "-")));
            std::fs::write(&file, script).with_context(|| format!("{} cannot be written", file.display()))?;
            written.push(file);
        }
    }
    Ok(written)
}

/// The steps of a workflow's jobs, or of an action, each with its place.
fn steps(document: &Value) -> Vec<(String, Value)> {
    let jobs = document["jobs"].as_object().into_iter().flatten().map(|(name, job)| (name.as_str(), job));
    let mut steps = Vec::new();
    for (name, job) in jobs.chain([("runs", &document["runs"])]) {
        for (number, step) in job["steps"].as_array().into_iter().flatten().enumerate() {
            steps.push((format!("{name}-{number}"), step.clone()));
        }
    }
    steps
}

/// Whether a step uses no action of this repository, or one that it has.
fn is_there(step: &Value) -> bool {
    let uses = step["uses"].as_str().unwrap_or_default();
    !uses.starts_with("./") || root().join(uses).join("action.yml").is_file()
}

/// What a step has bash run, which ends there at the first failure, whether or not it is named.
fn script(step: &Value) -> Option<String> {
    step["run"].as_str().map(|run| format!("#!/bin/bash -e\n{run}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_step_is_read_and_what_it_runs_is_a_script() {
        let workflow = json!({ "jobs": {
            "check": { "steps": [{ "uses": "actions/checkout@v4" }, { "run": ".ci/run" }] },
            "fuzz": { "steps": [{ "name": "Fuzz", "run": "cargo xtask fuzz\nls\n" }] },
        }});
        let told = |document: &Value| -> Vec<(String, Option<String>)> {
            steps(document).iter().map(|(place, step)| (place.clone(), script(step))).collect()
        };
        let named =
            |place: &str, run: Option<&str>| (place.to_owned(), run.map(|run| format!("#!/bin/bash -e\n{run}")));
        let expected = [
            named("check-0", None),
            named("check-1", Some(".ci/run")),
            named("fuzz-0", Some("cargo xtask fuzz\nls\n")),
        ];
        assert_eq!(told(&workflow), expected);
        let action = json!({ "runs": { "using": "composite", "steps": [{ "shell": "bash", "run": "ls" }] } });
        assert_eq!(told(&action), [named("runs-0", Some("ls"))]);
    }

    #[test]
    fn an_action_of_this_repository_has_to_be_there() {
        let uses = |action: &str| json!({ "uses": action });
        assert!(is_there(&uses("./.github/actions/rust")) && is_there(&uses("actions/checkout@v4")));
        assert!(is_there(&json!({ "run": "ls" })) && !is_there(&uses("./.github/actions/nothing")));
    }
}
