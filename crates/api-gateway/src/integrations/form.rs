//! The form for connecting an account: what it may hold, and everything that can be told without asking the platform.

use connectors::connector::Connector;
use connectors::descriptor::{AuthScheme, Descriptor};
use connectors::registry::Platform;
use domain::credentials::Credentials;
use domain::event::InputFault;
use domain::integration::{Delivery, Direction, Frequency};
use domain::platform::PlatformSlug;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::refusal::Refusal;

/// The longest name of an integration, in characters.
const NAME_LIMIT: usize = 100;

/// The longest key, in bytes; more fits no header.
const KEY_LIMIT: usize = 4_000;

/// An account to be connected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewIntegration)]
pub(crate) struct Wish {
    /// The name that people know it by: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, example = "Mon HubSpot")]
    pub(super) name: String,
    /// Which platform, as in the catalogue.
    pub(super) platform: PlatformSlug,
    /// What the platform knows us by.
    credentials: Secrets,
    /// The address of the shop or instance, where the platform needs one.
    #[schema(example = "https://shop.example.com")]
    pub(super) url: Option<String>,
    /// Which way data flows.
    #[serde(default = "both_ways")]
    pub(super) direction: Direction,
    /// When data flows.
    #[serde(default = "at_once")]
    pub(super) frequency: Frequency,
    /// By which road data flows.
    #[serde(default = "by_connector")]
    pub(super) delivery: Delivery,
}

/// The credentials of an account; they are sealed at once and never come back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCredentials)]
struct Secrets {
    /// The key that the platform made.
    #[schema(value_type = String, format = Password, write_only, example = "pat-eu1-…")]
    api_key: SecretString,
    /// Its secret half, where the platform has one.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    api_secret: Option<SecretString>,
}

fn both_ways() -> Direction {
    Direction::Bidirectional
}

fn at_once() -> Frequency {
    Frequency::Realtime
}

fn by_connector() -> Delivery {
    Delivery::Direct
}

impl Wish {
    /// Everything that can be told without asking the platform, all at once.
    pub(super) fn checked(&self) -> Result<&'static dyn Connector, Refusal> {
        let mut faults = Vec::new();
        let mut fault = |path: &str, message: &str| {
            faults.push(InputFault { path: path.to_owned(), message: message.to_owned() });
        };
        if !(1..=NAME_LIMIT).contains(&self.name.trim().chars().count()) || self.name.chars().any(char::is_control) {
            fault("name", "must be 1 to 100 characters, none of them a control character");
        }
        if !is_key(&self.credentials.api_key) {
            fault("credentials.api_key", NO_KEY);
        }
        let connector = Platform::from_slug(&self.platform).map(Platform::connector);
        match connector.map(Connector::descriptor) {
            None => fault("platform", "is not in the catalogue, GET /api/v1/integrations"),
            Some(descriptor) => {
                match (asks_for_secret(descriptor), &self.credentials.api_secret) {
                    (true, Some(secret)) if is_key(secret) => {}
                    (true, _) => fault("credentials.api_secret", NO_KEY),
                    (false, Some(_)) => fault("credentials.api_secret", "is not used by this platform"),
                    (false, None) => {}
                }
                match (descriptor.needs_url, &self.url) {
                    (true, None) => {
                        fault("url", "is missing: the address of the account, as in https://shop.example.com")
                    }
                    (false, Some(_)) => fault("url", "is not used by this platform"),
                    (true, Some(_)) | (false, None) => {}
                }
            }
        }
        match connector {
            Some(connector) if faults.is_empty() => Ok(connector),
            Some(_) | None => Err(Refusal::Faulty(faults)),
        }
    }

    /// The credentials, as connectors take them.
    pub(super) fn credentials(&self) -> Credentials {
        Credentials::ApiKey { key: self.credentials.api_key.clone(), secret: self.credentials.api_secret.clone() }
    }
}

const NO_KEY: &str = "must be the key as the platform shows it, without spaces";

fn is_key(key: &SecretString) -> bool {
    let key = key.expose_secret();
    (1..=KEY_LIMIT).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

fn asks_for_secret(descriptor: &Descriptor) -> bool {
    match descriptor.auth {
        AuthScheme::ApiKey { fields } => fields.iter().any(|field| field.name == "api_secret"),
        AuthScheme::OAuth2 { .. } => false,
    }
}
