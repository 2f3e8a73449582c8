//! Values that need more than a type to be read. Which setting uses which is said in `settings`.

use std::net::IpAddr;
use std::time::Duration;

use domain::retry::RetrySchedule;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use url::Url;

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

pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    List::deserialize(deserializer)?.parsed(|item| Ok(item.to_owned()))
}

pub(super) fn retry_schedule<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RetrySchedule, D::Error> {
    let items = texts(deserializer)?;
    let waits: Result<Vec<Duration>, _> = items.iter().map(|item| humantime::parse_duration(item.trim())).collect();
    RetrySchedule::new(waits.map_err(Error::custom)?).map_err(Error::custom)
}

/// An hour of the day.
pub(super) fn hour<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let hour = u32::deserialize(deserializer)?;
    if hour < 24 { Ok(hour) } else { Err(Error::custom("an hour lies between 0 and 23")) }
}

pub(super) fn secrets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretString>, D::Error> {
    Ok(texts(deserializer)?.into_iter().map(SecretString::from).collect())
}

pub(super) fn ports<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u16>, D::Error> {
    List::deserialize(deserializer)?.parsed(str::parse).map_err(Error::custom)
}

/// Networks; an address alone is a network of one.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |item: &String| {
        let address = || item.parse::<IpAddr>().ok().map(IpNet::from);
        let network = item.parse().ok().or_else(address);
        network.ok_or_else(|| Error::custom(format!("`{item}` is no address and no network")))
    };
    texts(deserializer)?.iter().map(network).collect()
}

/// Origins as a browser writes them: scheme, host and port, and nothing behind.
pub(super) fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let origin = |item: String| {
        let is_one = Url::parse(&item).is_ok_and(|url| url.origin().ascii_serialization() == item);
        if is_one {
            Ok(item)
        } else {
            Err(Error::custom(format!("`{item}` is no origin such as https://app.example.com")))
        }
    };
    texts(deserializer)?.into_iter().map(origin).collect()
}

pub(super) fn signing_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let key = Option::<SecretString>::deserialize(deserializer)?;
    if key.as_ref().is_some_and(|key| key.expose_secret().len() < SIGNING_KEY_BYTES) {
        return Err(Error::custom(format!("a signing key has at least {SIGNING_KEY_BYTES} bytes")));
    }
    Ok(key)
}
