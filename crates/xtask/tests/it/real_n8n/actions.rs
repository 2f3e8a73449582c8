//! Each action of each workflow by itself: the call that it makes, and what it reports of every kind of answer.

use serde_json::{Value, json};

use super::System;
use crate::stand_in::StandIn;

const VERBS: [&str; 3] = ["create", "update", "delete"];

/// The kinds that each workflow knows, as they end the names of actions.
const WORKFLOWS: [(&str, &str, &[&str]); 6] = [
    ("hubspot", "HubSpot", &["contact", "deal", "activity"]),
    ("pipedrive", "Pipedrive", &["contact", "deal", "activity"]),
    ("salesforce", "Salesforce", &["contact", "deal", "activity"]),
    ("shopify", "Shopify", &["contact", "product", "order"]),
    ("woocommerce", "WooCommerce", &["contact", "product", "order"]),
    ("zendesk", "Zendesk", &["contact", "activity"]),
];

/// What the proxy answers to whom; everything else is a report.
fn answered(path: &str) -> (u16, &'static str, &'static str) {
    match path.strip_prefix("/proxy/").unwrap_or_default() {
        "objects?force=true" => (
            201,
            "x-coccinelle-source: platform\r\nx-coccinelle-result: done\r\nx-coccinelle-object-id: 4711\r\n",
            "{}",
        ),
        "refused" => (400, "x-coccinelle-source: platform\r\nx-coccinelle-result: refused\r\n", "{}"),
        "later" => (503, "x-coccinelle-source: platform\r\nx-coccinelle-result: retry\r\n", "{}"),
        "not-allowed" => {
            (403, "", r#"{"type": "urn:coccinelle:problem:call_not_allowed", "code": "call_not_allowed"}"#)
        }
        "too-late" => (401, "", r#"{"type": "urn:coccinelle:problem:pass_invalid", "code": "pass_invalid"}"#),
        "busy" => (429, "", r#"{"type": "urn:coccinelle:problem:other", "code": "other", "detail": "Come again."}"#),
        _ => (200, "", r#"{"received": true}"#),
    }
}

/// Hands a workflow this action with a call of this path, and gives what it reported. The call is seen where it gets so far.
async fn carried_out(system: &System, gateway: &mut StandIn, (slug, action, path): (&str, &str, &str)) -> Value {
    let url = &gateway.url;
    let query = if path == "objects" { json!({"force": "true"}) } else { json!({}) };
    let write = json!({
        "version": 1, "action": action, "data": {}, "remote": {}, "external_id": null, "contact_external_id": null,
        "request": {"method": "POST", "path": path, "query": query, "body": {"prénom": "Zoé"}},
        "platform": slug, "event_id": "evt_1", "integration_id": "int_1", "proxy_token": "v1.proxy",
        "proxy_url": format!("{url}/proxy"), "callback_url": format!("{url}/callback?token=v1.callback"),
    })
    .to_string();
    let (status, answer) = system.knock(slug, &write, Some((0, &write))).await;
    assert_eq!(status, 202, "{slug} {action}: {answer}");
    let asked = gateway.hears().await;
    if asked.path().starts_with("/callback") {
        return asked.body;
    }
    assert!(asked.head.starts_with("POST "), "{}", asked.head);
    assert!(asked.head.to_lowercase().contains("authorization: bearer v1.proxy"), "{}", asked.head);
    assert_eq!(asked.body, json!({"prénom": "Zoé"}), "{slug} {action}");
    let report = gateway.hears().await;
    assert_eq!(report.path(), "/callback?token=v1.callback", "{slug} {action}");
    report.body
}

#[tokio::test]
async fn each_action_of_each_workflow_makes_its_call_and_reports_what_came_of_it() {
    let system = System::start("e2e-n8n-actions", 29_500).await;
    let mut gateway = StandIn::start(answered).await;
    for (slug, name, kinds) in WORKFLOWS {
        for verb in VERBS {
            for kind in kinds {
                let verb = if (verb, *kind) == ("create", "activity") { "log" } else { verb };
                let action = format!("{verb}_{kind}");
                let report = carried_out(&system, &mut gateway, (slug, &action, "objects")).await;
                assert_eq!(report, json!({"success": true, (format!("{slug}_id")): "4711"}), "{slug} {action}");
            }
        }
        let ours = format!("Coccinelle (et non {name}) refuse : ");
        for (path, error, retryable) in [
            ("refused", format!("{name} a répondu 400"), false),
            ("later", format!("{name} a répondu 503"), true),
            ("not-allowed", format!("{ours}cette écriture n'a pas besoin de cet appel"), false),
            ("too-late", format!("{ours}le jeton de cette écriture a expiré"), true),
            ("busy", format!("{ours}Come again."), true),
        ] {
            let report = carried_out(&system, &mut gateway, (slug, "create_contact", path)).await;
            assert_eq!(report, json!({"success": false, "error": error, "retryable": retryable}), "{slug} {path}");
        }
        let report = carried_out(&system, &mut gateway, (slug, "create_ticket", "objects")).await;
        let unknown = "Ce workflow ne connaît pas l'action create_ticket";
        assert_eq!(report, json!({"success": false, "error": unknown, "retryable": false}), "{slug}");
    }
    system.world.end().await;
}
