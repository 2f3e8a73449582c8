//! The records, as the tenant's people look at them: found by what they are known by, the newest first.

use actix_web::{HttpRequest, HttpResponse, get, web};
use askama::Template;
use domain::id::IntegrationId;
use domain::kind::RecordKind;
use domain::record::Record;
use domain::time::Timestamp;
use persistence::Scope;
use runtime::http::Problem;

use super::super::{
    catalogue::kinds,
    fields::Fields,
    form::word,
    frame::{Frame, Visit},
    text::{catalogue as catalogue_words, consent as consent_words, data as m, frame as frame_words},
    text::{integration as shell_words, logs as logs_words},
};
use super::{Shell, Tab};
use crate::body::Id;
use crate::integrations;
use crate::records::{self, Search};
use crate::{page, state::Gateway};

/// Characters of a description that stands for a name.
const EXCERPT: usize = 80;

/// The longest text that is looked for.
const SOUGHT: usize = 200;

#[derive(Template)]
#[template(path = "data.html")]
struct Page {
    frame: Frame,
    shell: Shell,
    q: String,
    kinds: Vec<(String, String, bool)>,
    rows: Vec<Row>,
    older: Option<String>,
    is_first: bool,
    /// Whether records are shown that are not on this platform.
    is_all: bool,
}

/// A record on one line.
#[derive(Debug)]
struct Row {
    id: String,
    name: String,
    about: String,
    is_deleted: bool,
    updated_at: Timestamp,
}

/// The records of a kind that are on the platform, or all of the tenant's of that kind.
#[get("/integrations/{id}/data")]
pub(super) async fn show_data(
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let fields = Fields::read(request.query_string().as_bytes());
    let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
    let (shell, frame) = Shell::of(&visit, &gateway, &mut tx, id.0, Tab::Data).await?;
    let held = integrations::platform_of(&shell.view.platform)?.connector().descriptor().kinds;
    let wanted = held.iter().find(|kind| word(kind) == fields.get("kind")).or(held.first());
    let kind = wanted.copied().unwrap_or(RecordKind::Contact);
    let q: String = fields.get("q").chars().take(SOUGHT).collect();
    let search = Search {
        kind: Some(kind),
        q: Some(q.clone()).filter(|q| !q.trim().is_empty()),
        cursor: fields.given("cursor").map(str::to_owned),
        limit: Some(page::PAGE),
    };
    let is_all = fields.get("among") == "all";
    let found = if is_all {
        records::found(&mut tx, visit.tenant_id, search).await?
    } else {
        records::found_linked(&mut tx, (visit.tenant_id, id.0), search).await?
    };
    tx.commit().await?;
    let path = shell.path(Tab::Data);
    let kept = fields.query(&["kind", "q", "among"]);
    let older = found.next_cursor.map(|cursor| {
        let cursor: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        format!("{path}?{kept}{}cursor={cursor}", if kept.is_empty() { "" } else { "&" })
    });
    let rows = found.data.into_iter().map(|listed| Row {
        id: listed.record.id.to_string(),
        name: name_of(&listed.record),
        about: about(&listed.record),
        is_deleted: listed.record.fields.is_deleted(),
        updated_at: listed.updated_at,
    });
    let page = Page {
        kinds: held.iter().map(|of| (word(of), frame.say(kinds(*of)), *of == kind)).collect(),
        rows: rows.collect(),
        is_first: fields.given("cursor").is_none(),
        older,
        is_all,
        q,
        shell,
        frame,
    };
    page.frame.show(&page)
}

fn text(record: &Record, name: &str) -> String {
    record.fields.value(name).map(domain::field::FieldValue::to_plain_text).unwrap_or_default()
}

/// What people call a record; its id, where nothing names it.
pub(super) fn name_of(record: &Record) -> String {
    let names = match record.kind {
        RecordKind::Contact => format!("{} {}", text(record, "first_name"), text(record, "last_name")),
        RecordKind::Deal | RecordKind::Activity => text(record, "title"),
        RecordKind::Product => text(record, "name"),
        RecordKind::Order => text(record, "number"),
    };
    let said: String = text(record, "description").chars().take(EXCERPT).collect();
    let name = [names, text(record, "email"), text(record, "phone"), text(record, "company"), said];
    let named = name.iter().map(|name| name.trim()).find(|name| !name.is_empty());
    named.map_or_else(|| record.id.to_string(), str::to_owned)
}

/// What tells a record from others of its name.
fn about(record: &Record) -> String {
    let names: &[&str] = match record.kind {
        RecordKind::Contact => &["email", "phone", "company"],
        RecordKind::Deal => &["status", "starts_at"],
        RecordKind::Activity => &["started_at", "outcome"],
        RecordKind::Product => &["sku", "price"],
        RecordKind::Order => &["status", "total"],
    };
    let known = names.iter().map(|name| text(record, name)).filter(|value| !value.is_empty());
    known.collect::<Vec<_>>().join(" · ")
}
