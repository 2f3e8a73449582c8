//! Webhook deliveries with valid signatures, all made beforehand. Who checks them is not known here.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use chrono::{DateTime, Utc};
use ring::hmac;
use serde_json::json;

use super::connection;

/// Each is signed for another millisecond, within five minutes of now: the platform's own limit.
const MOST: u64 = 300_000;
/// The newest lies this far ahead, so that the oldest stays valid while it waits for its turn.
const AHEAD: i64 = 120_000;
/// As long as the messages that the broker is measured with.
const BODY: usize = 1_024;

/// Deliveries that differ in their time and signature, and so are no repetitions of each other.
#[derive(Debug)]
pub(super) struct Deliveries {
    path: &'static str,
    body: Vec<u8>,
    signed: Vec<(String, String)>,
}

impl Deliveries {
    /// `count` deliveries, but no more than can be valid at once, to `path` at `origin` (scheme, host and port).
    pub(super) fn sign(secret: &str, origin: &str, path: &'static str, count: u64, now: DateTime<Utc>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let (body, newest) = (body(), now.timestamp_millis().saturating_add(AHEAD));
        let start = [b"POST", origin.as_bytes(), path.as_bytes(), &body].concat();
        let sign = |age: u64| {
            let at = newest.saturating_sub_unsigned(age).to_string();
            let mut context = hmac::Context::with_key(&key);
            context.update(&start);
            context.update(at.as_bytes());
            (at, BASE64_STANDARD.encode(context.sign()))
        };
        let signed = (0..count.min(MOST)).map(sign).collect();
        Self { path, body, signed }
    }

    /// The request of this number; `None` once all have been used.
    pub(super) fn request(&self, number: u64) -> Option<Vec<u8>> {
        let (at, signature) = self.signed.get(usize::try_from(number).ok()?)?;
        let headers = [("x-hubspot-request-timestamp", at.as_str()), ("x-hubspot-signature-v3", signature.as_str())];
        Some(connection::post(self.path, &headers, &self.body))
    }

    /// As [`Deliveries::request`], and from the beginning again: for whom a repetition is as good.
    pub(super) fn request_again(&self, number: u64) -> Option<Vec<u8>> {
        self.request(number.checked_rem(u64::try_from(self.signed.len()).ok()?)?)
    }
}

/// An array of events about contacts, of as many as fit.
fn body() -> Vec<u8> {
    let event = |number: u32| {
        json!({
            "eventId": number, "subscriptionId": 1, "portalId": 4_242, "appId": 1, "occurredAt": 1_700_000_000_000_u64,
            "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": 1, "propertyName": "city",
            "propertyValue": "Nîmes", "changeSource": "CRM_UI",
        })
    };
    let mut events = Vec::new();
    let mut text = Vec::new();
    for number in 1.. {
        events.push(event(number));
        let longer = json!(events).to_string().into_bytes();
        if longer.len() > BODY {
            break;
        }
        text = longer;
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn deliveries(count: u64) -> Deliveries {
        Deliveries::sign(
            "key",
            "http://127.0.0.1:1",
            "/hook",
            count,
            DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        )
    }

    #[test]
    fn signs_method_address_body_and_time() {
        let deliveries = deliveries(1);
        let (at, signature) = &deliveries.signed[0];
        let text = ["POST", "http://127.0.0.1:1/hook", std::str::from_utf8(&deliveries.body).unwrap(), at].concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
        hmac::verify(&key, text.as_bytes(), &BASE64_STANDARD.decode(signature).unwrap()).unwrap();
        assert_eq!(at, "1800000120000");
    }

    #[test]
    fn no_delivery_is_another_one_and_all_are_valid_for_a_while() {
        let deliveries = deliveries(u64::MAX);
        let times: BTreeSet<i64> = deliveries.signed.iter().map(|(at, _)| at.parse().unwrap()).collect();
        assert_eq!(times.len(), 300_000);
        let oldest = 1_800_000_000_000 - times.first().unwrap();
        assert!(oldest < 300_000 - 60_000, "{oldest}");
    }

    #[test]
    fn ends_with_the_last_one_or_begins_again() {
        let deliveries = deliveries(2);
        assert!(deliveries.request(1).is_some());
        assert!(deliveries.request(2).is_none());
        assert_eq!(deliveries.request_again(2), deliveries.request(0));
        assert!(Deliveries { signed: Vec::new(), ..deliveries }.request_again(0).is_none());
    }

    #[test]
    fn a_body_is_an_array_of_events_and_nearly_as_long_as_it_may_be() {
        let body = body();
        assert!((700..=BODY).contains(&body.len()), "{}", body.len());
        assert!(serde_json::from_slice::<Vec<serde_json::Value>>(&body).is_ok());
    }
}
