//! What is asked of every pod of the manifests: Kubernetes' standard `restricted`, which the namespace enforces, and a root that nobody
//! writes to.

use serde_json::Value;

/// What each pod says, as a pointer into its description and the JSON that has to be there.
const OF_PODS: [(&str, &str); 2] =
    [("/securityContext/runAsNonRoot", "true"), ("/securityContext/seccompProfile/type", r#""RuntimeDefault""#)];

/// What each container says, likewise.
const OF_CONTAINERS: [(&str, &str); 3] = [
    ("/securityContext/allowPrivilegeEscalation", "false"),
    ("/securityContext/capabilities/drop", r#"["ALL"]"#),
    ("/securityContext/readOnlyRootFilesystem", "true"),
];

/// The containers that the operator of this kind makes: of one that its override does not name, nothing is said.
const BROKER: (&str, [&str; 2]) = ("RabbitmqCluster", ["rabbitmq", "setup-container"]);

/// What the pods of a document do not say of all that they have to, a sentence each.
pub(super) fn unsaid(document: &Value) -> Vec<String> {
    let word = |path: &str| document.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let name = format!("{} {}", word("/kind"), word("/metadata/name"));
    let pods = descriptions(document);
    let mut unsaid: Vec<String> = pods.iter().flat_map(|pod| lacking(&name, pod, &OF_PODS)).collect();
    let containers: Vec<&Value> = pods.into_iter().flat_map(containers).collect();
    for container in &containers {
        let place = format!("{name}, container {}", called(container));
        unsaid.extend(lacking(&place, container, &OF_CONTAINERS));
    }
    let (kind, made) = BROKER;
    if word("/kind") == kind {
        let is_named = |name: &str| containers.iter().any(|container| called(container) == name);
        let unnamed = made.into_iter().filter(|made| !is_named(made));
        unsaid.extend(unnamed.map(|made| format!("{name} does not name the container {made}")));
    }
    unsaid
}

/// The descriptions of pods in it, wherever its kind keeps them: whatever has containers.
fn descriptions(value: &Value) -> Vec<&Value> {
    let here = value.get("containers").map(|_| value);
    let members = value.as_object().into_iter().flat_map(serde_json::Map::values);
    let items = value.as_array().into_iter().flatten();
    here.into_iter().chain(members.chain(items).flat_map(descriptions)).collect()
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["initContainers", "containers"].into_iter();
    lists.filter_map(move |name| pod.get(name)?.as_array()).flatten()
}

fn called(container: &Value) -> &str {
    container.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn lacking(place: &str, value: &Value, wanted: &[(&str, &str)]) -> Vec<String> {
    let says = |path: &str| value.pointer(path).map(Value::to_string);
    let lacking = wanted.iter().filter(|(path, wanted)| says(path).as_deref() != Some(*wanted));
    lacking.map(|(path, wanted)| format!("{place} does not say that {path} is {wanted}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A container that says all.
    fn container(name: &str) -> Value {
        let capabilities = json!({ "drop": ["ALL"] });
        let context = json!({
            "allowPrivilegeEscalation": false, "capabilities": capabilities, "readOnlyRootFilesystem": true
        });
        json!({ "name": name, "securityContext": context })
    }

    /// A pod that says all.
    fn pod(first: &[&str], then: &[&str]) -> Value {
        let containers = |names: &[&str]| names.iter().map(|name| container(name)).collect::<Vec<_>>();
        json!({
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "initContainers": containers(first),
            "containers": containers(then),
        })
    }

    fn broker(pod: &Value) -> Value {
        let set = json!({ "spec": { "template": { "spec": pod } } });
        json!({ "kind": "RabbitmqCluster", "metadata": { "name": "b" }, "spec": { "override": { "statefulSet": set } } })
    }

    #[test]
    fn is_content_with_pods_that_say_all_and_with_what_has_none() {
        let job = json!({ "kind": "Job", "spec": { "template": { "spec": pod(&["a"], &["b"]) } } });
        assert_eq!(unsaid(&job), Vec::<String>::new());
        assert_eq!(unsaid(&broker(&pod(&["setup-container"], &["rabbitmq"]))), Vec::<String>::new());
        assert_eq!(unsaid(&json!({ "kind": "Service", "spec": { "ports": [1] } })), Vec::<String>::new());
    }

    #[test]
    fn finds_each_thing_that_a_pod_or_a_container_does_not_say() {
        let mut pod = pod(&["a"], &["b"]);
        pod["securityContext"]["seccompProfile"]["type"] = json!("Unconfined");
        pod["initContainers"][0]["securityContext"]["capabilities"]["drop"] = json!(["CHOWN"]);
        pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = Value::Null;
        let found = unsaid(&json!({ "kind": "Job", "metadata": { "name": "migrate" }, "spec": pod }));
        let expected = [
            "Job migrate does not say that /securityContext/seccompProfile/type is \"RuntimeDefault\"",
            "Job migrate, container a does not say that /securityContext/capabilities/drop is [\"ALL\"]",
            "Job migrate, container b does not say that /securityContext/readOnlyRootFilesystem is true",
        ];
        assert_eq!(found, expected);
        assert_eq!(unsaid(&json!({ "kind": "Pod", "spec": { "containers": [{}] } })).len(), 5);
    }

    #[test]
    fn finds_a_container_of_the_broker_of_which_its_override_says_nothing() {
        let unnamed = |container: &str| format!("RabbitmqCluster b does not name the container {container}");
        assert_eq!(unsaid(&broker(&pod(&[], &["rabbitmq"]))), [unnamed("setup-container")]);
        let bare = json!({ "kind": "RabbitmqCluster", "metadata": { "name": "b" } });
        assert_eq!(unsaid(&bare), [unnamed("rabbitmq"), unnamed("setup-container")]);
    }
}
