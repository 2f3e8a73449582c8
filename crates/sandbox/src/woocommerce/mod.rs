//! WooCommerce, as a real one of version 11.0.1 answers: `/woocommerce/<shop>` is a site of that name, its API
//! below `wp-json/wc/v3`. Every shop has two keys, one that may write and one that may only read.

mod batch;
mod errors;
mod gate;
mod hooks;
mod ledger;
mod meta;
mod objects;
mod query;
mod resource;
mod routes;
mod subscriptions;

use std::{collections::BTreeMap, sync::Arc};

use actix_web::web::{Data, ServiceConfig};
use serde_json::Value;

use crate::{
    accounts::Accounts,
    desk::{Desk, Hand, Ledger, Shelf, Trade},
    faults::Faults,
    people::Words,
    stand_in::{Account, Refused, StandIn},
    tools::Tools,
};

const SLUG: &str = "woocommerce";

/// What a site's owner sees in the list of keys; the first may write.
const KEYS: [(&str, &str); 2] = [
    ("ck_1111111111111111111111111111111111111111", "cs_1111111111111111111111111111111111111111"),
    ("ck_2222222222222222222222222222222222222222", "cs_2222222222222222222222222222222222222222"),
];

/// One shop.
pub(crate) type Shop = Desk<Woo>;

/// All shops.
#[derive(Debug)]
pub(crate) struct WooCommerce {
    shops: Accounts<Shop>,
    tools: Arc<Tools>,
}

impl WooCommerce {
    pub(crate) fn open(tools: &Arc<Tools>) -> Arc<Self> {
        Arc::new(Self { shops: Accounts::default(), tools: Arc::clone(tools) })
    }

    /// The shop of that name; `None` where none can have it.
    fn shop(&self, name: &str) -> Option<Arc<Shop>> {
        let fits = (1..=40).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        fits.then(|| self.shops.get_or_make(name, || Desk::new(name, &self.tools)))
    }
}

impl StandIn for WooCommerce {
    fn slug(&self) -> &'static str {
        SLUG
    }

    fn name(&self) -> &'static str {
        "WooCommerce"
    }

    fn mount(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self)).configure(routes::configure);
    }

    fn accounts(&self) -> Vec<Arc<dyn Account>> {
        self.shops.all().into_iter().map(|shop| -> Arc<dyn Account> { shop }).collect()
    }

    fn account(&self, id: &str) -> Option<Arc<dyn Account>> {
        Some(self.shop(id)?)
    }

    fn clear(&self) {
        self.shops.clear();
    }

    fn own_switches(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("plain_http", "HTTPS non reconnu"),
            ("html_errors", "erreurs en HTML"),
            ("in_french", "site en français"),
            ("shop_manager", "clés d'un gérant de boutique"),
            ("rest_closed", "API REST fermée aux inconnus"),
            ("batch_limit", "Objets par lot"),
        ]
    }

    fn words(&self) -> Words {
        Words { kinds: &["customers"], emails: &["/email"], phones: &["/billing/phone"], keys: &[] }
    }
}

/// What makes a shop a WooCommerce.
#[derive(Debug)]
pub(crate) struct Woo;

/// What a shop keeps beside its objects.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// How the deliveries of each webhook fared.
    hooks: BTreeMap<u64, Arc<hooks::Health>>,
}

impl Trade for Woo {
    const SLUG: &'static str = SLUG;
    const SHELVES: &'static [Shelf] = &[
        Shelf {
            kind: "customers",
            columns: &[
                ("e-mail", "/email"),
                ("prénom", "/first_name"),
                ("nom", "/last_name"),
                ("téléphone", "/billing/phone"),
                ("ville", "/billing/city"),
            ],
        },
        Shelf {
            kind: "products",
            columns: &[("nom", "/name"), ("SKU", "/sku"), ("prix", "/price"), ("état", "/status")],
        },
        Shelf {
            kind: "orders",
            columns: &[
                ("numéro", "/number"),
                ("état", "/status"),
                ("total", "/total"),
                ("client", "/customer_id"),
                ("e-mail", "/billing/email"),
            ],
        },
        Shelf {
            kind: "webhooks",
            columns: &[("sujet", "/topic"), ("destination", "/delivery_url"), ("état", "/status")],
        },
    ];

    type Own = Own;

    fn faults() -> Faults {
        let own = [
            ("plain_http", false.into()),
            ("html_errors", false.into()),
            ("in_french", false.into()),
            ("shop_manager", false.into()),
            ("rest_closed", false.into()),
            ("batch_limit", 100.into()),
        ];
        let own = own.map(|(name, value): (&str, Value)| (name.to_owned(), value));
        Faults { own: own.into(), ..Faults::default() }
    }

    fn do_by_hand(ledger: &mut Ledger<'_, Self>, kind: &'static str, hand: Hand) -> Result<u64, Refused> {
        let resource =
            resource::Resource::parse(kind).map_err(|_unknown| Refused::new(404, "webhooks are made by the API"))?;
        Ok(match hand {
            Hand::Create(fields) => ledger::create(ledger, resource, fields)?,
            Hand::Update(id, fields) => ledger::update(ledger, resource, id, fields)?,
            Hand::Remove(id) => ledger::remove(ledger, resource, id, resource == resource::Resource::Customers)?,
        })
    }
}
