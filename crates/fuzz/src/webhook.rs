//! Platforms' deliveries: verified, recognised and read by every connector, whoever's they look like.

use std::hint::black_box;

use connectors::registry;
use connectors::webhook::{WebhookFormat, WebhookRequest};
use domain::time::Timestamp;
use secrecy::SecretString;

/// When deliveries come in here: shortly after those of the fixtures were signed.
const RECEIVED_AT: i64 = 1_795_370_641_000;

/// A delivery as a corpus holds it: the query on the first line, headers below it, an empty line, and the body as it is.
struct Delivery<'a> {
    query: String,
    headers: Vec<(String, String)>,
    body: &'a [u8],
}

impl<'a> Delivery<'a> {
    fn read(data: &'a [u8]) -> Self {
        let end = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
        let head = String::from_utf8_lossy(data.get(..end).unwrap_or(data));
        let mut lines = head.lines();
        let query = lines.next().unwrap_or_default().to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_lowercase(), value.to_owned()))
        };
        Self { query, headers: lines.filter_map(header).collect(), body: data.get(end + 2..).unwrap_or_default() }
    }
}

pub(crate) fn run(data: &[u8]) {
    let delivery = Delivery::read(data);
    for platform in registry::all() {
        take(platform.connector().webhooks(), &delivery);
    }
}

fn take(format: &dyn WebhookFormat, delivery: &Delivery<'_>) {
    let Delivery { query, headers, body } = delivery;
    let public_uri = format!("https://hooks.example.com/webhooks/integrations/it?{query}");
    let request = WebhookRequest {
        method: "POST",
        public_uri: &public_uri,
        headers,
        body,
        received_at: Timestamp::from_millis(RECEIVED_AT).expect("that is a moment"),
    };
    assert!(format.verify(&request, &SecretString::from("")).is_err(), "an empty secret lets somebody in");
    black_box(format.verify(&request, &SecretString::from("s3cret")).is_ok());
    black_box(format.is_greeting(&request));
    assert_eq!(format.delivery_id(headers, body), format.delivery_id(headers, body), "a repetition looks new");
    // Nothing else is read.
    let Ok(body) = std::str::from_utf8(body) else { return };
    black_box(format.is_readable(headers, body));
    black_box((format.affair(headers, body), format.parse(headers, body).is_ok()));
}
