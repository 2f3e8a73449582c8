//! The page for people: what the accounts hold, what was written last, and the switches as a form.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, Form, Query, ServiceConfig},
};
use askama::Template;
use serde::Deserialize;

use crate::{
    clock,
    faults::{FailNext, Faults},
    hubspot::{Account, Record, kinds::Kind},
    journal::{Action, By, Entry},
    people::{self, People},
    sender::Delivery,
    world::World,
};

const ROWS: usize = 25;
const LATEST: usize = 20;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(show_home))
        .route("/style.css", web::get().to(show_style))
        .route("/_sandbox/forms/faults", web::post().to(change_faults));
}

#[derive(Debug, Deserialize)]
pub(crate) struct HomeQuery {
    portal: Option<u64>,
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
    portals: Vec<u64>,
    chosen: Option<Chosen>,
    latest: Vec<Line>,
}

struct Chosen {
    portal: u64,
    kind: &'static str,
    kinds: Vec<(&'static str, usize)>,
    columns: &'static [&'static str],
    rows: Vec<Row>,
    page: usize,
    has_more: bool,
    people: People,
    faults: Faults,
    webhook: Option<String>,
    deliveries: Vec<Delivery>,
}

impl Chosen {
    fn fail_next(&self) -> FailNext {
        self.faults.fail_next.unwrap_or(FailNext { count: 0, status: 500 })
    }
}

struct Row {
    id: u64,
    values: Vec<String>,
    updated_at: String,
}

struct Line {
    seq: u64,
    at: String,
    account: String,
    what: String,
    values: String,
}

const fn columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Contact => &["email", "firstname", "lastname", "phone", "company", "city"],
        Kind::Deal => &["dealname", "dealstage", "amount", "closedate"],
        Kind::Call => &["hs_call_title", "hs_timestamp", "hs_call_duration", "hs_call_status"],
    }
}

async fn show_style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("../templates/style.css"))
}

async fn show_home(world: Data<World>, query: Query<HomeQuery>) -> HttpResponse {
    let accounts = world.hubspot.accounts();
    let wanted = |account: &&Arc<Account>| query.portal.is_none_or(|portal| portal == account.portal);
    let chosen = accounts.iter().find(wanted).map(|account| choose(&world, account, &query));
    let home = Home {
        editing: query.editing,
        portals: accounts.iter().map(|account| account.portal).collect(),
        chosen,
        latest: world.journal.latest(LATEST).iter().map(|entry| line(entry)).collect(),
    };
    match home.render() {
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

fn choose(world: &World, account: &Account, query: &HomeQuery) -> Chosen {
    let kind = Kind::parse(&query.kind).unwrap_or(Kind::Contact);
    let all = crate::journal::Selection {
        platform: Some(crate::journal::Platform::Hubspot),
        account: Some(account.portal.to_string()),
        after: 0,
        limit: Some(usize::MAX),
    };
    let people = people::count(&world.journal.select(&all));
    let settings = account.settings();
    let (kinds, mut rows) = account.read(|state| {
        let live = |kind: Kind| state.table(kind).records.values().rev().filter(|record| record.archived_at.is_none());
        let kinds = Kind::ALL.map(|kind| (kind.plural(), live(kind).count())).to_vec();
        let rows: Vec<Row> =
            live(kind).skip(query.page.saturating_mul(ROWS)).take(ROWS.saturating_add(1)).map(row).collect();
        (kinds, rows)
    });
    let has_more = rows.len() > ROWS;
    rows.truncate(ROWS);
    Chosen {
        portal: account.portal,
        kind: kind.plural(),
        kinds,
        columns: columns(kind),
        rows,
        page: query.page,
        has_more,
        people,
        faults: settings.faults,
        webhook: settings.webhook.map(|webhook| webhook.target_url),
        deliveries: world.sender.deliveries(account.portal).into_iter().take(5).collect(),
    }
}

fn row(record: &Record) -> Row {
    Row {
        id: record.id,
        values: columns(record.kind).iter().map(|name| record.value(name).unwrap_or_default()).collect(),
        updated_at: clock::iso(record.updated_at()),
    }
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
    let values = entry.properties.iter().map(|(name, value)| format!("{name} = {value}"));
    Line {
        seq: entry.seq,
        at: clock::iso(entry.at),
        account: entry.account.clone(),
        what: format!("{} {} {done} ({by})", entry.object_type, entry.id),
        values: to.into_iter().chain(values).collect::<Vec<_>>().join(", "),
    }
}

/// The switches that the form shows; a box left empty arrives as no field at all.
#[derive(Debug, Deserialize)]
pub(crate) struct FaultsForm {
    portal: u64,
    latency_ms: u64,
    search_lag_ms: i64,
    rate_limit_per_10s: String,
    fail_count: u32,
    fail_status: u16,
    fail_all_status: String,
    lost_answer_next: u32,
    hang: Option<String>,
    token_revoked: Option<String>,
    reformat_phones: Option<String>,
}

async fn change_faults(world: Data<World>, form: Form<FaultsForm>) -> HttpResponse {
    let form = form.into_inner();
    world.hubspot.account(form.portal).adjust(|state| {
        let faults = &mut state.faults;
        faults.latency_ms = form.latency_ms;
        faults.search_lag_ms = form.search_lag_ms;
        faults.rate_limit_per_10s = form.rate_limit_per_10s.parse().ok();
        faults.fail_next =
            (form.fail_count > 0).then_some(FailNext { count: form.fail_count, status: form.fail_status });
        faults.fail_all_status = form.fail_all_status.parse().ok();
        faults.lost_answer_next = form.lost_answer_next;
        faults.hang = form.hang.is_some();
        faults.token_revoked = form.token_revoked.is_some();
        faults.reformat_phones = form.reformat_phones.is_some();
    });
    if let Err(error) = world.settings.save(&world.hubspot) {
        return HttpResponse::InternalServerError().body(error.to_string());
    }
    HttpResponse::SeeOther().insert_header((header::LOCATION, format!("/?portal={}", form.portal))).finish()
}
