//! What Shopify signs: its deliveries and the callbacks of its consent page. And how a shop is made to call us.

use connectors::oauth::{App, BadCallback, Callback};
use connectors::registry::Platform;
use connectors::subscriptions::{self, Target};
use connectors::webhook::{Matter, PersonRef, Rejection, WebhookFormat, WebhookRequest};
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bench::{Bench, SHOPIFY};
use crate::fixtures;

const SIGNATURES: &str = include_str!("../fixtures/shopify/signatures.json");
const CALLBACKS: &str = include_str!("../fixtures/shopify/callbacks.json");
const CHANGES: &str = include_str!("../fixtures/shopify/changes.json");

/// When the callbacks were signed.
const SIGNED_AT: i64 = 1_795_946_400;

/// A delivery as Shopify's own client signs it.
#[derive(Clone, Deserialize)]
struct Signed {
    name: String,
    secret: String,
    body: String,
    signature: String,
}

#[derive(Clone, Deserialize)]
struct SignedCallback {
    name: String,
    secret: String,
    query: Vec<(String, String)>,
}

fn signed() -> Vec<Signed> {
    serde_json::from_str(SIGNATURES).unwrap()
}

fn callbacks() -> Vec<SignedCallback> {
    serde_json::from_str(CALLBACKS).unwrap()
}

fn format() -> &'static dyn WebhookFormat {
    Platform::Shopify.connector().webhooks()
}

fn verdict(signed: &Signed) -> Result<(), Rejection> {
    let headers = [("x-shopify-hmac-sha256".to_owned(), signed.signature.clone())];
    let request = WebhookRequest {
        method: "POST",
        public_uri: "https://hooks.example.com/webhooks/integrations/shopify",
        headers: &headers,
        body: signed.body.as_bytes(),
        received_at: Timestamp::now(),
    };
    format().verify(&request, &signed.secret.clone().into())
}

#[test]
fn accepts_what_shopifys_own_client_signs_and_nothing_that_was_changed_on_the_way() {
    type Change = fn(&mut Signed);
    let changes: [Change; 3] =
        [|it| it.body.push(' '), |it| it.secret.push('x'), |it| it.signature = it.signature.chars().rev().collect()];
    assert!(signed().len() >= 6);
    for signed in signed() {
        assert_eq!(verdict(&signed), Ok(()), "{}", signed.name);
        for change in changes {
            let mut tampered = signed.clone();
            change(&mut tampered);
            assert!(verdict(&tampered).is_err(), "{}", signed.name);
        }
        // What was read and written again is another body.
        let again = serde_json::from_str::<Value>(&signed.body).unwrap().to_string();
        if again != signed.body {
            assert_eq!(
                verdict(&Signed { body: again, ..signed.clone() }),
                Err(Rejection::WrongSignature),
                "{}",
                signed.name
            );
        }
    }
}

fn callback(query: &[(String, String)], secret: &str, site: &str, seconds_later: i64) -> Result<(), BadCallback> {
    let base = || "https://acme.myshopify.com".parse().unwrap();
    let app = App {
        client_id: "key".to_owned(),
        client_secret: secret.to_owned().into(),
        authorize_base: base(),
        token_base: base(),
        base_url: Some(base()),
        site: Some(site.to_owned()),
    };
    let received_at = Timestamp::from_millis((SIGNED_AT + seconds_later) * 1_000).unwrap();
    Platform::Shopify.connector().oauth().unwrap().check_callback(&app, &Callback { query, received_at })
}

#[test]
fn a_callback_is_accepted_from_the_shop_that_was_asked_just_now_and_as_it_was_signed() {
    assert!(callbacks().len() >= 3);
    for SignedCallback { name, secret, query } in callbacks() {
        let of = |site: &str, later: i64| callback(&query, &secret, site, later);
        for later in [-90, 0, 90] {
            assert_eq!(of("acme", later), Ok(()), "{name} {later}");
        }
        assert_eq!(
            (of("acme", 91), of("acme", -91)),
            (Err(BadCallback::OutsideWindow), Err(BadCallback::OutsideWindow))
        );
        assert_eq!(of("other", 0), Err(BadCallback::OtherSite), "{name}");
        assert_eq!(callback(&query, "another", "acme", 0), Err(BadCallback::Unsigned), "{name}");
        for place in 0..query.len() {
            let mut tampered = query.clone();
            tampered[place].1.push('0');
            assert_eq!(
                callback(&tampered, &secret, "acme", 0),
                Err(BadCallback::Unsigned),
                "{name}: {}",
                query[place].0
            );
            tampered.remove(place);
            assert_eq!(
                callback(&tampered, &secret, "acme", 0),
                Err(BadCallback::Unsigned),
                "{name}: {}",
                query[place].0
            );
        }
    }
}

#[test]
fn what_is_told_of_an_order_that_is_too_old_to_be_read_is_left_out() {
    let headers = [("x-shopify-topic", "orders/updated"), ("x-shopify-shop-domain", "acme.myshopify.com")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let told = |days: u64| {
        let made = Timestamp::now().minus(std::time::Duration::from_secs(days * 86_400));
        format().parse(&headers, &json!({"id": 9001, "created_at": made}).to_string()).unwrap().len()
    };
    assert_eq!((told(59), told(61)), (1, 0));
}

#[test]
fn reads_every_event_that_is_subscribed_to() {
    let (mut read, mut matters) = (Vec::new(), Vec::new());
    for (headers, body) in fixtures::deliveries(Platform::Shopify) {
        assert_eq!(format().delivery_id(&headers, body.as_bytes()).as_deref(), Some("Acme.myshopify.com:w1"));
        let changes = format().parse(&headers, &body).unwrap();
        if let Some(affair) = format().affair(&headers, &body) {
            assert_eq!((affair.account_id.as_str(), changes.len()), ("acme.myshopify.com", 0), "{headers:?}");
            matters.push(affair.matter);
        }
        for change in changes {
            assert_eq!(change.account_id.as_deref(), Some("acme.myshopify.com"));
            read.push(json!([change.kind, change.external_id, change.deleted, change.merged_into]));
        }
    }
    assert_eq!(Value::from(read), serde_json::from_str::<Value>(CHANGES).unwrap());
    let ann = || PersonRef::Id("7001".to_owned());
    let expected = [Matter::ErasePerson(ann()), Matter::PersonAsks(ann()), Matter::EraseAccount, Matter::AppRemoved];
    assert_eq!(matters, expected);
}

#[test]
fn what_is_to_be_erased_is_named_by_what_was_signed_alone() {
    let elsewhere = |topic: &str| {
        [("x-shopify-topic", topic), ("x-shopify-shop-domain", "other.myshopify.com")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let affair = format().affair(&elsewhere("shop/redact"), r#"{"shop_domain": "acme.myshopify.com"}"#).unwrap();
    assert_eq!(affair.account_id, "acme.myshopify.com");
    let about = |customer: Value| {
        let body = json!({"shop_domain": "acme.myshopify.com", "customer": customer}).to_string();
        format().affair(&elsewhere("customers/redact"), &body).map(|affair| affair.matter)
    };
    let by_email = Matter::ErasePerson(PersonRef::Email("ann@example.test".to_owned()));
    assert_eq!(about(json!({"email": "ann@example.test", "phone": null})), Some(by_email));
    assert_eq!((about(json!({"id": null, "email": ""})), about(Value::Null)), (None, None));
    for body in ["{}", "[]", "", r#"{"shop_domain": 7}"#] {
        for topic in ["shop/redact", "customers/redact", "customers/data_request", "app/uninstalled"] {
            assert_eq!(format().affair(&elsewhere(topic), body), None, "{topic} {body}");
        }
    }
}

#[tokio::test]
async fn every_topic_is_subscribed_to_once_and_taken_away() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let subscriptions = bench.connector().subscriptions().unwrap();
    let target =
        Target { url: "https://hooks.example.com/webhooks/integrations/shopify".parse().unwrap(), secret: None };
    let ensured = bench.is_made_to_call(&target).await;
    assert_eq!((ensured.made.len(), ensured.secret.is_none()), (subscriptions.topics().len(), true));
    let again = bench.is_made_to_call(&target).await;
    assert!(again.made.is_empty() && again.removed == 0);
    let other = Target { url: "https://other.example.com/".parse().unwrap(), secret: None };
    assert_eq!(subscriptions::remove(subscriptions, &bench.account, &other).await.unwrap(), 0);
    assert_eq!(subscriptions::remove(subscriptions, &bench.account, &target).await.unwrap(), 11);
    assert!(subscriptions.list(&bench.account).await.unwrap().is_empty());
}
