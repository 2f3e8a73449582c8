//! HubSpot's webhook events and the signatures on a delivery.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{digest, hmac};
use serde_json::{Value, json};

use super::kinds::Kind;
use crate::{
    clock::{self, Millis},
    journal::By,
    sender::{Carrier, Letter, Webhook},
};

/// The app that the stand-in plays.
pub(crate) const APP_ID: u32 = 11;

/// HubSpot sends up to 100 events in one delivery.
const MOST_EVENTS: usize = 100;
/// HubSpot waits 5 s for an answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Between attempts. The platform spreads ten over a day; whoever looks at a demo has less time.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(120),
];

/// One place to which changes are told.
#[derive(Debug)]
pub(crate) struct AppWebhook(pub(crate) Webhook);

impl Carrier for AppWebhook {
    fn url(&self) -> &str {
        &self.0.target_url
    }

    fn most_events(&self) -> usize {
        MOST_EVENTS
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    fn pauses(&self) -> &'static [Duration] {
        &PAUSES
    }

    /// A delivery that is tried again says so in each event, and is signed anew.
    fn write(&self, events: &[Value], attempt: usize) -> Letter {
        let mut events = events.to_vec();
        for fields in events.iter_mut().filter_map(Value::as_object_mut) {
            fields.insert("attemptNumber".into(), json!(attempt));
        }
        let body = Value::Array(events).to_string();
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(signature_headers(&self.0, &body, clock::now()));
        Letter { headers, body }
    }
}

/// What happened to an object.
pub(crate) enum About {
    Created,
    Deleted,
    Value(String, String),
}

/// To which object, when, by whom.
pub(crate) struct Change {
    pub(crate) portal: u64,
    pub(crate) kind: Kind,
    pub(crate) id: u64,
    pub(crate) at: Millis,
    pub(crate) by: By,
}

/// The event. Activities have none of their own, but those of any object.
pub(crate) fn event(change: &Change, about: About) -> Value {
    let (family, object): (u32, &str) = match change.kind {
        Kind::Contact => (0, change.kind.singular()),
        Kind::Deal => (100, change.kind.singular()),
        Kind::Call => (200, "object"),
    };
    let (subscription, name, own) = match about {
        About::Created => (1, "creation", json!({"changeFlag": "CREATED"})),
        About::Deleted => (2, "deletion", json!({"changeFlag": "DELETED"})),
        About::Value(name, value) => (3, "propertyChange", json!({"propertyName": name, "propertyValue": value})),
    };
    let (source, source_id) = match change.by {
        By::Api => ("INTEGRATION", "integration"),
        By::User => ("CRM_UI", "userId:1"),
    };
    let mut event = json!({
        "eventId": rand::random::<u32>(),
        "subscriptionId": family.saturating_add(subscription),
        "portalId": change.portal,
        "appId": APP_ID,
        "occurredAt": change.at,
        "subscriptionType": format!("{object}.{name}"),
        "attemptNumber": 0,
        "objectId": change.id,
        "changeSource": source,
        "sourceId": source_id,
    });
    if let (Some(fields), Value::Object(own)) = (event.as_object_mut(), own) {
        fields.extend(own);
        if change.kind == Kind::Call {
            fields.insert("objectTypeId".to_owned(), json!(change.kind.type_id()));
        }
    }
    event
}

/// v3 over method, URI, body and time; v1 over the body alone, which CRM deliveries still carry.
fn signature_headers(webhook: &Webhook, body: &str, at: Millis) -> [(&'static str, String); 4] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, webhook.client_secret.0.as_bytes());
    let source = format!("POST{}{body}{at}", webhook.signed_url());
    let v3 = STANDARD.encode(hmac::sign(&key, source.as_bytes()));
    let v1 = hex(digest::digest(&digest::SHA256, format!("{}{body}", webhook.client_secret.0).as_bytes()).as_ref());
    [
        ("X-HubSpot-Signature-v3", v3),
        ("X-HubSpot-Request-Timestamp", at.to_string()),
        ("X-HubSpot-Signature", v1),
        ("X-HubSpot-Signature-Version", "v1".into()),
    ]
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::Secret;

    /// Both values were computed with another implementation (Python's `hmac` and `hashlib`).
    #[test]
    fn a_delivery_is_signed_as_the_platform_signs_it() {
        let webhook = Webhook {
            target_url: "http://127.0.0.1:1/x".into(),
            public_url: Some("https://hooks.exemple.fr/webhooks/integrations/hubspot".into()),
            client_secret: Secret("un-secret".into()),
        };
        let headers = signature_headers(&webhook, r#"[{"eventId":901,"propertyValue":"Zoé"}]"#, 1_767_348_000_000);
        let values = headers.map(|(_, value)| value);
        assert_eq!(
            values,
            [
                "bE7IUGC7wWdHw5Go89fQd/qfa7oZY11U6bAhCMqtReA=",
                "1767348000000",
                "171539c0cc7a6ea9c954a0c6ad44ef721f2e04346bf2bded8a033c421a65d54e",
                "v1",
            ]
        );
    }
}
