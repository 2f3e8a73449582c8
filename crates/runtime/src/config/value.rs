//! Values that need more than a type to be read. Which setting uses which is said in `settings`.

use std::time::Duration;

use domain::retry::RetrySchedule;
use secrecy::{ExposeSecret, SecretString};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The least length of an HS256 key. Source: RFC 7518, section 3.2.
const SIGNING_KEY_BYTES: usize = 32;

/// A list in a file, comma-separated text in a variable.
#[derive(Deserialize)]
#[serde(untagged)]
enum List {
    Items(Vec<String>),
    Text(String),
}

pub(super) fn retry_schedule<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RetrySchedule, D::Error> {
    let items = match List::deserialize(deserializer)? {
        List::Items(items) => items,
        List::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    let waits: Result<Vec<Duration>, _> = items.iter().map(|item| humantime::parse_duration(item.trim())).collect();
    RetrySchedule::new(waits.map_err(Error::custom)?).map_err(Error::custom)
}

pub(super) fn signing_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let key = Option::<SecretString>::deserialize(deserializer)?;
    if key.as_ref().is_some_and(|key| key.expose_secret().len() < SIGNING_KEY_BYTES) {
        return Err(Error::custom(format!("a signing key has at least {SIGNING_KEY_BYTES} bytes")));
    }
    Ok(key)
}
