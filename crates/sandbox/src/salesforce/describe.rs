//! What an organisation says of its fields.

use actix_web::{HttpResponse, web::Path};
use serde_json::{Value, json};

use super::{
    errors::ApiError,
    gate::Caller,
    org,
    schema::{self, Field, Form, KEY},
};

pub(crate) async fn show(caller: Caller, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let (kind, fields) = schema::kind(&path.1).ok_or_else(ApiError::not_found)?;
    let has_key = caller.read(org::has_key);
    let all = schema::COMMON.iter().map(|field| described(field, false));
    let own = fields.iter().filter(|field| has_key || field.name != KEY).map(|field| described(field, true));
    let fields: Vec<Value> = all.chain(own).collect();
    Ok(HttpResponse::Ok().json(json!({"name": kind, "label": kind, "custom": false, "fields": fields})))
}

fn described(field: &Field, is_writable: bool) -> Value {
    let form = match field.form {
        Form::Text(most) if most > 255 => "textarea",
        Form::Text(_) => "string",
        Form::Email => "email",
        Form::Phone => "phone",
        Form::Choice(_) => "picklist",
        Form::Number => "currency",
        Form::Whole => "int",
        Form::Bool => "boolean",
        Form::Date => "date",
        Form::Moment => "datetime",
        Form::Reference if field.name == "Id" => "id",
        Form::Reference => "reference",
    };
    let length = if let Form::Text(most) = field.form { most } else { 0 };
    let words = if let Form::Choice(words) = field.form { words } else { &[] };
    let words: Vec<Value> =
        words.iter().map(|word| json!({"value": word, "label": word, "active": true, "defaultValue": false})).collect();
    json!({
        "name": field.name, "label": field.label, "type": form, "length": length, "custom": field.name.ends_with("__c"),
        "createable": is_writable, "updateable": is_writable, "nillable": !field.required,
        "defaultedOnCreate": false, "calculated": false, "externalId": field.name == KEY, "idLookup": field.name == KEY,
        "unique": field.name == KEY, "restrictedPicklist": false, "picklistValues": words, "referenceTo": [],
    })
}
