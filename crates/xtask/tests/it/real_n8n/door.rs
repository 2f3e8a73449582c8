//! Who may hand a workflow a write: whoever signs it, and just now. A test writes nothing.

use ring::hmac;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::System;

#[tokio::test]
async fn a_workflow_answers_a_test_and_refuses_what_is_unsigned_old_or_changed() {
    let system = System::start("e2e-n8n-door", 29_100).await;
    let n8n = system.world.session.n8n().unwrap().url();
    let slugs = xtask::n8n::slugs().unwrap();
    assert_eq!(slugs, ["hubspot", "pipedrive", "salesforce", "shopify", "woocommerce", "zendesk"]);
    let key = hmac::Key::new(hmac::HMAC_SHA256, system.place.signing.expose_secret().as_bytes());
    let post = async |slug: &str, body: &str, signed: Option<(i64, &str)>| {
        let url = format!("{n8n}/webhook/coccinelle/{slug}");
        let mut request = system.world.session.client().post(url).header("content-type", "application/json");
        if let Some((age, of)) = signed {
            let timestamp = chrono::Utc::now().timestamp() - age;
            let tag = hmac::sign(&key, format!("{timestamp}.{of}").as_bytes());
            let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            request = request.header("x-coccinelle-timestamp", timestamp.to_string());
            request = request.header("x-coccinelle-signature", format!("sha256={hex}"));
        }
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
    };
    let write = json!({"version": 1, "action": "create_contact", "data": {"email": "éloïse@exemple.fr"}}).to_string();
    for slug in slugs {
        let there = json!({"ok": true, "workflow": format!("coccinelle-{slug}"), "version": 2});
        assert_eq!(post(&slug, r#"{"test": true}"#, None).await, (200, there));
        for (body, signed) in [
            (write.as_str(), None),
            (&write, Some((400, write.as_str()))),
            (&write, Some((-400, &write))),
            (&write, Some((0, "{}"))),
            ("no JSON", None),
            (r#"{"test": true, "action": "create_contact"}"#, None),
        ] {
            let (status, answer) = post(&slug, body, signed).await;
            assert_eq!((status, &answer["accepted"]), (401, &json!(false)), "{slug}: {body} {answer}");
        }
        assert_eq!(post(&slug, &write, Some((0, &write))).await.0, 202, "{slug}");
    }
    system.world.end().await;
}
