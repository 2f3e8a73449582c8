//! The nodes that workflows are made of, in the versions that were tried with a real n8n. What they are for is not known here.

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// One workflow's nodes, whose ids follow from the workflow's own.
#[derive(Debug)]
pub(crate) struct Nodes {
    pub(crate) workflow: &'static str,
}

/// Where a node stands.
pub(crate) type Place = (i32, i32);

impl Nodes {
    /// A node of any type.
    pub(crate) fn node(&self, name: &str, (node_type, version): (&str, f64), at: Place, parameters: &Value) -> Value {
        json!({
            "id": self.id(name),
            "name": name,
            "type": format!("n8n-nodes-base.{node_type}"),
            "typeVersion": version,
            "position": [at.0, at.1],
            "parameters": parameters,
        })
    }

    /// Where a workflow begins: a POST to this path, which another node answers.
    pub(crate) fn webhook(&self, name: &str, at: Place, path: &str, options: &Value) -> Value {
        let parameters =
            json!({"httpMethod": "POST", "path": path, "responseMode": "responseNode", "options": options});
        let mut node = self.node(name, ("webhook", 2.1), at, &parameters);
        if let Value::Object(members) = &mut node {
            members.insert("webhookId".to_owned(), json!(self.id("webhook")));
        }
        node
    }

    /// A note beside the nodes.
    pub(crate) fn note(&self, name: &str, at: Place, content: &str) -> Value {
        let parameters = json!({"content": content, "height": 260, "width": 500});
        self.node(name, ("stickyNote", 1.0), at, &parameters)
    }

    /// Two ways, by whether all of this holds.
    pub(crate) fn decision(&self, name: &str, at: Place, conditions: &[&str]) -> Value {
        let condition = |(number, expression): (usize, &&str)| {
            json!({
                "id": self.id(&format!("{name} {number}")),
                "leftValue": format!("={{{{ {expression} }}}}"),
                "rightValue": "",
                "operator": {"type": "boolean", "operation": "true", "singleValue": true},
            })
        };
        let parameters = json!({
            "conditions": {
                "options": {"caseSensitive": true, "leftValue": "", "typeValidation": "strict", "version": 3},
                "combinator": "and",
                "conditions": conditions.iter().enumerate().map(condition).collect::<Vec<_>>(),
            },
            "options": {},
        });
        self.node(name, ("if", 2.3), at, &parameters)
    }

    /// The answer to whoever called the webhook.
    pub(crate) fn answer(&self, name: &str, at: Place, (status, body): (u16, &str)) -> Value {
        let parameters = json!({
            "respondWith": "json",
            "responseBody": format!("={{{{ JSON.stringify({body}) }}}}"),
            "options": {"responseCode": status},
        });
        self.node(name, ("respondToWebhook", 1.5), at, &parameters)
    }

    /// Values under names, and nothing else.
    pub(crate) fn values(&self, name: &str, at: Place, values: &[(&str, &str, &str)]) -> Value {
        let assignment = |(field, kind, expression): &(&str, &str, &str)| {
            json!({
                "id": self.id(&format!("{name} {field}")),
                "name": field,
                "type": kind,
                "value": format!("={{{{ {expression} }}}}"),
            })
        };
        let parameters = json!({
            "mode": "manual",
            "duplicateItem": false,
            "assignments": {"assignments": values.iter().map(assignment).collect::<Vec<_>>()},
            "includeOtherFields": false,
            "options": {},
        });
        self.node(name, ("set", 3.5), at, &parameters)
    }

    /// Tells Coccinelle what became of the write; again where it does not answer.
    pub(crate) fn report(&self, name: &str, at: Place, body: &str) -> Value {
        let parameters = json!({
            "method": "POST",
            "url": "={{ $('Préparer l\\'appel').item.json.demande.callback_url }}",
            "sendBody": true,
            "specifyBody": "json",
            "jsonBody": format!("={{{{ JSON.stringify({body}) }}}}"),
            "options": {"timeout": 10_000, "redirect": {"redirect": {"followRedirects": false}}},
        });
        let mut node = self.node(name, ("httpRequest", 4.5), at, &parameters);
        if let Value::Object(members) = &mut node {
            members.extend([
                ("retryOnFail".to_owned(), json!(true)),
                ("maxTries".to_owned(), json!(5)),
                ("waitBetweenTries".to_owned(), json!(5_000)),
            ]);
        }
        node
    }

    /// The same id for the same node, whoever writes the file; in the form of a UUID of version 8.
    pub(crate) fn id(&self, name: &str) -> String {
        let hash = digest(&SHA256, format!("{}/{name}", self.workflow).as_bytes());
        let hex: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!("{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
    }
}

/// The nodes that follow upon each output of a node.
pub(crate) fn connections(ways: &[(&str, &[&[&str]])]) -> Value {
    let to = |name: &&str| json!({"node": name, "type": "main", "index": 0});
    let outputs = |outputs: &[&[&str]]| -> Value {
        outputs.iter().map(|names| names.iter().map(to).collect::<Value>()).collect()
    };
    ways.iter().map(|(from, ends)| ((*from).to_owned(), json!({"main": outputs(ends)}))).collect()
}
