//! What a document asks for: objects by id or by what identifies them, listings, counts, the shop itself.

use std::cmp::Reverse;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    document::Field,
    errors::TopError,
    gate::Caller,
    ledger::{is_defined, label, resolved},
    shop::{CUSTOMERS, DEFINITIONS, HOOKS, ORDERS, ORDERS_FROM, PRODUCTS, SHOP_ID, Trader},
    show,
};
use crate::{
    clock::{self, Millis},
    desk::State,
    store::Object,
};

const KINDS: [&str; 3] = [CUSTOMERS, PRODUCTS, ORDERS];

/// The most that a page may hold.
const PAGE: u64 = 250;

pub(crate) fn find(caller: &Caller, field: &Field) -> Result<Value, TopError> {
    caller.read(|state| {
        let name = field.name.as_str();
        if let Some(kind) = KINDS.into_iter().find(|kind| *kind == name) {
            return listing(state, kind, field);
        }
        let singular = |kind: &str| label(kind).to_lowercase();
        if let Some(kind) = KINDS.into_iter().find(|kind| singular(kind) == name) {
            let id = field.text("id").and_then(|gid| show::number(kind, gid));
            return Ok(one(kind, id.and_then(|id| shown(state, kind, id))));
        }
        if let Some(kind) = KINDS.into_iter().find(|kind| format!("{}ByIdentifier", singular(kind)) == name) {
            return identified(state, kind, field.argument("identifier"));
        }
        if let Some(kind) = KINDS.into_iter().find(|kind| format!("{kind}Count") == name) {
            let count = rows(state, kind, field.text("query").unwrap_or_default())?.len();
            return Ok(json!({"count": count, "precision": "EXACT"}));
        }
        Ok(match name {
            "nodes" => nodes(state, field),
            "shop" => json!({
                "__typename": "Shop", "id": format!("gid://shopify/Shop/{SHOP_ID}"), "name": format!("Boutique {}", caller.id),
                "myshopifyDomain": format!("{}.myshopify.com", caller.id), "currencyCode": "EUR",
                "ianaTimezone": "Europe/Paris", "email": "boutique@exemple.fr",
            }),
            "currentAppInstallation" => {
                let scopes = ["write_customers", "write_products", "write_orders"];
                let scopes: Vec<Value> = scopes.iter().map(|handle| json!({ "handle": handle })).collect();
                json!({"accessScopes": scopes})
            }
            "productVariants" => variants(state, field),
            "metafieldDefinitions" => definitions(state, field),
            "webhookSubscriptions" => page(state.store.all(HOOKS).map(hook).collect()),
            "events" => events(state, field),
            other => {
                let message = format!("Field '{other}' doesn't exist on type 'QueryRoot'");
                return Err(TopError::new("undefinedField", message));
            }
        })
    })
}

/// Whether an order is too old for the app to be shown it.
fn is_hidden(state: &State<Trader>, kind: &str, object: &Object) -> bool {
    kind == ORDERS && state.faults.limit(ORDERS_FROM).is_some_and(|first| object.id < u64::from(first))
}

fn shown<'a>(state: &'a State<Trader>, kind: &str, id: u64) -> Option<&'a Object> {
    state.store.get(kind, id).filter(|object| !is_hidden(state, kind, object))
}

fn one(kind: &str, object: Option<&Object>) -> Value {
    object.map_or(Value::Null, |object| show::whole(kind, object))
}

fn page(nodes: Vec<Value>) -> Value {
    json!({"nodes": nodes, "pageInfo": {"hasNextPage": false, "endCursor": null}})
}

/// A webhook as it is shown.
pub(crate) fn hook(hook: &Object) -> Value {
    json!({
        "__typename": "WebhookSubscription", "id": format!("gid://shopify/WebhookSubscription/{}", hook.id),
        "topic": hook.text("/topic"), "uri": hook.text("/uri"), "format": "JSON",
    })
}

fn nodes(state: &State<Trader>, field: &Field) -> Value {
    let ids = field.argument("ids").as_array().into_iter().flatten().filter_map(Value::as_str);
    let node = |gid: &str| {
        let found = KINDS.into_iter().find_map(|kind| Some((kind, shown(state, kind, show::number(kind, gid)?)?)));
        found.map_or(Value::Null, |(kind, object)| show::whole(kind, object))
    };
    ids.map(node).collect()
}

/// By what identifies it, which is read directly, whatever a search shows.
fn identified(state: &State<Trader>, kind: &'static str, by: &Value) -> Result<Value, TopError> {
    let text = |name: &str| by.get(name).and_then(Value::as_str);
    if let Some(custom) = by.get("customId") {
        let part = |name: &str| custom.get(name).and_then(Value::as_str).unwrap_or_default();
        let named = json!({"namespace": resolved(part("namespace")), "key": part("key")});
        if !is_defined(state.store.all(DEFINITIONS), kind, &named) {
            let message = "Metafield definition of type 'id' is required when using custom ids.";
            return Err(TopError::new("NOT_FOUND", message));
        }
        let has_it = |object: &&Object| {
            let all = object.value("/metafields").cloned().unwrap_or_default();
            let found = show::metafield(&all, part("namespace"), part("key"));
            found.get("value").and_then(Value::as_str) == Some(part("value"))
        };
        return Ok(one(kind, state.store.all(kind).find(has_it)));
    }
    let fits = |object: &&Object| {
        text("emailAddress").is_some_and(|email| object.text("/email").eq_ignore_ascii_case(email))
            || text("phoneNumber").is_some_and(|phone| object.text("/phone") == phone)
            || text("handle").is_some_and(|handle| object.text("/handle") == handle)
            || text("id").and_then(|gid| show::number(kind, gid)) == Some(object.id)
    };
    Ok(one(kind, state.store.all(kind).find(fits)))
}

/// What a search shows of a kind: it lags behind what was written.
fn rows(state: &State<Trader>, kind: &'static str, query: &str) -> Result<Vec<(Millis, u64, Value)>, TopError> {
    let since = match query.strip_prefix("updated_at:>=") {
        Some(text) => clock::parse(text.trim_matches(['\'', '"'])).ok_or_else(|| bad_query(query))?,
        None if query.is_empty() => Millis::MIN,
        None => return Err(bad_query(query)),
    };
    let shown_at = clock::now().saturating_sub(state.faults.search_lag_ms);
    let seen = |object: &Object| {
        let (at, fields) = object.at(shown_at)?;
        // Times have whole seconds, and so has what is compared.
        let second = at.div_euclid(1_000).saturating_mul(1_000);
        (second >= since).then(|| (second, object.id, show::at(kind, object, (at, fields))))
    };
    let all = state.store.all(kind).filter(|object| !is_hidden(state, kind, object));
    let mut rows: Vec<_> = all.filter_map(seen).collect();
    rows.sort_by_key(|(at, id, _)| (*at, *id));
    Ok(rows)
}

fn bad_query(query: &str) -> TopError {
    TopError::new("BAD_REQUEST", format!("the search {query} is not understood here"))
}

/// A page behind a mark of time and id.
fn listing(state: &State<Trader>, kind: &'static str, field: &Field) -> Result<Value, TopError> {
    let first = field.argument("first").as_u64().filter(|first| (1..=PAGE).contains(first));
    let first = first.ok_or_else(|| TopError::new("BAD_REQUEST", "first must be between 1 and 250"))?;
    let mark = match field.text("after") {
        Some(after) => Some(
            mark(after).ok_or_else(|| TopError::new("BAD_REQUEST", "Invalid cursor for current pagination sort."))?,
        ),
        None => None,
    };
    let mut rows = rows(state, kind, field.text("query").unwrap_or_default())?;
    rows.retain(|(at, id, _)| mark.is_none_or(|mark| (*at, *id) > mark));
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let more = rows.len() > first;
    rows.truncate(first);
    let end = rows.last().map(|(at, id, _)| STANDARD.encode(json!({"last_id": id, "last_value": at}).to_string()));
    let nodes: Vec<Value> = rows.into_iter().map(|(_, _, node)| node).collect();
    Ok(json!({"nodes": nodes, "pageInfo": {"hasNextPage": more, "endCursor": end}}))
}

fn mark(after: &str) -> Option<(Millis, u64)> {
    let mark: Value = serde_json::from_slice(&STANDARD.decode(after).ok()?).ok()?;
    Some((mark.get("last_value")?.as_i64()?, mark.get("last_id")?.as_u64()?))
}

/// Variants by SKU, and what is like it: a search takes words apart.
fn variants(state: &State<Trader>, field: &Field) -> Value {
    let query = field.text("query").unwrap_or_default();
    let sku = query.strip_prefix("sku:").unwrap_or_default().trim_matches('\'').replace("\\'", "'");
    let shown_at = clock::now().saturating_sub(state.faults.search_lag_ms);
    let found = state.store.all(PRODUCTS).filter(|product| {
        product.at(shown_at).is_some() && !sku.is_empty() && product.text("/variant/sku").starts_with(&sku)
    });
    let variant = |product: &Object| {
        let whole = show::whole(PRODUCTS, product);
        let mut variant = whole.pointer("/variants/nodes/0").cloned().unwrap_or_default();
        if let Some(variant) = variant.as_object_mut() {
            variant.insert("product".to_owned(), whole);
        }
        variant
    };
    page(found.map(variant).collect())
}

fn definitions(state: &State<Trader>, field: &Field) -> Value {
    let owner = field.text("ownerType").unwrap_or_default();
    let made = state.store.all(DEFINITIONS).filter(|known| known.text("/ownerType") == owner).map(|known| {
        json!({
            "namespace": known.text("/namespace"), "key": known.text("/key"), "name": known.text("/name"),
            "type": {"name": known.text("/type")},
        })
    });
    // What every demonstration shop has defined itself.
    let own =
        json!({"namespace": "custom", "key": "tier", "name": "Fidélité", "type": {"name": "single_line_text_field"}});
    page(std::iter::once(own).chain(made).collect())
}

fn events(state: &State<Trader>, field: &Field) -> Value {
    let query = field.text("query").unwrap_or_default();
    let kind = KINDS.into_iter().find(|kind| query.contains(&format!("subject_type:{}", label(kind).to_uppercase())));
    let mut gone: Vec<&Object> = kind.into_iter().flat_map(|kind| state.store.gone(kind)).collect();
    gone.sort_by_key(|object| Reverse(object.removed_at));
    let event = |object: &&Object| {
        json!({
            "__typename": "BasicEvent", "subjectId": show::gid(kind.unwrap_or_default(), object.id),
            "createdAt": show::seconds(object.removed_at.unwrap_or_default()), "action": "destroy",
        })
    };
    page(gone.iter().map(event).collect())
}
