//! The journal of one integration: every attempt, the newest first, and one attempt in full.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use domain::field::FieldValue;
use domain::id::{IntegrationId, SyncLogId};
use domain::kind::RecordKind;
use domain::outcome::{SyncType, ValueChange};
use persistence::Scope;
use persistence::sync_logs::{LogStatus, SyncLog};
use runtime::http::Problem;
use serde_json::Value;

use super::super::{
    catalogue::kinds,
    fields::Fields,
    form::{Form, word},
    frame::{Frame, Visit},
    said::lead,
    text::{Message, catalogue as catalogue_words, failure as failure_words, remedies},
    text::{consent as consent_words, frame as frame_words, integration as shell_words, webhooks as webhook_words},
    text::{logs as logs_words, logs as m},
    {failure, text},
};
use super::{Shell, Tab, record::label};
use crate::{
    body::{Id, Ids, parse_query},
    change::Change,
    integrations::{self, Attempt, Replay, WantedLogs},
    page,
    refusal::Refusal,
    state::Gateway,
};

/// What can be looked for: as the API names it, and the time in which that is done, as it is typed.
const FILTERS: [&str; 7] = ["status", "type", "kind", "direction", "q", "since", "until"];
const TIMES: [(&str, Message); 2] = [("since", m::SINCE), ("until", m::UNTIL)];

#[derive(Template)]
#[template(path = "logs.html")]
struct Page {
    frame: Frame,
    shell: Shell,
    form: Form,
    selects: Vec<Select>,
    lines: Vec<Line>,
    older: Option<String>,
    is_filtered: bool,
    is_first: bool,
}

/// A list of things to look for.
#[derive(Debug)]
struct Select {
    name: &'static str,
    title: Message,
    options: Vec<(String, String, bool)>,
}

/// An attempt on one line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) log: SyncLog,
    pub(super) kind: Message,
    pub(super) what: Message,
    pub(super) is_good: bool,
    pub(super) outward: bool,
}

/// A field that an attempt changed, or was to change.
#[derive(Debug)]
struct Changed {
    name: String,
    before: String,
    after: String,
}

#[derive(Template)]
#[template(path = "log.html")]
struct One {
    frame: Frame,
    shell: Shell,
    line: Line,
    changed: Vec<Changed>,
    sent: Option<String>,
    received: Option<String>,
    before: Vec<Line>,
    trace: Vec<Line>,
    deliveries: Vec<(String, Message, i64)>,
    title: Message,
    remedy: Message,
    support: String,
    can_replay: bool,
}

/// The attempts that are looked for.
#[get("/integrations/{id}/logs")]
pub(super) async fn show_logs(
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let fields = Fields::read(request.query_string().as_bytes());
    let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
    let (shell, frame) = Shell::of(&visit, &gateway, &mut tx, id.0, Tab::Logs).await?;
    let query = fields.query(&FILTERS);
    let is_first = fields.given("cursor").is_none();
    let listed = match wanted(&frame, &fields) {
        Ok(wanted) => integrations::listed_logs(&mut tx, (visit.tenant_id, id.0), wanted).await,
        Err(refusal) => Err(refusal.into()),
    };
    tx.commit().await?;
    let mut form = Form::with(fields);
    let listed = match listed {
        Ok(page) => page,
        Err(problem) if !problem.errors().is_empty() => {
            form = form.refused(&frame, &problem);
            if !form.others(&TIMES.map(|(name, _)| name)).is_empty() {
                form.trouble = Some(frame.say(m::NOT_SOUGHT));
            }
            page::Page { data: Vec::new(), next_cursor: None }
        }
        Err(problem) => return Err(problem),
    };
    let path = shell.path(Tab::Logs);
    let older = listed.next_cursor.map(|cursor| format!("{path}?{}", joined(&query, &format!("cursor={cursor}"))));
    let page = Page {
        selects: selects(&frame, &form),
        lines: listed.data.into_iter().map(Line::of).collect(),
        older,
        is_filtered: !query.is_empty(),
        is_first,
        form,
        shell,
        frame,
    };
    page.frame.show(&page)
}

/// What was typed, as the API takes it.
fn wanted(frame: &Frame, fields: &Fields) -> Result<WantedLogs, Refusal> {
    let mut query = fields.query(&["status", "type", "kind", "direction", "q", "cursor"]);
    for (name, _) in TIMES {
        let Some(typed) = fields.given(name) else { continue };
        let at = frame.moment(typed).ok_or_else(|| Refusal::at(name, "is no date and time"))?;
        query = joined(&query, &format!("{name}={at}"));
    }
    parse_query(&query)
}

/// One attempt in full.
#[get("/integrations/{id}/logs/{log}")]
pub(super) async fn show_log(
    visit: Visit,
    ids: Ids<IntegrationId, SyncLogId>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
    let (shell, frame) = Shell::of(&visit, &gateway, &mut tx, ids.0, Tab::Logs).await?;
    let attempt = integrations::attempt(&mut tx, (visit.tenant_id, ids.0), ids.1).await?;
    tx.commit().await?;
    let Attempt { log, before, trace } = attempt;
    let support = failure::support(&request, &frame, &log.correlation_id);
    let deliveries = trace.deliveries.into_iter().map(|delivery| {
        let state = if delivery.verified { m::VERIFIED } else { m::REFUSED };
        (frame.time(delivery.created_at), state, delivery.marked.unwrap_or(0))
    });
    let (class, code) = error_of(&log);
    let page = One {
        changed: changed(&frame, &log),
        sent: log.payload_sent.as_ref().map(pretty),
        received: log.response_received.as_ref().map(pretty),
        title: remedies::title(class, code),
        remedy: shell.remedy(class, code),
        can_replay: log.status == LogStatus::Failed && frame.may_change,
        before: before.into_iter().map(Line::of).collect(),
        trace: trace.attempts.into_iter().map(Line::of).collect(),
        deliveries: deliveries.collect(),
        line: Line::of(log),
        support,
        shell,
        frame,
    };
    page.frame.show(&page)
}

/// Tries the record of an attempt again.
#[post("/integrations/{id}/logs/{log}/replay")]
pub(super) async fn replay(
    change: Change,
    ids: Ids<IntegrationId, SyncLogId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(change.tenant_id)).await?;
    let attempt = integrations::attempt(&mut tx, (change.tenant_id, ids.0), ids.1).await?;
    tx.commit().await?;
    let wish = Replay { link_id: Some(attempt.log.link_id), ..Replay::default() };
    let done = integrations::replayed(&gateway, &change, ids.0, wish).await;
    let path = format!("/dashboard/integrations/{}/logs/{}", ids.0, ids.1);
    let said = if done.as_ref().is_ok_and(|done| done.replayed == 0) { "nothing_to_replay" } else { "replayed" };
    lead(&path, done, said)
}

impl Line {
    /// Why it failed.
    pub(super) fn cause(&self, frame: &Frame) -> Option<String> {
        let message = self.log.error_message.as_deref()?;
        Some(frame.cause(error_of(&self.log).1, message))
    }

    pub(super) fn of(log: SyncLog) -> Self {
        let what = match log.sync_type {
            SyncType::Create => m::CREATE,
            SyncType::Update => m::UPDATE,
            SyncType::Delete => m::DELETE,
            SyncType::Adopt => m::ADOPT,
            SyncType::Read => m::READ,
        };
        Self {
            kind: kinds(log.kind),
            what,
            is_good: log.status == LogStatus::Success,
            outward: log.direction == "to_platform",
            log,
        }
    }
}

/// The class and the code of a failure; empty of an attempt that succeeded.
pub(super) fn error_of(log: &SyncLog) -> (&str, &str) {
    (log.error_class.as_deref().unwrap_or_default(), log.error_code.as_deref().unwrap_or_default())
}

/// Going out, fields bear the names that the platform gives them; coming in, those that people give ours.
fn changed(frame: &Frame, log: &SyncLog) -> Vec<Changed> {
    let is_ours = log.direction == "from_platform";
    let name_of = |name: &String| if is_ours { label(frame, log.kind, name) } else { name.clone() };
    let shown = |value: &FieldValue| if value.is_null() { "–".to_owned() } else { value.to_plain_text() };
    let changed = |(name, change): (&String, &ValueChange)| Changed {
        name: name_of(name),
        before: shown(&change.before),
        after: shown(&change.after),
    };
    log.changes.iter().map(changed).collect()
}

fn joined(first: &str, second: &str) -> String {
    [first, second].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&")
}

pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

impl Page {
    /// In which days words, or the platform's ids, were looked for, where no beginning was given.
    fn sought_in(&self) -> Option<Message> {
        let is_given = |name: &str| !self.form.value(name).trim().is_empty();
        let usual = if is_given("until") { m::RECENT_BEFORE } else { m::RECENT };
        (is_given("q") && !is_given("since")).then_some(usual)
    }
}

fn selects(frame: &Frame, form: &Form) -> Vec<Select> {
    let select = |name: &'static str, title: Message, all: Vec<(String, Message)>| {
        let options = all.into_iter().map(|(value, title)| {
            let is_chosen = form.value(name) == value;
            (value, frame.say(title), is_chosen)
        });
        Select { name, title, options: options.collect() }
    };
    let types = [
        (SyncType::Create, m::CREATE),
        (SyncType::Update, m::UPDATE),
        (SyncType::Delete, m::DELETE),
        (SyncType::Adopt, m::ADOPT),
        (SyncType::Read, m::READ),
    ];
    vec![
        select("status", m::STATUS, vec![("success".to_owned(), m::SUCCEEDED), ("failed".to_owned(), m::FAILED)]),
        select("type", m::WHAT, types.into_iter().map(|(of, title)| (word(of), title)).collect()),
        select("kind", m::KIND, RecordKind::ALL.into_iter().map(|kind| (word(kind), kinds(kind))).collect()),
        select(
            "direction",
            text::form::DIRECTION,
            vec![
                ("to_platform".to_owned(), text::form::TO_PLATFORM),
                ("from_platform".to_owned(), text::form::FROM_PLATFORM),
            ],
        ),
    ]
}
