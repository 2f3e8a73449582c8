//! Looking at the platform before anything is written: what changed there, and whether what is to be created is there.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use connectors::connector::{Reader, Wanted};
use connectors::error::ConnectorError;
use domain::field::FieldValue;
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use domain::outcome::SyncType;
use domain::record::Record;
use domain::time::Timestamp;
use persistence::records::links::Ending;
use tokio::time::Instant;

use super::errands;
use super::failure::fail;
use super::job::{Job, Seen, Try};
use super::session::Session;
use super::vanished;

/// What has to be asked of the platform for a link.
enum Question {
    None,
    /// What does the object with this id hold?
    Read(String),
    /// Is there an object that was left by a create of ours, or that is this person?
    Find(Search),
}

/// One search, and those that follow one after the other where it finds nothing.
struct Search {
    wanted: Wanted,
    otherwise: VecDeque<Wanted>,
}

/// Fills in what the platform shows, in one read and one search for the whole batch; and some more for what a create of ours may have left.
pub(super) async fn look(session: &Session<'_>, kind: RecordKind, jobs: &mut [Job]) {
    let (Some(reader), Ok(account)) = (session.connector.reader(), &session.account) else {
        return give_up(session, jobs);
    };
    let fields = session.mapping(kind).remote_names();
    let (mut to_read, mut ids, mut to_find) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs.iter_mut() {
        match question(session, kind, job) {
            Question::None => {}
            Question::Read(id) => {
                to_read.push(job);
                ids.push(id);
            }
            Question::Find(search) => to_find.push((job, search)),
        }
    }
    if !ids.is_empty() {
        let started = Instant::now();
        let answer = session.ask(Reader::read(reader, account, kind, &ids, &fields)).await;
        note(session, to_read, answer, started);
    }
    // A search for what a create may have left can be without an end. That is no failure of those beside it, who come first.
    let (tried, others): (Vec<_>, Vec<_>) = to_find.into_iter().partition(|(_, search)| search.wanted.tried.is_some());
    for mut asked in [others, tried] {
        while !asked.is_empty() {
            let wanted: Vec<_> = asked.iter().map(|(_, search)| search.wanted.clone()).collect();
            let started = Instant::now();
            let answer = session.ask(Reader::find(reader, account, kind, &wanted, &fields)).await;
            asked = note_found(session, asked, answer, started);
        }
    }
}

/// Notes what was found, and gives what is to be looked for in another way.
fn note_found<'a>(
    session: &Session<'_>,
    asked: Vec<(&'a mut Job, Search)>,
    answer: Answer,
    started: Instant,
) -> Vec<(&'a mut Job, Search)> {
    let mut again = Vec::new();
    let objects = match answer {
        Ok(objects) => objects,
        Err(error) => {
            note(session, asked.into_iter().map(|(job, _)| job).collect(), Err(error), started);
            return again;
        }
    };
    let (mut jobs, mut found) = (Vec::new(), Vec::new());
    for ((job, Search { mut otherwise, .. }), object) in asked.into_iter().zip(objects) {
        match otherwise.pop_front().filter(|_| object.is_none()) {
            Some(wanted) => again.push((job, Search { wanted, otherwise })),
            None => {
                jobs.push(job);
                found.push(object);
            }
        }
    }
    note(session, jobs, Ok(found), started);
    again
}

fn question(session: &Session<'_>, kind: RecordKind, job: &mut Job) -> Question {
    if let Some(due) = errands::waits_until(session, job) {
        job.ending = Some(Ending::Released(Some(due)));
        return Question::None;
    }
    let is_deleted = job.record.as_ref().is_some_and(|record| record.fields.is_deleted());
    if job.gone && !is_deleted && job.record.is_some() {
        vanished::begin_anew(session, kind, job);
    }
    if let Some(id) = &job.state.external_id {
        // What may have been written is looked at before anything is written over it.
        let was_left = job.leased.was_taken_over || job.leased.errand.is_some() || job.leased.intent.is_some();
        // A field that is mapped since is looked at before anything is written over it.
        let is_needed = job.is_dirty() || was_left || job.record.is_none() || !session.anew(job).is_empty();
        return if is_needed { Question::Read(id.clone()) } else { Question::None };
    }
    if let Some(id) = &job.hinted_id {
        return Question::Read(id.clone());
    }
    let Some(record) = &job.record else { return Question::None };
    // What was deleted before it was created is nowhere, unless a create of ours is still unaccounted for.
    if is_deleted && job.leased.intent.is_none() {
        return Question::None;
    }
    if !session.engine.settings.look_before_create {
        return Question::None;
    }
    if let Some(visible_at) = visible_at(session, job).filter(|visible_at| *visible_at > session.clock.now()) {
        job.ending = Some(Ending::Released(Some(visible_at)));
        return Question::None;
    }
    Question::Find(search(session, kind, job, record))
}

/// By what is noted of its object, then by what is known of its record.
///
/// What is noted is what the object showed, where it was found and is not its link's yet; else what a create of ours wrote of which nobody
/// knows what came. Where records became one since, that create may have left the key of any of them: by these before all that others may
/// share.
fn search(session: &Session<'_>, kind: RecordKind, job: &Job, record: &Record) -> Search {
    let written = job.leased.intent.as_ref().map(|intent| &intent.fields);
    let noted = Some(&job.state.seen).filter(|seen| !seen.is_empty()).or(written);
    let tried = tried(session, job);
    let wanted = |key, identifier: Option<(String, FieldValue)>| Wanted {
        key,
        identifiers: identifier.into_iter().collect(),
        tried: tried.clone(),
    };
    let mut identifiers = session.mapping(kind).looked_for_by(noted, &record.fields).into_iter();
    let first = if job.former.is_empty() { identifiers.next() } else { None };
    let by_former = job.former.iter().map(|key| wanted(*key, None));
    let otherwise = by_former.chain(identifiers.map(|identifier| wanted(record.id, Some(identifier)))).collect();
    Search { wanted: wanted(record.id, first), otherwise }
}

/// From when until when a create was under way whose outcome is unknown. Which of the two had it is not noted for ever: a lease or a
/// workflow.
fn tried(session: &Session<'_>, job: &Job) -> Option<RangeInclusive<Timestamp>> {
    let begun = job.leased.intent.as_ref()?.at;
    let (settings, of_workflows) = (&session.engine.settings, &session.engine.n8n.settings);
    let longest = settings.lease.max(of_workflows.errand_life + settings.platform_timeout);
    Some(begun..=begun.plus(longest))
}

/// When a create whose outcome is unknown can be found at the latest.
fn visible_at(session: &Session<'_>, job: &Job) -> Option<Timestamp> {
    let begun = job.leased.intent.as_ref()?.at;
    // A workflow may have made it in its last moment.
    let made = job.leased.errand.as_ref().filter(|errand| !errand.reported).map_or(begun, |errand| errand.until);
    Some(made.plus(session.connector.descriptor().lookup_lag))
}

type Answer = Result<Vec<Option<RemoteObject>>, ConnectorError>;

fn note(session: &Session<'_>, asked: Vec<&mut Job>, answer: Answer, started: Instant) {
    let duration_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    match answer {
        Ok(objects) => {
            for (job, object) in asked.into_iter().zip(objects) {
                let was_hinted = job.hinted_id.take().is_some() && job.state.external_id.is_none();
                let object = object.filter(|object| errands::may_be_ours(session, job, object));
                if was_hinted && object.is_none() && job.leased.errand.is_none() {
                    // What was reported late led nowhere: it is looked for as if nobody had said anything.
                    job.ending = Some(Ending::Released(None));
                }
                job.seen = object.map_or(Seen::Missing, Seen::There);
                job.read_seq = job.leased.remote_seq;
            }
        }
        Err(error) => {
            for job in asked {
                fail(session, job, &error, Try::new(SyncType::Read, duration_ms));
            }
        }
    }
}

fn give_up(session: &Session<'_>, jobs: &mut [Job]) {
    let Err(error) = &session.account else { return };
    for job in jobs {
        fail(session, job, error, Try::new(SyncType::Read, 0));
    }
}
