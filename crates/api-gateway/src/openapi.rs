//! The OpenAPI document: collected from the handlers, completed by what holds for all of them.

mod examples;
mod webhooks;

use actix_web::App;
use runtime::http::ProblemBody;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{OpenApi as _, PartialSchema as _, ToSchema as _};
use utoipa_actix_web::AppExt as _;

use crate::{door, routes};

/// What the document says of the API as a whole.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Coccinelle Integrations",
        description = "Connects CRM, shops and support tools with Coccinelle and keeps their data in step.\n\n\
            Every answer that is not a success is a problem document (RFC 9457) with a stable `code`; branch on the \
            code, never on the text. Lists go on at `next_cursor`. Times are RFC 3339, in UTC."
    ),
    tags(
        (name = "events", description = "What happened in Coccinelle."),
        (name = "session", description = "Browsers that are let in by a cookie."),
        (name = "integrations", description = "What a tenant has connected."),
        (name = "runs", description = "Full syncs: started, watched, ended."),
        (name = "mappings", description = "Which of our fields is which of a platform's."),
        (name = "failures", description = "What could not be brought into step, and trying it again."),
        (name = "logs", description = "What was tried, and what came of it."),
        (name = "statistics", description = "How it goes, over time."),
        (name = "incidents", description = "Trouble that a tenant's people are told of."),
        (name = "settings", description = "What a tenant sets for itself."),
        (name = "tokens", description = "Bearer tokens for a tenant's own programs."),
        (name = "audit", description = "Who changed what."),
        (name = "conflicts", description = "What systems disagree about, and what was decided of it."),
        (name = "suppressions", description = "Identifiers of erased persons, who are not taken in again."),
        (name = "workflows", description = "What workflows in n8n ask of us, each by the pass of the write that it was handed."),
        (name = "webhooks", description = "What platforms call; served by `webhook-ingest`, behind the same edge."),
        (name = "records", description = "Coccinelle's copies, and their counterparts on the platforms."),
    )
)]
struct Base;

/// The document of this version of the API.
#[must_use]
pub fn document() -> OpenApi {
    let (_, mut document) = App::new()
        .into_utoipa_app()
        .openapi(Base::openapi())
        .configure(|routes| routes::api(routes, door::cors(&[])))
        .split_for_parts();
    let components = document.components.get_or_insert_default();
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    let mut inner = Vec::new();
    ProblemBody::schemas(&mut inner);
    components.schemas.extend(inner);
    components.schemas.values_mut().for_each(explain_tags);
    examples::complete(&mut components.schemas);
    let pass = ApiKeyValue::with_description(
        "token",
        "What a workflow was given with a write: in the query of `callback_url`, or as `proxy_token`, a bearer token.",
    );
    components.security_schemes.insert("pass".to_owned(), SecurityScheme::ApiKey(ApiKey::Query(pass)).into());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    let bearer = bearer.description(Some("A token with the claims `sub`, `tenant_id`, `roles` and `exp`."));
    components.security_schemes.insert("bearer".to_owned(), SecurityScheme::Http(bearer.build()).into());
    for item in document.paths.paths.values_mut() {
        operations(item).for_each(complete);
    }
    door::describe(&mut document);
    webhooks::add(&mut document);
    document
}

/// The field that tells the variants of a type from each other is made by its derive, which has no words for it.
fn explain_tags(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::OneOf(variants)) = schema else { return };
    for variant in &mut variants.items {
        let RefOr::T(Schema::Object(variant)) = variant else { continue };
        for property in variant.properties.values_mut() {
            if let RefOr::T(Schema::Object(tag)) = property
                && tag.enum_values.as_ref().is_some_and(|values| values.len() == 1)
            {
                tag.description.get_or_insert_with(|| "Which of these it is.".to_owned());
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// Gives every refusal the body that all of them have, and adds those that are the same wherever their cause is there.
fn complete(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
        {
            *response = problem(&response.description);
        }
    }
    let has = |place: ParameterIn| {
        let mut parameters = operation.parameters.iter().flatten();
        parameters.any(|parameter| matches!(parameter, RefOr::T(it) if it.parameter_in == place))
    };
    let (in_path, in_query, has_body) =
        (has(ParameterIn::Path), has(ParameterIn::Query), operation.request_body.is_some());
    let mut refuse = |status: &str, why: &str| refuse(operation, status, why);
    refuse("401", "`token_missing`, `token_invalid`: who asks is not known.");
    refuse("403", "`role_missing`: the caller's roles do not allow this.");
    refuse("414", "`url_too_long`: the path with its query is longer than is taken.");
    refuse("500", "`internal`: something went wrong on our side; the request id finds it in the logs.");
    refuse("503", "`unavailable`: a part that this needs does not answer; come again after `Retry-After` seconds.");
    if in_path {
        refuse("404", "`not_found`: there is nothing of that id, or it is another tenant's.");
    }
    if has_body {
        refuse("400", "`malformed`: the body is not JSON, or did not arrive whole.");
        refuse("413", "`too_large`: the body is larger than is taken.");
    }
    if has_body || in_query {
        refuse("422", "`invalid`: `errors` names every fault by its path.");
    }
}

/// Adds a refusal, and what it means.
pub(crate) fn refuse(operation: &mut Operation, status: &str, why: &str) {
    let known = operation.responses.responses.entry(status.to_owned());
    known.and_modify(|known| also(known, why)).or_insert_with(|| problem(why).into());
}

fn problem(why: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name())));
    ResponseBuilder::new().description(why).content("application/problem+json", content.build()).build()
}

/// What a handler says of a status stays, and this is said as well.
fn also(known: &mut RefOr<Response>, why: &str) {
    if let RefOr::T(response) = known {
        response.description = format!("{} {why}", response.description);
    }
}
