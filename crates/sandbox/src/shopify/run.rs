//! Answering a document: what it costs, what its fields lead to, and of that only what was selected.

use actix_web::{HttpResponse, web::Json};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    change, cost,
    document::{self, Document, Field},
    errors::TopError,
    gate::{Caller, Changed},
    query,
    shop::{self, NO_CUSTOMER_DATA, Taken},
    show,
};

/// What is posted.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    query: String,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
}

pub(crate) async fn answer(
    caller: Caller,
    shopify: actix_web::web::Data<super::Shopify>,
    asked: Json<Asked>,
) -> HttpResponse {
    let asked = asked.into_inner();
    let document = match document::read(&asked.query, &asked.variables.unwrap_or_default()) {
        Ok(document) => document,
        Err(unreadable) => return refused(&TopError::new("syntaxError", unreadable.0), None),
    };
    let points = cost::of(&document);
    if points > cost::MOST {
        let message = format!("Query cost is {points}, which exceeds the single query max cost limit ({})", cost::MOST);
        return refused(&TopError::new("MAX_COST_EXCEEDED", message), None);
    }
    let taken = caller.adjust(|state| shop::take(state, points));
    if !taken.is_granted {
        return refused(&TopError::new("THROTTLED", "Throttled"), Some((points, taken)));
    }
    match fields(&caller, &shopify, &document) {
        Err(error) => refused(&error, Some((points, taken))),
        Ok((data, has_changed)) => {
            let body = json!({"data": data, "extensions": {"cost": costs(points, taken)}});
            let mut response = HttpResponse::Ok().json(body);
            if has_changed {
                response.extensions_mut().insert(Changed);
            }
            response
        }
    }
}

fn refused(error: &TopError, points: Option<(f64, Taken)>) -> HttpResponse {
    let mut body = json!({"errors": error.body()});
    if let (Some((points, taken)), Some(body)) = (points, body.as_object_mut()) {
        body.insert("extensions".to_owned(), json!({"cost": costs(points, taken)}));
    }
    HttpResponse::Ok().json(body)
}

fn costs(points: f64, taken: Taken) -> Value {
    json!({
        "requestedQueryCost": points, "actualQueryCost": if taken.is_granted { json!(points) } else { Value::Null },
        "throttleStatus": {
            "maximumAvailable": taken.most, "currentlyAvailable": taken.left.floor(), "restoreRate": taken.rate,
        },
    })
}

/// The answer of every field, and whether any of them changed something.
fn fields(caller: &Caller, shopify: &super::Shopify, document: &Document) -> Result<(Value, bool), TopError> {
    let (mut data, mut has_changed) = (Map::new(), false);
    for field in &document.fields {
        let value = if document.is_mutation {
            let payload = change::make(caller, shopify, field)?;
            has_changed |= payload.get("userErrors").and_then(Value::as_array).is_some_and(Vec::is_empty);
            payload
        } else {
            query::find(caller, field)?
        };
        let is_hidden = caller.read(|state| state.faults.is_on(NO_CUSTOMER_DATA));
        data.insert(field.alias.clone(), selected(&value, &field.fields, is_hidden)?);
    }
    Ok((Value::Object(data), has_changed))
}

/// Of a value, what was selected of it.
fn selected(value: &Value, selection: &[Field], is_hidden: bool) -> Result<Value, TopError> {
    match value {
        Value::Array(items) => items.iter().map(|item| selected(item, selection, is_hidden)).collect(),
        Value::Object(object) if !selection.is_empty() => {
            let mut shown = Map::new();
            put(&mut shown, object, selection, is_hidden)?;
            Ok(Value::Object(shown))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Ok(value.clone()),
    }
}

fn put(
    shown: &mut Map<String, Value>,
    object: &Map<String, Value>,
    selection: &[Field],
    is_hidden: bool,
) -> Result<(), TopError> {
    let of = object.get("__typename").and_then(Value::as_str).unwrap_or("Object");
    for field in selection {
        if let Some(on) = &field.on {
            if on == of {
                put(shown, object, &field.fields, is_hidden)?;
            }
            continue;
        }
        if is_hidden && of == "Customer" && field.name != "id" {
            let message = format!("Access denied for {} field. Required access: protected customer data.", field.name);
            return Err(TopError::new("ACCESS_DENIED", message));
        }
        let value = match (field.name.as_str(), object.get("__metafields")) {
            ("metafield", Some(all)) => {
                let named = |name: &str| field.text(name).unwrap_or_default();
                show::metafield(all, named("namespace"), named("key"))
            }
            (name, _) => object.get(name).cloned().ok_or_else(|| {
                TopError::new("undefinedField", format!("Field '{name}' doesn't exist on type '{of}'"))
            })?,
        };
        let part = selected(&value, &field.fields, is_hidden)?;
        match (shown.get_mut(&field.alias), part) {
            // Selected twice, each time another part of it.
            (Some(before), part) => lay_over(before, part),
            (None, part) => {
                shown.insert(field.alias.clone(), part);
            }
        }
    }
    Ok(())
}

fn lay_over(before: &mut Value, part: Value) {
    match (before, part) {
        (Value::Object(before), Value::Object(part)) => {
            for (name, value) in part {
                lay_over(before.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(before), Value::Array(part)) => {
            before.iter_mut().zip(part).for_each(|(before, part)| lay_over(before, part));
        }
        (before, part) => *before = part,
    }
}
