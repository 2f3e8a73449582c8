//! The table `record_links`: how far each system is in step. One file a step in a link's life; the rules are `domain::link`'s.

mod backend;
mod catching_up;
mod counterpart;
mod dependents;
mod errands;
mod failure_groups;
mod failures;
mod heard;
mod intent;
mod lease;
pub(crate) mod named;
mod overdue;
mod owed;
mod raise;
mod replay;
mod settle;
mod standing;
mod telling;
mod unpublished;
mod view;

pub use backend::{BackendLink, backend_links, save_backend_links};
pub use catching_up::{backends_to_tell, mark_backends, records_after};
pub use counterpart::{
    Counterpart, Counterparts, by_external_id, by_record, counterparts, refused_of, seen_of, under_way_of,
};
pub use dependents::{Dependents, dependents, known_by_now, mark_dependents_dirty, mark_namers_dirty, owed_dependents};
pub use errands::{
    Commissioned, FailedErrand, commission, commissioned, lock_commissioned, note_failure, note_success,
};
pub use failure_groups::{FailureGroup, Groups, failures, groups};
pub use failures::{FailedLink, FailedState, Selection, count_failures, failed_links, failed_states};
pub(super) use failures::{SELECTED, about};
pub use heard::{Heard, Marked, drop_unread, mark_dirty, mark_heard, mark_known_dirty, mark_unfound_dirty};
pub use intent::{Intent, Intention, hold, intend};
pub use lease::{Leased, attach, give_up, lease};
pub use overdue::{Stretch, Unlinked, due_among, due_of, integrations_to_link, mark_linked, overdue, stretch};
pub use owed::{OwedPage, owed_page};
pub use raise::{Wanted, owed_by_record, owed_of, raise, raise_mapping};
pub use replay::{replay, replay_untied};
pub use settle::{Ending, Settled, Settlement, settle};
pub use standing::{Named, Sent, Standing, sent_after, standing};
pub use telling::{Told, Untold, lease_untold, lock_untold, note_news, overdue_untold, settle_untold};
pub use unpublished::{forget_published, leftovers};
pub use view::{LinkView, drift, drift_by_kind, holds, in_step, of_record, standing_failures};

use diesel::QueryableByName;
use diesel::sql_types::Text;
use domain::message::RecordPush;

use crate::PersistenceError;
use crate::text::parse;

/// The columns that name a link on the broker.
#[derive(QueryableByName)]
struct PushRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    integration_id: String,
}

impl PushRow {
    fn into_push(self) -> Result<RecordPush, PersistenceError> {
        Ok(RecordPush {
            tenant_id: parse("tenant_id", &self.tenant_id)?,
            integration_id: parse("integration_id", &self.integration_id)?,
            link_id: parse("id", &self.id)?,
        })
    }
}

fn into_pushes(rows: Vec<PushRow>) -> Result<Vec<RecordPush>, PersistenceError> {
    rows.into_iter().map(PushRow::into_push).collect()
}
