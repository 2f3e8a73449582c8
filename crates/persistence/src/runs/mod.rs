//! The tables `sync_runs` and `sync_run_objects`: runs as they are asked for, read, and moved on. What a page does is the dispatcher's.

mod control;
mod due;
mod objects;
mod page;
mod row;
mod start;

pub use control::{cancel, confirm};
pub use due::{Schedulable, forget, schedulable};
pub(crate) use objects::ASKED_ABOUT;
pub use objects::{Gone, Suspects, believed_there, gone, note_listed, note_suspects, remove, suspects, tally_gone};
pub use page::{Move, advance, await_consent, end, has_pending, last_mark, overdue, put_off, take_up};
pub use row::{RunsPage, asking, get, list};
pub use start::{NewRun, Started, start};
