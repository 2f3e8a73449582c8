//! The webhooks API as the app's developer calls it. What is kept of it is `app`'s.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Data, Json, Path, ServiceConfig},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ApiError, HubSpot,
    app::{DEVELOPER_KEY, Topic},
    webhooks::APP_ID,
};
use crate::clock;

const OBJECTS: [&str; 7] = ["contact", "company", "deal", "ticket", "product", "line_item", "object"];
const HAPPENINGS: [&str; 6] = ["creation", "deletion", "merge", "restore", "propertyChange", "associationChange"];
/// As many may be switched at once.
const LARGEST_BATCH: usize = 100;

#[derive(Debug, Deserialize)]
pub(crate) struct AppPath {
    app: u32,
    #[serde(default)]
    id: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pointing {
    target_url: String,
    throttling: Throttling,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Throttling {
    max_concurrent_requests: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wish {
    event_type: String,
    object_type_id: Option<String>,
    property_name: Option<String>,
    #[serde(default)]
    active: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Switch {
    active: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Switches {
    inputs: Vec<Input>,
}

#[derive(Debug, Deserialize)]
struct Input {
    id: u64,
    active: bool,
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    for base in ["/webhooks/{version:2026-03|v3}/{app}", "/app-webhooks/{version:2026-09}/{app}"] {
        config.service(
            web::scope(base)
                .route("/settings", web::get().to(show_settings))
                .route("/settings", web::put().to(put_settings))
                .route("/settings", web::delete().to(remove_settings))
                .route("/subscriptions/batch/update", web::post().to(switch_many))
                .route("/subscriptions", web::get().to(list))
                .route("/subscriptions", web::post().to(subscribe))
                .route("/subscriptions/{id}", web::get().to(show))
                .route("/subscriptions/{id}", web::patch().to(switch))
                .route("/subscriptions/{id}", web::delete().to(unsubscribe)),
        );
    }
}

/// Whether a path, below HubSpot's own, belongs to the app and not to a portal.
pub(crate) fn is_the_apps(path: &str) -> bool {
    ["/webhooks/", "/app-webhooks/"].into_iter().any(|base| path.starts_with(base))
}

/// Lets in whoever shows the developer's key; a portal's token opens nothing here.
pub(crate) fn authenticate(query: &str) -> Result<(), ApiError> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    match pairs.find(|(name, _)| name == "hapikey") {
        Some((_, key)) if key == DEVELOPER_KEY => Ok(()),
        Some(_) => {
            let message =
                "The API key provided is invalid. View or manage your API key here: https://app.hubspot.com/l/api-key/";
            Err(ApiError::new(StatusCode::UNAUTHORIZED, "INVALID_AUTHENTICATION", message))
        }
        None => Err(ApiError::unauthenticated()),
    }
}

impl AppPath {
    fn check(&self) -> Result<(), ApiError> {
        if self.app == APP_ID { Ok(()) } else { Err(ApiError::not_found(&self.app.to_string())) }
    }
}

async fn show_settings(hubspot: Data<HubSpot>, path: Path<AppPath>) -> Result<HttpResponse, ApiError> {
    path.check()?;
    Ok(HttpResponse::Ok().json(hubspot.app.settings()?))
}

async fn put_settings(
    hubspot: Data<HubSpot>,
    path: Path<AppPath>,
    wish: Json<Pointing>,
) -> Result<HttpResponse, ApiError> {
    path.check()?;
    let Pointing { target_url, throttling } = wish.into_inner();
    let is_web = target_url.parse::<url::Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_web || throttling.max_concurrent_requests == 0 {
        return Err(ApiError::validation("targetUrl must be a web address, and maxConcurrentRequests at least 1"));
    }
    let throttling = json!({ "maxConcurrentRequests": throttling.max_concurrent_requests });
    Ok(HttpResponse::Ok().json(hubspot.app.point(target_url, throttling)))
}

async fn remove_settings(hubspot: Data<HubSpot>, path: Path<AppPath>) -> Result<HttpResponse, ApiError> {
    path.check()?;
    hubspot.app.unpoint();
    Ok(HttpResponse::NoContent().finish())
}

async fn list(hubspot: Data<HubSpot>, path: Path<AppPath>) -> Result<HttpResponse, ApiError> {
    path.check()?;
    Ok(HttpResponse::Ok().json(json!({ "results": hubspot.app.list() })))
}

async fn subscribe(hubspot: Data<HubSpot>, path: Path<AppPath>, wish: Json<Wish>) -> Result<HttpResponse, ApiError> {
    path.check()?;
    let Wish { event_type, object_type_id, property_name, active } = wish.into_inner();
    let topic = Topic { event_type, object_type_id, property_name };
    check(&topic)?;
    Ok(HttpResponse::Created().json(hubspot.app.subscribe(topic, active)?))
}

/// One subscription to changes of each property; an object type without events of its own is named beside them.
fn check(topic: &Topic) -> Result<(), ApiError> {
    let known = topic.event_type.split_once('.').filter(|(object, happened)| {
        let is_privacy = (*object, *happened) == ("contact", "privacyDeletion");
        is_privacy || OBJECTS.contains(object) && HAPPENINGS.contains(happened)
    });
    let Some((object, happened)) = known else {
        return Err(ApiError::validation(format!("Invalid eventType: {}", topic.event_type)));
    };
    if (happened == "propertyChange") != topic.property_name.is_some() {
        return Err(ApiError::validation("propertyName goes with propertyChange, and with nothing else"));
    }
    if let Some(name) = topic.property_name.as_deref().filter(|name| !is_name(name)) {
        return Err(ApiError::validation(format!("{name} is no name of a property")));
    }
    if (object == "object") != topic.object_type_id.is_some() {
        return Err(ApiError::validation("objectTypeId goes with object.*, and with nothing else"));
    }
    Ok(())
}

/// Whether a property may be called so; whether an account has one, the app cannot know.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    !name.is_empty() && name.bytes().all(is_plain)
}

async fn show(hubspot: Data<HubSpot>, path: Path<AppPath>) -> Result<HttpResponse, ApiError> {
    path.check()?;
    Ok(HttpResponse::Ok().json(hubspot.app.get(path.id)?))
}

async fn switch(hubspot: Data<HubSpot>, path: Path<AppPath>, wish: Json<Switch>) -> Result<HttpResponse, ApiError> {
    path.check()?;
    Ok(HttpResponse::Ok().json(hubspot.app.switch(path.id, wish.active)?))
}

async fn switch_many(
    hubspot: Data<HubSpot>,
    path: Path<AppPath>,
    wish: Json<Switches>,
) -> Result<HttpResponse, ApiError> {
    path.check()?;
    if wish.inputs.len() > LARGEST_BATCH {
        return Err(ApiError::validation(format!("at most {LARGEST_BATCH} inputs")));
    }
    let started_at = clock::iso(clock::now());
    let (mut results, mut errors): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for input in &wish.inputs {
        match hubspot.app.switch(input.id, input.active) {
            Ok(shown) => results.push(shown),
            Err(error) => errors.push(error.as_item(&[input.id.to_string()], None)),
        }
    }
    let mut body = json!({
        "status": "COMPLETE", "results": results, "startedAt": started_at, "completedAt": clock::iso(clock::now()),
    });
    if errors.is_empty() {
        return Ok(HttpResponse::Ok().json(body));
    }
    if let Some(fields) = body.as_object_mut() {
        fields.insert("numErrors".to_owned(), json!(errors.len()));
        fields.insert("errors".to_owned(), Value::Array(errors));
    }
    Ok(HttpResponse::MultiStatus().json(body))
}

async fn unsubscribe(hubspot: Data<HubSpot>, path: Path<AppPath>) -> Result<HttpResponse, ApiError> {
    path.check()?;
    hubspot.app.unsubscribe(path.id);
    Ok(HttpResponse::NoContent().finish())
}
