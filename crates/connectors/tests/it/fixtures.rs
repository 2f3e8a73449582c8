//! What a platform's deliveries look like, recorded in one form for all: requests as they come in, and what they say has changed.

use std::collections::BTreeMap;
use std::path::Path;

use connectors::registry::Platform;
use connectors::webhook::WebhookRequest;
use domain::time::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

type Headers = Vec<(String, String)>;

/// A delivery that somebody else than we signed, or whatever the platform does in place of that.
#[derive(Clone, Deserialize)]
pub(crate) struct Signed {
    pub(crate) name: String,
    pub(crate) secret: String,
    method: String,
    uri: String,
    headers: BTreeMap<String, String>,
    body: String,
    /// When it came in.
    at: String,
}

impl Signed {
    pub(crate) fn headers(&self) -> Headers {
        self.headers.clone().into_iter().collect()
    }

    /// The same but for its body.
    pub(crate) fn telling(&self, body: String) -> Self {
        Self { body, ..self.clone() }
    }

    /// The same with its body read and written again: what anything on the way that means well makes of it.
    pub(crate) fn written_anew(&self) -> Vec<Self> {
        let Ok(read) = serde_json::from_str::<Value>(&self.body) else { return Vec::new() };
        let written = [read.to_string(), serde_json::to_string_pretty(&read).unwrap()];
        written.into_iter().filter(|body| *body != self.body).map(|body| self.telling(body)).collect()
    }

    pub(crate) fn request<'a>(&'a self, headers: &'a [(String, String)]) -> WebhookRequest<'a> {
        WebhookRequest {
            method: &self.method,
            public_uri: &self.uri,
            headers,
            body: self.body.as_bytes(),
            received_at: Timestamp::parse(&self.at).unwrap(),
        }
    }
}

/// A delivery whose content counts.
#[derive(Clone, Deserialize)]
struct Delivered {
    headers: BTreeMap<String, String>,
    body: Value,
}

fn read<T: DeserializeOwned>(platform: Platform, file: &str) -> T {
    let slug = platform.connector().descriptor().slug;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(slug).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{slug} lacks {file}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{slug}'s {file} is not of the form of all: {error}"))
}

/// The deliveries that must be let in.
pub(crate) fn signed(platform: Platform) -> Vec<Signed> {
    read(platform, "signatures.json")
}

/// The headers and bodies of the deliveries that must be read.
pub(crate) fn deliveries(platform: Platform) -> Vec<(Headers, String)> {
    let text = |body: Value| body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let all: Vec<Delivered> = read(platform, "delivery.json");
    all.into_iter().map(|one| (one.headers.into_iter().collect(), text(one.body))).collect()
}

/// What they say: kind, id, whether it is said to be gone, and what it became part of.
pub(crate) fn changes(platform: Platform) -> Vec<Value> {
    read(platform, "changes.json")
}
