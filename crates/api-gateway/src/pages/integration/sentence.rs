//! How an integration is, in the sentence on top of its overview, and what helps: a word of advice, and one button.

use domain::id::{IntegrationId, TenantId};
use persistence::Transaction;
use persistence::log_page::LogPage;
use persistence::sync_logs::{self, Filter, LogStatus, SyncLog};
use runtime::http::Problem;

use super::super::{
    frame::Frame,
    status::Standing,
    text::{Message, consent as consent_words, integration as shell_words, overview as m, remedies},
};
use super::{Shell, Tab, logs::error_of};

/// What the sentence goes by, besides the integration itself.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) in_step: i64,
    pub(super) failed: i64,
    /// Whether a complete sync has ended, whatever it found.
    pub(super) has_run: bool,
    /// Whether nothing has ever flowed.
    pub(super) is_new: bool,
    /// The newest failed attempt, where the integration is in trouble.
    pub(super) failure: Option<SyncLog>,
}

/// What helps: a sentence, and where the button leads.
#[derive(Debug)]
pub(super) struct Remedy {
    pub(super) why: Option<String>,
    pub(super) name: String,
    pub(super) path: String,
    /// Whether it changes something, and so is a form.
    pub(super) is_form: bool,
}

impl Facts {
    /// What the trouble is called.
    fn title(&self) -> Message {
        self.failure.as_ref().map_or(remedies::SYNC_FAILED, |failure| {
            let (class, code) = error_of(failure);
            remedies::title(class, code)
        })
    }

    /// What to do about it, where its cause says that.
    pub(super) fn advice(&self, shell: &Shell) -> Option<Message> {
        let failure = self.failure.as_ref().filter(|_| shell.standing == Standing::Error)?;
        let (class, code) = error_of(failure);
        Some(shell.remedy(class, code))
    }
}

/// Whether somebody may need help with it.
pub(super) fn is_in_trouble(shell: &Shell) -> bool {
    matches!(shell.standing, Standing::Error | Standing::Reauth)
}

/// The newest failed attempt of an integration in trouble. When it was is known, so that no long journal is searched.
pub(super) async fn failure(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    shell: &Shell,
) -> Result<Option<SyncLog>, Problem> {
    let since = shell.view.health.last_error_at.filter(|_| is_in_trouble(shell));
    if since.is_none() {
        return Ok(None);
    }
    let filter = Filter { status: Some(LogStatus::Failed), since, ..Filter::default() };
    Ok(sync_logs::list(tx, whose, filter, &LogPage { after: None, limit: 1 }).await?.into_iter().next())
}

/// How the integration is: what happened, since when, what it means.
pub(super) fn sentence(frame: &Frame, shell: &Shell, facts: &Facts) -> String {
    let (name, health) = (&shell.view.name, &shell.view.health);
    let waiting = frame.count(m::WAITING, shell.view.drift);
    let since = health.last_success_at.map(|at| frame.exact(at));
    match shell.standing {
        Standing::Active => {
            let when = health.last_sync_at.map(|at| frame.ago(at)).unwrap_or_default();
            let state = frame.fill_two(m::IN_STEP, name, when);
            let records = frame.count(m::UP_TO_DATE, facts.in_step);
            let drift = match (shell.view.drift, facts.failed) {
                (0, 0) => frame.say(m::NO_DRIFT),
                (0, failed) => frame.count(m::FAILED, failed),
                (owed, _) => frame.count(m::WAITING, owed),
            };
            format!("{state} {records} {drift}")
        }
        Standing::First if facts.has_run => frame.fill(m::NOTHING_YET, name),
        Standing::First => frame.fill(m::FIRST, name),
        Standing::Inactive if shell.view.drift == 0 => frame.fill(m::OFF, name),
        Standing::Inactive => format!("{} {waiting}", frame.fill(m::OFF, name)),
        Standing::Error => {
            let title = frame.say(facts.title());
            let state = match since {
                Some(since) => frame.fill_two(m::ERROR_SINCE, title, since),
                None => frame.fill(m::ERROR, title),
            };
            format!("{state} {waiting}")
        }
        Standing::Reauth => {
            let state = match since {
                Some(since) => frame.fill_two(m::REAUTH_SINCE, shell.platform, since),
                None => frame.fill(m::REAUTH, shell.platform),
            };
            format!("{state} {waiting}")
        }
        Standing::Down => format!("{} {waiting}", frame.fill(m::DOWN, shell.platform)),
        Standing::Unconnected if shell.has_past() => frame.fill(m::DISCONNECTED, name),
        Standing::Unconnected => frame.fill(m::UNCONNECTED, shell.platform),
    }
}

/// What helps, where something does.
pub(super) fn remedy(frame: &Frame, shell: &Shell, facts: &Facts) -> Option<Remedy> {
    let cause = shell.view.health.cause.as_deref().map(|cause| frame.cause("", cause));
    // The newest failure knows its code.
    let newest = facts.failure.as_ref().and_then(|failure| Some((failure, failure.error_message.as_deref()?)));
    let newest = newest.map(|(failure, message)| frame.cause(error_of(failure).1, message)).or_else(|| cause.clone());
    let said = |cause: Option<String>| cause.map(|cause| frame.fill(m::SAID_LAST, cause));
    let home = shell.path(Tab::Overview);
    let link = |why, name: String, path: String| Some(Remedy { why, name, path, is_form: false });
    let form = |why, name: String, path: String| Some(Remedy { why, name, path, is_form: true });
    match shell.standing {
        Standing::Active if facts.failed > 0 => link(None, frame.say(m::SEE_FAILURES), shell.path(Tab::Failures)),
        Standing::Active | Standing::First => None,
        Standing::Inactive if facts.is_new => form(None, frame.say(m::BEGIN), format!("{home}/begin")),
        Standing::Inactive => form(None, frame.say(shell_words::ENABLE), format!("{home}/enable")),
        Standing::Error if facts.failed > 0 => {
            link(said(newest), frame.say(m::SEE_FAILURES), shell.path(Tab::Failures))
        }
        // What waits for n8n or for the platform blocks nothing: only the journal has it.
        Standing::Error => {
            link(said(newest), frame.say(m::SEE_LOGS), format!("{}?status=failed", shell.path(Tab::Logs)))
        }
        Standing::Reauth if shell.is_granted() => {
            form(said(cause), frame.fill(consent_words::RECONNECT_WITH, shell.platform), format!("{home}/consent"))
        }
        Standing::Reauth => link(said(cause), frame.say(m::RECONNECT), format!("{home}/settings#credentials")),
        Standing::Down => form(cause, frame.say(shell_words::TEST), format!("{home}/test")),
        Standing::Unconnected if shell.has_past() && shell.takes_key() => {
            link(None, frame.say(m::RECONNECT), format!("{home}/settings#credentials"))
        }
        Standing::Unconnected if shell.has_past() => {
            form(None, frame.fill(consent_words::RECONNECT_WITH, shell.platform), format!("{home}/consent"))
        }
        Standing::Unconnected => {
            form(None, frame.fill(consent_words::CONNECT_WITH, shell.platform), format!("{home}/consent"))
        }
    }
}
