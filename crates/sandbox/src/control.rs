//! The sandbox's own API, under `/_sandbox`: what was written and asked, how many people that makes, the
//! switches, and a person's hand in the CRM's pages.

use std::sync::Arc;

use actix_web::{
    HttpResponse, ResponseError,
    http::StatusCode,
    web::{self, Data, Json, Path, Query, ServiceConfig},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    hubspot::{ApiError, kinds::Kind, read_values},
    journal::{By, Entry, Platform, Selection},
    people,
    requests::Asked,
    sender::Webhook,
    world::World,
};

/// An import may hold thousands of rows.
const LARGEST_BODY: usize = 4 * 1_024 * 1_024;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route("/healthz", web::get().to(HttpResponse::Ok))
        .route("/readyz", web::get().to(HttpResponse::Ok))
        .service(
            web::scope("/_sandbox")
                .app_data(web::JsonConfig::default().content_type_required(false).limit(LARGEST_BODY))
                .route("/journal", web::get().to(list_journal))
                .route("/requests", web::get().to(list_requests))
                .route("/people", web::get().to(count_people))
                .route("/reset", web::post().to(reset_world))
                .route("/hubspot/{portal}/faults", web::get().to(show_faults))
                .route("/hubspot/{portal}/faults", web::put().to(change_faults))
                .route("/hubspot/{portal}/webhook", web::get().to(show_webhook))
                .route("/hubspot/{portal}/webhook", web::put().to(set_webhook))
                .route("/hubspot/{portal}/webhook", web::delete().to(remove_webhook))
                .route("/hubspot/{portal}/deliveries", web::get().to(list_deliveries))
                .route("/hubspot/{portal}/{kind}", web::post().to(create_by_hand))
                .route("/hubspot/{portal}/{kind}/import", web::post().to(import_by_hand))
                .route("/hubspot/{portal}/{kind}/{id}", web::patch().to(edit_by_hand))
                .route("/hubspot/{portal}/{kind}/{id}", web::delete().to(archive_by_hand)),
        );
}

/// Why the control API did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    #[error("{0}")]
    Switches(serde_json::Error),
    #[error("{0}")]
    HubSpot(ApiError),
    #[error("the files could not be written: {0}")]
    Files(#[from] std::io::Error),
}

impl ResponseError for ControlError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Switches(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::HubSpot(error) => error.code,
            Self::Files(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(json!({"message": self.to_string()}))
    }
}

impl From<ApiError> for ControlError {
    fn from(error: ApiError) -> Self {
        Self::HubSpot(error)
    }
}

async fn list_journal(world: Data<World>, selection: Query<Selection>) -> HttpResponse {
    let entries = world.journal.select(&selection);
    HttpResponse::Ok().json(entries.iter().map(AsRef::as_ref).collect::<Vec<&Entry>>())
}

async fn list_requests(world: Data<World>, asked: Query<Asked>) -> HttpResponse {
    HttpResponse::Ok().json(world.requests.select(&asked))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Counted {
    platform: Platform,
    account: String,
}

async fn count_people(world: Data<World>, counted: Query<Counted>) -> HttpResponse {
    let Counted { platform, account } = counted.into_inner();
    let all = Selection { platform: Some(platform), account: Some(account), after: 0, limit: Some(usize::MAX) };
    HttpResponse::Ok().json(people::count(&world.journal.select(&all)))
}

async fn reset_world(world: Data<World>) -> Result<HttpResponse, ControlError> {
    world.reset()?;
    Ok(HttpResponse::NoContent().finish())
}

async fn show_faults(world: Data<World>, portal: Path<u64>) -> HttpResponse {
    HttpResponse::Ok().json(world.hubspot.account(*portal).settings().faults)
}

async fn change_faults(
    world: Data<World>,
    portal: Path<u64>,
    patch: Json<Map<String, Value>>,
) -> Result<HttpResponse, ControlError> {
    let account = world.hubspot.account(*portal);
    account.adjust(|state| state.faults.merge(patch.into_inner())).map_err(ControlError::Switches)?;
    world.settings.save(&world.hubspot)?;
    Ok(HttpResponse::Ok().json(account.settings().faults))
}

/// The secret is not shown.
async fn show_webhook(world: Data<World>, portal: Path<u64>) -> HttpResponse {
    let webhook = world.hubspot.account(*portal).settings().webhook;
    let shown = webhook.map(|webhook| json!({"target_url": webhook.target_url, "public_url": webhook.signed_url()}));
    HttpResponse::Ok().json(shown)
}

async fn set_webhook(
    world: Data<World>,
    portal: Path<u64>,
    webhook: Json<Webhook>,
) -> Result<HttpResponse, ControlError> {
    let webhook = Arc::new(webhook.into_inner());
    world.hubspot.account(*portal).adjust(|state| state.webhook = Some(webhook));
    world.settings.save(&world.hubspot)?;
    Ok(HttpResponse::NoContent().finish())
}

async fn remove_webhook(world: Data<World>, portal: Path<u64>) -> Result<HttpResponse, ControlError> {
    world.hubspot.account(*portal).adjust(|state| state.webhook = None);
    world.settings.save(&world.hubspot)?;
    Ok(HttpResponse::NoContent().finish())
}

async fn list_deliveries(world: Data<World>, portal: Path<u64>) -> HttpResponse {
    HttpResponse::Ok().json(world.sender.deliveries(*portal))
}

/// A person's edit: `{"properties": {…}}`, or the properties alone.
fn edited(body: Json<Map<String, Value>>) -> Result<std::collections::BTreeMap<String, String>, ApiError> {
    let mut fields = body.into_inner();
    match fields.remove("properties") {
        Some(Value::Object(properties)) => read_values(properties),
        Some(_) | None => read_values(fields),
    }
}

async fn create_by_hand(
    world: Data<World>,
    path: Path<(u64, String)>,
    body: Json<Map<String, Value>>,
) -> Result<HttpResponse, ControlError> {
    let (portal, kind) = path.into_inner();
    let (kind, values) = (Kind::parse(&kind)?, edited(body)?);
    let id = world.hubspot.account(portal).write(By::User, |changes| changes.create(kind, values, &[]))?;
    Ok(HttpResponse::Created().json(json!({"id": id.to_string()})))
}

/// A file of objects, imported as the platform's own pages do it: all at one moment.
#[derive(Debug, Deserialize)]
pub(crate) struct Import {
    rows: Vec<Map<String, Value>>,
}

async fn import_by_hand(
    world: Data<World>,
    path: Path<(u64, String)>,
    import: Json<Import>,
) -> Result<HttpResponse, ControlError> {
    let (portal, kind) = path.into_inner();
    let kind = Kind::parse(&kind)?;
    let rows = import.into_inner().rows.into_iter().map(read_values).collect::<Result<Vec<_>, _>>()?;
    let ids = world.hubspot.account(portal).write(By::User, |changes| {
        let created = rows.into_iter().map(|values| changes.create(kind, values, &[]).map(|id| id.to_string()));
        created.collect::<Result<Vec<String>, _>>()
    })?;
    Ok(HttpResponse::Created().json(json!({"ids": ids})))
}

async fn edit_by_hand(
    world: Data<World>,
    path: Path<(u64, String, u64)>,
    body: Json<Map<String, Value>>,
) -> Result<HttpResponse, ControlError> {
    let (portal, kind, id) = path.into_inner();
    let (kind, values) = (Kind::parse(&kind)?, edited(body)?);
    world.hubspot.account(portal).write(By::User, |changes| changes.update(kind, id, values))?;
    Ok(HttpResponse::Ok().json(json!({"id": id.to_string()})))
}

async fn archive_by_hand(world: Data<World>, path: Path<(u64, String, u64)>) -> Result<HttpResponse, ControlError> {
    let (portal, kind, id) = path.into_inner();
    let kind = Kind::parse(&kind)?;
    world.hubspot.account(portal).write(By::User, |changes| changes.archive(kind, id))?;
    Ok(HttpResponse::NoContent().finish())
}
