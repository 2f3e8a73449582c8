//! How a run is shown: what was asked for, where it is, and how far.

use std::collections::BTreeMap;

use domain::id::{IntegrationId, RunId};
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::outcome::SyncError;
use domain::run::{Counts, Mode, Progress, Run, State, Trigger};
use domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(crate) struct View {
    /// Its id.
    id: RunId,
    /// What it brings into step.
    integration_id: IntegrationId,
    /// Why there is one.
    trigger: Trigger,
    /// Which way at most.
    direction: Direction,
    /// Which kinds.
    kinds: Vec<RecordKind>,
    /// How much it looks at.
    mode: Mode,
    /// Where it is in its life.
    state: State,
    /// How far it is, over all kinds.
    progress: Progress,
    /// What it did so far, kind by kind.
    #[schema(value_type = BTreeMap<String, Counts>)]
    counts: BTreeMap<RecordKind, Counts>,
    /// Who asked for it; `null` where it was the clock.
    #[schema(example = "marie@example.fr")]
    requested_by: Option<String>,
    /// The time of the schedule that it stands for.
    due_at: Option<Timestamp>,
    /// When it was asked for.
    created_at: Timestamp,
    /// When it began.
    started_at: Option<Timestamp>,
    /// When it ended.
    ended_at: Option<Timestamp>,
    /// What ended it, or the last failure of the present page.
    error: Option<SyncError>,
}

impl From<Run> for View {
    fn from(run: Run) -> Self {
        Self {
            progress: run.progress(),
            id: run.id,
            integration_id: run.integration_id,
            trigger: run.trigger,
            direction: run.direction,
            kinds: run.kinds,
            mode: run.mode,
            state: run.state,
            counts: run.counts,
            requested_by: run.requested_by,
            due_at: run.due_at,
            created_at: run.created_at,
            started_at: run.started_at,
            ended_at: run.ended_at,
            error: run.error,
        }
    }
}
