//! What follows from a failure: another attempt and when, a block, or nothing that counts. Classes are the connectors'.

use std::time::Duration;

use connectors::error::ConnectorError;
use domain::fault::FaultKind;
use domain::outcome::{SyncError, SyncType};
use domain::retry::{Asked, RetrySchedule};
use persistence::records::links::Ending;

use super::job::{Job, Try};
use super::session::Session;

/// How soon work comes back that was put off without an attempt, where nobody said how soon.
const SOON: Duration = Duration::from_secs(5);

/// Ends a job by a failure of what was tried.
pub(super) fn fail(session: &Session<'_>, job: &mut Job, error: &ConnectorError, tried: Try) {
    let (schedule, now) = (&session.engine.schedule, session.clock.now());
    if error.is_budget_spent() {
        // The platform was not asked: no attempt, and nothing for the log.
        if tried.sync_type != SyncType::Read {
            job.note_unbegun();
        }
        let due = now.plus(error.retry_after.unwrap_or(SOON));
        job.ending = Some(Ending::Released(Some(due)));
        return;
    }
    let sync_error = SyncError { class: error.kind, code: error.code.clone(), message: error.message.clone() };
    if matches!(tried.sync_type, SyncType::Create | SyncType::Update) {
        job.intent_is_open = error.outcome_is_unknown();
    }
    job.log(Try { error: Some(sync_error.clone()), response: error.body.as_deref().cloned(), ..tried });
    if error.kind == FaultKind::Unauthorized {
        // The credentials are refused for every record alike; the integration is parked, and this stays owed.
        job.ending = Some(Ending::Released(None));
        return;
    }
    if error.kind == FaultKind::RateLimited {
        // Its account has had its share for now, which is no fault of this record: no attempt, however long that lasts.
        let not_before = now.plus(until_room(schedule, error));
        job.ending = Some(Ending::Retry { not_before, error: sync_error });
        return;
    }
    job.attempts += 1;
    let asked = Asked { rate_limited: false, retry_after: error.retry_after };
    let wait = error.is_worth_repeating().then(|| schedule.wait(job.attempts, rand::random_range(-1.0..=1.0), asked));
    job.ending = Some(match wait.flatten() {
        Some(wait) => Ending::Retry { not_before: now.plus(wait), error: sync_error },
        None => Ending::Blocked { error: sync_error },
    });
}

/// When what was refused for a limit may be tried again.
pub(crate) fn until_room(schedule: &RetrySchedule, error: &ConnectorError) -> Duration {
    let asked = Asked { rate_limited: true, retry_after: error.retry_after };
    schedule.wait(1, rand::random_range(-1.0..=1.0), asked).unwrap_or(SOON)
}

/// Ends a job by something that we found ourselves and that only a person can mend.
pub(super) fn block(job: &mut Job, class: FaultKind, code: &str, message: &str) {
    let error = SyncError { class, code: code.to_owned(), message: message.to_owned() };
    job.log(Try { error: Some(error.clone()), ..Try::new(SyncType::Read, 0) });
    job.ending = Some(Ending::Blocked { error });
}
