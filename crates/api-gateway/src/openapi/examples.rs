//! An example for every schema of the OpenAPI document, put together from those of its fields. A name means the same in all of
//! them, so what it stands for is said once, here, unless the field says it itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{ArrayItems, Object, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

/// What fields of these names hold, as an example.
const TEXTS: [(&str, &str); 38] = [
    ("alert_emails", "alertes@exemple.fr"),
    ("api_secret", "cs_5f3c…"),
    ("cause", "The platform took the access back."),
    ("changed", "phone"),
    ("code", "INVALID_EMAIL"),
    ("correlation_id", "0af7651916cd43dd8448eb211c80319c"),
    ("csrf_token", "n2v0hWc6pYt3Zk8xQm1sRb"),
    ("delivery_id", "3f6c9a1e"),
    ("direction", "to_platform"),
    ("error", "The address is not valid."),
    ("error_class", "invalid"),
    ("error_code", "INVALID_EMAIL"),
    ("error_message", "The address is not valid."),
    ("event_id", "evt-201"),
    ("external_id", "103"),
    ("fingerprint", "invalid:INVALID_EMAIL:9f2c"),
    ("hash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("hint", "Settings, Integrations, Private apps"),
    ("label", "Access token"),
    ("last_error", "The address is not valid."),
    ("last_sync_status", "success"),
    ("message", "The address is not valid."),
    ("name", "HubSpot"),
    ("next_cursor", "MTc2NDI0NDgwMDAwMA"),
    ("note", "The platform shortens it."),
    ("outcome", "applied"),
    ("prospect_id", "p-201"),
    ("reason", "The signature does not fit."),
    ("remote", "firstname"),
    ("request_id", "01a204cd1ccd769285702f836580ba94"),
    ("roles", "admin"),
    ("scheme", "email"),
    ("scopes", "crm.objects.contacts.read"),
    ("secret", "whsec_9a8b7c6d"),
    ("subject_id", "p-201"),
    ("type", "string"),
    ("user_agent", "curl/8.5.0"),
    ("value", "camille.rousseau@example.fr"),
];

/// How far references are followed.
const DEPTH: u8 = 24;

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// Gives an example to every field whose name says what it holds, and then to every schema.
pub(super) fn complete(schemas: &mut Schemas) {
    schemas.values_mut().for_each(name_fields);
    let known = schemas.clone();
    for schema in schemas.values_mut() {
        let example = of(schema, &known, DEPTH);
        if let (RefOr::T(schema), Some(example)) = (schema, example)
            && own(schema).is_none()
        {
            give(schema, example);
        }
    }
}

fn name_fields(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            for (name, field) in &mut object.properties {
                name_field(name, field);
                name_fields(field);
            }
        }
        RefOr::T(Schema::OneOf(parts)) => parts.items.iter_mut().for_each(name_fields),
        RefOr::T(Schema::AllOf(parts)) => parts.items.iter_mut().for_each(name_fields),
        RefOr::T(Schema::Array(list)) => {
            if let ArrayItems::RefOrSchema(item) = &mut list.items {
                name_fields(item);
            }
        }
        RefOr::T(_) | RefOr::Ref(_) => {}
    }
}

/// A text of this name, or a list of such.
fn name_field(name: &str, field: &mut RefOr<Schema>) {
    let Some((_, text)) = TEXTS.iter().find(|(known, _)| *known == name) else { return };
    if let RefOr::T(Schema::Array(list)) = field {
        if let ArrayItems::RefOrSchema(item) = &mut list.items {
            name_field(name, item);
        }
    } else if let RefOr::T(Schema::Object(field)) = field
        && is_free_text(field)
    {
        field.examples.push(json!(text));
    }
}

fn is_free_text(field: &Object) -> bool {
    holds(&field.schema_type, &Type::String)
        && field.format.is_none()
        && field.enum_values.is_none()
        && field.default.is_none()
        && field.example.is_none()
        && field.examples.is_empty()
}

fn holds(allowed: &SchemaType, sought: &Type) -> bool {
    match allowed {
        SchemaType::Type(only) => only == sought,
        SchemaType::Array(several) => several.contains(sought),
        SchemaType::AnyValue => false,
    }
}

/// The example that a schema has itself.
fn own(schema: &Schema) -> Option<&Value> {
    let (examples, example) = match schema {
        Schema::Object(it) => (&it.examples, &it.example),
        Schema::Array(it) => (&it.examples, &it.example),
        Schema::OneOf(it) => (&it.examples, &it.example),
        Schema::AllOf(it) => (&it.examples, &it.example),
        Schema::AnyOf(it) => (&it.examples, &it.example),
        _ => return None,
    };
    examples.first().or(example.as_ref())
}

fn give(schema: &mut Schema, example: Value) {
    match schema {
        Schema::Object(it) => it.examples.push(example),
        Schema::Array(it) => it.examples.push(example),
        Schema::OneOf(it) => it.examples.push(example),
        Schema::AllOf(it) => it.examples.push(example),
        Schema::AnyOf(it) => it.examples.push(example),
        _ => {}
    }
}

/// An example of a schema; `None` where nothing is known that would be one.
fn of(schema: &RefOr<Schema>, known: &Schemas, depth: u8) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let schema = match schema {
        RefOr::Ref(reference) => return of(known.get(name_of(reference))?, known, depth),
        RefOr::T(schema) => schema,
    };
    if let Some(own) = own(schema) {
        return Some(own.clone());
    }
    match schema {
        Schema::Object(object) => of_object(object, known, depth),
        Schema::Array(list) => match &list.items {
            ArrayItems::RefOrSchema(item) => {
                Some(of(item, known, depth).map_or_else(|| json!([]), |item| json!([item])))
            }
            ArrayItems::False => None,
        },
        Schema::OneOf(parts) => {
            parts.items.iter().filter(|part| !is_null(part)).find_map(|part| of(part, known, depth))
        }
        Schema::AllOf(parts) => {
            let mut whole = Map::new();
            for part in parts.items.iter().filter_map(|part| of(part, known, depth)) {
                whole.extend(part.as_object().cloned().unwrap_or_default());
            }
            Some(whole.into())
        }
        Schema::AnyOf(parts) => {
            parts.items.iter().filter(|part| !is_null(part)).find_map(|part| of(part, known, depth))
        }
        _ => None,
    }
}

fn of_object(object: &Object, known: &Schemas, depth: u8) -> Option<Value> {
    let allowed = &object.schema_type;
    let said = object.enum_values.as_ref().and_then(|values| values.first()).or(object.default.as_ref());
    if let Some(said) = said {
        return Some(said.clone());
    }
    if matches!(allowed, SchemaType::AnyValue) {
        return Some(json!("Arles"));
    }
    if holds(allowed, &Type::Object) {
        let fields = object.properties.iter();
        let fields = fields.filter_map(|(name, field)| Some((name.clone(), of(field, known, depth)?)));
        return Some(fields.collect::<Map<_, _>>().into());
    }
    if holds(allowed, &Type::Boolean) {
        return Some(json!(true));
    }
    let is_number = holds(allowed, &Type::Integer) || holds(allowed, &Type::Number);
    is_number.then(|| json!(1))
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if matches!(object.schema_type, SchemaType::Type(Type::Null)))
}

fn name_of(reference: &Ref) -> &str {
    reference.ref_location.rsplit('/').next().unwrap_or_default()
}
