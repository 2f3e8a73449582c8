//! The life of a write in a workflow's hands: waited for, confirmed by what a look shows, given up, commissioned. The call to n8n is `hand_over`'s.

use std::collections::BTreeMap;

use connectors::error::ConnectorError;
use domain::fault::FaultKind;
use domain::field::{FieldValue, RemoteFields};
use domain::id::ErrandId;
use domain::link::RemoteObject;
use domain::outcome::SyncType;
use domain::time::Timestamp;
use domain::workflow::{Action, Errand, Verb, faults};
use persistence::Transaction;
use persistence::records::links::{self, Ending};
use serde_json::Value;

use super::job::{Job, Seen, Try};
use super::plan::{Plans, Write};
use super::{changes, failure::fail, session::Session, ties::TIED};
use crate::engine::DispatchError;
use crate::n8n::Pause;

const MISSING: &str = "Le workflow n8n n'a pas rendu compte à temps, et la plateforme ne montre rien de cette écriture";
const UNCONFIRMED: &str = "Le workflow n8n annonce un succès que la plateforme ne confirme pas";

/// Until when a link is left to a workflow, or waits for n8n to be back. What was heard of meanwhile is read all the same.
pub(super) fn waits_until(session: &Session<'_>, job: &mut Job) -> Option<Timestamp> {
    if job.is_dirty() {
        return None;
    }
    let under_way = job.leased.errand.as_ref().filter(|errand| errand.is_under_way(session.clock.now()));
    if let Some(errand) = under_way {
        return Some(errand.until);
    }
    let record = job.record.as_ref().filter(|_| session.is_by_workflow())?;
    let pause = session.pause()?;
    let sync_type = match (record.fields.is_deleted(), &job.state.external_id) {
        (true, _) => SyncType::Delete,
        (false, Some(_)) => SyncType::Update,
        (false, None) => SyncType::Create,
    };
    tell(job, &pause, Try::new(sync_type, 0));
    Some(session.clock.at(pause.until))
}

/// Tells the integration that its workflow is away, once for all of its writes that wait.
pub(super) fn tell(job: &mut Job, pause: &Pause, tried: Try) {
    if let Some(cause) = &pause.news {
        job.log_failure(cause, tried);
    }
}

/// Whether an object may be what was looked for. One that a workflow reported must not carry another record's key, nor
/// another identifier than the record's strongest.
pub(super) fn may_be_ours(session: &Session<'_>, job: &Job, object: &RemoteObject) -> bool {
    let Some(record) = job.record.as_ref().filter(|_| job.is_hinted_at(object)) else { return true };
    if let Some(key) = object.key {
        return job.has_key(key);
    }
    let identifier = session.mapping(record.kind).identifiers(&record.fields).into_iter().next();
    let shown = identifier.and_then(|(name, ours)| Some((ours, object.fields.get(&name)?.clone())));
    shown.is_none_or(|(ours, theirs)| theirs.is_null() || is_alike(&ours, &theirs))
}

fn is_alike(one: &FieldValue, other: &FieldValue) -> bool {
    one.to_plain_text().trim().to_lowercase() == other.to_plain_text().trim().to_lowercase()
}

/// Says of each errand what the look showed: it is done, or still under way, or came to nothing. Only what is left in
/// `plans` may be written.
pub(super) fn judge(session: &Session<'_>, jobs: &mut [Job], plans: &mut Plans) {
    for job in jobs.iter_mut() {
        let is_open = matches!(job.ending, None | Some(Ending::InStep));
        let Some(errand) = job.leased.errand.clone().filter(|_| is_open) else { continue };
        let link = job.leased.push.link_id;
        match plans.writes.get(&link) {
            Some(_) if errand.is_under_way(session.clock.now()) => {
                job.ending = Some(Ending::Released(Some(errand.until)));
            }
            Some(write) if is_the_same(job, &errand, write) => give_up(session, job, &errand),
            Some(_) | None => {
                confirm(job, &errand);
                continue;
            }
        }
        plans.writes.remove(&link);
        plans.ties.remove(&link);
    }
}

/// Whether what is still to be written is what the workflow was to write.
fn is_the_same(job: &Job, errand: &Errand, write: &Write) -> bool {
    match (errand.action.verb, write) {
        (Verb::Create, Write::Create(_)) | (Verb::Delete, Write::Delete(_)) => true,
        (Verb::Update, Write::Update(update)) => {
            let intended = job.leased.intent.as_ref().map(|intent| &intent.fields);
            let was_meant = |(name, value)| intended.and_then(|fields| fields.get(name)) == Some(value);
            update.fields.iter().any(was_meant)
        }
        (Verb::Create | Verb::Update | Verb::Delete, Write::Create(_) | Write::Update(_) | Write::Delete(_)) => false,
    }
}

fn confirm(job: &mut Job, errand: &Errand) {
    let shown = match &job.seen {
        Seen::There(object) => Some(&object.fields),
        Seen::Missing | Seen::Unasked => None,
    };
    let response = shown.and_then(|shown| serde_json::to_value(shown).ok());
    let tried = Try { response, ..tried(job, errand, shown) };
    job.log(tried);
    job.errand = None;
}

fn give_up(session: &Session<'_>, job: &mut Job, errand: &Errand) {
    let (code, message) = if errand.reported { (faults::UNCONFIRMED, UNCONFIRMED) } else { (faults::MISSING, MISSING) };
    let error = ConnectorError::new(FaultKind::Unavailable, code, message);
    let tried = tried(job, errand, None);
    fail(session, job, &error, tried);
    // It may still turn up.
    job.intent_is_open = job.leased.intent.is_some();
    job.errand = None;
}

/// What a workflow was to write, and where the platform shows it, what became of it.
fn tried(job: &Job, errand: &Errand, shown: Option<&RemoteFields>) -> Try {
    let tried = Try::new(sync_type(errand.action.verb), 0);
    let Some(intent) = &job.leased.intent else { return tried };
    let mut changes = changes::of_write(&job.leased.state.seen, &intent.fields, shown);
    // A tie is no field of theirs.
    changes.remove(TIED);
    Try { request: serde_json::to_value(&intent.fields).ok(), changes, ..tried }
}

pub(super) fn sync_type(verb: Verb) -> SyncType {
    match verb {
        Verb::Create => SyncType::Create,
        Verb::Update => SyncType::Update,
        Verb::Delete => SyncType::Delete,
    }
}

/// Notes what is about to be handed over, before it is: whoever finds the note leaves the link to the workflow.
pub(super) async fn commission(
    session: &Session<'_>,
    tx: &mut Transaction,
    jobs: &mut [Job],
    plans: &Plans,
) -> Result<(), DispatchError> {
    if !session.is_by_workflow() {
        return Ok(());
    }
    let mut errands = BTreeMap::new();
    let lasts = session.engine.n8n.settings.errand_life + session.engine.settings.platform_timeout;
    for job in jobs.iter_mut() {
        let (Some(write), Some(record)) = (plans.writes.get(&job.leased.push.link_id), &job.record) else { continue };
        let errand = Errand {
            event_id: ErrandId::new(),
            action: Action { verb: verb_of(write), kind: record.kind },
            version: record.version,
            mapping: session.mapping(record.kind).version,
            external_id: external_id_of(write).map(str::to_owned),
            // A call that began in the last moment of its pass has ended by then.
            until: session.clock.now().plus(lasts),
            reported: false,
        };
        errands.insert(job.leased.push.link_id, errand.clone());
        job.errand = Some(errand);
    }
    if !errands.is_empty() {
        links::commission(tx, &errands, session.token).await?;
    }
    Ok(())
}

fn verb_of(write: &Write) -> Verb {
    match write {
        Write::Create(_) => Verb::Create,
        Write::Update(_) => Verb::Update,
        Write::Delete(_) => Verb::Delete,
    }
}

/// The platform's id of the object that is to change or go.
pub(super) fn external_id_of(write: &Write) -> Option<&str> {
    match write {
        Write::Create(_) => None,
        Write::Update(update) => Some(&update.external_id),
        Write::Delete(external_id) => Some(external_id),
    }
}

/// What a write is to leave there, in the platform's terms.
pub(super) fn fields_of(write: &Write) -> Option<&RemoteFields> {
    match write {
        Write::Create(create) => Some(&create.fields),
        Write::Update(update) => Some(&update.fields),
        Write::Delete(_) => None,
    }
}

/// Takes a commission back: the workflow never got it.
pub(super) fn withdraw(job: &mut Job) {
    job.errand = None;
    job.note_unbegun();
}

/// What was to be written, for the log.
pub(super) fn request_of(write: &Write) -> Option<Value> {
    fields_of(write).and_then(|fields| serde_json::to_value(fields).ok())
}
