//! Making the planned writes, one batch call for each sort, and noting what came of each.

use std::collections::BTreeMap;

use connectors::connector::{Create, Each, Update, Writer, Written};
use connectors::error::ConnectorError;
use domain::fault::FaultKind;
use domain::field::RemoteFields;
use domain::id::LinkId;
use domain::kind::RecordKind;
use domain::outcome::SyncType;
use persistence::records::links::Ending;
use tokio::time::Instant;

use super::changes;
use super::failure::fail;
use super::job::{Job, Seen, Try};
use super::plan::{Plans, Write};
use super::session::Session;
use super::ties;

/// Makes the writes of a batch.
pub(super) async fn write(session: &Session<'_>, kind: RecordKind, jobs: &mut [Job], plans: Plans) {
    let (Some(writer), Ok(account)) = (session.connector.writer(), &session.account) else { return };
    let (mut creates, mut updates, mut deletes) = (Vec::new(), Vec::new(), Vec::new());
    for (link, write) in plans.writes {
        match write {
            Write::Create(create) => creates.push((link, create)),
            Write::Update(update) => updates.push((link, update)),
            Write::Delete(id) => deletes.push((link, id)),
        }
    }
    let mut jobs: BTreeMap<LinkId, &mut Job> = jobs.iter_mut().map(|job| (job.leased.push.link_id, job)).collect();
    if !creates.is_empty() {
        let (links, items): (Vec<LinkId>, Vec<Create>) = creates.into_iter().unzip();
        let started = Instant::now();
        let answer = if session.engine.settings.look_before_create {
            session.write(Writer::create(writer, account, kind, &items)).await
        } else {
            session.write(Writer::create_unguarded(writer, account, kind, &items)).await
        };
        let contacts = items.iter().map(|item| item.contact.clone()).collect::<Vec<_>>();
        let fields = items.into_iter().map(|item| item.fields);
        let items: Vec<_> = links.iter().copied().zip(fields).collect();
        note_written(session, &mut jobs, items, (SyncType::Create, answer, started));
        for (link, contact) in links.iter().zip(contacts) {
            // What is tied by a call of its own is not tied yet.
            let contact = contact.filter(|_| !plans.ties.contains_key(link));
            if let (Some(job), Some(contact)) = (jobs.get_mut(link), contact) {
                ties::note_born_tied(job, &contact);
            }
        }
    }
    if !updates.is_empty() {
        let (links, items): (Vec<LinkId>, Vec<Update>) = updates.into_iter().unzip();
        let started = Instant::now();
        let answer = session.write(Writer::update(writer, account, kind, &items)).await;
        let fields = items.into_iter().map(|item| item.fields);
        note_written(session, &mut jobs, links.into_iter().zip(fields).collect(), (SyncType::Update, answer, started));
    }
    if !deletes.is_empty() {
        let (links, ids): (Vec<LinkId>, Vec<String>) = deletes.into_iter().unzip();
        let started = Instant::now();
        let answer = session.write(Writer::delete(writer, account, kind, &ids)).await;
        note_deleted(session, &mut jobs, &links, (answer, started));
    }
    ties::retie(session, kind, &mut jobs, plans.ties).await;
}

/// Each item's own result; a failure of the whole call is every item's.
pub(super) fn each<T>(answer: Result<Each<T>, ConnectorError>, count: usize) -> Each<T> {
    answer.unwrap_or_else(|error| (0..count).map(|_| Err(error.clone())).collect())
}

pub(super) fn elapsed(started: Instant) -> u32 {
    u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX)
}

type Tried = (SyncType, Result<Each<Written>, ConnectorError>, Instant);

fn note_written(
    session: &Session<'_>,
    jobs: &mut BTreeMap<LinkId, &mut Job>,
    items: Vec<(LinkId, RemoteFields)>,
    (sync_type, answer, started): Tried,
) {
    let duration_ms = elapsed(started);
    let results = each(answer, items.len());
    for ((link, fields), result) in items.into_iter().zip(results) {
        let Some(job) = jobs.get_mut(&link) else { continue };
        let request = serde_json::to_value(&fields).ok();
        let shown = result.as_ref().ok().map(|written| &written.shown);
        let changes = changes::of_write(&job.state.seen, &fields, shown);
        let tried = Try { request, changes, ..Try::new(sync_type, duration_ms) };
        match result {
            Ok(written) => {
                job.state.wrote(&written.external_id, fields, &written.shown);
                let response = serde_json::to_value(&written.shown).ok();
                job.log(Try { response, ..tried });
                job.ending = Some(Ending::InStep);
            }
            Err(error) => {
                fail(session, job, &error, tried);
                // Of a create, something that it refers to is not there; and what was shown just now, a look would show once more.
                let is_unseen = matches!(sync_type, SyncType::Update) && !matches!(job.seen, Seen::There(_));
                if error.kind == FaultKind::NotFound && is_unseen {
                    // The object seems to be gone: a read has to say so before that is believed.
                    job.read_again();
                    job.ending = Some(Ending::Released(None));
                }
            }
        }
    }
}

fn note_deleted(
    session: &Session<'_>,
    jobs: &mut BTreeMap<LinkId, &mut Job>,
    links: &[LinkId],
    (answer, started): (Result<Each<()>, ConnectorError>, Instant),
) {
    let results = each(answer, links.len());
    for (link, result) in links.iter().zip(results) {
        let Some(job) = jobs.get_mut(link) else { continue };
        let tried = Try::new(SyncType::Delete, elapsed(started));
        match result {
            Ok(()) => {
                job.gone = true;
                job.log(tried);
                job.ending = Some(Ending::InStep);
            }
            Err(error) => fail(session, job, &error, tried),
        }
    }
}
