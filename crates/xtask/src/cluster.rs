//! The stage of CI that reads the manifests for Kubernetes: put together by kubectl, held against Kubernetes' own schemas.

use anyhow::Context as _;
use tokio::process::Command;

use crate::ci::{Outcome, skipped};
use crate::console::Console;
use crate::python::Program;
use crate::workspace::{output, root};

const FOLDER: &str = "deploy/kubernetes";

/// Brings the schemas of every version of Kubernetes along, so that nothing is fetched.
const VALIDATOR: Program = Program { name: "kubernetes-validate", package: "kubernetes-validate==1.37.0" };

/// The oldest version that is served.
const OLDEST: &str = "1.33";

/// The kinds that operators bring, for which there is no schema here.
const BY_OPERATORS: [&str; 4] = ["Cluster", "RabbitmqCluster", "ScaledObject", "TriggerAuthentication"];

/// Checks the manifests, or says why it cannot.
///
/// # Errors
/// Where they cannot be put together, or Kubernetes would refuse one.
pub(crate) async fn check(console: &Console) -> anyhow::Result<Outcome> {
    let mut kubectl = Command::new("kubectl");
    if output(kubectl.args(["version", "--client"])).await.is_err() {
        return Ok(Outcome::Skipped("kubectl is not there"));
    }
    let Some(validator) = VALIDATOR.install(console).await? else {
        return Ok(Outcome::Skipped("`python3 -m venv` is not there"));
    };
    let manifests = output(Command::new("kubectl").args(["kustomize", FOLDER]).current_dir(root())).await?;
    let file = root().join(".dev/kubernetes.yaml");
    std::fs::write(&file, manifests).context("the manifests cannot be written down")?;
    output(Command::new(validator).args(["--strict", "--quiet", "--no-warn", "-k", OLDEST]).arg(&file)).await?;
    let kinds = BY_OPERATORS.join(", ");
    let by_operators =
        format!("the operators of {kinds} bring them, and are not here; the hosted workflow fetches them");
    console.note(&skipped("their operators' schemas", &by_operators));
    Ok(Outcome::Holds)
}
