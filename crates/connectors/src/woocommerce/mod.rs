//! WooCommerce: customers, products and orders of a shop that hosts itself. Everything that is peculiar to it lives in this folder.

use std::time::Duration;

use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::Mapping;
use url::Url;

use crate::connector::{Connector, Parts};
use crate::descriptor::{AuthScheme, Category, CredentialField, Descriptor, KeyShown, Limits};
use crate::site;

mod api;
mod batch;
mod changes;
mod errors;
mod fields;
mod mapping;
mod probe;
mod proxy;
mod read;
mod subscribe;
mod webhooks;
mod wire;
mod write;

/// The custom field in which a product or order of ours carries its record id. With a dash below, people do not see it.
const KEY: &str = "_coccinelle_id";

/// How many items one request may carry, all lists of it together.
const BATCH: usize = 100;

const DESCRIPTOR: Descriptor = Descriptor {
    slug: "woocommerce",
    name: "WooCommerce",
    category: Category::ECommerce,
    auth: &[AuthScheme::ApiKey {
        fields: &[
            CredentialField {
                name: "api_key",
                label: "Consumer key",
                hint: "WooCommerce → Settings → Advanced → REST API: a key that may read and write. It begins with “ck_”.",
            },
            CredentialField {
                name: "api_secret",
                label: "Consumer secret",
                hint: "Shown once, beside the key. It begins with “cs_”.",
            },
        ],
        shown: KeyShown::AsBasic,
    }],
    needs_url: true,
    kinds: &[RecordKind::Contact, RecordKind::Product, RecordKind::Order],
    // It has no limit of its own; this is what small hosts bear.
    limits: Limits { requests: 10, per: Duration::from_secs(1), batch: BATCH },
    docs_url: "https://woocommerce.com/document/woocommerce-rest-api/",
    // It reads its own tables: what was written is there.
    lookup_lag: Duration::ZERO,
};

const PARTS: Parts = Parts {
    webhooks: &WooCommerce,
    probe: &WooCommerce,
    reader: Some(&WooCommerce),
    writer: Some(&WooCommerce),
    changes: Some(&WooCommerce),
    discovery: Some(&WooCommerce),
    oauth: None,
    subscriptions: Some(&WooCommerce),
    proxy: Some(&WooCommerce),
};

/// The connector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WooCommerce;

impl Connector for WooCommerce {
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
        let shop = integration.url.as_deref()?;
        let (script, query): (_, &[(&str, &str)]) = match kind {
            RecordKind::Contact => ("user-edit.php", &[("user_id", external_id)]),
            RecordKind::Product | RecordKind::Order => ("post.php", &[("post", external_id), ("action", "edit")]),
            RecordKind::Deal | RecordKind::Activity => return None,
        };
        let mut page = site::page(shop, &["wp-admin", script])?;
        page.query_pairs_mut().extend_pairs(query);
        Some(page)
    }
}
