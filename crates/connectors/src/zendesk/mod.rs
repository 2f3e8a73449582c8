//! Zendesk: users, and a ticket or a comment for each call. Everything that is peculiar to it lives in this folder.

use std::time::Duration;

use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::Mapping;
use url::Url;

use crate::connector::{Connector, Parts};
use crate::descriptor::{AuthScheme, Category, Descriptor, Limits, OptionChoice, OptionField, Words};
use crate::site;

mod api;
mod changes;
mod errors;
mod fields;
mod find;
mod mapping;
mod oauth;
mod probe;
mod proxy;
mod read;
mod subscriptions;
mod ticket;
mod user;
mod webhooks;
mod wire;
mod write;

/// How many objects one call may name.
const BATCH: usize = 100;

/// The tenant's choice of how calls are kept, and the answer that is not the usual one.
const CALLS: &str = "calls";
const COMMENTS: &str = "comment";

const OPTIONS: &[OptionField] = &[OptionField {
    name: CALLS,
    label: Words::new("Un appel devient", "A call becomes"),
    choices: &[
        OptionChoice {
            value: "ticket",
            label: Words::new("Un ticket", "A ticket"),
            help: Words::new("Un par appel, au nom de la personne.", "One for each call, in the person's name."),
        },
        OptionChoice {
            value: COMMENTS,
            label: Words::new("Une note interne", "An internal note"),
            help: Words::new(
                "Dans le ticket ouvert le plus récent de la personne ; sans ticket ouvert, un nouveau.",
                "In the person's newest open ticket; a new ticket where none is open.",
            ),
        },
    ],
    // Whatever was written stays what it is.
    fixed_by: None,
}];

const DESCRIPTOR: Descriptor = Descriptor {
    slug: "zendesk",
    name: "Zendesk",
    category: Category::Support,
    // API tokens can no longer be made, and those that are there end in 2027.
    auth: &[AuthScheme::OAuth2(oauth::TERMS)],
    needs_url: false,
    kinds: &[RecordKind::Contact, RecordKind::Activity],
    // What the smallest plan grants an account.
    limits: Limits { requests: 200, per: Duration::from_secs(60), batch: BATCH },
    docs_url: "https://developer.zendesk.com/api-reference",
    // Users are read by our key directly, but people who were there before are searched, and searches lag by seconds.
    lookup_lag: Duration::from_secs(5),
};

const PARTS: Parts = Parts {
    webhooks: &Zendesk,
    probe: &Zendesk,
    reader: Some(&Zendesk),
    writer: Some(&Zendesk),
    changes: Some(&Zendesk),
    discovery: Some(&Zendesk),
    oauth: Some(&Zendesk),
    subscriptions: Some(&Zendesk),
    proxy: Some(&Zendesk),
};

/// The connector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zendesk;

impl Connector for Zendesk {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn default_mapping(&self, kind: RecordKind) -> Mapping {
        mapping::default_of(kind)
    }

    fn parts(&self) -> &'static Parts {
        &PARTS
    }

    fn address_of(&self, integration: &Integration, kind: RecordKind, external_id: &str) -> Option<Url> {
        let site = integration.url.as_deref()?;
        let of = match kind {
            RecordKind::Contact => "users",
            RecordKind::Activity | RecordKind::Deal | RecordKind::Product | RecordKind::Order => return None,
        };
        site::page(&format!("https://{site}.zendesk.com"), &["agent", of, external_id])
    }

    fn options(&self) -> &'static [OptionField] {
        OPTIONS
    }
}
