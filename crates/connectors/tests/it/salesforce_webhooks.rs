//! Salesforce's outbound messages: who knows the address is let in, and what they say is read without trusting it.

use connectors::registry::Platform;
use connectors::webhook::{Rejection, WebhookFormat, WebhookRequest};
use domain::fault::FaultKind;
use domain::time::Timestamp;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fixtures;

const SIGNATURES: &str = include_str!("../fixtures/salesforce/signatures.json");
const CHANGES: &str = include_str!("../fixtures/salesforce/changes.json");

/// An address with a secret in it, as another client writes it.
#[derive(Deserialize)]
struct Given {
    name: String,
    secret: String,
    uri: String,
}

fn format() -> &'static dyn WebhookFormat {
    Platform::Salesforce.connector().webhooks()
}

fn deliveries() -> Vec<String> {
    fixtures::deliveries(Platform::Salesforce).into_iter().map(|(_, body)| body).collect()
}

fn verdict(uri: &str, secret: &str) -> Result<(), Rejection> {
    let request =
        WebhookRequest { method: "POST", public_uri: uri, headers: &[], body: b"<x/>", received_at: Timestamp::now() };
    format().verify(&request, &secret.to_owned().into())
}

#[test]
fn accepts_the_secret_that_another_client_writes_into_the_address_and_no_other() {
    let all: Vec<Given> = serde_json::from_str(SIGNATURES).unwrap();
    assert!(all.len() >= 5);
    for given in all {
        assert_eq!(verdict(&given.uri, &given.secret), Ok(()), "{}", given.name);
        let other = format!("{}x", given.secret);
        assert_eq!(verdict(&given.uri, &other), Err(Rejection::WrongSignature), "{}", given.name);
        assert_eq!(verdict(&given.uri, ""), Err(Rejection::NoSecret));
        let bare = given.uri.split('?').next().unwrap();
        assert_eq!(verdict(bare, &given.secret), Err(Rejection::Unsigned));
    }
}

#[test]
fn reads_every_notification_and_leaves_out_what_is_not_kept() {
    let (mut read, mut ids) = (Vec::new(), std::collections::BTreeSet::new());
    for body in deliveries() {
        assert!(format().is_readable(&[], &body));
        for change in format().parse(&[], &body).unwrap() {
            assert_eq!(change.account_id.as_deref(), Some("00D000000000001EAA"));
            read.push(json!([change.kind, change.external_id, change.deleted, change.merged_into]));
        }
        assert!(ids.insert(format().delivery_id(&[], body.as_bytes()).unwrap()));
    }
    assert_eq!(Value::from(read), serde_json::from_str::<Value>(CHANGES).unwrap());
}

#[test]
fn an_object_has_one_id_however_long_it_is_written() {
    let body = deliveries().remove(0);
    let short = body.replacen("003000000000031AAA", "003000000000031", 1);
    assert_ne!(short, body);
    assert_eq!(format().parse(&[], &short).unwrap(), format().parse(&[], &body).unwrap());
}

#[test]
fn a_key_to_the_organisation_that_is_sent_along_is_not_kept() {
    let body = deliveries().remove(0);
    let with_key = body.replacen(r#"<SessionId xsi:nil="true"/>"#, "<SessionId>00D!a-session</SessionId>", 1);
    let kept = format().kept_body(&with_key);
    assert!(with_key.contains("a-session") && !kept.contains("a-session"), "{kept}");
    assert_eq!(format().parse(&[], &kept).unwrap(), format().parse(&[], &body).unwrap());
    assert_eq!(format().kept_body(&body), body);
    // What would be cut off with it is not taken.
    let endless = with_key.replacen("</SessionId>", "", 1);
    assert!(format().is_readable(&[], &with_key) && !format().is_readable(&[], &endless));
}

proptest! {
    #[test]
    fn nor_is_one_however_its_element_is_written(
        open in "<([a-z]{1,3}:)?SessionId([ \\r\\n\\t]+xsi:type=(\"(a|'|/|/>|>)\"|'(a|\"|/>)'))?[ \\r\\n]*>",
        within in prop::sample::select(vec![
            "00D!a-session",
            "/>00D!a-session",
            "a/><x>00D!a-session</x>",
            "<![CDATA[00D!a-session]]>",
            "<![CDATA[</SessionId>]]>00D!a-session",
            "<x/>00D!a-session",
        ]),
        close in "(</([a-z]{1,3}:)?SessionId[ \\n]*>)?",
        times in 1_usize..4,
    ) {
        let body = deliveries().remove(0);
        let elements = format!("{open}{within}{close}").repeat(times);
        let kept = format().kept_body(&body.replacen(r#"<SessionId xsi:nil="true"/>"#, &elements, 1)).into_owned();
        prop_assert!(!kept.contains("a-session"), "{}", kept);
        if !close.is_empty() {
            prop_assert_eq!(format().parse(&[], &kept).unwrap(), format().parse(&[], &body).unwrap());
        }
        let again = format().kept_body(&kept).into_owned();
        prop_assert_eq!(again, kept);
    }
}

#[test]
fn what_declares_entities_or_is_no_outbound_message_is_not_read() {
    let body = deliveries().remove(0);
    let declared = body.replacen("<soapenv:Envelope", "<!DOCTYPE x [<!ENTITY a \"b\">]><soapenv:Envelope", 1);
    let cut = body.replacen("</Notification>", "", 1);
    let long_id = body.replacen("003000000000031AAA", "003000000000031AAA' OR Id != '", 1);
    for bad in [declared.as_str(), &cut, &long_id, "{}", "<x/>", ""] {
        assert!(!format().is_readable(&[], bad), "{bad}");
        assert_eq!(format().parse(&[], bad).unwrap_err().kind, FaultKind::Invalid);
    }
}

#[test]
fn what_was_taken_is_acknowledged_in_its_own_words() {
    let receipt = format().receipt().unwrap();
    assert!(receipt.content_type.starts_with("text/xml") && receipt.body.contains("<Ack>true</Ack>"));
}

proptest! {
    #[test]
    fn any_change_of_a_message_is_read_or_refused(at in 0_usize..1_200, put in ".{0,6}", take in 0_usize..40) {
        let body = deliveries().remove(0);
        let start = body.char_indices().map(|(at, _)| at).nth(at % body.chars().count()).unwrap_or(0);
        let rest: String = body.get(start..).unwrap_or_default().chars().skip(take).collect();
        let changed = format!("{}{put}{rest}", body.get(..start).unwrap_or_default());
        format().delivery_id(&[], changed.as_bytes());
        for change in format().parse(&[], &changed).unwrap_or_default() {
            prop_assert!(change.external_id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }
}
