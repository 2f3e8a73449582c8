//! What failed for good, in groups that one remedy mends: how many, since when, what helps, and trying them again, counted first.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use domain::id::{IntegrationId, LinkId};
use domain::kind::RecordKind;
use domain::time::Timestamp;
use persistence::Scope;
use persistence::records::links::{self, FailedLink, FailureGroup, Groups, Selection};
use persistence::sync_logs::{self, SyncLog};
use runtime::http::Problem;

use super::super::{
    catalogue::kinds,
    failure,
    fields::Fields,
    form::{self, Form},
    frame::{Frame, Visit},
    said::lead,
    text::{self, failure as failure_words, failures as m, frame as frame_words, remedies},
    text::{
        connect as connect_words, consent as consent_words, faults, integration as shell_words, logs as logs_words,
        mapping as mapping_words,
    },
};
use super::{Shell, Tab, logs::pretty, mapping::count_of, trial};
use crate::integrations::{self, Replay};
use crate::{
    body::{Id, Ids},
    change::Change,
    refusal::Refusal,
    state::Gateway,
};

/// Failures, or groups of them, on one page.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "failures.html")]
struct Page {
    frame: Frame,
    shell: Shell,
    form: Form,
    groups: Vec<FailureGroup>,
    total: i64,
    older: Option<String>,
    is_first: bool,
    counted: Option<Counted>,
}

#[derive(Template)]
#[template(path = "failures_group.html")]
struct One {
    frame: Frame,
    shell: Shell,
    group: FailureGroup,
    example: Option<SyncLog>,
    failed: Vec<FailedLink>,
    older: Option<String>,
    is_first: bool,
    support: String,
    counted: Option<Counted>,
    trial: trial::Trial,
}

/// How many failures would be tried again, and what the button that does it has to send.
#[derive(Debug)]
struct Counted {
    count: i64,
    /// Where that is sent.
    path: String,
    button: text::Counted,
    wish: Vec<(&'static str, String)>,
}

/// The groups.
#[get("/integrations/{id}/failures")]
pub(super) async fn show_failures(
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let fields = Fields::read(request.query_string().as_bytes());
    let after = fields.given("after").and_then(place);
    let page = Page::of(&visit, &gateway, id.0, (Form::default(), after)).await?;
    page.frame.show(&page)
}

/// Behind which group a page goes on: its size, and its fingerprint.
fn place(after: &str) -> Option<(i64, String)> {
    let (size, fingerprint) = after.split_once('~')?;
    Some((size.parse().ok()?, fingerprint.to_owned()))
}

/// One group.
#[get("/integrations/{id}/failures/{fingerprint}")]
pub(super) async fn show_group(
    visit: Visit,
    ids: Ids<IntegrationId, String>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let page = One::of(&visit, &gateway, &request, (ids.0, &ids.1)).await?;
    page.frame.show(&page)
}

/// Counts what would be tried again, and tries it where that was agreed to.
#[post("/integrations/{id}/failures")]
pub(super) async fn replay(
    change: Change,
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    (request, fields): (HttpRequest, Fields),
) -> Result<HttpResponse, Problem> {
    let mut page = Page::of(&visit, &gateway, id.0, (Form::with(fields.clone()), None)).await?;
    let is_sure = fields.has("sure");
    let wish = match page.wish(&fields, !is_sure) {
        Ok(wish) => wish,
        Err(Refusal::Faulty(faults)) => {
            page.form = page.form.refused(&page.frame, &Refusal::Faulty(faults).into());
            return page.frame.answer(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let fingerprint = wish.fingerprint.clone();
    let done = integrations::replayed(&gateway, &change, id.0, wish).await;
    if is_sure {
        let said = if done.as_ref().is_ok_and(|done| done.replayed == 0) { "nothing_to_replay" } else { "replayed" };
        return lead(&page.shell.path(Tab::Failures), done, said);
    }
    let done = done?;
    let wish = sent(&fields, &["link_id", "fingerprint", "since", "until"]);
    let counted = Counted { count: done.replayed, path: page.shell.path(Tab::Failures), button: m::SURE, wish };
    if let Some(fingerprint) = fingerprint
        && let Ok(mut group) = One::of(&visit, &gateway, &request, (id.0, &fingerprint)).await
    {
        group.frame.path = address(&group.shell, &fingerprint);
        group.counted = Some(counted);
        group.trial.rehearsal = done.rehearsal;
        return group.frame.show(&group);
    }
    page.counted = Some(counted);
    page.frame.show(&page)
}

/// Shows what would be sent of one group with a correction, and has it tried again with another value where that was agreed to.
#[post("/integrations/{id}/failures/{fingerprint}")]
pub(super) async fn rehearse(
    change: Change,
    visit: Visit,
    ids: Ids<IntegrationId, String>,
    gateway: web::Data<Gateway>,
    (request, fields): (HttpRequest, Fields),
) -> Result<HttpResponse, Problem> {
    let mut page = One::of(&visit, &gateway, &request, (ids.0, &ids.1)).await?;
    let is_sure = fields.has("sure");
    let done = match page.trial.wish(&fields, &ids.1, !is_sure) {
        Ok(wish) => integrations::replayed(&gateway, &change, ids.0, wish).await,
        Err(refusal) => Err(refusal.into()),
    };
    page.trial.form = Form::with(fields.clone());
    match done {
        Ok(_) if is_sure => lead(&page.shell.path(Tab::Failures), Ok(()), "replayed"),
        Ok(replayed) => {
            page.counted = trial::gives(&fields).then(|| page.given(replayed.replayed, &fields));
            page.trial.rehearsal = replayed.rehearsal;
            page.frame.show(&page)
        }
        Err(problem) if form::is_about_form(&problem) => {
            page.trial.form = page.trial.form.refused(&page.frame, &problem);
            page.frame.answer(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(problem) => Err(problem),
    }
}

/// The same wish once more, to be agreed to.
fn sent(fields: &Fields, names: &[&'static str]) -> Vec<(&'static str, String)> {
    names.iter().filter_map(|name| Some((*name, fields.given(name)?.to_owned()))).collect()
}

impl Page {
    async fn of(
        visit: &Visit,
        gateway: &Gateway,
        id: IntegrationId,
        (form, after): (Form, Option<(i64, String)>),
    ) -> Result<Self, Problem> {
        let whose = (visit.tenant_id, id);
        let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
        let (shell, frame) = Shell::of(visit, gateway, &mut tx, id, Tab::Failures).await?;
        let is_first = after.is_none();
        let groups = links::groups(&mut tx, whose, &Groups { fingerprint: None, after, limit: PAGE }).await?;
        let total = links::count_failures(&mut tx, whose, &Selection::default()).await?;
        tx.commit().await?;
        let is_full = groups.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        let older = groups.last().filter(|_| is_full).map(|last| behind(&shell, last));
        Ok(Self { frame, shell, form, groups, total, older, is_first, counted: None })
    }

    /// What was typed, as the API takes it.
    fn wish(&self, fields: &Fields, dry_run: bool) -> Result<Replay, Refusal> {
        let moment = |name: &str| -> Result<Option<Timestamp>, Refusal> {
            let Some(typed) = fields.given(name) else { return Ok(None) };
            self.frame.moment(typed).map(Some).ok_or_else(|| Refusal::at(name, "is no date and time"))
        };
        let link: Option<Result<LinkId, _>> = fields.given("link_id").map(str::parse);
        let link_id = link.transpose().map_err(|_no_id| Refusal::NotFound)?;
        let fingerprint = fields.given("fingerprint").map(str::to_owned);
        let (since, until) = (moment("since")?, moment("until")?);
        Ok(Replay { link_id, fingerprint, since, until, dry_run, ..Replay::default() })
    }

    fn address_of(&self, group: &FailureGroup) -> String {
        address(&self.shell, &group.fingerprint)
    }
}

fn address(shell: &Shell, fingerprint: &str) -> String {
    format!("{}/{}", shell.path(Tab::Failures), encoded(fingerprint))
}

/// The groups that are smaller than this one, or come behind it.
fn behind(shell: &Shell, group: &FailureGroup) -> String {
    format!("{}?after={}~{}", shell.path(Tab::Failures), group.count, encoded(&group.fingerprint))
}

fn encoded(text: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

impl One {
    async fn of(
        visit: &Visit,
        gateway: &Gateway,
        request: &HttpRequest,
        (id, fingerprint): (IntegrationId, &str),
    ) -> Result<Self, Problem> {
        let whose = (visit.tenant_id, id);
        let after = Fields::read(request.query_string().as_bytes()).given("cursor").and_then(|id| id.parse().ok());
        let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
        let (shell, frame) = Shell::of(visit, gateway, &mut tx, id, Tab::Failures).await?;
        let wanted = Groups { fingerprint: Some(fingerprint.to_owned()), after: None, limit: 1 };
        let group = links::groups(&mut tx, whose, &wanted).await?.pop().ok_or(Refusal::NotFound)?;
        let example = sync_logs::newest_alike(&mut tx, whose, fingerprint).await?;
        let selection = Selection { fingerprint: Some(fingerprint.to_owned()), ..Selection::default() };
        let failed = links::failed_links(&mut tx, whose, &selection, (after, PAGE)).await?;
        let kind = failed.first().map_or(RecordKind::Contact, |link| link.kind);
        let trial = trial::Trial::of(&mut tx, visit, &frame, (id, kind)).await?;
        tx.commit().await?;
        let is_full = failed.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        let older = failed.last().filter(|_| is_full);
        let older = older.map(|last| format!("{}?cursor={}", address(&shell, fingerprint), last.link));
        let correlation = example.as_ref().map_or(fingerprint, |log| log.correlation_id.as_str());
        let support = failure::support(request, &frame, correlation);
        let is_first = after.is_none();
        Ok(Self { frame, shell, group, example, failed, older, is_first, support, counted: None, trial })
    }

    /// So many records would be given the value that was tried.
    fn given(&self, count: i64, fields: &Fields) -> Counted {
        let path = address(&self.shell, &self.group.fingerprint);
        Counted { count, path, button: m::APPLY, wish: sent(fields, &["field", "value"]) }
    }
}

/// What the API says of a record that is not sent, in the reader's language.
fn reason(frame: &Frame, said: &str) -> String {
    faults::said(frame.language, said)
}
