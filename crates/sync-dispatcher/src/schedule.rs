//! Making the runs that are due. When that is, `domain::schedule` says; what a run does is `runs`'.

use std::time::Duration;

use connectors::registry::Platform;
use domain::integration::{Direction, Frequency};
use domain::run::{Mode, Run, Trigger};
use domain::schedule;
use domain::time::Timestamp;
use persistence::runs::{self, NewRun, Schedulable, Started};
use persistence::{Database, PersistenceError, Scope};

/// Integrations that are looked at in one transaction.
const STEP: usize = 500;

/// How often what is done that no tenant chooses.
#[derive(Clone, Copy, Debug)]
pub struct Every {
    /// Integrations that are told of changes at once are polled; zero is never.
    pub poll: Duration,
    /// A scheduled run walks everything.
    pub walk: Duration,
}

/// Makes the run of every integration that is due at `now`, and returns those that this call made.
///
/// However many dispatchers do this, a due time gets one run; of the times that passed while none of them was up, the last.
///
/// # Errors
/// When the database does not answer.
pub async fn start_due(database: &Database, every: Every, now: Timestamp) -> Result<Vec<Run>, PersistenceError> {
    let (mut started, mut after) = (Vec::new(), None);
    loop {
        let mut tx = database.begin(Scope::System).await?;
        let some = runs::schedulable(&mut tx, after, i64::try_from(STEP).unwrap_or(i64::MAX)).await?;
        for new in some.iter().filter_map(|integration| due_run(integration, every, now)) {
            if let Started::Queued(run) = runs::start(&mut tx, &new).await? {
                started.push(*run);
            }
        }
        tx.commit().await?;
        after = some.last().map(|integration| integration.integration);
        if some.len() < STEP {
            return Ok(started);
        }
    }
}

/// The run that an integration should have had by now and has not.
fn due_run(integration: &Schedulable, every: Every, now: Timestamp) -> Option<NewRun> {
    let connector = Platform::from_slug(&integration.platform)?.connector();
    if integration.frequency == Frequency::Realtime && connector.changes().is_none() {
        return None;
    }
    let is_first = !integration.has_completed;
    let period = schedule::period(integration.frequency, every.poll, is_first);
    if period.is_zero() {
        return None;
    }
    let due = schedule::last_due(integration.integration, period, now);
    if due <= integration.created_at || integration.last_due.is_some_and(|last| last >= due) {
        return None;
    }
    let walks = integration.last_walk.is_none_or(|last| last.until(now) >= every.walk);
    Some(NewRun {
        tenant: integration.tenant,
        integration: integration.integration,
        trigger: if is_first { Trigger::First } else { Trigger::Scheduled },
        // Each kind's own direction bounds it.
        direction: Direction::Bidirectional,
        kinds: connector.descriptor().kinds.to_vec(),
        mode: if walks { Mode::Full } else { Mode::SinceLast },
        requested_by: None,
        due_at: Some(due),
    })
}
