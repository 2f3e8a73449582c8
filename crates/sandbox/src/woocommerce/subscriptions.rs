//! Webhooks as the API keeps them. What they are told, and how, is `hooks`.

use std::{collections::HashMap, sync::atomic::Ordering};

use actix_web::{
    HttpResponse,
    web::{Path, Query},
};
use serde_json::{Map, Value, json};

use super::{Woo, batch::Body, errors::WooError, gate::Caller, hooks, resource::date};
use crate::{
    desk::{Ledger, State},
    journal::By,
    store::Object,
};

const KIND: &str = "webhooks";
const RESOURCES: [&str; 4] = ["coupon", "customer", "order", "product"];
const EVENTS: [&str; 4] = ["created", "updated", "deleted", "restored"];

fn unknown() -> WooError {
    WooError::new(404, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
}

/// The secret is never shown.
fn show(state: &State<Woo>, hook: &Object) -> Value {
    let topic = hook.text("/topic");
    let (resource, event) = topic.split_once('.').unwrap_or((topic, ""));
    let is_disabled = state.own.hooks.get(&hook.id).is_some_and(|health| health.is_disabled.load(Ordering::Relaxed));
    let status = if is_disabled { "disabled" } else { hook.text("/status") };
    json!({
        "id": hook.id, "name": hook.text("/name"), "status": status, "topic": topic, "resource": resource,
        "event": event, "hooks": [format!("woocommerce_{resource}_{event}")],
        "delivery_url": hook.text("/delivery_url"), "date_created": date(hook.created_at),
        "date_created_gmt": date(hook.created_at), "date_modified": date(hook.updated_at()),
        "date_modified_gmt": date(hook.updated_at()),
    })
}

pub(crate) async fn list_hooks(shop: Caller, given: Query<HashMap<String, String>>) -> HttpResponse {
    let number = |name: &str, default: usize| given.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (page, per_page) = (number("page", 1), number("per_page", 10).clamp(1, 100));
    let hooks: Vec<Value> = shop.read(|state| state.store.all(KIND).rev().map(|hook| show(state, hook)).collect());
    let shown: Vec<&Value> =
        hooks.iter().skip(page.saturating_sub(1).saturating_mul(per_page)).take(per_page).collect();
    HttpResponse::Ok()
        .insert_header(("x-wp-total", hooks.len().to_string()))
        .insert_header(("x-wp-totalpages", hooks.len().div_ceil(per_page).to_string()))
        .json(shown)
}

pub(crate) async fn get_hook(shop: Caller, path: Path<(String, u64)>) -> Result<HttpResponse, WooError> {
    let shown = shop.read(|state| state.store.get(KIND, path.1).map(|hook| show(state, hook)));
    Ok(HttpResponse::Ok().json(shown.ok_or_else(unknown)?))
}

/// The status that is asked for is ignored, and so a ping goes out.
pub(crate) async fn create_hook(shop: Caller, body: Body) -> Result<HttpResponse, WooError> {
    let mut fields = body.0;
    let text = |fields: &Map<String, Value>, name: &str| {
        fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (topic, url) = (text(&fields, "topic"), text(&fields, "delivery_url"));
    if !is_topic(&topic) {
        let message = "Webhook topic is required and must be valid.";
        return Err(WooError::new(400, "woocommerce_rest_shop_webhook_invalid_topic", message));
    }
    check_url(&url)?;
    fields.insert("status".to_owned(), json!("active"));
    fields.entry("secret").or_insert_with(|| json!(format!("{:032x}", rand::random::<u128>())));
    fields.entry("name").or_insert_with(|| json!("Webhook created"));
    let id = shop.write(By::Api, |ledger| {
        let id = ledger.create(KIND, fields);
        hooks::ping(ledger, id, &url);
        id
    });
    let shown = shop.read(|state| state.store.get(KIND, id).map(|hook| show(state, hook)));
    Ok(HttpResponse::Created().json(shown))
}

pub(crate) async fn update_hook(shop: Caller, path: Path<(String, u64)>, body: Body) -> Result<HttpResponse, WooError> {
    if let Some(url) = body.0.get("delivery_url").and_then(Value::as_str) {
        check_url(url)?;
    }
    let id = path.1;
    shop.write(By::Api, |ledger| save(ledger, id, body.0))?;
    get_hook(shop, path).await
}

fn save(ledger: &mut Ledger<'_, Woo>, id: u64, fields: Map<String, Value>) -> Result<(), WooError> {
    ledger.state.store.get(KIND, id).ok_or_else(unknown)?;
    let health = std::sync::Arc::clone(ledger.state.own.hooks.entry(id).or_default());
    if fields.get("status").and_then(Value::as_str) == Some("active") {
        health.reset();
    }
    ledger.update(KIND, id, fields);
    if health.owes_ping.load(Ordering::Relaxed) {
        let url = ledger.state.store.get(KIND, id).map(|hook| hook.text("/delivery_url").to_owned());
        hooks::ping(ledger, id, &url.unwrap_or_default());
    }
    Ok(())
}

pub(crate) async fn delete_hook(
    shop: Caller,
    path: Path<(String, u64)>,
    given: Query<HashMap<String, String>>,
) -> Result<HttpResponse, WooError> {
    let shown = shop.read(|state| state.store.get(KIND, path.1).map(|hook| show(state, hook))).ok_or_else(unknown)?;
    if given.get("force").is_none_or(|value| value != "true" && value != "1") {
        return Err(WooError::no_trash("Webhooks"));
    }
    shop.write(By::Api, |ledger| ledger.remove(KIND, path.1));
    Ok(HttpResponse::Ok().json(shown))
}

/// Customers cannot be restored.
fn is_topic(topic: &str) -> bool {
    match topic.split_once('.') {
        Some(("action", hook)) => !hook.is_empty(),
        Some((resource, event)) => {
            RESOURCES.contains(&resource) && EVENTS.contains(&event) && topic != "customer.restored"
        }
        None => false,
    }
}

fn check_url(url: &str) -> Result<(), WooError> {
    let is_web = url.parse::<url::Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    let message = "Webhook delivery URL must be a valid URL starting with http:// or https://.";
    if is_web { Ok(()) } else { Err(WooError::new(400, "woocommerce_rest_shop_webhook_invalid_delivery_url", message)) }
}
