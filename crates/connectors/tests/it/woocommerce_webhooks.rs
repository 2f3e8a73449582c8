//! Deliveries as a real WooCommerce sent them: what it signs is accepted, and nothing else.

use connectors::registry::Platform;
use connectors::webhook::{Rejection, WebhookFormat, WebhookRequest};
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fixtures;

const SIGNATURES: &str = include_str!("../fixtures/woocommerce/signatures.json");

#[derive(Clone, Deserialize)]
struct Signed {
    name: String,
    secret: String,
    headers: std::collections::BTreeMap<String, String>,
    body: String,
}

fn signed() -> Vec<Signed> {
    serde_json::from_str(SIGNATURES).unwrap()
}

fn format() -> &'static dyn WebhookFormat {
    Platform::WooCommerce.connector().webhooks()
}

fn headers(signed: &Signed) -> Vec<(String, String)> {
    signed.headers.clone().into_iter().collect()
}

fn request<'a>(headers: &'a [(String, String)], body: &'a str) -> WebhookRequest<'a> {
    let public_uri = "https://hooks.example.com/webhooks/integrations/woocommerce/int_1";
    WebhookRequest { method: "POST", public_uri, headers, body: body.as_bytes(), received_at: Timestamp::now() }
}

fn verdict(signed: &Signed) -> Result<(), Rejection> {
    format().verify(&request(&headers(signed), &signed.body), &signed.secret.clone().into())
}

#[test]
fn accepts_what_a_real_shop_signed_and_refuses_what_was_changed_on_the_way() {
    assert!(signed().len() >= 4);
    for signed in signed() {
        assert_eq!(verdict(&signed), Ok(()), "{}", signed.name);
        let reserialised = serde_json::from_str::<Value>(&signed.body).unwrap().to_string();
        for tampered in [
            Signed { body: format!("{} ", signed.body), ..signed.clone() },
            Signed { body: reserialised, ..signed.clone() },
            Signed { secret: format!("{}x", signed.secret), ..signed.clone() },
        ] {
            assert_eq!(verdict(&tampered), Err(Rejection::WrongSignature), "{}", signed.name);
        }
    }
}

#[test]
fn one_delivery_id_stands_for_many_deliveries_and_ours_for_one() {
    let all = signed();
    let id = |signed: &Signed| format().delivery_id(&headers(signed), signed.body.as_bytes()).unwrap();
    let mut other = all[0].clone();
    other.headers.insert("x-wc-webhook-signature".to_owned(), "Zm9vYmFy".to_owned());
    assert_ne!(id(&all[0]), id(&other), "of the same second, of another body");
    assert_eq!(id(&all[0]), id(&all[0].clone()));
}

#[test]
fn only_a_bare_number_is_a_greeting() {
    let form = [("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    assert!(format().is_greeting(&request(&form, "webhook_id=12")));
    for body in
        ["", "webhook_id=", "webhook_id=1x", "webhook_id=1&x=2", "x=1", "{}", &format!("webhook_id={}", "1".repeat(80))]
    {
        assert!(!format().is_greeting(&request(&form, body)), "{body}");
    }
    let signed = [("x-wc-webhook-signature".to_owned(), "Zm9v".to_owned())];
    assert!(!format().is_greeting(&request(&signed, "webhook_id=12")));
}

#[test]
fn says_what_changed() {
    let read = |topic: &str, body: &str| {
        let changes = format().parse(&[("x-wc-webhook-topic".to_owned(), topic.to_owned())], body).unwrap();
        let shown = changes.iter().map(|it| json!([it.kind, it.external_id, it.deleted, it.merged_into]));
        Value::from(shown.collect::<Vec<_>>())
    };
    let (_, order) = fixtures::deliveries(Platform::WooCommerce).remove(0);
    assert_eq!(read("order.created", &order), json!([fixtures::changes(Platform::WooCommerce)[0]]));
    assert_eq!(read("customer.deleted", r#"{"id":7}"#), json!([["contact", "7", true, null]]));
    assert_eq!(read("product.restored", r#"{"id":8}"#), json!([["product", "8", false, null]]));
    assert_eq!(read("coupon.created", r#"{"id":9}"#), json!([]));
    assert_eq!(read("action.woocommerce_add_to_cart", r#"{"arg":1}"#), json!([]));
}
