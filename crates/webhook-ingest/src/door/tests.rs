//! The door against forged, replayed and random requests.

use base64::prelude::{BASE64_STANDARD, Engine};
use domain::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use ring::hmac;

use super::*;

const SECRET: &str = "an app's secret";
const TARGET: &str = "/webhooks/integrations/hubspot?a=b";
const BODY: &[u8] = br#"[{"portalId":4242}]"#;

fn door() -> Door {
    let variables = [
        ("COCCINELLE__PLATFORMS__HUBSPOT__CLIENT_SECRET", SECRET),
        ("COCCINELLE__WEBHOOKS__PUBLIC_URL", "https://hooks.example.com/edge/"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Door::new(&runtime::config::read(None, variables).unwrap())
}

fn hubspot() -> Address {
    Address::parse("hubspot", None).unwrap()
}

/// As HubSpot signs, version 3.
fn signed(uri: &str, body: &[u8], at: Timestamp) -> Vec<(String, String)> {
    let timestamp = at.as_millis().to_string();
    let text = [b"POST", uri.as_bytes(), body, timestamp.as_bytes()].concat();
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), &text);
    let header = |name: &str, value: String| (name.to_owned(), value);
    vec![
        header("x-hubspot-signature-v3", BASE64_STANDARD.encode(signature)),
        header("x-hubspot-request-timestamp", timestamp),
        header("cookie", "not ours".to_owned()),
    ]
}

fn admit(headers: &[(String, String)], body: &[u8], received_at: Timestamp) -> Result<Admitted, Refusal> {
    let_in(&door(), &Incoming { method: "POST", target: TARGET, headers, body, received_at })
}

fn let_in(door: &Door, incoming: &Incoming<'_>) -> Result<Admitted, Refusal> {
    door.admit(&hubspot(), incoming, door.app_secrets(&hubspot()))
}

#[test]
fn a_shops_greeting_is_no_delivery_and_nobody_elses_is_one() {
    let greeting = |platform: &str, body: &[u8]| {
        let incoming = Incoming { method: "POST", target: "/", headers: &[], body, received_at: Timestamp::now() };
        Address::parse(platform, None).unwrap().is_greeted_by(&incoming)
    };
    assert!(greeting("woocommerce", b"webhook_id=7"));
    assert!(!greeting("woocommerce", b"webhook_id=7&id=8"));
    assert!(!greeting("hubspot", b"webhook_id=7"));
}

#[test]
fn what_the_apps_secret_before_has_signed_is_let_in_while_the_operator_names_it() {
    let admits = |secrets: &[(&str, &str)]| {
        let named = secrets.iter().map(|(name, secret)| (format!("COCCINELLE__PLATFORMS__SHOPIFY__{name}"), *secret));
        let variables = named.map(|(name, secret)| (name, secret.to_owned()));
        let door = Door::new(&runtime::config::read(None, variables).unwrap());
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), BODY);
        let headers = [("x-shopify-hmac-sha256".to_owned(), BASE64_STANDARD.encode(signature))];
        let (address, received_at) = (Address::parse("shopify", None).unwrap(), Timestamp::now());
        let incoming = Incoming { method: "POST", target: "/", headers: &headers, body: BODY, received_at };
        door.admit(&address, &incoming, door.app_secrets(&address)).map(drop)
    };
    let wrong = Err(Refusal::Unverified(Rejection::WrongSignature));
    assert_eq!(admits(&[("CLIENT_SECRET", SECRET)]), Ok(()));
    assert_eq!(admits(&[("CLIENT_SECRET", "another")]), wrong);
    assert_eq!(admits(&[("CLIENT_SECRET", "another"), ("CLIENT_SECRET_BEFORE", SECRET)]), Ok(()));
    assert_eq!(admits(&[("CLIENT_SECRET", "another"), ("CLIENT_SECRET_BEFORE", "")]), wrong);
    assert_eq!(admits(&[]), Err(Refusal::KeyUnavailable));
}

#[test]
fn what_would_open_an_account_is_not_passed_on() {
    let body = br#"<x xmlns="http://soap.sforce.com/2005/09/outbound"><SessionId>00D!a-session</SessionId></x>"#;
    let target = "/webhooks/integrations/salesforce?token=s3cret";
    let incoming = Incoming { method: "POST", target, headers: &[], body, received_at: Timestamp::now() };
    let (address, secret) = (Address::parse("salesforce", None).unwrap(), SecretString::from("s3cret".to_owned()));
    let admitted = door().admit(&address, &incoming, std::iter::once(&secret)).unwrap();
    assert!(!admitted.message.body.contains("a-session"), "{}", admitted.message.body);
}

const PUBLIC: &str = "https://hooks.example.com/edge/webhooks/integrations/hubspot?a=b";

#[test]
fn admits_what_is_signed_for_the_public_address() {
    let now = Timestamp::now();
    let admitted = admit(&signed(PUBLIC, BODY, now), BODY, now).unwrap();
    assert_eq!((admitted.message.body.as_bytes(), admitted.message.received_at), (BODY, now));
    assert!(admitted.message.headers.iter().all(|(name, _)| name != "cookie"));
    assert!(admitted.message.headers.iter().all(|(name, _)| name != "x-hubspot-signature-v3"));
}

#[test]
fn refuses_a_signature_for_another_address_body_or_time() {
    let now = Timestamp::now();
    let wrong = Err(Refusal::Unverified(Rejection::WrongSignature));
    assert_eq!(admit(&signed("https://evil.example/", BODY, now), BODY, now).map(drop), wrong);
    assert_eq!(admit(&signed(PUBLIC, BODY, now), b"[]", now).map(drop), wrong);
    let hour = std::time::Duration::from_secs(3_600);
    let outside = Err(Refusal::Unverified(Rejection::OutsideWindow));
    assert_eq!(admit(&signed(PUBLIC, BODY, now), BODY, now.plus(hour)).map(drop), outside);
    assert_eq!(admit(&signed(PUBLIC, BODY, now.plus(hour)), BODY, now).map(drop), outside);
}

#[test]
fn without_a_secret_nobody_passes() {
    let now = Timestamp::now();
    let keyless = Door::new(&runtime::config::read(None, []).unwrap());
    let headers = signed(PUBLIC, BODY, now);
    let incoming = Incoming { method: "POST", target: TARGET, headers: &headers, body: BODY, received_at: now };
    assert_eq!(let_in(&keyless, &incoming).map(drop), Err(Refusal::KeyUnavailable));
}

#[test]
fn refuses_signed_bodies_that_are_not_json_text() {
    let now = Timestamp::now();
    for body in [b"\xff\xfe".as_slice(), b"", b"{", b"[1]]"] {
        assert_eq!(admit(&signed(PUBLIC, body, now), body, now).map(drop), Err(Refusal::Malformed));
    }
}

#[test]
fn knows_no_address_that_is_none() {
    for (platform, integration) in [
        ("", None),
        ("nobody", None),
        ("HubSpot", None),
        ("hubspot", Some("int_x")),
        ("hubspot", Some("")),
        ("../x", None),
    ] {
        assert!(Address::parse(platform, integration).is_none(), "{platform} {integration:?}");
    }
    let integration = IntegrationId::new().to_string();
    assert!(Address::parse("hubspot", Some(&integration)).is_some());
}

#[test]
fn one_of_several_secrets_is_enough_and_an_empty_one_counts_for_nothing() {
    let now = Timestamp::now();
    let headers = signed(PUBLIC, BODY, now);
    let incoming = Incoming { method: "POST", target: TARGET, headers: &headers, body: BODY, received_at: now };
    let verdict = |secrets: &[&str]| {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).into()).collect();
        door().admit(&hubspot(), &incoming, secrets.iter()).map(drop)
    };
    assert_eq!(verdict(&["a new one", SECRET]), Ok(()));
    assert_eq!(verdict(&["a new one", "another"]), Err(Refusal::Unverified(Rejection::WrongSignature)));
    assert_eq!(verdict(&["", ""]), Err(Refusal::KeyUnavailable));
}

proptest! {
    /// Whatever a stranger sends is refused as unverified: never let in, never a panic, never our fault.
    #[test]
    fn a_stranger_is_refused_whatever_they_send(
        method in ".*", target in ".*", body in vec(any::<u8>(), 0..200),
        headers in vec(("(x-hubspot-signature-v3|x-hubspot-request-timestamp|content-type|[a-z-]{1,8})", ".*"), 0..6),
        at in any::<i64>(),
    ) {
        let received_at = Timestamp::from_millis(at).unwrap_or_else(Timestamp::now);
        let incoming = Incoming { method: &method, target: &target, headers: &headers, body: &body, received_at };
        let refused = let_in(&door(), &incoming).map(drop);
        prop_assert!(matches!(refused, Err(Refusal::Unverified(_))), "{:?}", refused);
    }

    /// Whatever the platform signs is let in exactly if it is JSON.
    #[test]
    fn what_is_signed_is_admitted_exactly_if_it_is_json(body in "[\\[\\]{}\":,0-9a-d\u{0}é ]{0,8}") {
        let now = Timestamp::now();
        let is_json = serde_json::from_str::<serde_json::Value>(&body).is_ok();
        let admitted = admit(&signed(PUBLIC, body.as_bytes(), now), body.as_bytes(), now).map(drop);
        prop_assert_eq!(admitted, if is_json { Ok(()) } else { Err(Refusal::Malformed) });
    }

    #[test]
    fn parsing_an_address_never_panics(platform in ".*", integration in ".*") {
        Address::parse(&platform, Some(&integration));
    }
}

#[test]
fn a_message_of_salesforce_is_let_in_by_the_secret_in_its_address_and_acknowledged() {
    let id = IntegrationId::new().to_string();
    let address = Address::parse("salesforce", Some(&id)).unwrap();
    let body = "<notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\"><OrganizationId>00D000000000001EAA\
                </OrganizationId><Notification><Id>04l000000000001AAA</Id><sObject xsi:type=\"sf:Contact\"><sf:Id>\
                003000000000031AAA</sf:Id></sObject></Notification></notifications>";
    let secret: SecretString = SECRET.to_owned().into();
    let verdict = |target: &str, body: &str| {
        let target = format!("/webhooks/integrations/salesforce/{id}{target}");
        let (body, received_at) = (body.as_bytes(), Timestamp::now());
        let incoming = Incoming { method: "POST", target: &target, headers: &[], body, received_at };
        door().admit(&address, &incoming, std::iter::once(&secret)).map(|admitted| admitted.delivery_id)
    };
    let known = "?token=an+app%27s+secret";
    assert_eq!(verdict(known, body).unwrap().as_deref(), Some("04l000000000001AAA"));
    assert_eq!(verdict(known, "{}").unwrap_err(), Refusal::Malformed);
    assert_eq!(verdict("?token=another", body).unwrap_err(), Refusal::Unverified(Rejection::WrongSignature));
    assert_eq!(verdict("", body).unwrap_err(), Refusal::Unverified(Rejection::Unsigned));
    assert!(address.receipt().unwrap().body.contains("<Ack>true</Ack>"));
    assert!(hubspot().receipt().is_none());
}
