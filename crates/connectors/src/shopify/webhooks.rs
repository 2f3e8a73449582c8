//! Shopify's deliveries: their signature, and what they say has changed.

use std::time::Duration;

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use super::{Shopify, wire};
use crate::error::ConnectorError;
use crate::values::id_of;
use crate::webhook::{
    Affair, Matter, PersonRef, Rejection, RemoteChange, SecretSource, WebhookFormat, WebhookRequest, header, sealed,
};

const SIGNATURE: &str = "x-shopify-hmac-sha256";
const TOPIC: &str = "x-shopify-topic";
const SHOP: &str = "x-shopify-shop-domain";
const DELIVERY: &str = "x-shopify-webhook-id";

/// So long an order is shown, see `read`.
const SHOWN: Duration = Duration::from_secs(60 * 86_400);

impl WebhookFormat for Shopify {
    fn secret(&self) -> SecretSource {
        SecretSource::App
    }

    /// What is signed is the body alone. Neither the shop nor the topic is, so whatever a delivery names is read again, with the
    /// credentials of the account that it claims to be about.
    fn verify(&self, request: &WebhookRequest<'_>, secret: &SecretString) -> Result<(), Rejection> {
        sealed::verify(request, SIGNATURE, secret)
    }

    fn kept_headers(&self) -> &'static [&'static str] {
        &[TOPIC, SHOP]
    }

    /// The same for every attempt of one delivery, and only for those.
    fn delivery_id(&self, headers: &[(String, String)], _body: &[u8]) -> Option<String> {
        Some(format!("{}:{}", header(headers, SHOP)?, header(headers, DELIVERY)?))
    }

    /// Which shop it is about is taken from the body, which is signed.
    fn affair(&self, headers: &[(String, String)], body: &str) -> Option<Affair> {
        let topic = header(headers, TOPIC)?;
        let object: Value = serde_json::from_str(body).ok()?;
        let shop = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_lowercase);
        let customer = || {
            let customer = object.get("customer")?;
            let id = customer.get("id").and_then(id_of).map(PersonRef::Id);
            // Of some customers, a shop knows nothing else.
            let email = || customer.get("email").and_then(Value::as_str).filter(|email| !email.is_empty());
            id.or_else(|| email().map(|email| PersonRef::Email(email.to_owned())))
        };
        let (account_id, matter) = match topic {
            "app/uninstalled" => (shop("myshopify_domain")?, Matter::AppRemoved),
            "customers/data_request" => (shop("shop_domain")?, Matter::PersonAsks(customer()?)),
            "customers/redact" => (shop("shop_domain")?, Matter::ErasePerson(customer()?)),
            "shop/redact" => (shop("shop_domain")?, Matter::EraseAccount),
            _ => return None,
        };
        Some(Affair { account_id, matter })
    }

    fn parse(&self, headers: &[(String, String)], body: &str) -> Result<Vec<RemoteChange>, ConnectorError> {
        let object: Value = serde_json::from_str(body).ok().filter(Value::is_object).ok_or_else(malformed)?;
        let (Some(topic), Some(shop)) = (header(headers, TOPIC), header(headers, SHOP)) else { return Ok(Vec::new()) };
        let Some((resource, event)) = topic.split_once('/') else { return Ok(Vec::new()) };
        let change = |kind, external_id: String| RemoteChange {
            account_id: Some(shop.to_lowercase()),
            kind,
            external_id,
            occurred_at: object.get("updated_at").and_then(Value::as_str).and_then(Timestamp::parse),
            deleted: false,
            merged_into: None,
        };
        let named = |name: &str| object.get(name).and_then(id_of).ok_or_else(malformed);
        Ok(match (resource, event) {
            ("customers", "merge") => {
                let id = |name: &str| object.get(name).and_then(Value::as_str).and_then(wire::short);
                let gone = id("admin_graphql_api_customer_deleted_id").ok_or_else(malformed)?;
                let merged_into = id("admin_graphql_api_customer_kept_id");
                vec![RemoteChange { deleted: true, merged_into, ..change(RecordKind::Contact, gone) }]
            }
            ("refunds", "create") => vec![change(RecordKind::Order, named("order_id")?)],
            _ => {
                let kind = match resource {
                    "customers" => RecordKind::Contact,
                    "products" => RecordKind::Product,
                    "orders" => RecordKind::Order,
                    // What a shop has beside these.
                    _ => return Ok(Vec::new()),
                };
                // What is told of an order that cannot be read any more leads nowhere; where Shopify permits it, a poll finds it.
                if !is_of_object(event) || (kind == RecordKind::Order && is_old(&object)) {
                    return Ok(Vec::new());
                }
                vec![RemoteChange { deleted: event == "delete", ..change(kind, named("id")?) }]
            }
        })
    }
}

/// Whether an event is about the object that its body holds.
fn is_of_object(event: &str) -> bool {
    const EVENTS: [&str; 12] = [
        "create",
        "update",
        "updated",
        "delete",
        "paid",
        "cancelled",
        "fulfilled",
        "partially_fulfilled",
        "edited",
        "disable",
        "enable",
        "closed",
    ];
    EVENTS.contains(&event)
}

fn is_old(order: &Value) -> bool {
    let made = order.get("created_at").and_then(Value::as_str).and_then(Timestamp::parse);
    made.is_some_and(|made| made < Timestamp::now().minus(SHOWN))
}

fn malformed() -> ConnectorError {
    ConnectorError::new(FaultKind::Invalid, "malformed_delivery", "the delivery is not of Shopify's form")
}
