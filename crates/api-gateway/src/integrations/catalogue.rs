//! What can be connected: the descriptors of the connectors, as data for forms.

use actix_web::{HttpResponse, Responder};
use connectors::descriptor::{AuthScheme, CredentialField, Descriptor};
use connectors::registry;
use serde_json::{Value, json};

use crate::auth::Viewer;

/// Lists every platform that can be connected.
pub(crate) async fn list_catalogue(_caller: Viewer) -> impl Responder {
    let platforms: Vec<Value> =
        registry::all().iter().map(|platform| entry(platform.connector().descriptor())).collect();
    HttpResponse::Ok().json(json!({ "data": platforms }))
}

fn entry(descriptor: &Descriptor) -> Value {
    let (fields, scopes) = match descriptor.auth {
        AuthScheme::ApiKey { fields } => (fields, [].as_slice()),
        AuthScheme::OAuth2 { scopes, .. } => ([].as_slice(), scopes),
    };
    json!({
        "platform": descriptor.slug,
        "name": descriptor.name,
        "category": descriptor.category.as_str(),
        "auth": {
            "scheme": descriptor.auth.as_str(),
            "fields": fields.iter().map(field).collect::<Vec<_>>(),
            "scopes": scopes,
        },
        "needs_url": descriptor.needs_url,
        "kinds": descriptor.kinds,
        "limits": {
            "requests": descriptor.limits.requests,
            "per_ms": descriptor.limits.per.as_millis(),
            "batch": descriptor.limits.batch,
        },
        "docs_url": descriptor.docs_url,
    })
}

fn field(field: &CredentialField) -> Value {
    json!({ "name": field.name, "label": field.label, "hint": field.hint })
}
