//! The forms for connecting an account and for changing it: what they may hold, and everything that can be told without
//! asking the platform.

use std::collections::BTreeMap;

use connectors::connector::Connector;
use connectors::descriptor::Descriptor;
use connectors::registry::Platform;
use domain::alert::Alerts;
use domain::credentials::Credentials;
use domain::event::InputFault;
use domain::integration::{Delivery, Direction, Frequency, Integration};
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::oauth::site_of;
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
    /// What the platform knows us by. Without it, the integration waits for a consent on the platform's own page:
    /// `POST /api/v1/integrations/{id}/oauth/start`.
    credentials: Option<Secrets>,
    /// The address of the shop or instance, where the platform needs one; the name of the tenant's site, where it is asked for
    /// before a consent.
    #[schema(example = "https://shop.example.com")]
    pub(super) url: Option<String>,
    /// Which way data flows.
    #[serde(default = "both_ways")]
    pub(super) direction: Direction,
    /// What is chosen of the platform's `options` in the catalogue; the usual where nothing is.
    #[serde(default)]
    #[schema(example = json!({"people": "lead"}))]
    pub(super) options: BTreeMap<String, String>,
    /// When data flows.
    #[serde(default = "at_once")]
    pub(super) frequency: Frequency,
    /// By which road data flows.
    #[serde(default = "by_connector")]
    pub(super) delivery: Delivery,
    /// The public https address of a workflow of your own, to which writes are handed instead of the server's own n8n.
    #[schema(example = "https://n8n.example.com/webhook/mon-hubspot")]
    workflow_url: Option<String>,
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
        let mut faults = Faults::default();
        check_name(&mut faults, &self.name);
        let platform = Platform::from_slug(&self.platform);
        match (platform, &self.credentials) {
            (None, secrets) => {
                if secrets.as_ref().is_some_and(|secrets| !is_key(&secrets.api_key)) {
                    faults.add("credentials.api_key", NO_KEY);
                }
                faults.add("platform", "is not in the catalogue, GET /api/v1/integrations");
            }
            (Some(platform), Some(secrets)) => {
                let descriptor = platform.connector().descriptor();
                check_key(&mut faults, secrets, descriptor);
                match (descriptor.needs_url, &self.url) {
                    (true, None) => {
                        faults.add("url", "is missing: the address of the account, as in https://shop.example.com")
                    }
                    (false, Some(_)) => faults.add("url", NO_URL),
                    (true, Some(_)) | (false, None) => {}
                }
            }
            (Some(platform), None) if platform.connector().oauth().is_none() => {
                faults.add("credentials", "is missing: the key that the platform made");
            }
            (Some(platform), None) => {
                if let Err(Refusal::Faulty(found)) = site_of(platform, self.url.as_deref()) {
                    faults.0.extend(found);
                }
            }
        }
        if let Some(platform) = platform {
            check_options(&mut faults, &self.options, platform.connector());
        }
        match platform {
            Some(platform) if faults.0.is_empty() => Ok(platform.connector()),
            Some(_) | None => Err(Refusal::Faulty(faults.0)),
        }
    }

    /// The credentials, as connectors take them; `None` where a consent is to come.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        self.credentials.as_ref().map(Secrets::to_credentials)
    }

    /// The address of a workflow of the tenant's own, where one was typed.
    pub(super) fn own_workflow(&self) -> Option<String> {
        self.workflow_url.as_deref().and_then(address_of)
    }

    /// What is kept as the address: of a site that is only named, its name.
    pub(super) fn address(&self) -> Option<String> {
        match (&self.credentials, Platform::from_slug(&self.platform)) {
            (None, Some(platform)) => site_of(platform, self.url.as_deref()).ok().flatten(),
            (Some(_), _) | (None, None) => self.url.clone(),
        }
    }
}

impl Secrets {
    fn to_credentials(&self) -> Credentials {
        Credentials::ApiKey { key: self.api_key.clone(), secret: self.api_secret.clone() }
    }
}

/// What is to be configured otherwise. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IntegrationChange)]
pub(crate) struct Edit {
    /// The name that people know it by: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, example = "Mon HubSpot")]
    name: Option<String>,
    /// New credentials; they must open the account that is connected.
    credentials: Option<Secrets>,
    /// The new address of the shop or instance; only with credentials, which would be sent there.
    #[schema(example = "https://shop.example.com")]
    pub(super) url: Option<String>,
    /// Which way data flows.
    direction: Option<Direction>,
    /// The kinds of record with a direction of their own, all of them.
    #[schema(value_type = Option<BTreeMap<String, Direction>>)]
    kind_directions: Option<BTreeMap<RecordKind, Direction>>,
    /// What is chosen of the platform's `options` in the catalogue, all of it.
    #[schema(example = json!({"calls": "comment"}))]
    options: Option<BTreeMap<String, String>>,
    /// When data flows.
    frequency: Option<Frequency>,
    /// By which road data flows.
    delivery: Option<Delivery>,
    /// The public https address of a workflow of your own; an empty text goes back to the server's n8n.
    #[schema(example = "https://n8n.example.com/webhook/mon-hubspot")]
    workflow_url: Option<String>,
    /// Who hears of its trouble, and of which.
    alerts: Option<Alerts>,
}

impl Edit {
    /// Everything that can be told without asking the platform, all at once.
    pub(super) fn check(&self, integration: &Integration, connector: &dyn Connector) -> Result<(), Refusal> {
        let (mut faults, descriptor) = (Faults::default(), connector.descriptor());
        if let Some(options) = &self.options {
            check_options(&mut faults, options, connector);
        }
        if let Some(name) = &self.name {
            check_name(&mut faults, name);
        }
        if let Some(secrets) = &self.credentials {
            check_key(&mut faults, secrets, descriptor);
        }
        if self.url.is_some() && !descriptor.needs_url {
            faults.add("url", NO_URL);
        } else if self.url.is_some() && self.url != integration.url && self.credentials.is_none() {
            faults.add("credentials", "must be given again with another address: they would be sent there");
        }
        faults.0.extend(self.alerts.iter().flat_map(|alerts| alerts.faults("alerts")));
        for kind in self.kind_directions.iter().flat_map(BTreeMap::keys).filter(|kind| !descriptor.kinds.contains(kind))
        {
            faults.add(&format!("kind_directions.{kind}"), "is not held by this platform");
        }
        if faults.0.is_empty() { Ok(()) } else { Err(Refusal::Faulty(faults.0)) }
    }

    /// The new credentials, as connectors take them.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        self.credentials.as_ref().map(Secrets::to_credentials)
    }

    /// The integration as it is to be.
    pub(super) fn applied_to(&self, integration: &Integration) -> Integration {
        let before = integration.clone();
        Integration {
            name: self.name.as_ref().map_or(before.name, |name| name.trim().to_owned()),
            url: self.url.clone().or(before.url),
            direction: self.direction.unwrap_or(before.direction),
            kind_directions: self.kind_directions.clone().unwrap_or(before.kind_directions),
            options: self.options.clone().unwrap_or(before.options),
            frequency: self.frequency.unwrap_or(before.frequency),
            delivery: self.delivery.unwrap_or(before.delivery),
            workflow_url: match &self.workflow_url {
                Some(typed) => address_of(typed),
                None => before.workflow_url,
            },
            alerts: self.alerts.clone().unwrap_or(before.alerts),
            ..before
        }
    }
}

/// What was typed as an address; an empty text is none.
fn address_of(typed: &str) -> Option<String> {
    Some(typed.trim().to_owned()).filter(|typed| !typed.is_empty())
}

/// What is wrong with a form, place by place.
#[derive(Debug, Default)]
struct Faults(Vec<InputFault>);

impl Faults {
    fn add(&mut self, path: &str, message: &str) {
        self.0.push(InputFault { path: path.to_owned(), message: message.to_owned() });
    }
}

fn check_name(faults: &mut Faults, name: &str) {
    if !(1..=NAME_LIMIT).contains(&name.trim().chars().count()) || name.chars().any(char::is_control) {
        faults.add("name", "must be 1 to 100 characters, none of them a control character");
    }
}

fn check_options(faults: &mut Faults, options: &BTreeMap<String, String>, connector: &dyn Connector) {
    for (name, value) in options {
        let known = connector.options().iter().find(|option| option.name == name);
        match known.map(|option| option.choices.iter().any(|choice| choice.value == value)) {
            Some(true) => {}
            Some(false) => faults.add(&format!("options.{name}"), "is none of the choices that the catalogue offers"),
            None => faults.add(&format!("options.{name}"), "is not used by this platform"),
        }
    }
}

fn check_key(faults: &mut Faults, secrets: &Secrets, descriptor: &Descriptor) {
    if descriptor.key_fields().is_none() {
        faults.add("credentials", "is not used by this platform: leave it out, and consent on the platform's own page");
        return;
    }
    if !is_key(&secrets.api_key) {
        faults.add("credentials.api_key", NO_KEY);
    }
    match (asks_for_secret(descriptor), &secrets.api_secret) {
        (true, Some(secret)) if is_key(secret) => {}
        (true, _) => faults.add("credentials.api_secret", NO_KEY),
        (false, Some(_)) => faults.add("credentials.api_secret", "is not used by this platform"),
        (false, None) => {}
    }
}

const NO_URL: &str = "is not used by this platform";

const NO_KEY: &str = "must be the key as the platform shows it, without spaces";

fn is_key(key: &SecretString) -> bool {
    let key = key.expose_secret();
    (1..=KEY_LIMIT).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

fn asks_for_secret(descriptor: &Descriptor) -> bool {
    descriptor.key_fields().into_iter().flatten().any(|field| field.name == "api_secret")
}
