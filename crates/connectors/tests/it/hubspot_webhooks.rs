//! HubSpot's deliveries: what its own client signs is accepted, and nothing else.

use connectors::registry::Platform;
use connectors::webhook::{Rejection, WebhookFormat, WebhookRequest};
use domain::time::Timestamp;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fixtures;

const SIGNATURES: &str = include_str!("../fixtures/hubspot/signatures.json");
const CHANGES: &str = include_str!("../fixtures/hubspot/changes.json");

/// A delivery as HubSpot's own client signs it.
#[derive(Clone, Deserialize)]
struct Signed {
    name: String,
    secret: String,
    method: String,
    uri: String,
    body: String,
    timestamp: i64,
    signature: String,
}

fn signed() -> Vec<Signed> {
    serde_json::from_str(SIGNATURES).unwrap()
}

fn format() -> &'static dyn WebhookFormat {
    Platform::HubSpot.connector().webhooks()
}

/// The verdict on a delivery that comes in so long after it was signed.
fn verdict(signed: &Signed, late_by: i64) -> Result<(), Rejection> {
    let headers = [
        ("x-hubspot-signature-v3".to_owned(), signed.signature.clone()),
        ("x-hubspot-request-timestamp".to_owned(), signed.timestamp.to_string()),
    ];
    let request = WebhookRequest {
        method: &signed.method,
        public_uri: &signed.uri,
        headers: &headers,
        body: signed.body.as_bytes(),
        received_at: Timestamp::from_millis(signed.timestamp + late_by).unwrap(),
    };
    format().verify(&request, &signed.secret.clone().into())
}

#[test]
fn accepts_what_hubspots_own_client_signs() {
    assert!(signed().len() >= 10);
    for signed in signed() {
        assert_eq!(verdict(&signed, 1_000), Ok(()), "{}", signed.name);
    }
}

#[test]
fn refuses_anything_that_was_changed_on_the_way() {
    type Change = fn(&mut Signed);
    let changes: [Change; 7] = [
        |it| it.body.push(' '),
        // Read and written again.
        |it| it.body = format!("{} ", it.body).replace(',', ", "),
        |it| it.method.push('X'),
        |it| it.uri.push('/'),
        |it| it.timestamp += 1,
        |it| it.secret.push('x'),
        |it| {
            let other = if it.signature.starts_with('A') { "B" } else { "A" };
            it.signature.replace_range(..1, other);
        },
    ];
    for signed in signed() {
        for change in changes {
            let mut tampered = signed.clone();
            change(&mut tampered);
            assert_eq!(verdict(&tampered, 0), Err(Rejection::WrongSignature), "{}", signed.name);
        }
    }
}

#[test]
fn refuses_what_was_signed_more_than_five_minutes_ago_or_ahead() {
    let signed = signed().remove(0);
    for (late_by, expected) in [
        (300_000, Ok(())),
        (-300_000, Ok(())),
        (300_001, Err(Rejection::OutsideWindow)),
        (-300_001, Err(Rejection::OutsideWindow)),
    ] {
        assert_eq!(verdict(&signed, late_by), expected, "{late_by} ms");
    }
}

#[test]
fn refuses_a_signature_of_another_form() {
    for signature in ["", "not base64!", "v3=abc", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"] {
        let signed = Signed { signature: signature.to_owned(), ..signed().remove(0) };
        assert!(matches!(verdict(&signed, 0), Err(Rejection::Unsigned | Rejection::WrongSignature)), "{signature}");
    }
}

#[test]
fn checks_the_address_as_hubspot_decodes_it() {
    // Signed by HubSpot over the decoded address, called by it with the encoded one.
    let decoded = signed().into_iter().find(|signed| signed.name == "decoded query").unwrap();
    let called =
        Signed { uri: decoded.uri.replace(':', "%3A").replace("https%3A", "https:").replace('@', "%40"), ..decoded };
    assert!(called.uri.contains("%3A") && called.uri.contains("%40") && called.uri.contains("%20"));
    assert_eq!(verdict(&called, 0), Ok(()));
}

#[test]
fn an_exact_repetition_has_the_same_id_and_nothing_else_has() {
    let all = signed();
    let id = |signed: &Signed| {
        let headers = [("x-hubspot-signature-v3".to_owned(), signed.signature.clone())];
        format().delivery_id(&headers, signed.body.as_bytes()).unwrap()
    };
    let ids: std::collections::BTreeSet<String> = all.iter().map(id).collect();
    assert_eq!(ids.len(), all.len());
    assert_eq!(id(&all[0]), id(&all[0].clone()));
}

#[test]
fn reads_every_documented_type_of_event() {
    let changes = format().parse(&[], &fixtures::deliveries(Platform::HubSpot).remove(0).1).unwrap();
    let read: Vec<Value> = changes
        .iter()
        .map(|change| json!([change.kind, change.external_id, change.deleted, change.merged_into]))
        .collect();
    assert_eq!(Value::from(read), serde_json::from_str::<Value>(CHANGES).unwrap());
    assert!(changes.iter().all(|change| change.account_id.as_deref() == Some("4242")));
    assert_eq!(changes[1].occurred_at, Timestamp::from_millis(1_795_370_640_001));
}

#[test]
fn refuses_a_body_that_is_no_array() {
    for body in ["", "{}", "null", "[", "\"x\""] {
        assert_eq!(format().parse(&[], body).unwrap_err().code, "malformed_delivery", "{body}");
    }
    assert!(format().parse(&[], "[null, 1, \"x\", {}, []]").unwrap().is_empty());
}

/// Values that HubSpot may send, and such that it would not.
fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "(contact|deal|object|contact.|.)(creation|deletion|propertyChange|merge|associationChange)?"
            .prop_map(Value::from),
        prop::collection::vec(any::<i64>(), 0..3).prop_map(Value::from),
        Just(json!({})),
    ]
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused_and_what_is_read_names_an_object(
        text in ".{0,80}",
        events in prop::collection::vec(prop::collection::hash_map(
            "(portalId|occurredAt|subscriptionType|objectId|objectTypeId|newObjectId|primaryObjectId|mergedObjectIds)",
            odd_value(), 0..8), 0..4),
        happened in "(contact|deal|object)\\.(creation|deletion|merge|restore|privacyDeletion|propertyChange)",
    ) {
        drop(format().parse(&[], &text));
        let mut body = json!(events);
        for event in body.as_array_mut().unwrap() {
            event["subscriptionType"] = json!(happened);
        }
        for body in [json!(events), body] {
            for change in format().parse(&[], &body.to_string()).unwrap() {
                prop_assert!(!change.external_id.is_empty() && change.external_id.bytes().all(|b| b.is_ascii_digit()));
            }
        }
    }

    #[test]
    fn nobody_gets_in_by_any_headers(
        headers in prop::collection::vec(("x-hubspot-(signature-v3|request-timestamp|signature)", "[0-9A-Za-z+/=-]{0,50}"), 0..4),
        uri in ".{0,60}", body in prop::collection::vec(any::<u8>(), 0..60), at in any::<i64>(),
    ) {
        let received_at = Timestamp::from_millis(at).unwrap_or_else(Timestamp::now);
        let request = WebhookRequest { method: "POST", public_uri: &uri, headers: &headers, body: &body, received_at };
        prop_assert!(format().verify(&request, &"a secret".into()).is_err());
    }
}
