//! What makes an organisation at Salesforce: its types of objects, its limit of a day, and what its people do by hand.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    errors::ApiError,
    ids, messages,
    schema::{self, Field, Form, KEY},
};
use crate::{
    desk::{Hand, Ledger, Shelf, State, Trade},
    faults::Faults,
    oauth::SINGLE_USE,
    stand_in::Refused,
    store::{Object, Store},
};

/// The switches that only Salesforce has.
pub(crate) const DAILY: &str = "daily_requests";
pub(crate) const PAGE: &str = "query_page";
pub(crate) const NO_KEY: &str = "no_key_field";
pub(crate) const NO_SIGHT: &str = "no_sight_of_setup";
pub(crate) const NO_CHANGE: &str = "no_change_of_setup";

#[derive(Debug)]
pub(crate) struct Org;

/// What an organisation keeps beside its objects.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// The requests that were served.
    pub(crate) requests: u32,
    /// What is left of queries that had more than a page.
    pub(crate) rest: HashMap<String, Vec<Value>>,
    /// By what changes are told, by the id and the address of each outbound message.
    pub(crate) carriers: HashMap<(String, String), Arc<messages::Message>>,
}

impl Trade for Org {
    const SLUG: &'static str = super::SLUG;
    const SHELVES: &'static [Shelf] = &[
        Shelf {
            kind: "Contact",
            columns: &[
                ("FirstName", "/FirstName"),
                ("LastName", "/LastName"),
                ("Email", "/Email"),
                ("Phone", "/Phone"),
                ("MailingCity", "/MailingCity"),
            ],
        },
        Shelf {
            kind: "Lead",
            columns: &[
                ("FirstName", "/FirstName"),
                ("LastName", "/LastName"),
                ("Company", "/Company"),
                ("Email", "/Email"),
                ("Phone", "/Phone"),
            ],
        },
        Shelf {
            kind: "Opportunity",
            columns: &[
                ("Name", "/Name"),
                ("StageName", "/StageName"),
                ("Amount", "/Amount"),
                ("CloseDate", "/CloseDate"),
            ],
        },
        Shelf {
            kind: "Task",
            columns: &[
                ("Subject", "/Subject"),
                ("CallType", "/CallType"),
                ("ActivityDate", "/ActivityDate"),
                ("WhoId", "/WhoId"),
            ],
        },
    ];

    type Own = Own;

    fn faults() -> Faults {
        let own = [
            (DAILY, json!(15_000)),
            (PAGE, json!(2_000)),
            (NO_KEY, json!(false)),
            (NO_SIGHT, json!(false)),
            (NO_CHANGE, json!(false)),
            (SINGLE_USE, json!(true)),
        ];
        Faults {
            access_token_seconds: 7_200,
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

/// Whether objects have the field for another system's key.
pub(crate) fn has_key(state: &State<Org>) -> bool {
    !state.faults.is_on(NO_KEY)
}

pub(crate) fn create(
    ledger: &mut Ledger<'_, Org>,
    kind: &'static str,
    fields: Map<String, Value>,
) -> Result<u64, ApiError> {
    let mut fields = checked(ledger, (kind, None), fields)?;
    let (_, known) = schema::kind(kind).ok_or_else(ApiError::not_found)?;
    let is_there = |field: &&Field| fields.get(field.name).is_some_and(|value| !value.is_null());
    let missing: Vec<&str> =
        known.iter().filter(|field| field.required && !is_there(field)).map(|field| field.name).collect();
    if let Some(first) = missing.first() {
        let told = format!("Required fields are missing: [{}]", missing.join(", "));
        return Err(ApiError::field("REQUIRED_FIELD_MISSING", first, told));
    }
    if kind == "Task" {
        for (name, value) in [("Status", "Not Started"), ("TaskSubtype", "Task")] {
            fields.entry(name).or_insert_with(|| json!(value));
        }
    }
    let id = ledger.create(kind, fields);
    messages::tell(ledger, kind, id);
    Ok(id)
}

pub(crate) fn update(
    ledger: &mut Ledger<'_, Org>,
    kind: &'static str,
    id: u64,
    fields: Map<String, Value>,
) -> Result<(), ApiError> {
    let before = there(&ledger.state.store, kind, id)?.fields().clone();
    let mut fields = checked(ledger, (kind, Some(id)), fields)?;
    fields.retain(|name, value| before.get(name).unwrap_or(&Value::Null) != value);
    if !fields.is_empty() {
        ledger.update(kind, id, fields);
        messages::tell(ledger, kind, id);
    }
    Ok(())
}

pub(crate) fn remove(ledger: &mut Ledger<'_, Org>, kind: &'static str, id: u64) -> Result<(), ApiError> {
    // What the setup holds is no data.
    schema::kind(kind).ok_or_else(ApiError::not_found)?;
    there(&ledger.state.store, kind, id)?;
    ledger.remove(kind, id);
    Ok(())
}

/// An object that is there, or why it is not.
pub(crate) fn there<'a>(store: &'a Store, kind: &str, id: u64) -> Result<&'a Object, ApiError> {
    let object = store.any(kind, id).ok_or_else(ApiError::not_found)?;
    if object.removed_at.is_some() { Err(ApiError::deleted()) } else { Ok(object) }
}

/// What is kept of the written fields, by their own names; the refusal where one will not do.
fn checked(
    ledger: &Ledger<'_, Org>,
    (kind, own): (&'static str, Option<u64>),
    fields: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    let (_, known) = schema::kind(kind).ok_or_else(ApiError::not_found)?;
    let mut kept = Map::new();
    for (name, value) in fields {
        if matches!(name.as_str(), "attributes" | "Id" | "id") {
            continue;
        }
        let field = schema::readable(known, &name, has_key(ledger.state));
        let field = field.ok_or_else(|| ApiError::no_column(kind, &name))?;
        if schema::COMMON.iter().any(|common| common.name == field.name) {
            let told = format!("Unable to create/update fields: {name}.");
            return Err(ApiError::field("INVALID_FIELD_FOR_INSERT_UPDATE", field.name, told));
        }
        let value = if value == json!("") { Value::Null } else { value };
        fits(ledger, field, &value)?;
        let distorted = value.as_str().map(|text| ledger.state.faults.distort(&field.name.to_lowercase(), text));
        kept.insert(field.name.to_owned(), distorted.map_or(value, Value::String));
    }
    if let Some(key) = kept.get(KEY).filter(|key| !key.is_null()) {
        let holder = ledger.state.store.all(kind).find(|object| object.value(&format!("/{KEY}")) == Some(key));
        if let Some(holder) = holder.filter(|holder| Some(holder.id) != own) {
            let told = format!(
                "duplicate value found: {KEY} duplicates value on record with id: {}",
                ids::of(kind, holder.id)
            );
            return Err(ApiError::field("DUPLICATE_VALUE", KEY, told));
        }
    }
    Ok(kept)
}

/// Whether a value is one of its field's.
fn fits(ledger: &Ledger<'_, Org>, field: &Field, value: &Value) -> Result<(), ApiError> {
    let wrong = || {
        let told = format!("Cannot deserialize instance of {:?} from value {value}", field.form);
        ApiError::malformed(told)
    };
    match (field.form, value) {
        (_, Value::Null) => Ok(()),
        (Form::Text(most), Value::String(text)) if text.chars().count() > most => {
            let told = format!("{}: data value too large: (max length={most})", field.label);
            Err(ApiError::field("STRING_TOO_LONG", field.name, told))
        }
        (Form::Email, Value::String(text)) if !text.contains('@') || text.contains(' ') => {
            let told = format!("{}: invalid email address: {text}", field.label);
            Err(ApiError::field("INVALID_EMAIL_ADDRESS", field.name, told))
        }
        (Form::Date, Value::String(text)) if text.parse::<chrono::NaiveDate>().is_err() => Err(wrong()),
        (Form::Reference, Value::String(id)) => match ids::read(id) {
            Some((kind, number)) if ledger.state.store.get(kind, number).is_some() => Ok(()),
            Some(_) => {
                let told = format!("invalid cross reference id: {id}");
                Err(ApiError::field("INVALID_CROSS_REFERENCE_KEY", field.name, told))
            }
            None => Err(ApiError::field(
                "MALFORMED_ID",
                field.name,
                format!("{}: id value of incorrect type: {id}", field.label),
            )),
        },
        (Form::Text(_) | Form::Email | Form::Phone | Form::Choice(_) | Form::Date, Value::String(_))
        | (Form::Number, Value::Number(_))
        | (Form::Bool, Value::Bool(_)) => Ok(()),
        (Form::Whole, Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(()),
        _ => Err(wrong()),
    }
}
