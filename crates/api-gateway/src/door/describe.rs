//! What the door adds to the OpenAPI document: sessions beside tokens, refusals of its own, the key of a repetition.

use actix_web::http::Method;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{OpenApi, PathItem};

use crate::idempotency;
use crate::openapi::refuse;

/// Where a session begins: with a token, and with nothing else.
const SESSION: &str = "/api/v1/session";

/// Where browsers come back from platforms' pages, by the cookie of the consent that they began.
const CALLBACK: &str = "/api/v1/integrations/oauth/callback";

const UNKNOWN_TENANT: &str = "`tenant_unknown`: the token is good, but its tenant is not here.";

/// Completes the document.
pub(crate) fn describe(document: &mut OpenApi) {
    let cookie = ApiKeyValue::with_description(
        "__Host-coccinelle_session",
        "A browser's session, begun with `POST /api/v1/session`. What changes something needs `X-CSRF-Token` as well.",
    );
    let consent = ApiKeyValue::with_description(
        "__Host-coccinelle_oauth",
        "A browser in which a consent was begun with `POST /api/v1/integrations/{id}/oauth/start`.",
    );
    let schemes = &mut document.components.get_or_insert_default().security_schemes;
    schemes.insert("consent".to_owned(), SecurityScheme::ApiKey(ApiKey::Cookie(consent)).into());
    schemes.insert("session".to_owned(), SecurityScheme::ApiKey(ApiKey::Cookie(cookie)).into());
    for (path, item) in &mut document.paths.paths {
        let PathItem { get, post, put, patch, delete, .. } = item;
        if is_for_workflows(path) || path == CALLBACK {
            [get, post, put, patch, delete].into_iter().flatten().for_each(measured);
            continue;
        }
        if let Some(begin) = post.as_mut().filter(|_| path == SESSION) {
            refusals(begin);
            refuse(begin, "403", UNKNOWN_TENANT);
        } else if let Some(post) = post {
            write(post);
        }
        if let Some(get) = get {
            by_session(get);
        }
        [&mut *put, patch, delete].into_iter().flatten().for_each(write);
        for (method, operation) in
            [(Method::POST, post), (Method::PUT, put), (Method::PATCH, patch), (Method::DELETE, delete)]
        {
            if let Some(operation) = operation.as_mut().filter(|_| idempotency::applies_to(&method, path)) {
                repeatable(operation);
            }
        }
    }
}

/// What a workflow calls is opened by its pass, and by nothing else.
fn is_for_workflows(path: &str) -> bool {
    path.starts_with("/api/v1/proxy/") || path.ends_with("/sync-callback")
}

fn measured(operation: &mut Operation) {
    refuse(operation, "429", "`rate_limited`: too many requests; come again after `Retry-After` seconds.");
}

fn refusals(operation: &mut Operation) {
    measured(operation);
    refuse(operation, "401", "`session_ended`: the session of the cookie is over.");
}

fn by_session(operation: &mut Operation) {
    refusals(operation);
    let tokens: Vec<SecurityRequirement> = operation.security.take().unwrap_or_default();
    let session = SecurityRequirement::new::<_, [&str; 0], &str>("session", []);
    operation.security = Some(tokens.into_iter().chain([session]).collect());
}

fn write(operation: &mut Operation) {
    by_session(operation);
    refuse(operation, "403", "`csrf_refused`: a session changes something only from our own pages.");
    add(operation, "X-CSRF-Token", "With a session: its `csrf_token`. With a bearer token, nothing.");
}

fn repeatable(operation: &mut Operation) {
    refuse(operation, "400", "`idempotency_key_invalid`: the key is not 1 to 255 visible ASCII characters.");
    refuse(operation, "403", UNKNOWN_TENANT);
    refuse(operation, "409", "`idempotency_in_progress`: the request of that key is still under way.");
    refuse(operation, "413", "`too_large`: the body is larger than is taken.");
    refuse(operation, "422", "`idempotency_key_reused`: the key belongs to another request.");
    let what = "1 to 255 visible ASCII characters. A repetition within 24 hours with the same key is answered like the \
                first request, and does nothing.";
    add(operation, "Idempotency-Key", what);
}

fn add(operation: &mut Operation, name: &str, description: &str) {
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build();
    let parameter: Parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(description))
        .schema(Some(Schema::Object(text)))
        .build();
    operation.parameters.get_or_insert_default().push(parameter.into());
}
