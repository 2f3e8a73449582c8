//! What follows where a read has shown that an object is gone and its record is not: made again, or left alone. That the record
//! follows it is `absorb`'s.

use std::time::Duration;

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use domain::policy::Vanished;
use persistence::records::links::Ending;

use super::failure::block;
use super::job::Job;
use super::session::Session;

/// Whoever deletes what was made again within so long will do so again.
const PATIENCE: Duration = Duration::from_hours(24);

/// What a tenant is told whose platform deletes what we make.
const AGAIN: &str = "Fiche recréée puis supprimée de nouveau sur la plateforme : elle n'est plus recréée d'office";

/// Begins anew with a record whose object is gone, as at a first contact, unless nothing more is to be written for it.
pub(super) fn begin_anew(session: &Session<'_>, kind: RecordKind, job: &mut Job) {
    match session.vanished(kind) {
        Vanished::Unlink if job.state.is_unlinked() => return,
        Vanished::Recreate => job.state.forget_vanished(session.clock.now()),
        // It was deleted, and whoever revived the record means it to be there.
        Vanished::Follow | Vanished::Unlink => job.state.forget(),
    }
    job.gone = false;
}

/// Ends a job whose object was just seen to be gone. What is to be made again is looked for first, in the next round.
pub(super) fn end(session: &Session<'_>, kind: RecordKind, job: &mut Job) {
    match session.vanished(kind) {
        Vanished::Unlink => {
            job.state.unlink();
            job.ending = Some(Ending::InStep);
        }
        Vanished::Recreate if job.state.was_made_again(session.clock.now(), PATIENCE) => {
            block(job, FaultKind::NotFound, "vanished_again", AGAIN);
        }
        Vanished::Recreate | Vanished::Follow => {
            // What was perhaps written is gone with it, and nothing to look for another by.
            job.intent_is_open = false;
            job.read_again();
            job.ending = Some(Ending::Released(None));
        }
    }
}
