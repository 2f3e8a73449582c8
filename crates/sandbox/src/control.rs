//! The sandbox's own API, under `/_sandbox`: what was written and asked, how many people that makes, the
//! switches, and a person's hand in the platforms' own pages. The same for every stand-in.

use std::sync::Arc;

use actix_web::{
    HttpResponse, ResponseError,
    http::StatusCode,
    web::{self, Data, Json, Path, Query, ServiceConfig},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    journal::{Entry, Selection},
    people,
    requests::Asked,
    sender::Webhook,
    stand_in::{Account, Refused},
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
                .route("/under-way", web::get().to(count_under_way))
                .route("/people", web::get().to(count_people))
                .route("/reset", web::post().to(reset_world))
                .route("/{platform}/{account}/faults", web::get().to(show_faults))
                .route("/{platform}/{account}/faults", web::put().to(change_faults))
                .route("/{platform}/{account}/webhook", web::get().to(show_webhook))
                .route("/{platform}/{account}/webhook", web::put().to(set_webhook))
                .route("/{platform}/{account}/webhook", web::delete().to(remove_webhook))
                .route("/{platform}/{account}/deliveries", web::get().to(list_deliveries))
                .route("/{platform}/{account}/compliance", web::post().to(request_compliance))
                .route("/{platform}/{account}/{kind}", web::post().to(create_by_hand))
                .route("/{platform}/{account}/{kind}/import", web::post().to(import_by_hand))
                .route("/{platform}/{account}/{kind}/{id}", web::patch().to(edit_by_hand))
                .route("/{platform}/{account}/{kind}/{id}", web::delete().to(remove_by_hand)),
        );
}

/// Why the control API did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    #[error("there is no stand-in called {0}, or it can have no such account")]
    Unknown(String),
    #[error("{0}")]
    Switches(serde_json::Error),
    #[error("{0}")]
    Hand(#[from] Refused),
    #[error("the files could not be written: {0}")]
    Files(#[from] std::io::Error),
}

impl ResponseError for ControlError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Switches(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Hand(refused) => StatusCode::from_u16(refused.status).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Files(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(json!({"message": self.to_string()}))
    }
}

/// The account that a path names.
pub(crate) fn account(world: &World, platform: &str, id: &str) -> Result<Arc<dyn Account>, ControlError> {
    world.account(platform, id).ok_or_else(|| ControlError::Unknown(format!("{platform}/{id}")))
}

async fn list_journal(world: Data<World>, selection: Query<Selection>) -> HttpResponse {
    let entries = world.tools.journal.select(&selection);
    HttpResponse::Ok().json(entries.iter().map(AsRef::as_ref).collect::<Vec<&Entry>>())
}

async fn list_requests(world: Data<World>, asked: Query<Asked>) -> HttpResponse {
    HttpResponse::Ok().json(world.tools.requests.select(&asked))
}

/// Requests of HubSpot's interface that are being answered now, and those of every platform's so far.
async fn count_under_way(world: Data<World>) -> HttpResponse {
    let requests = &world.tools.requests;
    HttpResponse::Ok().json(json!({ "under_way": requests.under_way(), "so_far": requests.so_far() }))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Counted {
    platform: String,
    account: String,
}

async fn count_people(world: Data<World>, counted: Query<Counted>) -> Result<HttpResponse, ControlError> {
    let Counted { platform, account } = counted.into_inner();
    let words = world.stand_in(&platform).ok_or_else(|| ControlError::Unknown(platform.clone()))?.words();
    let all = Selection { platform: Some(platform), account: Some(account), after: 0, limit: Some(usize::MAX) };
    Ok(HttpResponse::Ok().json(people::count(&world.tools.journal.select(&all), &words)))
}

async fn reset_world(world: Data<World>) -> Result<HttpResponse, ControlError> {
    world.reset()?;
    Ok(HttpResponse::NoContent().finish())
}

type Named = Path<(String, String)>;

async fn show_faults(world: Data<World>, path: Named) -> Result<HttpResponse, ControlError> {
    Ok(HttpResponse::Ok().json(account(&world, &path.0, &path.1)?.faults()))
}

async fn change_faults(
    world: Data<World>,
    path: Named,
    patch: Json<Map<String, Value>>,
) -> Result<HttpResponse, ControlError> {
    let account = account(&world, &path.0, &path.1)?;
    let mut faults = account.faults();
    faults.merge(patch.into_inner()).map_err(ControlError::Switches)?;
    account.set_faults(faults.clone());
    world.settings.save(&world)?;
    Ok(HttpResponse::Ok().json(faults))
}

/// The secret is not shown.
async fn show_webhook(world: Data<World>, path: Named) -> Result<HttpResponse, ControlError> {
    let webhook = account(&world, &path.0, &path.1)?.webhook();
    let shown = webhook.map(|webhook| json!({"target_url": webhook.target_url, "public_url": webhook.signed_url()}));
    Ok(HttpResponse::Ok().json(shown))
}

async fn set_webhook(world: Data<World>, path: Named, webhook: Json<Webhook>) -> Result<HttpResponse, ControlError> {
    account(&world, &path.0, &path.1)?.set_webhook(Some(webhook.into_inner()));
    world.settings.save(&world)?;
    Ok(HttpResponse::NoContent().finish())
}

async fn remove_webhook(world: Data<World>, path: Named) -> Result<HttpResponse, ControlError> {
    account(&world, &path.0, &path.1)?.set_webhook(None);
    world.settings.save(&world)?;
    Ok(HttpResponse::NoContent().finish())
}

async fn list_deliveries(world: Data<World>, path: Named) -> HttpResponse {
    HttpResponse::Ok().json(world.tools.sender.deliveries(&path.0, &path.1))
}

/// What somebody asks for by law, and about which object where it is about one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compliance {
    topic: String,
    #[serde(default)]
    object: Option<String>,
}

async fn request_compliance(
    world: Data<World>,
    path: Named,
    asked: Json<Compliance>,
) -> Result<HttpResponse, ControlError> {
    account(&world, &path.0, &path.1)?.request_compliance(&asked.topic, asked.object.as_deref())?;
    Ok(HttpResponse::Accepted().finish())
}

/// A person's edit: `{"properties": {…}}`, or the properties alone.
fn edited(body: Json<Map<String, Value>>) -> Map<String, Value> {
    let mut fields = body.into_inner();
    match fields.remove("properties") {
        Some(Value::Object(properties)) => properties,
        Some(_) | None => fields,
    }
}

async fn create_by_hand(
    world: Data<World>,
    path: Path<(String, String, String)>,
    body: Json<Map<String, Value>>,
) -> Result<HttpResponse, ControlError> {
    let ids = account(&world, &path.0, &path.1)?.create(&path.2, vec![edited(body)])?;
    Ok(HttpResponse::Created().json(json!({"id": ids.first()})))
}

/// A file of objects, imported as the platform's own pages do it: all at one moment.
#[derive(Debug, Deserialize)]
pub(crate) struct Import {
    rows: Vec<Map<String, Value>>,
}

async fn import_by_hand(
    world: Data<World>,
    path: Path<(String, String, String)>,
    import: Json<Import>,
) -> Result<HttpResponse, ControlError> {
    let ids = account(&world, &path.0, &path.1)?.create(&path.2, import.into_inner().rows)?;
    Ok(HttpResponse::Created().json(json!({"ids": ids})))
}

async fn edit_by_hand(
    world: Data<World>,
    path: Path<(String, String, String, String)>,
    body: Json<Map<String, Value>>,
) -> Result<HttpResponse, ControlError> {
    account(&world, &path.0, &path.1)?.update(&path.2, &path.3, edited(body))?;
    Ok(HttpResponse::Ok().json(json!({"id": path.3})))
}

async fn remove_by_hand(
    world: Data<World>,
    path: Path<(String, String, String, String)>,
) -> Result<HttpResponse, ControlError> {
    account(&world, &path.0, &path.1)?.remove(&path.2, &path.3)?;
    Ok(HttpResponse::NoContent().finish())
}
