//! What a body may hold, and what Pipedrive makes of it. Strict where the real one is: what it would refuse is refused here.

use serde_json::{Map, Value, json};

use super::{
    company::{ACTIVITIES, DEALS, PERSONS},
    errors::ApiError,
    fields,
};
use crate::{clock, store::Store};

/// The form of a value.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Whole,
    Number,
    Truth,
    Day,
    HourAndMinute,
    /// Addresses or numbers, each with a value.
    Values,
    Wholes,
    Participants,
    Status,
    Location,
    /// Only with an add-on.
    AddOn,
}

const PERSON: &[(&str, Form)] = &[
    ("name", Form::Text),
    ("owner_id", Form::Whole),
    ("org_id", Form::Whole),
    ("emails", Form::Values),
    ("phones", Form::Values),
    ("visible_to", Form::Whole),
    ("label_ids", Form::Wholes),
    ("marketing_status", Form::Text),
    ("job_title", Form::AddOn),
    ("notes", Form::AddOn),
    ("birthday", Form::AddOn),
    ("im", Form::AddOn),
    ("postal_address", Form::AddOn),
];

const DEAL: &[(&str, Form)] = &[
    ("title", Form::Text),
    ("value", Form::Number),
    ("currency", Form::Text),
    ("person_id", Form::Whole),
    ("org_id", Form::Whole),
    ("owner_id", Form::Whole),
    ("pipeline_id", Form::Whole),
    ("stage_id", Form::Whole),
    ("status", Form::Status),
    ("expected_close_date", Form::Day),
    ("probability", Form::Number),
    ("lost_reason", Form::Text),
    ("visible_to", Form::Whole),
    ("label_ids", Form::Wholes),
    ("is_archived", Form::Truth),
];

const ACTIVITY: &[(&str, Form)] = &[
    ("subject", Form::Text),
    ("type", Form::Text),
    ("owner_id", Form::Whole),
    ("deal_id", Form::Whole),
    ("org_id", Form::Whole),
    ("due_date", Form::Day),
    ("due_time", Form::HourAndMinute),
    ("duration", Form::HourAndMinute),
    ("busy", Form::Truth),
    ("done", Form::Truth),
    ("priority", Form::Whole),
    ("location", Form::Location),
    ("participants", Form::Participants),
    ("public_description", Form::Text),
    ("note", Form::Text),
];

/// The fields that every company has, in the order of Pipedrive's pages.
pub(crate) fn standard(kind: &str) -> impl Iterator<Item = &'static str> {
    table(kind).iter().map(|(name, _)| *name)
}

fn table(kind: &str) -> &'static [(&'static str, Form)] {
    match kind {
        PERSONS => PERSON,
        DEALS => DEAL,
        ACTIVITIES => ACTIVITY,
        _ => &[],
    }
}

/// The body, where every value in it is one that Pipedrive takes.
pub(crate) fn checked(store: &Store, kind: &str, body: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    for (name, value) in &body {
        if name == "custom_fields" {
            let own = value.as_object().ok_or_else(|| ApiError::invalid(name, "must be an object"))?;
            for (code, value) in own {
                let sort = fields::sort_of(store, kind, code);
                check_own(code, sort.ok_or_else(|| ApiError::invalid(code, "is not a custom field"))?, value)?;
            }
            continue;
        }
        let form = table(kind).iter().find(|(known, _)| known == name).map(|(_, form)| *form);
        let form = form.ok_or_else(|| ApiError::invalid(name, "is not allowed"))?;
        check(name, form, value)?;
    }
    Ok(body)
}

fn check(name: &str, form: Form, value: &Value) -> Result<(), ApiError> {
    if let Form::AddOn = form {
        return Err(ApiError::add_on(name));
    }
    if value.is_null() {
        return Ok(());
    }
    let text = value.as_str();
    let (fits, wanted) = match form {
        Form::Text => (text.is_some(), "must be a string"),
        Form::Whole => (value.is_u64(), "must be an integer"),
        Form::Number => (value.is_number(), "must be a number"),
        Form::Truth => (value.is_boolean(), "must be a boolean"),
        Form::Day => (text.is_some_and(is_day), "must be a date in the format YYYY-MM-DD"),
        Form::HourAndMinute => (text.is_some_and(is_hour), "must be a time in the format HH:MM"),
        Form::Values => (all(value, |entry| entry.get("value").is_some_and(Value::is_string)), "must be values"),
        Form::Wholes => (all(value, Value::is_u64), "must be integers"),
        Form::Participants => {
            (all(value, |entry| entry.get("person_id").is_some_and(Value::is_u64)), "must name persons")
        }
        Form::Status => (text.is_some_and(|text| matches!(text, "open" | "won" | "lost")), "must be open, won or lost"),
        Form::Location => (value.is_object(), "must be an object"),
        Form::AddOn => (false, "must not be there"),
    };
    if fits { Ok(()) } else { Err(ApiError::invalid(name, wanted)) }
}

fn check_own(code: &str, sort: &str, value: &Value) -> Result<(), ApiError> {
    let fits = value.is_null()
        || match sort {
            "int" | "double" | "enum" => value.is_number(),
            "set" => all(value, Value::is_u64),
            "boolean" => value.is_boolean(),
            "date" => value.as_str().is_some_and(is_day),
            "monetary" | "address" => value.is_object(),
            _ => value.is_string(),
        };
    if fits { Ok(()) } else { Err(ApiError::invalid(code, "is of the wrong type")) }
}

fn all(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(fits))
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && clock::parse(text).is_some()
}

fn is_hour(text: &str) -> bool {
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(':').is_some_and(|(hours, minutes)| digits(hours) && digits(minutes) && minutes < "60")
}

/// Gives a new object what it must have.
pub(crate) fn complete(kind: &str, fields: &mut Map<String, Value>) -> Result<(), ApiError> {
    let must = match kind {
        PERSONS => "name",
        DEALS => "title",
        _ => "subject",
    };
    if fields.get(must).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
        return Err(ApiError::invalid(must, "is required"));
    }
    let defaults = match kind {
        PERSONS => json!({"owner_id": 1, "org_id": null, "visible_to": 3, "label_ids": [], "emails": [], "phones": []}),
        DEALS => json!({"owner_id": 1, "org_id": null, "person_id": null, "visible_to": 3, "label_ids": [], "value": 0,
                        "currency": "EUR", "pipeline_id": 1, "stage_id": 1, "status": "open", "probability": null,
                        "lost_reason": null, "expected_close_date": null, "is_archived": false}),
        _ => json!({"owner_id": 1, "type": "call", "deal_id": null, "org_id": null, "done": false, "busy": null,
                    "due_date": null, "due_time": null, "duration": null, "note": null, "participants": [],
                    "public_description": null, "priority": null, "location": null}),
    };
    for (name, value) in defaults.as_object().into_iter().flatten() {
        fields.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Ok(())
}

/// A company's own fields are changed one by one, everything else as a whole.
pub(crate) fn merge(before: &Map<String, Value>, fields: &mut Map<String, Value>) {
    if let Some(Value::Object(own)) = fields.get_mut("custom_fields") {
        let mut merged = before.get("custom_fields").and_then(Value::as_object).cloned().unwrap_or_default();
        merged.extend(std::mem::take(own));
        *own = merged;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_form_is_refused_with_its_name() {
        let refused = |kind: &str, body: Value| {
            checked(&Store::default(), kind, body.as_object().cloned().unwrap()).unwrap_err().message
        };
        assert!(refused(PERSONS, json!({"first_name": "Zoé"})).contains("first_name is not allowed"));
        assert!(refused(DEALS, json!({"stage_id": "4"})).contains("stage_id must be an integer"));
        assert!(refused(ACTIVITIES, json!({"duration": "90"})).contains("HH:MM"));
        assert!(refused(PERSONS, json!({"job_title": "Maire"})).contains("contact sync"));
        assert!(refused(PERSONS, json!({"custom_fields": {"abc": "x"}})).contains("abc is not a custom field"));
    }
}
