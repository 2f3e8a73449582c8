//! What the law lets a customer, or a shop's owner, ask of an app. No app subscribes to it: where it goes stands in the app's own
//! configuration, which is the account's webhook here. An app that has none there is asked where its subscriptions lead.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    CLIENT,
    hooks::{Hook, domain_of},
    shop::{CUSTOMERS, HOOKS, ORDERS, SHOP_ID, Trader},
};
use crate::{
    desk::{Ledger, State},
    sender::Secret,
    stand_in::Refused,
    store::Object,
};

const DATA_REQUEST: &str = "customers/data_request";
const CUSTOMER_REDACT: &str = "customers/redact";
const SHOP_REDACT: &str = "shop/redact";

/// The topics, with their names for people.
pub(crate) const TOPICS: &[(&str, &str)] = &[
    (DATA_REQUEST, "Demander les données du client"),
    (CUSTOMER_REDACT, "Effacer le client"),
    (SHOP_REDACT, "Effacer la boutique"),
];

/// Sends a request of one of those topics; those of customers are about one.
pub(crate) fn request(ledger: &mut Ledger<'_, Trader>, topic: &str, customer: Option<u64>) -> Result<(), Refused> {
    let mut body = Map::from_iter([
        ("shop_id".to_owned(), json!(SHOP_ID)),
        ("shop_domain".to_owned(), json!(domain_of(&ledger.desk.id))),
    ]);
    match topic {
        DATA_REQUEST => {
            body.extend(about(ledger.state, customer, "orders_requested")?);
            body.insert("data_request".to_owned(), json!({ "id": ledger.now }));
        }
        CUSTOMER_REDACT => body.extend(about(ledger.state, customer, "orders_to_redact")?),
        SHOP_REDACT => {}
        _ => return Err(Refused::new(404, format!("nobody can ask for {topic} here"))),
    }
    let no_address =
        || Refused::new(409, "the app names no address: set the account's webhook, or let the app subscribe");
    let (uri, secret) = address(ledger.state).ok_or_else(no_address)?;
    let hook = Hook::new(uri, secret, (topic, &ledger.desk.id));
    ledger.tell(Arc::new(hook), vec![Value::Object(body)]);
    Ok(())
}

fn address(state: &State<Trader>) -> Option<(String, Secret)> {
    let configured = state.webhook.as_ref().map(|webhook| (webhook.target_url.clone(), webhook.client_secret.clone()));
    let subscribed = || Some((state.store.all(HOOKS).next()?.text("/uri").to_owned(), Secret(CLIENT.1.to_owned())));
    configured.or_else(subscribed)
}

/// What is said of a customer, who may be gone from the shop by then, and of their orders, under this name.
fn about(state: &State<Trader>, customer: Option<u64>, orders: &str) -> Result<Map<String, Value>, Refused> {
    let id = customer.ok_or_else(|| Refused::new(422, "say by `object` which customer"))?;
    let mut known = state.store.all(CUSTOMERS).chain(state.store.gone(CUSTOMERS));
    let found = known.find(|object| object.id == id);
    let found = found.ok_or_else(|| Refused::new(404, format!("there never was a customer {id}")))?;
    let is_theirs = |order: &&Object| order.value("/customer") == Some(&json!(id));
    let ids: Vec<u64> = state.store.all(ORDERS).filter(is_theirs).map(|order| order.id).collect();
    let said = |pointer: &str| found.value(pointer).cloned().unwrap_or_default();
    Ok(Map::from_iter([
        ("customer".to_owned(), json!({ "id": id, "email": said("/email"), "phone": said("/phone") })),
        (orders.to_owned(), json!(ids)),
    ]))
}
