//! One record: what it holds and where that came from, its counterparts, what it lost, and its end.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use domain::id::{ConflictId, IntegrationId, RecordId};
use domain::kind::RecordKind;
use domain::{field::FieldValue, record::Record, time::Timestamp};
use persistence::records::conflicts::{self, Decision, Filter, Kept, Sort};
use persistence::records::links::{self, LinkView};
use persistence::records::{joining, store};
use persistence::{Scope, Transaction, integrations as kept_integrations, log_page::LogPage};
use runtime::http::Problem;
use url::Url;

use super::super::{
    failure,
    fields::Fields,
    frame::{Frame, Visit},
    said::lead,
    text::{Message, consent as consent_words, data as m, failure as failure_words, frame as frame_words, our_fields},
    text::{integration as shell_words, integration_settings as settings_words, logs as logs_words},
};
use super::data::name_of;
use super::{Shell, Tab};
use crate::{
    body::Ids, change::Change, conflicts as deciding, integrations, page, records, refusal::Refusal, state::Gateway,
};

#[derive(Template)]
#[template(path = "record.html")]
struct Page {
    frame: Frame,
    shell: Shell,
    id: RecordId,
    name: String,
    is_contact: bool,
    is_deleted: bool,
    fields: Vec<Field>,
    counterparts: Vec<Counterpart>,
    doubles: Vec<Double>,
    lost: Vec<Loss>,
    /// Which of the values that were lost are shown, as the query of an address says it: empty of the newest.
    place: String,
    /// The page with those that were lost before.
    older: Option<String>,
    /// Where help is asked for.
    support: String,
    wrong_name: bool,
}

/// What a field holds.
#[derive(Debug)]
struct Field {
    name: String,
    value: String,
    origin: String,
    /// Unknown where nobody said.
    at: Option<Timestamp>,
}

/// What stands for the record on a platform.
#[derive(Debug)]
struct Counterpart {
    integration: String,
    link: LinkView,
    /// Where it is seen there.
    address: Option<Url>,
}

/// An identifier that another record claims as well.
#[derive(Debug)]
struct Double {
    id: ConflictId,
    value: String,
    other: RecordId,
    other_name: String,
}

/// A value that was lost.
#[derive(Debug)]
struct Loss {
    id: ConflictId,
    field: String,
    lost: String,
    kept: String,
    why: Message,
    at: Timestamp,
    /// Whether it can be restored.
    is_open: bool,
    /// Whether it is worth saying that what stands stays.
    is_disagreement: bool,
    decided: Option<Message>,
}

/// The record.
#[get("/integrations/{id}/data/{record}")]
pub(super) async fn show_record(
    visit: Visit,
    ids: Ids<IntegrationId, RecordId>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let page = Page::of(&visit, &gateway, &request, (ids.0, ids.1)).await?;
    page.frame.show(&page)
}

/// Decides a conflict of the record.
#[post("/integrations/{id}/data/{record}/decide")]
pub(super) async fn decide(
    change: Change,
    visit: Visit,
    ids: Ids<IntegrationId, RecordId>,
    gateway: web::Data<Gateway>,
    (request, fields): (HttpRequest, Fields),
) -> Result<HttpResponse, Problem> {
    let page = Page::of(&visit, &gateway, &request, (ids.0, ids.1)).await?;
    let conflict: ConflictId = fields.get("conflict").parse().map_err(|_no_id| Refusal::NotFound)?;
    let is_here = page.lost.iter().map(|lost| lost.id).chain(page.doubles.iter().map(|it| it.id));
    if !is_here.into_iter().any(|id| id == conflict) {
        return Err(Refusal::NotFound.into());
    }
    let action = match fields.get("action") {
        "restore" => Decision::Restore,
        "keep" => Decision::Keep,
        "merge" => Decision::Merge,
        "keep_apart" => Decision::KeepApart,
        _ => return Err(Refusal::at("action", "must be one of the buttons").into()),
    };
    let decided = deciding::settled(&gateway, &change, conflict, action).await;
    lead(&page.address(&page.place), decided, "decided")
}

/// Erases the person, where its name was typed.
#[post("/integrations/{id}/data/{record}/erase")]
pub(super) async fn erase(
    change: Change,
    visit: Visit,
    ids: Ids<IntegrationId, RecordId>,
    gateway: web::Data<Gateway>,
    (request, fields): (HttpRequest, Fields),
) -> Result<HttpResponse, Problem> {
    let visit = visit.at(format!("/dashboard/integrations/{}/data/{}", ids.0, ids.1));
    let mut page = Page::of(&visit, &gateway, &request, (ids.0, ids.1)).await?;
    if !page.is_contact {
        return Err(Refusal::NotFound.into());
    }
    if fields.get("confirm").trim() != page.name.trim() {
        page.wrong_name = true;
        return page.frame.answer(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let with_platforms = fields.has("platforms");
    let erased = records::erased(&gateway, &change, page.id, with_platforms).await;
    lead(&page.shell.path(Tab::Data), erased, if with_platforms { "erasing" } else { "erased" })
}

impl Page {
    async fn of(
        visit: &Visit,
        gateway: &Gateway,
        request: &HttpRequest,
        (integration, record): (IntegrationId, RecordId),
    ) -> Result<Self, Problem> {
        let tenant = visit.tenant_id;
        let wanted = page::of_log(None, Fields::read(request.query_string().as_bytes()).given("history"))?;
        let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
        let (shell, frame) = Shell::of(visit, gateway, &mut tx, integration, Tab::Data).await?;
        let id = joining::resolve(&mut tx, tenant, record).await?.ok_or(Refusal::NotFound)?;
        let record = store::get(&mut tx, tenant, id).await?.ok_or(Refusal::NotFound)?;
        let all = kept_integrations::list(&mut tx, tenant).await?;
        let names: BTreeMap<IntegrationId, String> = all.iter().map(|it| (it.id, it.name.clone())).collect();
        let found = links::of_record(&mut tx, tenant, id).await?;
        let counterparts = found.into_iter().filter_map(|link| {
            let of = all.iter().find(|it| it.id == link.integration && !it.is_coccinelle())?;
            let connector = integrations::platform_of(&of.platform).ok()?.connector();
            let external = link.external_id.as_deref();
            let address = external.and_then(|external| connector.address_of(of, record.kind, external));
            Some(Counterpart { integration: of.name.clone(), link, address })
        });
        let counterparts = counterparts.collect();
        let lost = history(&mut tx, visit, id, (Sort::History, &wanted)).await?;
        let doubles = doubles(&mut tx, visit, &record).await?;
        tx.commit().await?;
        // That it is not deleted goes without saying.
        let told = record.fields.iter().filter(|(name, _)| name.as_str() != "deleted");
        let fields = told.map(|(name, stamped)| Field {
            name: label(&frame, record.kind, name.as_str()),
            value: shown(&frame, &stamped.value),
            origin: origin(&frame, &names, stamped.stamp.origin),
            at: Some(stamped.stamp.at).filter(|at| *at > Timestamp::UNIX_EPOCH),
        });
        let lost = page::Page::of_log(lost, &wanted);
        let place = |cursor: String| format!("?history={cursor}");
        let page = Self {
            id,
            name: name_of(&record),
            is_contact: record.kind == RecordKind::Contact,
            is_deleted: record.fields.is_deleted(),
            fields: fields.collect(),
            counterparts,
            doubles,
            lost: lost.data.into_iter().map(|kept| Loss::of(&frame, kept)).collect(),
            place: wanted.after.map(|after| place(after.to_string())).unwrap_or_default(),
            older: None,
            support: failure::support(request, &frame, &failure::reference(request)),
            wrong_name: false,
            shell,
            frame,
        };
        let older = lost.next_cursor.map(|cursor| page.address(&place(cursor)));
        Ok(Self { older, ..page })
    }

    /// Where the record is, with what of its history a query names.
    fn address(&self, place: &str) -> String {
        format!("{}/{}{place}", self.shell.path(Tab::Data), self.id)
    }

    /// Where it is decided on what is shown.
    fn decide(&self) -> String {
        format!("{}{}", self.address("/decide"), self.place)
    }
}

async fn history(
    tx: &mut Transaction,
    visit: &Visit,
    record: RecordId,
    (sort, page): (Sort, &LogPage),
) -> Result<Vec<Kept>, Problem> {
    let filter = Filter { sort, kind: None, is_open: (sort == Sort::Identities).then_some(true), record: Some(record) };
    Ok(conflicts::list(tx, visit.tenant_id, filter, page).await?)
}

/// The identifiers that this record and another claim.
async fn doubles(tx: &mut Transaction, visit: &Visit, record: &Record) -> Result<Vec<Double>, Problem> {
    let mut doubles = Vec::new();
    let newest = LogPage { after: None, limit: page::PAGE };
    for kept in history(tx, visit, record.id, (Sort::Identities, &newest)).await? {
        let Some(holder) = kept.holder else { continue };
        let other = if kept.record == record.id { holder } else { kept.record };
        let named = store::get(tx, visit.tenant_id, other).await?;
        doubles.push(Double {
            id: kept.id,
            value: kept.lost.as_str().unwrap_or_default().to_owned(),
            other,
            other_name: named.as_ref().map_or_else(|| other.to_string(), name_of),
        });
    }
    Ok(doubles)
}

impl Loss {
    fn of(frame: &Frame, kept: Kept) -> Self {
        let lost = kept.value();
        Self {
            id: kept.id,
            field: label(frame, kept.kind, &kept.field),
            lost: lost.map_or_else(|| "–".to_owned(), |lost| shown(frame, &lost.value)),
            kept: kept.kept.as_ref().map_or_else(|| "–".to_owned(), |kept| shown(frame, &kept.value)),
            why: match kept.reason.as_str() {
                "adopted" => m::ADOPTED,
                "overruled" => m::OVERRULED,
                "unlinked" => m::UNLINKED,
                _ => m::REPLACED,
            },
            at: kept.created_at,
            is_open: kept.is_restorable() && kept.decision.is_none(),
            is_disagreement: kept.is_disagreement(),
            decided: match kept.decision {
                Some(Decision::Restore) => Some(m::RESTORED),
                Some(Decision::Keep) => Some(m::KEPT),
                Some(Decision::Merge | Decision::KeepApart) | None => None,
            },
        }
    }
}

/// What people call a field of ours.
pub(super) fn label(frame: &Frame, kind: RecordKind, name: &str) -> String {
    our_fields::label(kind, name).map_or_else(|| name.to_owned(), |label| frame.say(label))
}

fn shown(frame: &Frame, value: &FieldValue) -> String {
    if value.is_null() { frame.say(m::CLEARED) } else { value.to_plain_text() }
}

fn origin(frame: &Frame, names: &BTreeMap<IntegrationId, String>, id: IntegrationId) -> String {
    names.get(&id).cloned().unwrap_or_else(|| frame.say(frame_words::PRODUCT))
}
