//! The stage of CI that reads the manifests for Kubernetes: put together by kubectl, held against its own schemas and its operators'.

mod operators;
mod pods;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::ci::{self, Outcome};
use crate::console::Console;
use crate::python::Program;
use crate::workspace::{output, root};

const FOLDER: &str = "deploy/kubernetes";

/// Brings the schemas of every version of Kubernetes along, so that nothing is fetched.
const VALIDATOR: Program = Program { name: "kubernetes-validate", package: "kubernetes-validate==1.37.0" };

/// The oldest version that is served.
const OLDEST: &str = "1.33";

/// Reads the manifests by the YAML that the validator brings along.
const AS_JSON: &str =
    "import json, sys, yaml; json.dump(list(filter(None, yaml.safe_load_all(open(sys.argv[1])))), sys.stdout)";

/// The kinds that operators bring, of which Kubernetes has no schema, each behind its version.
const BY_OPERATORS: [(&str, &str); 4] = [
    ("postgresql.cnpg.io/v1", "Cluster"),
    ("rabbitmq.com/v1beta1", "RabbitmqCluster"),
    ("keda.sh/v1alpha1", "ScaledObject"),
    ("keda.sh/v1alpha1", "TriggerAuthentication"),
];

/// Checks the manifests, or says why it cannot.
///
/// # Errors
/// Where they cannot be put together, Kubernetes or an operator would refuse one, or none of its kind is known; where nothing may be
/// skipped, also without the operators' schemas.
pub(crate) async fn check(console: &Console) -> anyhow::Result<Outcome> {
    let mut kubectl = Command::new("kubectl");
    if output(kubectl.args(["version", "--client"])).await.is_err() {
        return Ok(Outcome::Skipped("kubectl is not there"));
    }
    let validator = match VALIDATOR.install(console).await? {
        Ok(validator) => validator,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let manifests = output(Command::new("kubectl").args(["kustomize", FOLDER]).current_dir(root())).await?;
    let file = root().join(".dev/kubernetes.yaml");
    std::fs::write(&file, manifests).context("the manifests cannot be written down")?;
    let told = output(Command::new(&validator).args(["--strict", "--quiet", "-k", OLDEST]).arg(&file)).await?;
    let strange = strange(&told);
    ensure!(strange.is_empty(), "a mistyped kind, or one more that an operator brings: {}", strange.join("; "));
    let python = validator.with_file_name("python");
    let documents = output(Command::new(&python).args(["-c", AS_JSON]).arg(&file)).await?;
    let documents: Vec<Value> = serde_json::from_str(&documents).context("the manifests cannot be read")?;
    let unsaid: Vec<String> = documents.iter().flat_map(pods::unsaid).collect();
    ensure!(unsaid.is_empty(), "pods that their namespace would refuse: {}", unsaid.join("; "));
    if let Outcome::Skipped(why) = operators::check(&python, &file).await? {
        ci::skip(console, "kubernetes, what operators bring", why)?;
    }
    Ok(Outcome::Holds)
}

/// What the validator tells, but for the kinds of which it cannot know: that it has no schema fails nothing by itself.
fn strange(told: &str) -> Vec<&str> {
    let lacks = BY_OPERATORS.map(|(version, kind)| format!(" schema for kind {kind} with api version {version} for "));
    told.lines().filter(|line| !lacks.iter().any(|lacks| line.contains(lacks))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_neither_kubernetes_nor_an_operator_has_is_told_of() {
        let warns = |kind: &str, version: &str| {
            format!(
                "WARN a.yaml Couldn't find schema for kind {kind} with api version {version} for kubernetes version 1.33"
            )
        };
        let known = warns("Cluster", "postgresql.cnpg.io/v1");
        let mistyped = warns("Ingres", "networking.k8s.io/v1");
        let of_another_version = warns("ScaledObject", "keda.sh/v1");
        let told = [known.as_str(), mistyped.as_str(), of_another_version.as_str()].join("\n");
        assert_eq!(strange(&told), [mistyped, of_another_version]);
        assert!(strange(&known).is_empty() && strange("").is_empty());
    }
}
