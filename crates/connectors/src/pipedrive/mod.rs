//! Pipedrive: persons, deals and activities. Everything that is peculiar to it lives in this folder.

use std::time::Duration;

use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::Mapping;
use url::Url;

use crate::connector::{Connector, Parts};
use crate::descriptor::{AuthScheme, Category, CredentialField, Descriptor, KeyShown, Limits};
use crate::site;

mod activity;
mod api;
mod body;
mod changes;
mod deal;
mod errors;
mod fields;
mod find;
mod mapping;
mod oauth;
mod person;
mod probe;
mod proxy;
mod read;
mod schema;
mod subscriptions;
mod ties;
mod webhooks;
mod wire;
mod write;

/// How many objects one listing may name.
const BATCH: usize = 100;

const DESCRIPTOR: Descriptor = Descriptor {
    slug: "pipedrive",
    name: "Pipedrive",
    category: Category::Crm,
    auth: &[
        AuthScheme::OAuth2(oauth::TERMS),
        AuthScheme::ApiKey {
            fields: &[CredentialField {
                name: "api_key",
                label: "API token",
                hint: "Pipedrive → your name → Personal preferences → API: the personal API token of an administrator, \
                       40 characters long.",
            }],
            shown: KeyShown::InHeader("x-api-token"),
        },
    ],
    needs_url: false,
    kinds: &[RecordKind::Contact, RecordKind::Deal, RecordKind::Activity],
    // The smallest plan grants an API token 20, of which a few may be counted to the next window; grants of an app have four
    // times as much.
    limits: Limits { requests: 16, per: Duration::from_secs(2), batch: BATCH },
    docs_url: "https://developers.pipedrive.com/docs/api/v1",
    // Nothing is unique there, and the search lags the writes by seconds.
    lookup_lag: Duration::from_secs(10),
};

const PARTS: Parts = Parts {
    webhooks: &Pipedrive,
    probe: &Pipedrive,
    reader: Some(&Pipedrive),
    writer: Some(&Pipedrive),
    changes: Some(&Pipedrive),
    discovery: Some(&Pipedrive),
    oauth: Some(&Pipedrive),
    subscriptions: Some(&Pipedrive),
    proxy: Some(&Pipedrive),
};

/// The connector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pipedrive;

impl Connector for Pipedrive {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn default_mapping(&self, kind: RecordKind) -> Mapping {
        mapping::default_of(kind)
    }

    fn parts(&self) -> &'static Parts {
        &PARTS
    }

    fn address_of(&self, _integration: &Integration, kind: RecordKind, external_id: &str) -> Option<Url> {
        let of = match kind {
            RecordKind::Contact => "person",
            RecordKind::Deal => "deal",
            RecordKind::Activity | RecordKind::Product | RecordKind::Order => return None,
        };
        site::page("https://app.pipedrive.com", &[of, external_id])
    }
}
