//! Webhooks: who has subscribed, and the deliveries, version 2. They are not signed; they bring a name and a password.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpResponse,
    web::{Json, Path},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{
    company::{ACTIVITIES, Company, DEALS, PERSONS},
    errors::ApiError,
    gate::Caller,
    show,
};
use crate::{
    clock,
    desk::Ledger,
    journal::By,
    sender::{Carrier, Letter},
    store::Object,
};

const SHELF: &str = "webhooks";
/// A user may have so many.
const MOST: usize = 40;

/// What happened to an object.
pub(crate) enum Change {
    Created,
    /// With what its changed fields held before.
    Changed(Map<String, Value>),
    Deleted,
}

/// One subscription, as far as a delivery needs it.
#[derive(Debug)]
struct Hook {
    url: String,
    user: String,
    password: String,
}

impl Carrier for Hook {
    fn url(&self) -> &str {
        &self.url
    }

    fn most_events(&self) -> usize {
        1
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn pauses(&self) -> &'static [Duration] {
        const { &[Duration::from_secs(3), Duration::from_secs(30), Duration::from_secs(150)] }
    }

    fn write(&self, events: &[Value], attempt: usize) -> Letter {
        let mut event = events.first().cloned().unwrap_or_default();
        if let Some(meta) = event.get_mut("meta").and_then(Value::as_object_mut) {
            meta.insert("attempt".to_owned(), json!(attempt.saturating_add(1)));
        }
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if !self.user.is_empty() {
            let both = STANDARD.encode(format!("{}:{}", self.user, self.password));
            headers.push(("authorization", format!("Basic {both}")));
        }
        Letter { headers, body: event.to_string() }
    }
}

/// Tells every subscription that is for it.
pub(crate) fn tell(ledger: &mut Ledger<'_, Company>, kind: &'static str, id: u64, change: Change) {
    let entity = match kind {
        PERSONS => "person",
        DEALS => "deal",
        ACTIVITIES => "activity",
        _ => return,
    };
    let Some(object) = ledger.state.store.any(kind, id) else { return };
    let shown = show::whole(&ledger.state.store, kind, object);
    let (action, data, previous) = match change {
        Change::Created => ("create", shown, Value::Null),
        Change::Changed(previous) => ("change", shown, Value::Object(previous)),
        Change::Deleted => ("delete", Value::Null, shown),
    };
    let is_for_it = |hook: &&Object| {
        let fits = |name: &str, what: &str| hook.text(name) == "*" || hook.text(name) == what;
        fits("/event_action", action) && fits("/event_object", entity)
    };
    let told: Vec<(u64, Hook)> =
        ledger.state.store.all(SHELF).filter(is_for_it).map(|hook| (hook.id, read(hook))).collect();
    let company = ledger.desk.id.clone();
    let source = if ledger.by == By::Api { "api" } else { "app" };
    for (hook_id, hook) in told {
        let event = json!({
            "meta": {
                "action": action, "entity": entity, "entity_id": id.to_string(), "company_id": company, "user_id": "1",
                "id": format!("{:032x}", rand::random::<u128>()), "webhook_id": hook_id.to_string(), "webhook_owner_id": "1",
                "correlation_id": format!("{:032x}", rand::random::<u128>()), "version": "2.0", "type": "general",
                "timestamp": clock::iso(ledger.now), "host": format!("entreprise-{company}.pipedrive.com"),
                "is_bulk_edit": false, "change_source": source, "permitted_user_ids": ["1"],
            },
            "data": data, "previous": previous,
        });
        ledger.tell(Arc::new(hook), vec![event]);
    }
}

fn read(hook: &Object) -> Hook {
    Hook {
        url: hook.text("/subscription_url").to_owned(),
        user: hook.text("/http_auth_user").to_owned(),
        password: hook.text("/http_auth_password").to_owned(),
    }
}

/// As it is shown: the password is not.
fn shown(hook: &Object) -> Value {
    let mut fields = hook.fields().clone();
    fields.remove("http_auth_password");
    fields.extend([
        ("id".to_owned(), json!(hook.id)),
        ("is_active".to_owned(), json!(1)),
        ("type".to_owned(), json!("general")),
        ("last_http_status".to_owned(), Value::Null),
        ("remove_reason".to_owned(), Value::Null),
    ]);
    Value::Object(fields)
}

pub(crate) async fn list(caller: Caller) -> HttpResponse {
    let data: Vec<Value> = caller.read(|state| state.store.all(SHELF).map(shown).collect());
    HttpResponse::Ok().json(json!({"success": true, "status": "ok", "data": data}))
}

pub(crate) async fn create(caller: Caller, body: Json<Map<String, Value>>) -> Result<HttpResponse, ApiError> {
    let mut fields = body.into_inner();
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    for (name, allowed) in [
        ("event_action", &["create", "change", "delete", "*"][..]),
        ("event_object", &["activity", "deal", "organization", "person", "pipeline", "product", "stage", "user", "*"]),
        ("version", &["1.0", "2.0"]),
    ] {
        if !allowed.contains(&text(name).as_str()) {
            return Err(ApiError::invalid(name, "is not one of those that are allowed"));
        }
    }
    if text("name").is_empty() {
        return Err(ApiError::invalid("name", "is required"));
    }
    if url::Url::parse(&text("subscription_url")).is_err() {
        return Err(ApiError::invalid("subscription_url", "must be a URL"));
    }
    fields.insert("company_id".to_owned(), json!(caller.id));
    caller.write(By::Api, |ledger| {
        if ledger.state.store.all(SHELF).count() >= MOST {
            return Err(ApiError::invalid("webhooks", "are 40 at most"));
        }
        let id = ledger.create(SHELF, fields);
        let hook = ledger.state.store.get(SHELF, id).map(shown);
        Ok(HttpResponse::Created().json(json!({"success": true, "status": "ok", "data": hook})))
    })
}

pub(crate) async fn remove(caller: Caller, id: Path<u64>) -> Result<HttpResponse, ApiError> {
    caller.write(By::Api, |ledger| {
        ledger.state.store.get(SHELF, *id).ok_or_else(|| ApiError::not_found(SHELF))?;
        ledger.remove(SHELF, *id);
        Ok(HttpResponse::Ok().json(json!({"success": true, "status": "ok"})))
    })
}
