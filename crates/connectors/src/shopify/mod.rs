//! Shopify: customers, products and orders of a shop, by its GraphQL interface. Everything that is peculiar to it lives in this folder.

use std::time::Duration;

use domain::kind::RecordKind;
use domain::mapping::Mapping;

use crate::connector::{Connector, Parts};
use crate::descriptor::{AuthScheme, Category, Descriptor, Limits};

mod api;
mod change;
mod changes;
mod errors;
mod fields;
mod find;
mod mapping;
mod oauth;
mod permitted;
mod pieces;
mod probe;
mod proxy;
mod read;
mod subscriptions;
mod webhooks;
mod wire;
mod write;

/// Where an object of ours carries its record id: a metafield of the type that Shopify keeps unique and reads directly. The
/// namespace is our app's own, so that nobody else changes what lies there.
const KEY: (&str, &str) = ("$app:coccinelle", "record_id");

/// How many objects one call may name, so that it costs less than the thousand points that one may.
const BATCH: usize = 50;

const DESCRIPTOR: Descriptor = Descriptor {
    slug: "shopify",
    name: "Shopify",
    category: Category::ECommerce,
    auth: &[AuthScheme::OAuth2(oauth::TERMS)],
    needs_url: false,
    kinds: &[RecordKind::Contact, RecordKind::Product, RecordKind::Order],
    // The smallest plan gives a hundred points a second, and a write costs ten of them.
    limits: Limits { requests: 100, per: Duration::from_secs(10), batch: BATCH },
    docs_url: "https://shopify.dev/docs/api/admin-graphql",
    // Our key is read directly, and so are e-mail addresses and telephone numbers.
    lookup_lag: Duration::ZERO,
};

const PARTS: Parts = Parts {
    webhooks: &Shopify,
    probe: &Shopify,
    reader: Some(&Shopify),
    writer: Some(&Shopify),
    changes: Some(&Shopify),
    discovery: Some(&Shopify),
    oauth: Some(&Shopify),
    subscriptions: Some(&Shopify),
    proxy: Some(&Shopify),
};

/// The connector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shopify;

impl Connector for Shopify {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn default_mapping(&self, kind: RecordKind) -> Mapping {
        mapping::default_of(kind)
    }

    fn parts(&self) -> &'static Parts {
        &PARTS
    }
}
