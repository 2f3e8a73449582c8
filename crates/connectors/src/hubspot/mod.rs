//! HubSpot: contacts, deals and calls. Everything that is peculiar to it lives in this folder.

use std::time::Duration;

use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::Mapping;
use url::Url;

use crate::connector::{Connector, Parts};
use crate::descriptor::{AuthScheme, Category, CredentialField, Descriptor, KeyShown, Limits, Terms};
use crate::site;
use crate::subscriptions::AppSubscriptions;

mod api;
mod app_webhooks;
mod batch;
mod changes;
mod errors;
mod find;
mod mapping;
mod noted;
mod oauth;
mod probe;
mod properties;
mod proxy;
mod read;
mod ties;
mod webhooks;
mod wire;
mod write;

/// The unique property in which every object of ours carries its record id.
const KEY: &str = "coccinelle_id";

/// How many items one request may carry.
const BATCH: usize = 100;

const DESCRIPTOR: Descriptor = Descriptor {
    slug: "hubspot",
    name: "HubSpot",
    category: Category::Crm,
    auth: &[
        AuthScheme::OAuth2(Terms {
            scopes: oauth::SCOPES,
            purposes: oauth::PURPOSES,
            pkce: true,
            site: None,
            assumed_life: Some(Duration::from_secs(1_800)),
            refresh_ahead: Duration::from_secs(300),
            single_use_refresh: false,
            keep_alive: None,
        }),
        AuthScheme::ApiKey {
            fields: &[CredentialField {
                name: "api_key",
                label: "Access token",
                hint: "HubSpot → Settings → Integrations: the token of a service key or private app that may read and \
                       write contacts and deals, and their schemas. It begins with “pat-”.",
            }],
            shown: KeyShown::AsBearer,
        },
    ],
    needs_url: false,
    kinds: &[RecordKind::Contact, RecordKind::Deal, RecordKind::Activity],
    // What the smallest plans grant an app.
    limits: Limits { requests: 100, per: Duration::from_secs(10), batch: BATCH },
    docs_url: "https://developers.hubspot.com/docs",
    // By its key an object is read directly, but an account without the key is searched, and searches lag by seconds.
    lookup_lag: Duration::from_secs(5),
};

const PARTS: Parts = Parts {
    webhooks: &HubSpot,
    probe: &HubSpot,
    reader: Some(&HubSpot),
    writer: Some(&HubSpot),
    changes: Some(&HubSpot),
    discovery: Some(&HubSpot),
    oauth: Some(&HubSpot),
    subscriptions: None,
    proxy: Some(&HubSpot),
};

/// The connector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HubSpot;

impl Connector for HubSpot {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn default_mapping(&self, kind: RecordKind) -> Mapping {
        mapping::default_of(kind)
    }

    fn parts(&self) -> &'static Parts {
        &PARTS
    }

    fn app_subscriptions(&self) -> Option<&'static dyn AppSubscriptions> {
        Some(&HubSpot)
    }

    fn address_of(&self, integration: &Integration, kind: RecordKind, external_id: &str) -> Option<Url> {
        let portal = integration.account_id.as_deref()?;
        let of = match kind {
            RecordKind::Contact => "0-1",
            RecordKind::Deal => "0-3",
            RecordKind::Activity | RecordKind::Product | RecordKind::Order => return None,
        };
        site::page("https://app.hubspot.com", &["contacts", portal, "record", of, external_id])
    }
}
