//! Answering queries: which rows, in which order, page by page.

use std::cmp::Ordering;

use actix_web::{
    HttpResponse,
    web::{Path, Query as Asked},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    errors::ApiError,
    gate::Caller,
    ids,
    org::{self, PAGE},
    schema::{self, Field, Form},
    setup,
    soql::{self, Comparison, Condition, Literal},
};
use crate::{
    clock::{self, Millis},
    store::Object,
};

pub(crate) const DATA: &str = "/services/data/v68.0";

#[derive(Debug, Deserialize)]
pub(crate) struct Text {
    q: String,
}

pub(crate) async fn run(caller: Caller, asked: Asked<Text>) -> Result<HttpResponse, ApiError> {
    answer(&caller, &asked.q, schema::kind)
}

/// Of what the setup holds.
pub(crate) async fn run_setup(caller: Caller, asked: Asked<Text>) -> Result<HttpResponse, ApiError> {
    let is_seen = setup::is_seen(&caller);
    answer(&caller, &asked.q, |name| schema::setup(name).filter(|_| is_seen))
}

fn answer(
    caller: &Caller,
    asked: &str,
    kind_of: impl Fn(&str) -> Option<(&'static str, &'static [Field])>,
) -> Result<HttpResponse, ApiError> {
    let query = soql::parse(asked)?;
    let (kind, fields) = kind_of(&query.object).ok_or_else(|| {
        ApiError::new(400, "INVALID_TYPE", format!("sObject type '{}' is not supported.", query.object))
    })?;
    let rows = caller.read(|state| {
        let has_key = org::has_key(state);
        let find = |name: &str| schema::readable(fields, name, has_key).ok_or_else(|| ApiError::no_column(kind, name));
        let columns = query.columns.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?;
        let order =
            query.order.iter().map(|(name, down)| Ok((find(name)?, *down))).collect::<Result<Vec<_>, ApiError>>()?;
        let mut found: Vec<&Object> = Vec::new();
        for object in state.store.all(kind) {
            let meets = query.condition.as_ref().map_or(Ok(true), |condition| meets(condition, kind, object, &find))?;
            if meets {
                found.push(object);
            }
        }
        found.sort_by(|one, other| compared(&order, kind, one, other));
        found.truncate(query.limit.unwrap_or(usize::MAX));
        Ok(found.into_iter().map(|object| row(kind, object, &columns)).collect::<Vec<_>>())
    })?;
    let total = rows.len();
    Ok(HttpResponse::Ok().json(page(caller, rows, total)))
}

/// The next page of a query that had more.
pub(crate) async fn go_on(caller: Caller, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let rest = caller.adjust(|state| state.own.rest.remove(&path.1));
    let rest = rest.ok_or_else(|| ApiError::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))?;
    let total = rest.len();
    Ok(HttpResponse::Ok().json(page(&caller, rest, total)))
}

fn page(caller: &Caller, mut rows: Vec<Value>, total: usize) -> Value {
    caller.adjust(|state| {
        let most = state.faults.limit(PAGE).and_then(|most| usize::try_from(most).ok()).unwrap_or(2_000).max(1);
        let rest = rows.split_off(rows.len().min(most));
        let mut body = json!({"totalSize": total, "done": rest.is_empty(), "records": rows});
        if !rest.is_empty() {
            let locator = format!("01g{:015x}-{most}", rand::random::<u32>());
            if let Some(fields) = body.as_object_mut() {
                fields.insert("nextRecordsUrl".to_owned(), json!(format!("{DATA}/query/{locator}")));
            }
            state.own.rest.insert(locator, rest);
        }
        body
    })
}

/// An object with these of its fields.
pub(crate) fn row(kind: &str, object: &Object, columns: &[&Field]) -> Value {
    let url = format!("{DATA}/sobjects/{kind}/{}", ids::of(kind, object.id));
    let mut row = Map::from_iter([("attributes".to_owned(), json!({"type": kind, "url": url}))]);
    row.extend(columns.iter().map(|field| (field.name.to_owned(), shown(kind, object, field))));
    Value::Object(row)
}

/// A value as it is shown: every number with a fraction.
fn shown(kind: &str, object: &Object, field: &Field) -> Value {
    match field.name {
        "Id" => json!(ids::of(kind, object.id)),
        "IsDeleted" => json!(object.removed_at.is_some()),
        "CreatedDate" => json!(moment(object.created_at)),
        "LastModifiedDate" | "SystemModstamp" => json!(moment(stamp(object))),
        name => {
            let value = object.fields().get(name).cloned().unwrap_or_default();
            match (field.form, value.as_f64()) {
                (Form::Number, Some(number)) => json!(number),
                (Form::Bool, None) => json!(false),
                _ => value,
            }
        }
    }
}

/// Whole seconds are all that is kept.
pub(crate) fn stamp(object: &Object) -> Millis {
    object.removed_at.unwrap_or(object.updated_at()).div_euclid(1_000).saturating_mul(1_000)
}

/// `2026-11-27T12:00:00.000+0000`.
pub(crate) fn moment(at: Millis) -> String {
    let at = at.div_euclid(1_000).saturating_mul(1_000);
    format!("{}+0000", clock::iso(at).trim_end_matches('Z'))
}

fn meets(
    condition: &Condition,
    kind: &str,
    object: &Object,
    find: &impl Fn(&str) -> Result<&'static Field, ApiError>,
) -> Result<bool, ApiError> {
    match condition {
        Condition::All(parts) => {
            parts.iter().try_fold(true, |so_far, part| Ok(meets(part, kind, object, find)? && so_far))
        }
        Condition::Any(parts) => {
            parts.iter().try_fold(false, |so_far, part| Ok(meets(part, kind, object, find)? || so_far))
        }
        Condition::OneOf { column, values } => {
            let value = shown(kind, object, find(column)?);
            Ok(values.iter().any(|literal| order_of(&value, literal) == Some(Ordering::Equal)))
        }
        Condition::Like { column, pattern } => {
            let value = shown(kind, object, find(column)?);
            Ok(value.as_str().is_some_and(|text| soql::is_like(text, pattern)))
        }
        Condition::Compare { column, by, with } => {
            let order = order_of(&shown(kind, object, find(column)?), with);
            Ok(match by {
                Comparison::Equal => order == Some(Ordering::Equal),
                Comparison::Other => order != Some(Ordering::Equal),
                Comparison::Less => order == Some(Ordering::Less),
                Comparison::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                Comparison::More => order == Some(Ordering::Greater),
                Comparison::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            })
        }
    }
}

/// How a value stands to a literal; `None` where the two cannot be compared. Texts are the same in any case, but ids.
fn order_of(value: &Value, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Value::String(text), Literal::Text(other)) => match (ids::read(text), ids::read(other)) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => Some(text.to_lowercase().cmp(&other.to_lowercase())),
        },
        (Value::String(text), Literal::Bare(bare)) => {
            let read = |text: &str| clock::parse(&text.replace("+0000", "Z"));
            Some(read(text)?.cmp(&read(bare)?))
        }
        (Value::Number(number), Literal::Bare(bare)) => number.as_f64()?.partial_cmp(&bare.parse().ok()?),
        (Value::Bool(yes), Literal::Bare(bare)) => Some(yes.cmp(&bare.to_lowercase().parse().ok()?)),
        (Value::Null, Literal::Bare(bare)) if bare.eq_ignore_ascii_case("null") => Some(Ordering::Equal),
        _ => None,
    }
}

fn compared(order: &[(&'static Field, bool)], kind: &str, one: &Object, other: &Object) -> Ordering {
    let by = |(field, is_down): &(&'static Field, bool)| {
        let (one, other) = (shown(kind, one, field), shown(kind, other, field));
        let order = match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => one.as_str().unwrap_or_default().cmp(other.as_str().unwrap_or_default()),
        };
        if *is_down { order.reverse() } else { order }
    };
    order.iter().map(by).find(|order| order.is_ne()).unwrap_or_else(|| one.id.cmp(&other.id))
}
