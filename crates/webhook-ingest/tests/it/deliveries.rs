//! What is let in, what is not, and what is left behind by either.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use connectors::registry;
use domain::id::{IntegrationId, WebhookLogId};
use domain::time::Timestamp;
use ring::hmac;
use serde_json::{Value, json};
use vault::KeyRing;

use crate::world::{PATH, SECRET, change, problem, signature, start, start_with};

#[tokio::test(flavor = "multi_thread")]
async fn publishes_a_verified_delivery_before_it_answers() {
    let world = start().await;
    let body = change(1);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut request = world.post(PATH, body.clone()).header("traceparent", trace);
    for (name, value) in signature(PATH, &body, Timestamp::now()) {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 202);
    let delivery = response.json::<Value>().await.unwrap()["delivery"].as_str().unwrap().to_owned();
    delivery.parse::<WebhookLogId>().unwrap();

    let published = world.published().await;
    assert_eq!(published.len(), 1);
    let message: Value = serde_json::from_str(&published[0].payload).unwrap();
    assert_eq!(message["delivery"], delivery);
    assert_eq!((&message["platform"], &message["integration_id"]), (&json!("hubspot"), &Value::Null));
    assert_eq!(message["body"].as_str().unwrap().as_bytes(), body);
    assert_eq!(published[0].properties["type"], "webhook.apply.v1");
    assert_eq!(published[0].properties["delivery_mode"], 2);
    assert_eq!(published[0].properties["headers"]["traceparent"], trace);
    assert!(world.logged().await.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carries_the_integration_whose_address_was_called() {
    let world = start().await;
    let integration = IntegrationId::new().to_string();
    let (path, body) = (format!("{PATH}/{integration}?a=%20b"), change(1));
    let mut request = world.post(&path, body.clone());
    for (name, value) in signature(&path, &body, Timestamp::now()) {
        request = request.header(name, value);
    }
    assert_eq!(request.send().await.unwrap().status().as_u16(), 202);
    let message: Value = serde_json::from_str(&world.published().await[0].payload).unwrap();
    assert_eq!(message["integration_id"], integration);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_a_repetition_without_publishing_it_again() {
    let world = start().await;
    let headers = signature(PATH, &change(1), Timestamp::now());
    let mut answers = Vec::new();
    for _ in 0..2 {
        let mut request = world.post(PATH, change(1));
        for (name, value) in headers.clone() {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 202);
        answers.push(response.text().await.unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(world.deliver(change(2)).await.status().as_u16(), 202);
    assert_eq!(world.published().await.len(), 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_and_logs_what_is_not_signed_by_the_platform_now() {
    let world = start().await;
    let (body, now) = (change(1), Timestamp::now());
    let long_ago = Timestamp::from_millis(now.as_millis() - 400_000).unwrap();
    let ahead = now.plus(Duration::from_secs(400));
    for (headers, code) in [
        (None, "unsigned"),
        (Some(signature(PATH, b"[]", now)), "wrong_signature"),
        (Some(signature("/webhooks/integrations/other", &body, now)), "wrong_signature"),
        (Some(signature(PATH, &body, long_ago)), "outside_window"),
        (Some(signature(PATH, &body, ahead)), "outside_window"),
    ] {
        let mut request = world.post(PATH, body.clone());
        for (name, value) in headers.into_iter().flatten() {
            request = request.header(name, value);
        }
        let (status, said, _) = problem(request.send().await.unwrap()).await;
        assert_eq!((status, said.as_str()), (401, code));
    }
    let logged = world.logged().await;
    let mut reasons: Vec<_> = logged.iter().map(|entry| entry["result"]["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["outside_window", "outside_window", "unsigned", "wrong_signature", "wrong_signature"]);
    for entry in &logged {
        assert_eq!((&entry["result"]["result"], &entry["platform"]), (&json!("refused"), &json!("hubspot")));
        assert_eq!((&entry["body"], entry["correlation_id"].as_str().map(str::len)), (&Value::Null, Some(32)));
    }
    assert_eq!(world.published().await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_no_more_refusals_than_the_limit_and_counts_the_rest() {
    let world = start_with(Default::default(), &[("COCCINELLE__INGEST__REFUSALS_LOGGED_PER_MINUTE", "3")]).await;
    for _ in 0..5 {
        assert_eq!(world.post(PATH, change(1)).send().await.unwrap().status().as_u16(), 401);
    }
    assert_eq!(world.logged().await.len(), 3);
    let metrics = world.metrics().await;
    assert!(metrics.contains(r#"webhook_refusals_unlogged_total{platform="hubspot",why="over_limit"}"#), "{metrics}");
    // By this the alert goes that is for it.
    assert!(metrics.contains(r#"webhook_deliveries_total{platform="hubspot",result="refused",reason=""#), "{metrics}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_signed_body_that_is_not_json_text() {
    let world = start().await;
    for body in [b"\xff\xfe\xfd".to_vec(), b"{\"half\":".to_vec()] {
        assert_eq!(problem(world.deliver(body).await).await, (400, "malformed".to_owned(), false));
    }
    assert_eq!((world.published().await.len(), world.logged().await.len()), (0, 2));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_body_over_the_limit_and_knows_no_other_platform() {
    let world = start_with(Default::default(), &[("COCCINELLE__INGEST__BODY_LIMIT", "1000")]).await;
    assert_eq!(problem(world.deliver(vec![b' '; 1001]).await).await, (413, "too_large".to_owned(), false));
    let fits = [change(1), vec![b' '; 1000 - change(1).len()]].concat();
    assert_eq!(world.deliver(fits).await.status().as_u16(), 202);
    for path in ["/webhooks/integrations/nobody", "/webhooks/integrations/hubspot/int_x", "/webhooks", "/"] {
        let unknown = world.post(path, change(1)).send().await.unwrap();
        assert_eq!(problem(unknown).await, (404, "not_found".to_owned(), false), "{path}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_apps_secret_nothing_passes_and_the_sender_shall_come_again() {
    let world = start_with(Default::default(), &[("COCCINELLE__PLATFORMS__HUBSPOT__CLIENT_SECRET", "")]).await;
    assert_eq!(problem(world.deliver(change(1)).await).await, (503, "key_unavailable".to_owned(), true));
    assert_eq!(world.published().await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_nobody_whom_we_know_is_answered_like_the_rest_logged_and_dropped() {
    let key_ring = std::env::temp_dir().join(format!("key-ring-{}.json", IntegrationId::new()));
    KeyRing::create(&key_ring).unwrap();
    let ring = key_ring.display().to_string();
    let world = start_with(Default::default(), &[("COCCINELLE__VAULT__KEY_RING_FILE", &ring)]).await;
    let unknown = IntegrationId::new();
    for path in
        ["pipedrive", "woocommerce", "zendesk"].map(|platform| format!("/webhooks/integrations/{platform}/{unknown}"))
    {
        let answer = world.post(&path, change(1)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 202, "{path}");
        let told = answer.json::<Value>().await.unwrap();
        told["delivery"].as_str().unwrap().parse::<WebhookLogId>().unwrap();
        assert_eq!(told.as_object().unwrap().len(), 1, "{told}");
    }
    // Salesforce wants to hear that it was heard in a form of its own, or it sends the message again for a day.
    let address = format!("/webhooks/integrations/salesforce/{unknown}?token=a-guess");
    let answer = world.post(&address, b"<soapenv:Envelope/>".to_vec()).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["content-type"], "text/xml; charset=utf-8");
    let told = answer.text().await.unwrap();
    assert!(told.contains("<Ack>true</Ack>") && !told.contains("Fault"), "{told}");

    assert!(world.published().await.is_empty());
    let logged = world.logged().await;
    let platforms: Vec<_> = logged.iter().map(|entry| &entry["platform"]).collect();
    assert_eq!(platforms, ["pipedrive", "woocommerce", "zendesk", "salesforce"]);
    let called = json!(unknown.to_string());
    for entry in &logged {
        assert_eq!(entry["result"], json!({"result": "refused", "reason": "unknown_address"}), "{entry}");
        assert_eq!(
            (&entry["integration_id"], &entry["tenant_id"], &entry["body"]),
            (&called, &Value::Null, &Value::Null)
        );
    }
    world.stop().await;
    std::fs::remove_file(key_ring).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_ten_megabytes_is_refused_by_default_whoever_sends_it() {
    let world = start().await;
    let body = vec![b' '; 10 * 1_048_576];
    let integration = IntegrationId::new();
    for platform in registry::all() {
        let shared = format!("/webhooks/integrations/{}", platform.connector().descriptor().slug);
        for path in [shared.clone(), format!("{shared}/{integration}?token=a-guess")] {
            let refused = world.post(&path, body.clone()).send().await.unwrap();
            assert_eq!(problem(refused).await, (413, "too_large".to_owned(), false), "{path}");
        }
    }
    // Signed or not.
    assert_eq!(problem(world.deliver(body).await).await, (413, "too_large".to_owned(), false));
    assert_eq!((world.published().await.len(), world.logged().await.len()), (0, 0));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_was_written_anew_is_not_what_was_signed() {
    let world = start().await;
    let spaced = String::from_utf8(change(1)).unwrap().replace(':', ": ");
    let mut request = world.post(PATH, change(1));
    for (name, value) in signature(PATH, spaced.as_bytes(), Timestamp::now()) {
        request = request.header(name, value);
    }
    assert_eq!(problem(request.send().await.unwrap()).await, (401, "wrong_signature".to_owned(), false));
    assert_eq!(world.deliver(spaced.into_bytes()).await.status().as_u16(), 202);
    assert_eq!(world.published().await.len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_shopify_asks_by_law_is_taken_where_it_is_signed_and_else_unauthorized() {
    let world = start_with(Default::default(), &[("COCCINELLE__PLATFORMS__SHOPIFY__CLIENT_SECRET", SECRET)]).await;
    let body = json!({"shop_id": 1, "shop_domain": "acme.myshopify.com", "customer": {"id": 7001}}).to_string();
    let deliver = async |topic: &str, signature: &str| {
        let request = world.post("/webhooks/integrations/shopify", body.clone().into_bytes());
        let request = request.header("x-shopify-topic", topic).header("x-shopify-webhook-id", topic);
        let request = request.header("x-shopify-shop-domain", "acme.myshopify.com");
        request.header("x-shopify-hmac-sha256", signature).send().await.unwrap().status().as_u16()
    };
    let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), body.as_bytes());
    let signature = BASE64_STANDARD.encode(signed);
    let topics = ["customers/data_request", "customers/redact", "shop/redact"];
    for topic in topics {
        assert_eq!(deliver(topic, &signature).await, 202, "{topic}");
    }
    assert_eq!(deliver("customers/redact", &BASE64_STANDARD.encode([0; 32])).await, 401);
    let published = world.published().await;
    assert_eq!(published.len(), topics.len());
    for topic in topics {
        assert!(published.iter().any(|message| message.payload.contains(topic)), "{topic}");
    }
    world.stop().await;
}
