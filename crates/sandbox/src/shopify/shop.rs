//! What makes a shop at Shopify: its kinds of objects, its bucket of points, and what its owner does by hand.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::{compliance, ledger};
use crate::{
    desk::{Hand, Ledger, Shelf, State, Trade},
    faults::Faults,
    stand_in::Refused,
};

pub(crate) const CUSTOMERS: &str = "customers";
pub(crate) const PRODUCTS: &str = "products";
pub(crate) const ORDERS: &str = "orders";
pub(crate) const HOOKS: &str = "webhooks";
pub(crate) const DEFINITIONS: &str = "definitions";

/// The number of the one shop that a document sees.
pub(crate) const SHOP_ID: u64 = 1;

/// The switches that only Shopify has.
pub(crate) const RESTORE: &str = "restore_rate";
pub(crate) const BUCKET: &str = "bucket_size";
pub(crate) const NO_CUSTOMER_DATA: &str = "no_customer_data";
pub(crate) const FOREIGN_CALLBACK: &str = "foreign_callback";
/// The first order, by its number, that an app is shown: the older ones are behind a permission of their own.
pub(crate) const ORDERS_FROM: &str = "orders_from";

#[derive(Debug)]
pub(crate) struct Trader;

/// The bucket of points; `None` as long as it is full.
#[derive(Debug, Default)]
pub(crate) struct Bucket(Option<(f64, Instant)>);

/// What the bucket holds after it was asked for so many points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) most: f64,
    pub(crate) left: f64,
    pub(crate) rate: f64,
    pub(crate) is_granted: bool,
}

/// Takes points where there are so many.
pub(crate) fn take(state: &mut State<Trader>, points: f64) -> Taken {
    let number = |name: &str, default: f64| state.faults.limit(name).map_or(default, f64::from);
    let (most, rate) = (number(BUCKET, f64::MAX), number(RESTORE, 0.0));
    let now = Instant::now();
    let (left, at) = state.own.0.unwrap_or((most, now));
    let left = (left + now.duration_since(at).as_secs_f64() * rate).min(most);
    let is_granted = points <= left;
    let left = if is_granted { left - points } else { left };
    state.own.0 = Some((left, now));
    Taken { most, left, rate, is_granted }
}

impl Trade for Trader {
    const SLUG: &'static str = super::SLUG;
    const SHELVES: &'static [Shelf] = &[
        Shelf {
            kind: CUSTOMERS,
            columns: &[
                ("e-mail", "/email"),
                ("prénom", "/firstName"),
                ("nom", "/lastName"),
                ("téléphone", "/phone"),
                ("ville", "/address/city"),
            ],
        },
        Shelf {
            kind: PRODUCTS,
            columns: &[("titre", "/title"), ("SKU", "/variant/sku"), ("prix", "/variant/price"), ("état", "/status")],
        },
        Shelf {
            kind: ORDERS,
            columns: &[
                ("numéro", "/name"),
                ("paiement", "/financial"),
                ("total", "/total"),
                ("client", "/customer"),
                ("e-mail", "/email"),
            ],
        },
        Shelf { kind: HOOKS, columns: &[("sujet", "/topic"), ("destination", "/uri")] },
        Shelf {
            kind: DEFINITIONS,
            columns: &[("objet", "/ownerType"), ("espace", "/namespace"), ("clé", "/key"), ("type", "/type")],
        },
    ];

    const COMPLIANCE: &'static [(&'static str, &'static str)] = compliance::TOPICS;

    type Own = Bucket;

    fn faults() -> Faults {
        let own = [
            (RESTORE, json!(100)),
            (BUCKET, json!(2_000)),
            (NO_CUSTOMER_DATA, json!(false)),
            (FOREIGN_CALLBACK, json!(false)),
            (ORDERS_FROM, json!(null)),
        ];
        Faults {
            search_lag_ms: 1_000,
            own: own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..Faults::default()
        }
    }

    fn do_by_hand(ledger: &mut Ledger<'_, Self>, kind: &'static str, hand: Hand) -> Result<u64, Refused> {
        let done = match hand {
            Hand::Create(fields) => ledger::create(ledger, kind, fields),
            Hand::Update(id, fields) => ledger::update(ledger, kind, id, fields).map(|()| id),
            Hand::Remove(id) => ledger::remove(ledger, kind, id).map(|()| id),
        };
        done.map_err(|error| Refused::new(422, error.message))
    }

    fn request_compliance(ledger: &mut Ledger<'_, Self>, topic: &str, about: Option<u64>) -> Result<(), Refused> {
        compliance::request(ledger, topic, about)
    }
}

/// A map out of what is one.
pub(crate) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
