//! What operators read, held against their schemas, which Kubernetes does not have: they are fetched from where people gather them.

use std::path::Path;

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use super::BY_OPERATORS;
use crate::ci::Outcome;
use crate::workspace::{output, root};

/// At one commit: the same manifests hold tomorrow as they do today.
const CATALOGUE: &str =
    "https://raw.githubusercontent.com/datreeio/CRDs-catalog/e9989fd4c9ae1de15afcccc9db274f69e3464376";

/// Tells what is wrong with the documents of a kind, a line each, by what the validator of Kubernetes' own brings along.
const COMPLAIN: &str = "\
import json, jsonschema, sys, yaml
manifests, schema, version, kind = sys.argv[1:]
judge = jsonschema.Draft202012Validator(json.load(open(schema)))
for document in filter(None, yaml.safe_load_all(open(manifests))):
    if (document['apiVersion'], document['kind']) == (version, kind):
        for error in judge.iter_errors(document):
            print(kind, document['metadata']['name'], error.json_path, error.message)
";

/// Holds the documents of these kinds against their schemas, or says why it cannot.
///
/// # Errors
/// Where an operator would refuse one.
pub(super) async fn check(python: &Path, manifests: &Path) -> anyhow::Result<Outcome> {
    let schema = root().join(".dev/kubernetes-schema.json");
    let mut complaints = Vec::new();
    for (version, kind) in BY_OPERATORS {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--location", "--retry", "3", "--output"]).arg(&schema);
        if output(curl.arg(address(version, kind))).await.is_err() {
            return Ok(Outcome::Skipped("their schemas (raw.githubusercontent.com) cannot be reached"));
        }
        let mut complain = Command::new(python);
        complain.args(["-c", COMPLAIN]).args([manifests, schema.as_path()]).args([version, kind]);
        let told = output(&mut complain).await.with_context(|| format!("no {kind} can be held against its schema"))?;
        complaints.extend(told.lines().map(str::to_owned));
    }
    ensure!(complaints.is_empty(), "operators would refuse: {}", complaints.join("; "));
    Ok(Outcome::Holds)
}

/// Where the schema of a kind is.
fn address(version: &str, kind: &str) -> String {
    let (group, version) = version.split_once('/').unwrap_or(("core", version));
    format!("{CATALOGUE}/{group}/{}_{version}.json", kind.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_lie_by_group_kind_and_version() {
        let found = address("keda.sh/v1alpha1", "ScaledObject");
        assert_eq!(found.strip_prefix(CATALOGUE), Some("/keda.sh/scaledobject_v1alpha1.json"));
    }
}
