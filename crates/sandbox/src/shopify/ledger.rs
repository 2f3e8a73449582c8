//! Writes to one shop, made under its lock: checked, applied, journalled, told to the webhooks.

use serde_json::{Map, Value, json};

use super::{
    errors::UserError,
    hooks,
    shop::{CUSTOMERS, DEFINITIONS, ORDERS, PRODUCTS, Trader, map},
};
use crate::{desk::Ledger, store::Object};

type Fields = Map<String, Value>;

/// A name that is the app's own becomes one that tells it from other apps'.
pub(crate) fn resolved(namespace: &str) -> String {
    match namespace.strip_prefix("$app") {
        Some(rest) => format!("app--4242{}", rest.replace(':', "--")),
        None => namespace.to_owned(),
    }
}

/// What an object holds of which nothing was said.
fn blank(kind: &str) -> Value {
    match kind {
        CUSTOMERS => json!({
            "email": null, "phone": null, "firstName": null, "lastName": null, "note": null, "locale": "fr",
            "taxExempt": false, "tags": [], "state": "DISABLED", "address": null, "metafields": [],
        }),
        PRODUCTS => json!({
            "title": "", "descriptionHtml": "", "handle": "", "vendor": "Boutique", "productType": "",
            "status": "ACTIVE", "tags": [], "metafields": [],
            "variant": {"sku": null, "price": "0.00", "compareAtPrice": null, "barcode": null, "inventoryQuantity": 0},
        }),
        ORDERS => json!({
            "name": "", "email": null, "phone": null, "note": null, "poNumber": null, "tags": [], "customer": null,
            "financial": "PENDING", "fulfillment": "UNFULFILLED", "total": "0.00", "currency": "EUR",
            "cancelledAt": null, "closedAt": null, "lineItems": [], "metafields": [],
        }),
        _ => json!({}),
    }
}

pub(crate) fn create(ledger: &mut Ledger<'_, Trader>, kind: &'static str, fields: Fields) -> Result<u64, UserError> {
    let mut whole = map(blank(kind));
    for (name, value) in fields {
        let value = merged(whole.get(&name), value);
        whole.insert(name, value);
    }
    distort(ledger, kind, &mut whole);
    check(ledger, kind, None, &whole)?;
    if kind == ORDERS {
        let orders = ledger.state.store.all(ORDERS).count().saturating_add(ledger.state.store.gone(ORDERS).count());
        whole.insert("name".to_owned(), json!(format!("#{}", orders.saturating_add(1_001))));
    }
    if kind == PRODUCTS && whole.get("handle").and_then(Value::as_str).is_none_or(str::is_empty) {
        let title = whole.get("title").and_then(Value::as_str).unwrap_or_default().to_lowercase().replace(' ', "-");
        whole.insert("handle".to_owned(), json!(title));
    }
    let id = ledger.create(kind, whole);
    hooks::tell(ledger, kind, id, "create");
    if kind == ORDERS {
        hooks::tell(ledger, kind, id, "updated");
    }
    Ok(id)
}

pub(crate) fn update(
    ledger: &mut Ledger<'_, Trader>,
    kind: &'static str,
    id: u64,
    mut fields: Fields,
) -> Result<(), UserError> {
    let before = ledger.state.store.get(kind, id).ok_or_else(|| UserError::gone(label(kind)))?.fields().clone();
    for (name, value) in &mut fields {
        *value = merged(before.get(name), value.take());
    }
    distort(ledger, kind, &mut fields);
    check(ledger, kind, Some(id), &fields)?;
    fields.retain(|name, value| before.get(name) != Some(value));
    if fields.is_empty() {
        return Ok(());
    }
    ledger.update(kind, id, fields);
    hooks::tell(ledger, kind, id, if kind == ORDERS { "updated" } else { "update" });
    Ok(())
}

pub(crate) fn remove(ledger: &mut Ledger<'_, Trader>, kind: &'static str, id: u64) -> Result<(), UserError> {
    ledger.state.store.get(kind, id).ok_or_else(|| UserError::gone(label(kind)))?;
    let has_ordered = |order: &Object| order.value("/customer") == Some(&json!(id));
    if kind == CUSTOMERS && ledger.state.store.all(ORDERS).any(has_ordered) {
        let message = "Customer can't be deleted because they have associated orders";
        return Err(UserError::new(&["id"], "INVALID", message));
    }
    ledger.remove(kind, id);
    hooks::tell(ledger, kind, id, "delete");
    Ok(())
}

pub(crate) fn label(kind: &str) -> &'static str {
    match kind {
        CUSTOMERS => "Customer",
        PRODUCTS => "Product",
        ORDERS => "Order",
        _ => "Object",
    }
}

/// Objects are laid over those that are there; metafields take the place of those of their name.
fn merged(before: Option<&Value>, value: Value) -> Value {
    match (before, value) {
        (Some(Value::Object(before)), Value::Object(fields)) => {
            let mut whole = before.clone();
            whole.extend(fields);
            Value::Object(whole)
        }
        (Some(Value::Array(before)), Value::Array(items)) if items.iter().chain(before).any(is_metafield) => {
            let is_kept = |old: &&Value| !items.iter().any(|new| is_same(old, new));
            before
                .iter()
                .filter(is_kept)
                .cloned()
                .chain(items.iter().filter(|item| !is_cleared(item)).cloned())
                .collect()
        }
        (_, value) => value,
    }
}

fn is_metafield(item: &Value) -> bool {
    item.get("namespace").is_some()
}

fn is_same(one: &Value, other: &Value) -> bool {
    one.get("namespace") == other.get("namespace") && one.get("key") == other.get("key")
}

fn is_cleared(item: &Value) -> bool {
    item.get("value").is_none_or(Value::is_null)
}

/// What Shopify finds fault with.
fn check(ledger: &Ledger<'_, Trader>, kind: &'static str, own: Option<u64>, fields: &Fields) -> Result<(), UserError> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let others = || ledger.state.store.all(kind).filter(|object| Some(object.id) != own);
    if kind == CUSTOMERS {
        if let Some(email) = text("email") {
            if email.split_once('@').is_none_or(|(name, host)| name.is_empty() || !host.contains('.')) {
                return Err(UserError::new(&["email"], "INVALID", "Email is invalid"));
            }
            if others().any(|other| other.text("/email").eq_ignore_ascii_case(email)) {
                return Err(UserError::taken("email", "Email"));
            }
        }
        if let Some(phone) = text("phone") {
            if !phone.starts_with('+') || phone.len() < 8 {
                return Err(UserError::new(&["phone"], "INVALID", "Phone is invalid"));
            }
            if others().any(|other| other.text("/phone") == phone) {
                return Err(UserError::taken("phone", "Phone"));
            }
        }
        let is_nobody =
            own.is_none() && ["email", "phone", "firstName", "lastName"].iter().all(|name| text(name).is_none());
        if is_nobody {
            let message = "Customer must have a name, phone number or email address";
            return Err(UserError::new(&[], "BLANK", message));
        }
    }
    if kind == PRODUCTS && fields.get("title").is_some_and(|title| title.as_str().is_none_or(str::is_empty)) {
        return Err(UserError::new(&["title"], "BLANK", "Title can't be blank"));
    }
    check_ids(ledger, kind, own, fields)
}

/// A metafield of the type `id` needs its definition, and no two objects share one.
fn check_ids(
    ledger: &Ledger<'_, Trader>,
    kind: &'static str,
    own: Option<u64>,
    fields: &Fields,
) -> Result<(), UserError> {
    let all = fields.get("metafields").and_then(Value::as_array).into_iter().flatten();
    for (place, id) in all.enumerate().filter(|(_, item)| item.get("type").is_some_and(|of| of == "id")) {
        let at = ["metafields".to_owned(), place.to_string(), "value".to_owned()];
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        if !is_defined(ledger.state.store.all(DEFINITIONS), kind, id) {
            return Err(UserError::new(&at, "INVALID_TYPE", "Metafield definition of type 'id' is required"));
        }
        let mut others = ledger.state.store.all(kind).filter(|object| Some(object.id) != own);
        let has_it = |other: &Object| {
            let theirs = other.value("/metafields").and_then(Value::as_array).into_iter().flatten();
            theirs.into_iter().any(|theirs| is_same(theirs, id) && theirs.get("value") == id.get("value"))
        };
        if others.any(has_it) {
            return Err(UserError::new(&at, "TAKEN", "Value has already been taken"));
        }
    }
    Ok(())
}

/// Whether a metafield of the type `id` is defined for a kind.
pub(crate) fn is_defined<'a>(mut all: impl Iterator<Item = &'a Object>, kind: &str, named: &Value) -> bool {
    let owner = label(kind).to_uppercase();
    let text = |name: &str| named.get(name).and_then(Value::as_str).unwrap_or_default();
    all.any(|known| {
        known.text("/ownerType") == owner
            && known.text("/type") == "id"
            && known.text("/namespace") == text("namespace")
            && known.text("/key") == text("key")
    })
}

/// What is kept of the numbers and texts that were written.
fn distort(ledger: &Ledger<'_, Trader>, kind: &str, fields: &mut Fields) {
    for (name, value) in fields.iter_mut().filter(|_| kind == CUSTOMERS) {
        if let Some(kept) = value.as_str().map(|text| ledger.state.faults.distort(name, text)) {
            *value = json!(kept);
        }
    }
}
