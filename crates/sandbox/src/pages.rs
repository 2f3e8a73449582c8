//! The page for people: what the accounts hold, what was written last, and the switches as a form. The same
//! for every stand-in.

use std::{collections::HashMap, sync::Arc};

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, Form, Query, ServiceConfig},
};
use askama::Template;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    clock,
    control::{self, ControlError},
    faults::{FailNext, Faults},
    journal::{Action, By, Entry, Selection},
    people::{self, People},
    sender::Delivery,
    stand_in::{Account, Sheet, StandIn},
    world::World,
};

const ROWS: usize = 25;
const LATEST: usize = 20;
const DELIVERIES: usize = 5;

/// The switches that the form shows, with their names for people; each platform adds its own.
const SWITCHES: [(&str, &str); 8] = [
    ("latency_ms", "Latence (ms)"),
    ("search_lag_ms", "Retard de recherche (ms)"),
    ("access_token_seconds", "Vie d'un jeton (s)"),
    ("fail_all_status", "Tout refuser avec"),
    ("lost_answer_next", "Réponses perdues"),
    ("hang", "ne jamais répondre"),
    ("token_revoked", "accès révoqué"),
    ("reformat_phones", "reformater les téléphones"),
];

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(show_home))
        .route("/style.css", web::get().to(show_style))
        .route("/_sandbox/forms/faults", web::post().to(change_faults))
        .route("/_sandbox/forms/compliance", web::post().to(request_compliance));
}

#[derive(Debug, Deserialize)]
pub(crate) struct HomeQuery {
    platform: Option<String>,
    account: Option<String>,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    page: usize,
    /// The switches are shown, and the page holds still.
    #[serde(default)]
    editing: bool,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    editing: bool,
    accounts: Vec<Named>,
    chosen: Option<Chosen>,
    latest: Vec<Line>,
}

/// An account in the list.
struct Named {
    platform: &'static str,
    name: &'static str,
    id: String,
}

struct Chosen {
    named: Named,
    shelves: Vec<(&'static str, usize)>,
    sheet: Sheet,
    page: usize,
    has_more: bool,
    people: People,
    fail_next: FailNext,
    switches: Vec<Switch>,
    webhook: Option<String>,
    /// What may be asked of the app by law, by topic, with its name.
    compliance: Vec<(&'static str, &'static str)>,
    deliveries: Vec<Delivery>,
}

/// A switch of the form: a number that may be empty, or something that is on or off.
struct Switch {
    name: &'static str,
    label: &'static str,
    is_toggle: bool,
    is_on: bool,
    value: String,
}

struct Line {
    seq: u64,
    at: String,
    account: String,
    what: String,
    values: String,
}

async fn show_style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("../templates/style.css"))
}

async fn show_home(world: Data<World>, query: Query<HomeQuery>) -> HttpResponse {
    let mut accounts = Vec::new();
    let mut chosen = None;
    for stand_in in &world.stand_ins {
        for account in stand_in.accounts() {
            let is_wanted = query.platform.as_ref().is_none_or(|platform| platform == stand_in.slug())
                && query.account.as_ref().is_none_or(|id| *id == account.id());
            if is_wanted && chosen.is_none() {
                chosen = Some(choose(&world, stand_in.as_ref(), account.as_ref(), &query));
            }
            accounts.push(name(stand_in.as_ref(), account.as_ref()));
        }
    }
    let latest = world.tools.journal.latest(LATEST).iter().map(|entry| line(entry)).collect();
    match (Home { editing: query.editing, accounts, chosen, latest }).render() {
        Ok(page) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'self'; form-action 'self'",
            ))
            .body(page),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

fn name(stand_in: &dyn StandIn, account: &dyn Account) -> Named {
    Named { platform: stand_in.slug(), name: stand_in.name(), id: account.id() }
}

fn choose(world: &World, stand_in: &dyn StandIn, account: &dyn Account, query: &HomeQuery) -> Chosen {
    let (platform, id) = (stand_in.slug(), account.id());
    let all =
        Selection { platform: Some(platform.to_owned()), account: Some(id.clone()), after: 0, limit: Some(usize::MAX) };
    let shelves = account.shelves();
    let look = |kind: &str| account.sheet(kind, query.page.saturating_mul(ROWS), ROWS.saturating_add(1));
    let first = || look(shelves.first().map_or("", |(kind, _)| kind));
    let mut sheet = look(&query.kind).or_else(first).unwrap_or_default();
    let has_more = sheet.rows.len() > ROWS;
    sheet.rows.truncate(ROWS);
    let faults = account.faults();
    Chosen {
        named: name(stand_in, account),
        shelves,
        sheet,
        page: query.page,
        has_more,
        people: people::count(&world.tools.journal.select(&all), &stand_in.words()),
        fail_next: faults.fail_next.unwrap_or(FailNext { count: 0, status: 500 }),
        switches: switches(stand_in, &faults),
        webhook: account.webhook().map(|webhook| webhook.target_url),
        compliance: account.compliance().to_vec(),
        deliveries: world.tools.sender.deliveries(platform, &id).into_iter().take(DELIVERIES).collect(),
    }
}

fn labels(stand_in: &dyn StandIn) -> impl Iterator<Item = (&'static str, &'static str)> {
    SWITCHES.into_iter().chain(stand_in.own_switches().iter().copied())
}

fn switches(stand_in: &dyn StandIn, faults: &Faults) -> Vec<Switch> {
    let values = faults.switches();
    let switch = |(name, label): (&'static str, &'static str)| {
        let value = values.get(name)?;
        let text = if value.is_null() { String::new() } else { value.to_string() };
        let is_on = value.as_bool().unwrap_or_default();
        Some(Switch { name, label, is_toggle: value.is_boolean(), is_on, value: text })
    };
    labels(stand_in).filter_map(switch).collect()
}

fn line(entry: &Entry) -> Line {
    let done = match entry.action {
        Action::Created => "créé",
        Action::Updated => "modifié",
        Action::Archived => "archivé",
        Action::Associated => "associé",
        Action::Disassociated => "dissocié",
        Action::PropertyCreated => "propriété créée",
    };
    let by = match entry.by {
        By::Api => "API",
        By::User => "à la main",
    };
    let to = entry.to.as_ref().map(|to| format!("→ {} {}", to.object_type, to.id));
    let texts = entry.properties.iter().map(|(name, value)| format!("{name} = {value}"));
    let values = entry.fields.iter().map(|(name, value)| format!("{name} = {value}"));
    Line {
        seq: entry.seq,
        at: clock::iso(entry.at),
        account: format!("{} {}", entry.platform, entry.account),
        what: format!("{} {} {done} ({by})", entry.object_type, entry.id),
        values: to.into_iter().chain(texts).chain(values).collect::<Vec<_>>().join(", "),
    }
}

/// What the form says of one switch: a box that is not ticked is not sent, an empty one lifts a limit.
fn said(form: &HashMap<String, String>, name: &str, before: &Value) -> Option<Value> {
    if before.is_boolean() {
        return Some(form.contains_key(name).into());
    }
    let text = form.get(name)?.trim();
    Some(if text.is_empty() { Value::Null } else { text.parse::<i64>().map_or_else(|_| text.into(), Value::from) })
}

/// What a form says under a name; nothing where it says nothing.
fn text<'a>(form: &'a HashMap<String, String>, name: &str) -> &'a str {
    form.get(name).map(String::as_str).unwrap_or_default()
}

/// Back to the page of the account that a form was about.
fn back(platform: &str, id: &str) -> HttpResponse {
    let page = format!("/?platform={platform}&account={id}");
    HttpResponse::SeeOther().insert_header((header::LOCATION, page)).finish()
}

async fn request_compliance(
    world: Data<World>,
    form: Form<HashMap<String, String>>,
) -> Result<HttpResponse, ControlError> {
    let (platform, id, about) = (text(&form, "platform"), text(&form, "account"), text(&form, "object").trim());
    let about = (!about.is_empty()).then_some(about);
    control::account(&world, platform, id)?.request_compliance(text(&form, "topic"), about)?;
    Ok(back(platform, id))
}

async fn change_faults(world: Data<World>, form: Form<HashMap<String, String>>) -> Result<HttpResponse, ControlError> {
    let text = |name: &str| text(&form, name);
    let (platform, id) = (text("platform"), text("account"));
    let account: Arc<dyn Account> = control::account(&world, platform, id)?;
    let mut faults = account.faults();
    let before = faults.switches();
    let mut patch = Map::new();
    for (name, _) in world.stand_in(platform).into_iter().flat_map(|stand_in| labels(stand_in.as_ref())) {
        if let Some(value) = before.get(name).and_then(|before| said(&form, name, before)) {
            patch.insert(name.to_owned(), value);
        }
    }
    if let (Ok(count), Ok(status)) = (text("fail_count").parse::<u32>(), text("fail_status").parse::<u16>()) {
        let next = (count > 0).then_some(FailNext { count, status });
        patch.insert("fail_next".to_owned(), json!(next));
    }
    faults.merge(patch).map_err(ControlError::Switches)?;
    account.set_faults(faults);
    world.settings.save(&world)?;
    Ok(back(platform, id))
}
