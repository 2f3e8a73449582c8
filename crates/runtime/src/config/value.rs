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
enum List<T> {
    Items(Vec<T>),
    Text(String),
}

impl<T> List<T> {
    fn parsed<E>(self, parse: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, E> {
        match self {
            Self::Items(items) => Ok(items),
            Self::Text(text) => text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(parse).collect(),
        }
    }
}

pub(super) fn retry_schedule<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RetrySchedule, D::Error> {
    let items = List::deserialize(deserializer)?.parsed(|item| Ok::<_, D::Error>(item.to_owned()))?;
    let waits: Result<Vec<Duration>, _> = items.iter().map(|item| humantime::parse_duration(item.trim())).collect();
    RetrySchedule::new(waits.map_err(Error::custom)?).map_err(Error::custom)
}

pub(super) fn ports<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u16>, D::Error> {
    List::deserialize(deserializer)?.parsed(str::parse).map_err(Error::custom)
}

pub(super) fn signing_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let key = Option::<SecretString>::deserialize(deserializer)?;
    if key.as_ref().is_some_and(|key| key.expose_secret().len() < SIGNING_KEY_BYTES) {
        return Err(Error::custom(format!("a signing key has at least {SIGNING_KEY_BYTES} bytes")));
    }
    Ok(key)
}
