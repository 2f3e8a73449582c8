//! The overview of one integration: how it is in a sentence, what is under way, how it went.

use actix_web::{HttpRequest, HttpResponse, get, web};
use askama::Template;
use domain::fault::FaultKind;
use domain::id::IntegrationId;
use domain::run::{Counts, Mode, Run, State};
use domain::time::Timestamp;
use persistence::records::links::{self, Selection};
use persistence::runs::{self, RunsPage};
use persistence::stats::Whose;
use persistence::{Scope, Transaction};
use runtime::http::Problem;

use super::super::{
    catalogue::kinds as kinds_word,
    failure,
    frame::{Frame, Visit},
    statistics::{Figures, Wanted},
    text::integration as shell_words,
    text::overview as m,
    text::{Message, failure as failure_words, remedies, statistics as figures_words},
    text::{consent as consent_words, frame as frame_words},
};
use super::sentence::{self, Facts, Remedy};
use super::{Shell, Tab};
use crate::{
    body::Id,
    integrations::Trial,
    state::Gateway,
    stats::{self, Period},
};

/// Objects that are counted at most for the sentence on top.
const COUNTED: i64 = 100_000;

/// Runs among which the last complete one is looked for.
const RUNS: u32 = 100;

/// What the page shows besides what is there.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// What a test has just shown.
    pub(super) trial: Option<Trial>,
    /// Over which time the figures are.
    pub(super) period: Period,
}

/// How far the run under way is.
#[derive(Debug)]
struct Progress {
    id: String,
    done: i64,
    total: i64,
    /// Whether it can be ended.
    is_live: bool,
    asks: bool,
    gone: i64,
    state: Message,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    shell: Shell,
    sentence: String,
    advice: Option<Message>,
    remedy: Option<Remedy>,
    /// Where help is asked for, with what the trouble is known by.
    support: Option<String>,
    /// The same for the test that has just been made.
    trial_support: String,
    progress: Option<Progress>,
    last_run: Option<String>,
    audit: Option<Audit>,
    trial: Option<Trial>,
    figures: Figures,
}

/// What the last complete sync found, kind by kind.
#[derive(Debug)]
struct Audit {
    at: Option<Timestamp>,
    /// A kind and what of it was looked at, differed, was unknown, stands there twice, and is gone.
    kinds: Vec<(Message, [i64; 5])>,
}

/// The overview.
#[get("/integrations/{id}")]
pub(super) async fn show_overview(
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    wanted: web::Query<Wanted>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    shown(&visit, &gateway, &request, (id.0, Extra { trial: None, period: wanted.period() })).await
}

/// The overview with what a button has just shown.
pub(super) async fn shown(
    visit: &Visit,
    gateway: &Gateway,
    request: &HttpRequest,
    (id, extra): (IntegrationId, Extra),
) -> Result<HttpResponse, Problem> {
    let whose = (visit.tenant_id, id);
    let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
    let (shell, frame) = Shell::of(visit, gateway, &mut tx, id, Tab::Overview).await?;
    let runs = newest_runs(&mut tx, visit, id).await?;
    let run = runs.first();
    // Others have begun since, and hide none that waits for an answer.
    let asking = runs::asking(&mut tx, whose).await?;
    let facts = Facts {
        is_new: run.is_none() && shell.view.health.last_sync_at.is_none(),
        has_run: run.is_some_and(|run| run.state.has_ended()),
        in_step: links::in_step(&mut tx, whose, COUNTED).await?,
        failed: links::count_failures(&mut tx, whose, &Selection::default()).await?,
        failure: sentence::failure(&mut tx, whose, &shell).await?,
    };
    let whose = Whose { tenant: visit.tenant_id, integration: Some(id) };
    let stats = stats::shown(&mut tx, whose, extra.period).await?;
    tx.commit().await?;
    let correlation = facts.failure.as_ref().map(|failure| failure.correlation_id.clone());
    let correlation = correlation.unwrap_or_else(|| failure::reference(request));
    let page = Page {
        sentence: sentence::sentence(&frame, &shell, &facts),
        advice: facts.advice(&shell),
        remedy: sentence::remedy(&frame, &shell, &facts),
        support: sentence::is_in_trouble(&shell).then(|| failure::support(request, &frame, &correlation)),
        trial_support: failure::support(request, &frame, &failure::reference(request)),
        progress: asking.as_ref().or(run).and_then(progress),
        last_run: run.and_then(|run| ended(&frame, run)),
        audit: runs.iter().find_map(audit),
        figures: Figures::of(&frame, extra.period, stats.stats, shell.path(Tab::Overview)),
        trial: extra.trial,
        shell,
        frame,
    };
    page.frame.show(&page)
}

async fn newest_runs(tx: &mut Transaction, visit: &Visit, id: IntegrationId) -> Result<Vec<Run>, Problem> {
    Ok(runs::list(tx, (visit.tenant_id, id), RunsPage { after: None, limit: RUNS }).await?)
}

/// What a complete sync that has ended found.
fn audit(run: &Run) -> Option<Audit> {
    if run.mode != Mode::Full || run.state != State::Done {
        return None;
    }
    let of =
        |counts: &Counts| [counts.read, counts.changed, counts.unknown, counts.duplicates, counts.gone].map(signed);
    let kinds = run.counts.iter().filter(|(_, counts)| counts.read + counts.gone > 0);
    let kinds: Vec<_> = kinds.map(|(kind, counts)| (kinds_word(*kind), of(counts))).collect();
    (!kinds.is_empty()).then_some(Audit { at: run.ended_at, kinds })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn progress(run: &Run) -> Option<Progress> {
    let state = match run.state {
        State::Queued => m::QUEUED,
        State::Running => m::RUNNING,
        State::Cancelling => m::CANCELLING,
        State::NeedsConfirmation => m::ASKS,
        State::Cancelled | State::Done | State::Failed => return None,
    };
    let far = run.progress();
    Some(Progress {
        id: run.id.to_string(),
        done: signed(far.done),
        total: signed(far.total),
        is_live: run.state != State::Cancelling,
        asks: run.state == State::NeedsConfirmation,
        gone: signed(run.counts.values().map(|counts| counts.gone).sum()),
        state,
    })
}

/// How the last run ended.
fn ended(frame: &Frame, run: &Run) -> Option<String> {
    let at = frame.ago(run.ended_at?);
    let failed: u64 = run.counts.values().map(|counts| counts.failed).sum();
    let changed: u64 = run.counts.values().map(|counts| counts.changed + counts.announced).sum();
    Some(match run.state {
        State::Done if failed > 0 => frame.fill_two(m::RUN_PARTLY, at, frame.count(m::RECORDS_FAILED, signed(failed))),
        State::Done => frame.fill_two(m::RUN_DONE, at, frame.count(m::RECORDS_MOVED, signed(changed))),
        State::Cancelled => frame.fill(m::RUN_CANCELLED, at),
        State::Failed => {
            let why = run.error.as_ref().map(|error| frame.cause(&error.code, &error.message)).unwrap_or_default();
            frame.fill_two(m::RUN_FAILED, at, why)
        }
        State::Queued | State::Running | State::Cancelling | State::NeedsConfirmation => return None,
    })
}

impl Page {
    /// What the figures are about.
    fn about(&self) -> String {
        self.shell.view.id.to_string()
    }

    fn millis_of(trial: &Trial) -> i64 {
        signed(trial.duration_ms)
    }

    /// The kinds that have no field for our key, as they are called.
    fn kinds_of(&self, trial: &Trial) -> String {
        let names = trial.unkeyed.iter().map(|kind| self.frame.say(kinds_word(*kind)));
        names.collect::<Vec<_>>().join(", ")
    }

    /// What a failed test means, and what to do about it.
    fn remedy_of(class: &FaultKind) -> Message {
        remedy_of(*class)
    }

    /// What the tenant knows such a trouble as; an outage has no name of its own.
    fn title_of(class: &FaultKind) -> Option<Message> {
        match class {
            FaultKind::Unauthorized
            | FaultKind::Forbidden
            | FaultKind::Conflict
            | FaultKind::Invalid
            | FaultKind::NotFound => Some(remedies::NOT_CONFIGURED),
            FaultKind::RateLimited | FaultKind::Unavailable | FaultKind::Internal => None,
        }
    }
}

fn remedy_of(class: FaultKind) -> Message {
    match class {
        FaultKind::Unauthorized => m::TEST_UNAUTHORIZED,
        FaultKind::Forbidden => m::TEST_FORBIDDEN,
        FaultKind::Conflict => m::TEST_OTHER_ACCOUNT,
        FaultKind::RateLimited => m::TEST_BUSY,
        FaultKind::Invalid | FaultKind::NotFound => m::TEST_ADDRESS,
        FaultKind::Unavailable | FaultKind::Internal => m::TEST_AWAY,
    }
}
