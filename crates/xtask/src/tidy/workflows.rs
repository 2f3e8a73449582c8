//! The workflows for n8n, whose import checks almost nothing: ids, node types and versions, connections, names, notes, and that no
//! secret is in them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Finding;
use super::tree::{File, Tree};

const FOLDER: &str = "n8n-workflows/";

/// The nodes that our workflows are made of, with the newest version that was tried with a real n8n.
const NODES: [(&str, f64); 11] = [
    ("n8n-nodes-base.crypto", 2.0),
    ("n8n-nodes-base.errorTrigger", 1.0),
    ("n8n-nodes-base.extractFromFile", 1.1),
    ("n8n-nodes-base.httpRequest", 4.5),
    ("n8n-nodes-base.if", 2.3),
    ("n8n-nodes-base.noOp", 1.0),
    ("n8n-nodes-base.respondToWebhook", 1.5),
    ("n8n-nodes-base.set", 3.5),
    ("n8n-nodes-base.stickyNote", 1.0),
    ("n8n-nodes-base.switch", 3.4),
    ("n8n-nodes-base.webhook", 2.1),
];

const NOTE: &str = "n8n-nodes-base.stickyNote";

/// The nodes at which a run begins.
const BEGINNINGS: [&str; 2] = ["n8n-nodes-base.errorTrigger", "n8n-nodes-base.webhook"];

/// How n8n names nodes that nobody has named, and how English names begin: ours are French and say what the node does.
const NOT_FRENCH: [&str; 24] = [
    "add", "call", "check", "crypto", "create", "edit", "error", "extract", "get", "handle", "http", "if", "no",
    "parse", "prepare", "read", "report", "respond", "send", "set", "sticky", "switch", "webhook", "write",
];

/// What n8n refuses by default, or what only a secret looks like.
const FORBIDDEN: [(&str, &str); 5] = [
    ("$env", "n8n refuses `$env` in expressions: take the value from the request"),
    ("require(", "n8n refuses `require` in code: use a node for it"),
    ("pat-", "a token of HubSpot does not belong here: call through `proxy_url`"),
    ("hmacSecret", "the signing secret belongs in a credential of n8n, not in the file"),
    ("\"credentials\"", "a credential's id is another one in every n8n: leave it to whoever imports the file"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let files: Vec<&File> =
        tree.files().iter().filter(|file| file.path.starts_with(FOLDER) && file.path.ends_with(".json")).collect();
    let mut ids = BTreeSet::new();
    let mut handlers = Vec::new();
    let mut findings = Vec::new();
    for file in files {
        let Ok(workflow) = serde_json::from_str::<Value>(&file.text) else {
            findings.push(Finding::of(&file.path, "is not JSON: export it from n8n again"));
            continue;
        };
        let advice = check_workflow(&workflow).into_iter().chain(check_text(&file.text));
        findings.extend(advice.map(|advice| Finding::of(&file.path, advice)));
        if !ids.insert(text(at(&workflow, "id")).to_owned()) {
            findings.push(Finding::of(&file.path, "another workflow has the same `id`: an import would replace it"));
        }
        let handler = text(at(at(&workflow, "settings"), "errorWorkflow")).to_owned();
        handlers.extend(Some((file, handler)).filter(|(_, handler)| !handler.is_empty()));
    }
    let unknown = handlers.into_iter().filter(|(_, handler)| !ids.contains(handler));
    findings.extend(unknown.map(|(file, handler)| {
        Finding::of(&file.path, format!("`errorWorkflow` is `{handler}`, which is the `id` of no workflow here"))
    }));
    findings.extend(crate::workflows::all().filter_map(|(path, wanted)| stale(tree, &path, &wanted)));
    findings
}

/// A file that is not what `cargo xtask workflows` writes; a tree without any workflow is another project's.
fn stale(tree: &Tree, path: &str, wanted: &Value) -> Option<Finding> {
    let advice = "is not as `cargo xtask workflows` writes it: change the template in crates/xtask, and run it";
    let held = tree.get(path).map(|file| serde_json::from_str::<Value>(&file.text).unwrap_or_default());
    let is_ours = tree.has("n8n-workflows/coccinelle-error-handler.json");
    (is_ours && held.as_ref() != Some(wanted)).then(|| Finding::of(path, advice))
}

fn check_text(text: &str) -> impl Iterator<Item = String> {
    FORBIDDEN.iter().filter(move |(words, _)| text.contains(words)).map(|(_, advice)| (*advice).to_owned())
}

fn check_workflow(workflow: &Value) -> Vec<String> {
    let mut advice = Vec::new();
    if text(at(workflow, "id")).is_empty() {
        advice.push("has no `id`: each import would make another workflow".to_owned());
    }
    if *at(workflow, "active") != false || at(workflow, "pinData").as_object().is_some_and(|pinned| !pinned.is_empty())
    {
        advice.push("must be inactive and without pinned data".to_owned());
    }
    let nodes = at(workflow, "nodes").as_array().map(Vec::as_slice).unwrap_or_default();
    let names: BTreeSet<&str> = nodes.iter().map(|node| text(at(node, "name"))).collect();
    let ids: BTreeSet<&str> = nodes.iter().map(|node| text(at(node, "id"))).filter(|id| !id.is_empty()).collect();
    if nodes.is_empty() || names.len() != nodes.len() || ids.len() != nodes.len() {
        advice.push("every node needs a name and an id of its own".to_owned());
    }
    advice.extend(nodes.iter().filter_map(check_node));
    advice.extend(nodes.iter().filter_map(|node| check_name(text(at(node, "name")))));
    if !nodes
        .iter()
        .any(|node| text(at(node, "type")) == NOTE && !text(at(at(node, "parameters"), "content")).is_empty())
    {
        advice.push("has no sticky note: say in one what it does and what is to be set".to_owned());
    }
    advice.extend(check_connections(at(workflow, "connections"), &names));
    advice.extend(lonely(at(workflow, "connections"), nodes));
    advice
}

fn check_node(node: &Value) -> Option<String> {
    let (name, node_type) = (text(at(node, "name")), text(at(node, "type")));
    let Some((_, newest)) = NODES.iter().find(|(known, _)| *known == node_type) else {
        return Some(format!(
            "`{name}` is of the type `{node_type}`, which was never tried: try it, then list it here"
        ));
    };
    let version = at(node, "typeVersion").as_f64().unwrap_or_default();
    if !(1.0..=*newest).contains(&version) {
        return Some(format!("`{name}` is of version {version}, tried is {newest}"));
    }
    let needs_id = node_type == "n8n-nodes-base.webhook" && text(at(node, "webhookId")).is_empty();
    needs_id.then(|| format!("`{name}` has no `webhookId`: n8n would not register it"))
}

fn check_name(name: &str) -> Option<String> {
    let first = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    NOT_FRENCH.contains(&first.as_str()).then(|| format!("`{name}` is to be named in French, by what it does"))
}

/// Nodes that nothing leads to.
fn lonely<'a>(connections: &'a Value, nodes: &'a [Value]) -> impl Iterator<Item = String> + 'a {
    let all = connections.as_object().into_iter().flatten().flat_map(|(_, outputs)| targets(outputs));
    let reached: BTreeSet<&str> = all.collect();
    let needs_one = |node: &&Value| {
        let node_type = text(at(node, "type"));
        node_type != NOTE && !BEGINNINGS.contains(&node_type) && !reached.contains(text(at(node, "name")))
    };
    let lonely: Vec<&Value> = nodes.iter().filter(needs_one).collect();
    lonely.into_iter().map(|node| format!("nothing leads to `{}`", text(at(node, "name"))))
}

/// The nodes to which a node's outputs lead.
fn targets(outputs: &Value) -> impl Iterator<Item = &str> {
    let branches = at(outputs, "main").as_array().into_iter().flatten();
    branches.flat_map(|branch| branch.as_array().into_iter().flatten()).map(|target| text(at(target, "node")))
}

/// Connections that begin or end nowhere.
fn check_connections(connections: &Value, names: &BTreeSet<&str>) -> Vec<String> {
    let outputs = connections.as_object().into_iter().flatten();
    let mut advice = Vec::new();
    for (from, outputs) in outputs {
        let ends = targets(outputs).chain([from.as_str()]);
        advice.extend(
            ends.filter(|name| !names.contains(name))
                .map(|name| format!("a connection of `{from}` names `{name}`, which is no node")),
        );
    }
    advice
}

/// A member; `Null` where there is none.
fn at<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workflow() -> Value {
        json!({
            "id": "one", "active": false, "pinData": {},
            "nodes": [
                {"id": "1", "name": "Appel", "type": "n8n-nodes-base.webhook", "typeVersion": 2.1, "webhookId": "w"},
                {"id": "2", "name": "Test ?", "type": "n8n-nodes-base.if", "typeVersion": 2.3},
                {"id": "3", "name": "Note", "type": NOTE, "typeVersion": 1, "parameters": {"content": "Ce qu'il fait"}},
            ],
            "connections": {"Appel": {"main": [[{"node": "Test ?", "type": "main", "index": 0}]]}},
            "settings": {"errorWorkflow": "one"},
        })
    }

    fn findings(workflow: &Value) -> usize {
        check(&Tree::of(&[("n8n-workflows/a.json", &workflow.to_string())])).len()
    }

    #[test]
    fn a_workflow_in_order_has_no_findings_and_one_that_is_no_json_has_one() {
        assert_eq!(findings(&workflow()), 0);
        assert_eq!(check(&Tree::of(&[("n8n-workflows/a.json", "{")])).len(), 1);
        let twice = workflow().to_string();
        assert_eq!(check(&Tree::of(&[("n8n-workflows/a.json", &twice), ("n8n-workflows/b.json", &twice)])).len(), 1);
    }

    #[test]
    fn what_the_template_writes_is_in_order_and_what_differs_from_it_is_found() {
        let handler =
            ("n8n-workflows/coccinelle-error-handler.json", r#"{"id": "coccinelleErreurs1", "active": false}"#);
        let written: Vec<(String, String)> =
            crate::workflows::all().map(|(path, workflow)| (path, workflow.to_string())).collect();
        let mut files: Vec<(&str, &str)> = written.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(files.len(), 6);
        let alone = check(&Tree::of(&files));
        assert!(
            alone.len() == 6 && alone.iter().all(|finding| finding.advice.contains("coccinelleErreurs1")),
            "{alone:?}"
        );
        files.push(handler);
        let of_the_handler = check(&Tree::of(&[handler])).len() - 6;
        assert_eq!(check(&Tree::of(&files)).len(), of_the_handler);
        let other = written[0].1.replace("Réussi ?", "Réussi ??");
        files[0].1 = &other;
        assert!(check(&Tree::of(&files)).iter().any(|finding| finding.advice.contains("cargo xtask workflows")));
    }

    #[test]
    fn each_fault_is_found() {
        for (place, value) in [
            ("/id", json!("")),
            ("/active", json!(true)),
            ("/pinData", json!({"Appel": []})),
            ("/nodes/0/webhookId", json!("")),
            ("/nodes/0/typeVersion", json!(3)),
            ("/nodes/0/type", json!("n8n-nodes-base.webhok")),
            ("/nodes/1/id", json!("1")),
            ("/connections/Appel/main/0/0/node", json!("Tset ?")),
            ("/nodes/1/type", json!("n8n-nodes-base.code")),
            ("/nodes/1/name", json!("Test ? $env.SECRET")),
            ("/nodes/1/name", json!("HTTP Request")),
            ("/nodes/2/parameters/content", json!("")),
            ("/settings/errorWorkflow", json!("nowhere")),
            ("/connections/Appel/main/0", json!([])),
        ] {
            let mut workflow = workflow();
            *workflow.pointer_mut(place).unwrap() = value;
            assert!(findings(&workflow) > 0, "{place}");
        }
    }
}
