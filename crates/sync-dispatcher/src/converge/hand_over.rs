//! Handing the planned writes to a platform's workflow in n8n, one call each, and noting which were taken. What becomes of them is reported.

use std::{collections::BTreeMap, time::Duration};

use connectors::error::ConnectorError;
use connectors::workflow::{Workflows, absence};
use domain::fault::FaultKind;
use domain::id::LinkId;
use domain::workflow::faults;
use futures_util::{StreamExt, stream};
use persistence::records::links::Ending;
use serde_json::Value;
use tokio::time::Instant;

use super::changes;
use super::errands::{fields_of, request_of, sync_type, tell, withdraw};
use super::failure::fail;
use super::job::{Job, Try};
use super::plan::{Plans, Write};
use super::request::{Unsaid, body};
use super::session::Session;
use crate::n8n::Pause;

/// What is shorter, a call of a workflow's waits for.
const PATIENCE: Duration = Duration::from_secs(10);

const NO_N8N: &str = "n8n n'est pas configuré sur ce serveur : passez l'intégration en livraison directe";

/// What came of handing over one write.
enum Answer {
    Taken,
    /// The workflow was away already.
    Skipped(Pause),
    Refused(ConnectorError),
}

/// Hands over the batch's writes and takes them out of `plans`, with the ties of what they make.
pub(super) async fn hand_over(session: &Session<'_>, jobs: &mut [Job], plans: &mut Plans) {
    let writes = std::mem::take(&mut plans.writes);
    plans.ties.retain(|link, _| !writes.contains_key(link));
    let mut jobs: BTreeMap<LinkId, &mut Job> = jobs.iter_mut().map(|job| (job.leased.push.link_id, job)).collect();
    let Some(workflows) = session.engine.n8n.workflows() else {
        let error = ConnectorError::new(FaultKind::Unavailable, faults::NOT_CONFIGURED, NO_N8N);
        return refuse(session, &mut jobs, &writes, &error);
    };
    if !writes.is_empty()
        && let Some(error) = no_room(session).await
    {
        return refuse(session, &mut jobs, &writes, &error);
    }
    let mut calls = Vec::new();
    for (link, write) in &writes {
        let Some(job) = jobs.get(link) else { continue };
        let (Some(errand), Some(record)) = (&job.errand, &job.record) else { continue };
        calls.push(timed(session, workflows, (*link, body(session, record, (*link, errand), write))));
    }
    let parallel = session.engine.n8n.settings.parallel.max(1);
    let answers: Vec<_> = stream::iter(calls).buffer_unordered(parallel).collect().await;
    for (link, answer) in answers {
        if let (Some(job), Some(write)) = (jobs.get_mut(&link), writes.get(&link)) {
            note(session, job, write, answer);
        }
    }
}

/// Why nothing is handed over while the account is to be left alone: its workflow would find no room for its call, and report that
/// as a failure, which counts.
async fn no_room(session: &Session<'_>) -> Option<ConnectorError> {
    let account = session.account.as_ref().ok()?;
    let wait = account.budget.take(1).await.err()?;
    (wait > PATIENCE).then(|| ConnectorError::budget_spent(wait))
}

fn refuse(
    session: &Session<'_>,
    jobs: &mut BTreeMap<LinkId, &mut Job>,
    writes: &BTreeMap<LinkId, Write>,
    error: &ConnectorError,
) {
    for (link, write) in writes {
        if let Some(job) = jobs.get_mut(link) {
            note(session, job, write, (Answer::Refused(error.clone()), 0));
        }
    }
}

/// What came of one write, and how long it took in milliseconds.
async fn timed(
    session: &Session<'_>,
    workflows: &Workflows,
    (link, body): (LinkId, impl Future<Output = Result<Value, Unsaid>>),
) -> (LinkId, (Answer, u32)) {
    let started = Instant::now();
    let answer = call(session, workflows, body).await;
    (link, (answer, u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX)))
}

async fn call(
    session: &Session<'_>,
    workflows: &Workflows,
    body: impl Future<Output = Result<Value, Unsaid>>,
) -> Answer {
    if let Some(pause) = session.pause() {
        return Answer::Skipped(pause);
    }
    let body = match body.await {
        Ok(body) => body,
        Err(Unsaid::Platform(error)) => return Answer::Refused(error),
        Err(Unsaid::NoPass(error)) => {
            tracing::error!(%error, "a write cannot be handed over");
            return Answer::Refused(ConnectorError::new(FaultKind::Internal, "pass", "no pass could be issued"));
        }
    };
    match session.hand_over(workflows.hand_over(&session.workflow, &body)).await {
        Ok(()) => {
            session.engine.n8n.took(&session.workflow);
            Answer::Taken
        }
        Err(error) => Answer::Refused(error),
    }
}

fn note(session: &Session<'_>, job: &mut Job, write: &Write, (answer, duration_ms): (Answer, u32)) {
    let Some(errand) = job.errand.clone() else { return };
    let changes = fields_of(write).map(|sent| changes::of_write(&job.state.seen, sent, None)).unwrap_or_default();
    let tried = Try { request: request_of(write), changes, ..Try::new(sync_type(errand.action.verb), duration_ms) };
    match answer {
        Answer::Taken => job.ending = Some(Ending::Released(Some(errand.until))),
        Answer::Skipped(pause) => {
            withdraw(job);
            put_off(session, job, &pause, tried);
        }
        Answer::Refused(error) => {
            withdraw(job);
            let Some(cause) = absence(&error) else {
                return fail(session, job, &error, tried);
            };
            // Who answers a success in words of its own may be at it all the same.
            let is_success = error.status.is_some_and(|status| (200..300).contains(&status));
            job.intent_is_open |= is_success || error.outcome_is_unknown();
            let pause = session.engine.n8n.missed(&session.workflow, session.integration.id, cause);
            put_off(session, job, &pause, tried);
        }
    }
}

/// No attempt: what is owed waits until the workflow is back.
fn put_off(session: &Session<'_>, job: &mut Job, pause: &Pause, tried: Try) {
    tell(job, pause, tried);
    job.ending = Some(Ending::Released(Some(session.clock.at(pause.until))));
}
