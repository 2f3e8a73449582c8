//! The database's clock between the transactions of a batch.

use domain::time::Timestamp;
use tokio::time::Instant;

/// What was noted in the database is compared with this, and not with a process's own clock: where that runs ahead by more than a
/// platform's lag, a create whose answer was lost would be looked for too early, and made twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    told: Timestamp,
    since: Instant,
}

impl Clock {
    /// One that the database has just told the time. It is behind by what the answer took, and never ahead.
    pub(super) fn told(at: Timestamp) -> Self {
        Self { told: at, since: Instant::now() }
    }

    /// What the database's clock says now.
    pub(super) fn now(self) -> Timestamp {
        self.told.plus(self.since.elapsed())
    }

    /// What it says at this moment to come.
    pub(super) fn at(self, moment: Instant) -> Timestamp {
        self.now().plus(moment.saturating_duration_since(Instant::now()))
    }
}
