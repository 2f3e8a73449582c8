//! Connecting an account: nothing is saved before the platform itself has accepted the credentials.

use std::collections::BTreeMap;

use accounts::AccountError;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use connectors::connector::{Connector, Identified};
use connectors::descriptor::{AuthScheme, Descriptor};
use connectors::error::ConnectorError;
use connectors::registry::Platform;
use domain::credentials::Credentials;
use domain::event::InputFault;
use domain::fault::FaultKind;
use domain::id::{IntegrationId, TenantId};
use domain::integration::{Delivery, Direction, Frequency, Integration};
use domain::platform::PlatformSlug;
use persistence::integrations::NewIntegration;
use persistence::{Scope, integrations, mappings};
use runtime::http::Problem;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{show, trial};
use crate::auth::Admin;
use crate::body::Json;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// The longest name of an integration, in characters.
const NAME_LIMIT: usize = 100;

/// The longest key, in bytes; more fits no header.
const KEY_LIMIT: usize = 4_000;

/// What a tenant asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    name: String,
    platform: PlatformSlug,
    credentials: Secrets,
    url: Option<String>,
    #[serde(default = "both_ways")]
    direction: Direction,
    #[serde(default = "at_once")]
    frequency: Frequency,
    #[serde(default = "by_connector")]
    delivery: Delivery,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    api_key: SecretString,
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

/// Connects an account after a real call with its credentials. It is switched off until somebody enables it.
pub(crate) async fn create_integration(
    caller: Admin,
    gateway: web::Data<Gateway>,
    wish: Json<Wish>,
) -> Result<HttpResponse, Problem> {
    let (tenant, wish) = (caller.tenant_id, wish.0);
    let connector = checked(&wish)?;
    let found = tried(&gateway, &wish, connector).await?;
    let id = save(&gateway, tenant, &wish, connector, found).await?;
    let view = show::shown(&gateway, tenant, id).await?;
    Ok(HttpResponse::Created().insert_header((LOCATION, format!("/api/v1/integrations/{id}"))).json(view))
}

/// Everything that can be told without asking the platform, all at once.
fn checked(wish: &Wish) -> Result<&'static dyn Connector, Refusal> {
    let mut faults = Vec::new();
    let mut fault = |path: &str, message: &str| {
        faults.push(InputFault { path: path.to_owned(), message: message.to_owned() });
    };
    if !(1..=NAME_LIMIT).contains(&wish.name.trim().chars().count()) || wish.name.chars().any(char::is_control) {
        fault("name", "must be 1 to 100 characters, none of them a control character");
    }
    if !is_key(&wish.credentials.api_key) {
        fault("credentials.api_key", NO_KEY);
    }
    let connector = Platform::from_slug(&wish.platform).map(Platform::connector);
    match connector.map(Connector::descriptor) {
        None => fault("platform", "is not in the catalogue, GET /api/v1/integrations"),
        Some(descriptor) => {
            match (asks_for_secret(descriptor), &wish.credentials.api_secret) {
                (true, Some(secret)) if is_key(secret) => {}
                (true, _) => fault("credentials.api_secret", NO_KEY),
                (false, Some(_)) => fault("credentials.api_secret", "is not used by this platform"),
                (false, None) => {}
            }
            match (descriptor.needs_url, &wish.url) {
                (true, None) => fault("url", "is missing: the address of the account, as in https://shop.example.com"),
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

/// Asks the platform whose credentials these are, and makes the account ready for our writes.
async fn tried(gateway: &Gateway, wish: &Wish, connector: &dyn Connector) -> Result<Identified, Problem> {
    let name = connector.descriptor().name;
    let opened = gateway.accounts.with_credentials(&wish.platform, credentials(wish), wish.url.as_deref());
    let account = opened.map_err(|error| match error {
        AccountError::BadUrl => Problem::from(Refusal::at("url", "must be the address of the account")),
        other => Problem::from(other),
    })?;
    let probe = connector.probe();
    let trial = async {
        let found = probe.test(&account).await?;
        probe.prepare(&account).await?;
        Ok(found)
    };
    trial::within_limit(trial).await.map_err(|error| refused(&error, name, wish.url.is_some()).into())
}

fn credentials(wish: &Wish) -> Credentials {
    Credentials::ApiKey { key: wish.credentials.api_key.clone(), secret: wish.credentials.api_secret.clone() }
}

/// What the platform's refusal means to whoever filled in the form.
fn refused(error: &ConnectorError, name: &'static str, has_url: bool) -> Refusal {
    match error.kind {
        FaultKind::Unauthorized => Refusal::at(
            "credentials.api_key",
            format!("is not accepted by {name} ({error}): copy it there again, or make a new one"),
        ),
        FaultKind::Forbidden => Refusal::at(
            "credentials.api_key",
            format!("may do too little at {name} ({error}): give it the scopes that are missing"),
        ),
        FaultKind::NotFound | FaultKind::Invalid | FaultKind::Conflict => {
            let path = if has_url { "url" } else { "credentials.api_key" };
            Refusal::at(path, format!("leads to no account of {name}: {error}"))
        }
        FaultKind::RateLimited | FaultKind::Unavailable | FaultKind::Internal => Refusal::PlatformAway(name),
    }
}

/// Saves the integration with its sealed credentials and the connector's default mappings, all or nothing.
async fn save(
    gateway: &Gateway,
    tenant_id: TenantId,
    wish: &Wish,
    connector: &dyn Connector,
    found: Identified,
) -> Result<IntegrationId, Problem> {
    let id = IntegrationId::new();
    let mut tx = gateway.database.begin(Scope::Tenant(tenant_id)).await?;
    let others = integrations::list(&mut tx, tenant_id).await?;
    let taken = others
        .into_iter()
        .find(|other| other.platform == wish.platform && other.account_id.as_deref() == Some(&found.account_id));
    if let Some(other) = taken {
        return Err(Refusal::AccountTaken { name: other.name, id: other.id }.into());
    }
    let sealed = gateway.accounts.seal(&mut tx, (tenant_id, id), &credentials(wish)).await?;
    let integration = Integration {
        id,
        tenant_id,
        platform: wish.platform.clone(),
        name: wish.name.trim().to_owned(),
        enabled: false,
        direction: wish.direction,
        kind_directions: BTreeMap::new(),
        frequency: wish.frequency,
        delivery: wish.delivery,
        account_id: Some(found.account_id),
        url: wish.url.clone(),
        version: 1,
    };
    integrations::create(&mut tx, &NewIntegration { integration, sealed: Some(sealed.into()) }).await?;
    for kind in connector.descriptor().kinds {
        mappings::replace(&mut tx, (tenant_id, id), *kind, &connector.default_mapping(*kind).fields).await?;
    }
    tx.commit().await?;
    tracing::info!(tenant.id = %tenant_id, integration.id = %id, platform = %wish.platform, "an account was connected");
    Ok(id)
}
