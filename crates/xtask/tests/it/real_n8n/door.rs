//! Who may hand a workflow a write: whoever signs it, and just now. A test writes nothing.

use serde_json::json;

use super::System;

#[tokio::test]
async fn a_workflow_answers_a_test_and_refuses_what_is_unsigned_old_or_changed() {
    let system = System::start("e2e-n8n-door", 29_100).await;
    let slugs = xtask::n8n::slugs().unwrap();
    assert_eq!(slugs, ["hubspot", "pipedrive", "salesforce", "shopify", "woocommerce", "zendesk"]);
    let write = json!({"version": 1, "action": "create_contact", "data": {"email": "éloïse@exemple.fr"}}).to_string();
    for slug in slugs {
        let there = json!({"ok": true, "workflow": format!("coccinelle-{slug}"), "version": 3});
        assert_eq!(system.knock(&slug, r#"{"test": true}"#, None).await, (200, there));
        for (body, signed) in [
            (write.as_str(), None),
            (&write, Some((400, write.as_str()))),
            (&write, Some((-400, &write))),
            (&write, Some((0, "{}"))),
            (r#"{"test": true, "action": "create_contact"}"#, None),
        ] {
            let (status, answer) = system.knock(&slug, body, signed).await;
            assert_eq!((status, &answer["accepted"]), (401, &json!(false)), "{slug}: {body} {answer}");
        }
        // What is no JSON does not come as far as a workflow.
        assert_eq!(system.knock(&slug, "no JSON", Some((0, "no JSON"))).await.0, 422, "{slug}");
        // By this word it is believed, not by the status.
        let taken = (202, json!({"accepted": true}));
        assert_eq!(system.knock(&slug, &write, Some((0, &write))).await, taken, "{slug}");
    }
    system.world.end().await;
}
