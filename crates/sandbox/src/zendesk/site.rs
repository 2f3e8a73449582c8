//! What makes a site at Zendesk: its kinds of objects, its limit, and what its agents do by hand.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::{errors::ApiError, hooks};
use crate::{
    desk::{Hand, Ledger, Shelf, State, Trade},
    faults::Faults,
    limits::Window,
    oauth::SINGLE_USE,
    stand_in::Refused,
};

pub(crate) const USERS: &str = "users";
pub(crate) const TICKETS: &str = "tickets";

/// The switches that only Zendesk has.
pub(crate) const LIMIT: &str = "rate_limit_per_minute";
pub(crate) const EXPORT_LAG: &str = "export_lag_ms";
/// Whoever consented works for nobody: they may ask who they are, and little else.
pub(crate) const AS_END_USER: &str = "as_end_user";

#[derive(Debug)]
pub(crate) struct Site;

/// What is counted of a site's requests.
#[derive(Debug)]
pub(crate) struct Counted(Window);

impl Default for Counted {
    fn default() -> Self {
        Self(Window::of(Duration::from_secs(60)))
    }
}

/// Takes a request out of the limit: how many are left, or `None` where none was. The outer `None` is no limit.
pub(crate) fn take(state: &mut State<Site>) -> Option<(u32, Option<usize>)> {
    let most = state.faults.limit(LIMIT)?;
    Some((most, state.own.0.take(most, Instant::now())))
}

impl Trade for Site {
    const SLUG: &'static str = super::SLUG;
    const SHELVES: &'static [Shelf] = &[
        Shelf {
            kind: USERS,
            columns: &[("name", "/name"), ("email", "/email"), ("phone", "/phone"), ("notes", "/notes")],
        },
        Shelf {
            kind: TICKETS,
            columns: &[("subject", "/subject"), ("status", "/status"), ("requester", "/requester_id")],
        },
    ];

    type Own = Counted;

    fn faults() -> Faults {
        let own =
            [(LIMIT, json!(200)), (EXPORT_LAG, json!(60_000)), (SINGLE_USE, json!(true)), (AS_END_USER, json!(false))];
        Faults {
            search_lag_ms: 2_000,
            // The most that an app may ask for.
            access_token_seconds: 172_800,
            own: own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..Faults::default()
        }
    }

    fn do_by_hand(ledger: &mut Ledger<'_, Self>, kind: &'static str, hand: Hand) -> Result<u64, Refused> {
        let done = match hand {
            Hand::Create(fields) => create(ledger, kind, fields),
            Hand::Update(id, fields) => update(ledger, kind, id, fields).map(|()| id),
            Hand::Remove(id) => remove(ledger, kind, id).map(|()| id),
        };
        done.map_err(|error| Refused::new(error.status, error.message))
    }
}

pub(crate) fn create(
    ledger: &mut Ledger<'_, Site>,
    kind: &'static str,
    mut fields: Map<String, Value>,
) -> Result<u64, ApiError> {
    check(ledger, kind, None, &fields)?;
    let must = if kind == USERS { "name" } else { "subject" };
    if fields.get(must).and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(ApiError::invalid(must, "BlankValue", "cannot be blank"));
    }
    let defaults = if kind == USERS {
        json!({"email": null, "phone": null, "external_id": null, "role": "end-user", "notes": null, "details": null,
               "alias": null, "tags": [], "user_fields": {}, "verified": false, "organization_id": null,
               "time_zone": "Paris", "locale": "fr"})
    } else {
        json!({"status": "open", "priority": null, "type": null, "tags": [], "custom_fields": [], "comments": [],
               "requester_id": 1, "external_id": null, "group_id": null, "assignee_id": null})
    };
    for (name, value) in defaults.as_object().into_iter().flatten() {
        fields.entry(name.clone()).or_insert_with(|| value.clone());
    }
    distort(&ledger.state.faults, &mut fields);
    let id = ledger.create(kind, fields);
    hooks::tell(ledger, kind, id, "created");
    Ok(id)
}

pub(crate) fn update(
    ledger: &mut Ledger<'_, Site>,
    kind: &'static str,
    id: u64,
    mut fields: Map<String, Value>,
) -> Result<(), ApiError> {
    let before = ledger.state.store.get(kind, id).ok_or_else(ApiError::not_found)?.fields().clone();
    check(ledger, kind, Some(id), &fields)?;
    if let Some(Value::Object(own)) = fields.get_mut("user_fields") {
        let mut merged = before.get("user_fields").and_then(Value::as_object).cloned().unwrap_or_default();
        merged.extend(std::mem::take(own));
        *own = merged;
    }
    distort(&ledger.state.faults, &mut fields);
    fields.retain(|name, value| before.get(name) != Some(value));
    let Some(first) = fields.keys().next().cloned() else { return Ok(()) };
    ledger.update(kind, id, fields);
    let happened = match first.as_str() {
        "email" | "phone" => "identity_changed",
        "name" => "name_changed",
        "notes" => "notes_changed",
        "details" => "details_changed",
        "tags" => "tags_changed",
        "time_zone" => "time_zone_changed",
        _ => "custom_field_changed",
    };
    hooks::tell(ledger, kind, id, happened);
    Ok(())
}

pub(crate) fn remove(ledger: &mut Ledger<'_, Site>, kind: &'static str, id: u64) -> Result<(), ApiError> {
    ledger.state.store.get(kind, id).ok_or_else(ApiError::not_found)?;
    ledger.remove(kind, id);
    hooks::tell(ledger, kind, id, "deleted");
    Ok(())
}

/// What Zendesk finds fault with.
fn check(ledger: &Ledger<'_, Site>, kind: &str, own: Option<u64>, fields: &Map<String, Value>) -> Result<(), ApiError> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(email) = text("email") {
        if !email.contains('@') {
            return Err(ApiError::invalid(
                "email",
                "InvalidFormat",
                &format!("Email: {email} is not properly formatted"),
            ));
        }
        let is_theirs = |user: &crate::store::Object| user.text("/email").eq_ignore_ascii_case(email);
        if ledger.state.store.all(USERS).any(|user| Some(user.id) != own && is_theirs(user)) {
            let told = format!("Email: {email} is already being used by another user");
            return Err(ApiError::invalid("email", "DuplicateValue", &told));
        }
    }
    let status = text("status").filter(|_| kind == TICKETS);
    if status.is_some_and(|status| !["new", "open", "pending", "hold", "solved", "closed"].contains(&status)) {
        return Err(ApiError::invalid("status", "InvalidValue", "Status: is not valid"));
    }
    Ok(())
}

/// What is kept of the numbers and texts that were written.
fn distort(faults: &Faults, fields: &mut Map<String, Value>) {
    for (name, value) in fields.iter_mut() {
        if let Some(kept) = value.as_str().map(|text| faults.distort(name, text)) {
            *value = json!(kept);
        }
    }
}
