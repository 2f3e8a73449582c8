//! What makes a company at Pipedrive: its kinds of objects, its limits, and what its people do by hand.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::{bodies, errors::ApiError, hooks};
use crate::{
    desk::{Hand, Ledger, Shelf, State, Trade},
    faults::Faults,
    limits::Window,
    oauth::SINGLE_USE,
    stand_in::Refused,
};

pub(crate) const PERSONS: &str = "persons";
pub(crate) const DEALS: &str = "deals";
pub(crate) const ACTIVITIES: &str = "activities";

/// The switches that only Pipedrive has.
pub(crate) const BURST: &str = "rate_limit_per_2s";
pub(crate) const SEARCHES: &str = "search_limit_per_2s";
pub(crate) const DAILY: &str = "daily_tokens";
pub(crate) const NO_FIELDS: &str = "no_new_fields";

/// Both windows are of this length.
pub(crate) const WINDOW: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Company;

/// What is counted of a company's requests.
#[derive(Debug)]
pub(crate) struct Counted {
    requests: Window,
    searches: Window,
    tokens: u64,
}

impl Default for Counted {
    fn default() -> Self {
        Self { requests: Window::of(WINDOW), searches: Window::of(WINDOW), tokens: 0 }
    }
}

/// What a request met.
#[derive(Debug, Default)]
pub(crate) struct Met {
    pub(crate) refusal: Option<ApiError>,
    pub(crate) headers: Vec<(&'static str, u64)>,
}

/// Takes a request of that cost out of the limits.
pub(crate) fn take(state: &mut State<Company>, cost: u64, is_search: bool) -> Met {
    let now = Instant::now();
    let mut met = Met::default();
    let mut refuse = |error: ApiError| met.refusal = met.refusal.take().or(Some(error));
    if let Some(most) = state.faults.limit(BURST) {
        let place = state.own.requests.take(most, now);
        if place.is_none() {
            refuse(ApiError::too_many("request over limit"));
        }
        let left = u64::try_from(place.unwrap_or_default()).unwrap_or_default();
        met.headers = vec![
            ("x-ratelimit-limit", most.into()),
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-reset", WINDOW.as_secs()),
        ];
    }
    let mut refuse = |error: ApiError| met.refusal = met.refusal.take().or(Some(error));
    if is_search && state.faults.limit(SEARCHES).is_some_and(|most| state.own.searches.take(most, now).is_none()) {
        refuse(ApiError::too_many("search request over limit"));
    }
    if let Some(most) = state.faults.limit(DAILY).map(u64::from) {
        if state.own.tokens.saturating_add(cost) > most {
            refuse(ApiError::too_many("daily request budget exhausted"));
        } else {
            state.own.tokens = state.own.tokens.saturating_add(cost);
        }
        let left = most.saturating_sub(state.own.tokens);
        met.headers.extend([("x-daily-ratelimit-token-limit", most), ("x-daily-ratelimit-token-remaining", left)]);
    }
    met
}

impl Trade for Company {
    const SLUG: &'static str = super::SLUG;
    const SHELVES: &'static [Shelf] = &[
        Shelf {
            kind: PERSONS,
            columns: &[("name", "/name"), ("email", "/emails/0/value"), ("phone", "/phones/0/value")],
        },
        Shelf {
            kind: DEALS,
            columns: &[
                ("title", "/title"),
                ("status", "/status"),
                ("value", "/value"),
                ("expected_close_date", "/expected_close_date"),
                ("person_id", "/person_id"),
            ],
        },
        Shelf {
            kind: ACTIVITIES,
            columns: &[
                ("subject", "/subject"),
                ("type", "/type"),
                ("due_date", "/due_date"),
                ("duration", "/duration"),
            ],
        },
    ];

    type Own = Counted;

    fn faults() -> Faults {
        let own = [
            (BURST, json!(20)),
            (SEARCHES, json!(10)),
            (DAILY, Value::Null),
            (NO_FIELDS, json!(false)),
            (SINGLE_USE, json!(false)),
        ];
        Faults {
            search_lag_ms: 2_000,
            own: own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..Faults::default()
        }
    }

    fn do_by_hand(ledger: &mut Ledger<'_, Self>, kind: &'static str, hand: Hand) -> Result<u64, Refused> {
        let done = match hand {
            Hand::Create(fields) => create(ledger, kind, by_hand(fields)),
            Hand::Update(id, fields) => update(ledger, kind, id, by_hand(fields)).map(|()| id),
            Hand::Remove(id) => remove(ledger, kind, id).map(|()| id),
        };
        done.map_err(|error| Refused::new(error.status, error.message))
    }
}

/// People type one address and one number.
fn by_hand(mut fields: Map<String, Value>) -> Map<String, Value> {
    for (typed, list) in [("email", "emails"), ("phone", "phones")] {
        if let Some(value) = fields.remove(typed) {
            fields.insert(list.to_owned(), json!([{"value": value, "primary": true, "label": "work"}]));
        }
    }
    fields
}

pub(crate) fn create(
    ledger: &mut Ledger<'_, Company>,
    kind: &'static str,
    fields: Map<String, Value>,
) -> Result<u64, ApiError> {
    let mut fields = bodies::checked(&ledger.state.store, kind, fields)?;
    bodies::complete(kind, &mut fields)?;
    distort(&ledger.state.faults, &mut fields);
    let id = ledger.create(kind, fields);
    hooks::tell(ledger, kind, id, hooks::Change::Created);
    Ok(id)
}

pub(crate) fn update(
    ledger: &mut Ledger<'_, Company>,
    kind: &'static str,
    id: u64,
    fields: Map<String, Value>,
) -> Result<(), ApiError> {
    let before = ledger.state.store.get(kind, id).ok_or_else(|| ApiError::not_found(kind))?.fields().clone();
    let mut fields = bodies::checked(&ledger.state.store, kind, fields)?;
    bodies::merge(&before, &mut fields);
    distort(&ledger.state.faults, &mut fields);
    fields.retain(|name, value| before.get(name) != Some(value));
    if fields.is_empty() {
        return Ok(());
    }
    let previous = fields.keys().map(|name| (name.clone(), before.get(name).cloned().unwrap_or_default())).collect();
    ledger.update(kind, id, fields);
    hooks::tell(ledger, kind, id, hooks::Change::Changed(previous));
    Ok(())
}

pub(crate) fn remove(ledger: &mut Ledger<'_, Company>, kind: &'static str, id: u64) -> Result<(), ApiError> {
    ledger.state.store.get(kind, id).ok_or_else(|| ApiError::not_found(kind))?;
    ledger.remove(kind, id);
    hooks::tell(ledger, kind, id, hooks::Change::Deleted);
    Ok(())
}

/// What is kept of the numbers and texts that were written.
fn distort(faults: &Faults, fields: &mut Map<String, Value>) {
    let lists = fields.iter_mut().filter(|(name, _)| matches!(name.as_str(), "emails" | "phones"));
    for (name, list) in lists {
        let property = if name == "phones" { "phone" } else { "email" };
        for entry in list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Some(value) = entry.get("value").and_then(Value::as_str).map(|text| faults.distort(property, text)) {
                entry.insert("value".to_owned(), json!(value));
            }
        }
    }
    for (name, value) in fields.iter_mut() {
        if let Some(kept) = value.as_str().map(|text| faults.distort(name, text)) {
            *value = json!(kept);
        }
    }
}
