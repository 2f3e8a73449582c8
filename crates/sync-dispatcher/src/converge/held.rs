//! Keeping one object of a platform to one record: whoever comes second is told, and takes nothing over.

use std::collections::BTreeSet;

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use persistence::Transaction;
use persistence::records::links;

use super::failure::block;
use super::job::Job;
use super::session::Session;
use crate::engine::DispatchError;

/// What a tenant is told whose CRM holds one object for two of its people.
const HELD: &str = "Contact dupliqué : la fiche de la plateforme est déjà liée à une autre personne";

/// Blocks jobs whose object, by `object_of`, another record's link stands for, and drops links that only said "heard of".
pub(super) async fn refuse(
    session: &Session<'_>,
    kind: RecordKind,
    tx: &mut Transaction,
    jobs: &mut [Job],
    object_of: fn(&Job) -> Option<String>,
) -> Result<(), DispatchError> {
    let external_ids: BTreeSet<String> = jobs.iter().filter_map(object_of).collect();
    if external_ids.is_empty() {
        return Ok(());
    }
    let holders = links::by_external_id(tx, session.integration.id, kind, &external_ids).await?;
    let unread = holders.values().filter(|holder| holder.record.is_none()).map(|holder| holder.push.link_id);
    links::drop_unread(tx, &unread.collect::<Vec<_>>()).await?;
    let mut given = BTreeSet::new();
    for job in jobs.iter_mut() {
        let Some(external_id) = object_of(job) else { continue };
        let holder = holders.get(&external_id).filter(|holder| holder.push.link_id != job.leased.push.link_id);
        let is_held = holder.is_some_and(|holder| holder.record.is_some());
        if holder.is_some_and(|holder| holder.record.is_none()) {
            job.read_again();
        }
        if is_held || !given.insert(external_id) {
            job.state.external_id = None;
            block(job, FaultKind::Conflict, "already_linked", HELD);
            // Where a batch is settled, all else that is noted has been redacted by now.
            job.redact(&session.redactor);
        }
    }
    Ok(())
}
