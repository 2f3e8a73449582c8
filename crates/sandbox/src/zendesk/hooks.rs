//! Webhooks: who has subscribed, under which secret, and the signed deliveries.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpResponse,
    web::{Json, Path, Query},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    errors::ApiError,
    gate::Caller,
    show,
    site::{Site, USERS},
};
use crate::{
    clock,
    desk::Ledger,
    journal::By,
    sender::{Carrier, Letter, Secret},
    store::Object,
};

const SHELF: &str = "webhooks";

/// One subscription, as far as a delivery needs it.
#[derive(Debug)]
struct Hook {
    id: String,
    url: String,
    secret: Secret,
}

impl Carrier for Hook {
    fn url(&self) -> &str {
        &self.url
    }

    fn most_events(&self) -> usize {
        1
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(12)
    }

    fn pauses(&self) -> &'static [Duration] {
        const { &[Duration::from_secs(2), Duration::from_secs(10)] }
    }

    fn write(&self, events: &[Value], _attempt: usize) -> Letter {
        let body = events.first().map(Value::to_string).unwrap_or_default();
        let timestamp = show::seconds(clock::now());
        let signature = sign(&self.secret, &timestamp, &body);
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-zendesk-webhook-id", self.id.clone()),
            ("x-zendesk-webhook-signature", signature),
            ("x-zendesk-webhook-signature-timestamp", timestamp),
        ];
        Letter { headers, body }
    }

    fn is_content(&self, status: u16) -> bool {
        // Only some refusals are worth another attempt to Zendesk.
        !matches!(status, 409 | 429 | 503)
    }
}

fn sign(secret: &Secret, timestamp: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.0.as_bytes());
    STANDARD.encode(hmac::sign(&key, format!("{timestamp}{body}").as_bytes()))
}

/// Tells every subscription that is for it. Only users are told of here.
pub(crate) fn tell(ledger: &mut Ledger<'_, Site>, kind: &'static str, id: u64, happened: &str) {
    if kind != USERS {
        return;
    }
    let Some(user) = ledger.state.store.any(kind, id) else { return };
    let name = format!("zen:event-type:user.{happened}");
    let event = json!({
        "type": name, "account_id": 1_001, "id": format!("{:032x}", rand::random::<u128>()),
        "time": show::seconds(ledger.now), "zendesk_event_version": "2022-06-20", "subject": format!("zen:user:{id}"),
        "detail": {"id": id.to_string(), "email": user.text("/email"), "external_id": user.text("/external_id"),
                   "role": user.text("/role"), "created_at": show::seconds(user.created_at)},
        "event": {},
    });
    let is_for_it = |hook: &&Object| {
        let heard = hook.value("/subscriptions").and_then(Value::as_array).into_iter().flatten();
        hook.text("/status") == "active" && heard.filter_map(Value::as_str).any(|heard| heard == name)
    };
    let read = |hook: &Object| Hook {
        id: hook_id(hook),
        url: hook.text("/endpoint").to_owned(),
        secret: Secret(hook.text("/secret").to_owned()),
    };
    let told: Vec<Hook> = ledger.state.store.all(SHELF).filter(is_for_it).map(read).collect();
    for hook in told {
        ledger.tell(Arc::new(hook), vec![event.clone()]);
    }
}

/// Ids of webhooks are texts there.
fn hook_id(hook: &Object) -> String {
    format!("01HOOK{:020}", hook.id)
}

fn number(id: &str) -> Option<u64> {
    id.strip_prefix("01HOOK")?.parse().ok()
}

/// As it is shown: the secret has a path of its own.
fn shown(hook: &Object) -> Value {
    let mut fields = hook.fields().clone();
    fields.remove("secret");
    fields.insert("id".to_owned(), json!(hook_id(hook)));
    Value::Object(fields)
}

#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    webhook: Map<String, Value>,
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Paged {
    #[serde(rename = "page[size]")]
    size: Option<usize>,
    #[serde(rename = "page[after]")]
    after: String,
}

pub(crate) async fn list(caller: Caller, asked: Query<Paged>) -> HttpResponse {
    let (after, most) = (number(&asked.after).unwrap_or_default(), asked.size.unwrap_or(100).clamp(1, 100));
    let mut rows: Vec<Value> =
        caller.read(|state| state.store.all(SHELF).filter(|hook| hook.id > after).map(shown).collect());
    let has_more = rows.len() > most;
    rows.truncate(most);
    let last = rows.last().and_then(|row| row.get("id").cloned());
    HttpResponse::Ok().json(json!({"webhooks": rows, "meta": {"has_more": has_more, "after_cursor": last}}))
}

pub(crate) async fn create(caller: Caller, body: Json<Body>) -> Result<HttpResponse, ApiError> {
    let mut fields = body.into_inner().webhook;
    for must in ["name", "status", "endpoint", "http_method", "request_format"] {
        if fields.get(must).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(ApiError::malformed(&format!("{must} is missing")));
        }
    }
    fields.insert("secret".to_owned(), json!(STANDARD.encode(rand::random::<[u8; 32]>())));
    caller.write(By::Api, |ledger| {
        let id = ledger.create(SHELF, fields);
        let hook = ledger.state.store.get(SHELF, id).map(shown);
        Ok(HttpResponse::Created().json(json!({ "webhook": hook })))
    })
}

pub(crate) async fn secret(caller: Caller, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    caller.read(|state| {
        let hook = number(&path.1).and_then(|id| state.store.get(SHELF, id)).ok_or_else(ApiError::not_found)?;
        let secret = json!({"algorithm": "SHA256", "secret": hook.text("/secret")});
        Ok(HttpResponse::Ok().json(json!({ "signing_secret": secret })))
    })
}

pub(crate) async fn remove(caller: Caller, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    caller.write(By::Api, |ledger| {
        let id = number(&path.1).filter(|id| ledger.state.store.get(SHELF, *id).is_some());
        ledger.remove(SHELF, id.ok_or_else(ApiError::not_found)?);
        Ok(HttpResponse::NoContent().finish())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with another implementation (Python's `hmac`).
    #[test]
    fn a_delivery_is_signed_as_the_platform_signs_it() {
        let secret = Secret("c2VjcmV0IG9mIGEgd2ViaG9vaw==".to_owned());
        assert_eq!(
            sign(&secret, "2026-11-27T10:00:00Z", r#"{"id":"1"}"#),
            "o4jfaeaRfdNj/tGHtyGPI8ySjSMAHIxJJODccUUKBbY="
        );
    }
}
