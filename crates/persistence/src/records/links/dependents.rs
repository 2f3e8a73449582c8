//! What belongs to contacts: what waited for them, went without them, or named them before anybody knew who they are.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::link::NAMED;
use domain::message::RecordPush;

use super::named::{self, OF_OBJECTS};
use super::{PushRow, into_pushes};
use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// What there is that contacts which are others now may concern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct Dependents {
    /// Whether a record belongs to one of the contacts.
    #[diesel(sql_type = Bool)]
    pub has_dependents: bool,
    /// Whether something in the integration named one of their objects while no record stood for it.
    #[diesel(sql_type = Bool)]
    pub is_named: bool,
}

/// Whether anything depends on these contacts or names these objects; for most there is nothing.
///
/// Then [`owed_dependents`], [`mark_dependents_dirty`] and [`mark_namers_dirty`] would find nothing either, and need not be asked.
/// Asked where they would be: in the transaction that has settled the contacts' links, after that.
///
/// # Errors
/// When the database does not answer.
pub async fn dependents(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    contacts: &BTreeSet<RecordId>,
    objects: &BTreeSet<String>,
) -> Result<Dependents, PersistenceError> {
    if contacts.is_empty() && objects.is_empty() {
        return Ok(Dependents::default());
    }
    // Of what is only to exist, PostgreSQL expects to come by one soon, and may read a whole table where there is none. So it is asked for
    // the record that is next in the order of contacts, which only their index knows, and which is one however many belong to a contact.
    // Whose that is, is compared afterwards: by the tenant, it would be looked for through all that the tenant has. What names objects is
    // counted, each object by itself, as in `named`.
    let statement = format!(
        "SELECT EXISTS (
                 SELECT FROM unnest($1) AS contact (id) CROSS JOIN LATERAL (
                     SELECT contact_id, tenant_id FROM records WHERE contact_id >= contact.id ORDER BY contact_id LIMIT 1
                 ) AS next WHERE next.contact_id = contact.id AND next.tenant_id = $4) AS has_dependents,
             (SELECT count(*) FROM unnest($2, $3) AS named (integration_id, external_id)
              JOIN record_links AS link ON link.integration_id = named.integration_id
                  AND link.sent ->> '{NAMED}' = named.external_id) > 0 AS is_named"
    );
    let found = sql_query(statement)
        .bind::<Array<Text>, _>(contacts.iter().map(ToString::to_string).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(vec![integration.to_string(); objects.len()])
        .bind::<Array<Text>, _>(objects.iter().cloned().collect::<Vec<_>>())
        .bind::<Text, _>(tenant.to_string());
    Ok(found.get_result(&mut **tx).await?)
}

/// What belongs to contacts, each of which is named with an integration, and its links there, as what a statement reads from.
const OF_CONTACTS: &str = "unnest($1, $2) AS named (integration_id, contact_id)
             JOIN records AS record ON record.contact_id = named.contact_id
             JOIN record_links AS link ON link.integration_id = named.integration_id AND link.record_id = record.id";

/// Lets go what waited in an integration for those of these contacts that are there by now, or of whom nothing is to come, as
/// [`super::Counterpart::is_awaited`] says; names it.
///
/// Whoever has settled something of a contact asks this in the same transaction, under the contact's lock.
///
/// # Errors
/// When the database does not answer.
pub async fn owed_dependents(
    tx: &mut Transaction,
    integration: IntegrationId,
    contacts: &BTreeSet<RecordId>,
) -> Result<Vec<RecordPush>, PersistenceError> {
    if contacts.is_empty() {
        return Ok(Vec::new());
    }
    let statement = format!(
        "UPDATE record_links AS link SET waits_for = NULL, announced_at = now()
         FROM (
             SELECT link.id FROM {OF_CONTACTS}
             JOIN record_links AS contact
               ON contact.integration_id = named.integration_id AND contact.record_id = named.contact_id
             WHERE (contact.external_id IS NOT NULL OR contact.gone OR NOT contact.owed)
               AND link.owed::int = 1 AND link.waits_for = 'contact'
             ORDER BY link.id FOR UPDATE OF link
         ) AS dependent
         WHERE link.id = dependent.id
         RETURNING link.id, link.tenant_id, link.integration_id"
    );
    let rows: Vec<PushRow> = sql_query(statement)
        .bind::<Array<Text>, _>(vec![integration.to_string(); contacts.len()])
        .bind::<Array<Text>, _>(contacts.iter().map(ToString::to_string).collect::<Vec<_>>())
        .load(&mut **tx)
        .await?;
    into_pushes(rows)
}

/// Marks for reading what belongs to these contacts in an integration and is there: their objects are new, and it is to be tied
/// to those. Names it.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_dependents_dirty(
    tx: &mut Transaction,
    integration: IntegrationId,
    contacts: &BTreeSet<RecordId>,
) -> Result<Vec<RecordPush>, PersistenceError> {
    mark_found(tx, OF_CONTACTS, (integration, contacts.iter().map(ToString::to_string).collect())).await
}

/// Marks for reading what named these contacts' objects in an integration while no record stood for them. Names it.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_namers_dirty(
    tx: &mut Transaction,
    integration: IntegrationId,
    contacts: &BTreeSet<String>,
) -> Result<Vec<RecordPush>, PersistenceError> {
    let of_namers = format!(
        "unnest($1, $2) AS named (integration_id, external_id)
             JOIN record_links AS link
               ON link.integration_id = named.integration_id AND link.sent ->> '{NAMED}' = named.external_id"
    );
    mark_found(tx, &of_namers, (integration, contacts.iter().cloned().collect())).await
}

/// Marks those of the links in `of_contacts` whose objects are there.
async fn mark_found(
    tx: &mut Transaction,
    of_contacts: &str,
    (integration, contacts): (IntegrationId, Vec<String>),
) -> Result<Vec<RecordPush>, PersistenceError> {
    if contacts.is_empty() {
        return Ok(Vec::new());
    }
    let statement = format!(
        "UPDATE record_links AS link SET remote_seq = remote_seq + 1, blocked_at = NULL, attempts = 0,
             not_before = NULL, waits_for = NULL,
             owed_since = coalesce(owed_since, now()), announced_at = now()
         FROM (
             SELECT link.id FROM {of_contacts}
             WHERE link.external_id IS NOT NULL AND NOT link.gone
             ORDER BY link.id FOR UPDATE OF link
         ) AS dependent
         WHERE link.id = dependent.id
         RETURNING link.id, link.tenant_id, link.integration_id"
    );
    let rows: Vec<PushRow> = sql_query(statement)
        .bind::<Array<Text>, _>(vec![integration.to_string(); contacts.len()])
        .bind::<Array<Text>, _>(contacts)
        .load(&mut **tx)
        .await?;
    into_pushes(rows)
}

/// Those of these contacts' objects for which a record stands by now. None of them is given one until the transaction ends.
///
/// Whoever settles what names them asks this before any link is locked, as whoever gives them a record locks theirs first.
///
/// # Errors
/// When the database does not answer.
pub async fn known_by_now(
    tx: &mut Transaction,
    integration: IntegrationId,
    contacts: &BTreeSet<String>,
) -> Result<BTreeSet<String>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        external_id: String,
        #[diesel(sql_type = Bool)]
        is_known: bool,
    }
    if contacts.is_empty() {
        return Ok(BTreeSet::new());
    }
    let statement = format!(
        "SELECT external_id, record_id IS NOT NULL AS is_known FROM {OF_OBJECTS} ORDER BY link.id FOR SHARE OF link"
    );
    let (of_kind, external_ids) = ((integration, RecordKind::Contact), contacts.iter().cloned().collect());
    let rows: Vec<Row> = named::of_objects(statement, of_kind, external_ids).load(&mut **tx).await?;
    Ok(rows.into_iter().filter(|row| row.is_known).map(|row| row.external_id).collect())
}
