//! The note of a write before it is begun, so that nobody writes again what may have been written. Whoever holds the link makes it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::field::RemoteFields;
use domain::id::{LeaseToken, LinkId};
use domain::link::LinkState;
use domain::time::Timestamp;

use crate::row::Id;
use crate::statement::sql_query;
use crate::text::{Json, from_json, parse, to_json};
use crate::{PersistenceError, Transaction};

/// A write that was begun.
#[derive(Clone, Debug)]
pub struct Intent {
    /// When.
    pub at: Timestamp,
    /// What it was to write.
    pub fields: RemoteFields,
}

impl Intent {
    /// By the columns of a link: there is none without a time.
    pub(super) fn noted(at: Option<DateTime<Utc>>, intended: Option<Json>) -> Result<Option<Self>, PersistenceError> {
        let Some(at) = at else { return Ok(None) };
        let fields = intended.map(|fields| from_json("intended", fields)).transpose()?.unwrap_or_default();
        Ok(Some(Self { at: at.into(), fields }))
    }
}

/// What is about to be written to a link.
#[derive(Clone, Debug)]
pub struct Intention {
    /// The fields.
    pub fields: RemoteFields,
    /// What is known of a counterpart that was there before: what it shows now, before the write. Whoever finds the note
    /// compares with that, and so must not compare with what it showed earlier.
    pub known: Option<LinkState>,
    /// Whether it follows from a create that was unaccounted for, and keeps its time: its object was made then.
    pub goes_on: bool,
}

/// Notes what is about to be written to these links, so that whoever finds the note reads before writing again.
///
/// Returns the links that the caller still holds; the others must be left alone.
///
/// # Errors
/// When the database does not answer.
pub async fn intend(
    tx: &mut Transaction,
    writes: &BTreeMap<LinkId, Intention>,
    token: LeaseToken,
) -> Result<Vec<LinkId>, PersistenceError> {
    let fields = writes.values().map(|write| to_json(&write.fields)).collect::<Result<Vec<Json>, _>>()?;
    let known: Vec<Option<&LinkState>> = writes.values().map(|write| write.known.as_ref()).collect();
    let sent = known.iter().map(|known| known.map(|known| to_json(&known.sent)).transpose());
    let seen = known.iter().map(|known| known.map(|known| to_json(&known.seen)).transpose());
    let seen_at = known.iter().map(|known| known.and_then(|known| known.seen_at).map(DateTime::<Utc>::from));
    let rows: Vec<Id> = sql_query(
        "UPDATE record_links AS link SET
             intent_at = CASE WHEN noted.goes_on THEN link.intent_at ELSE now() END, intended = noted.fields,
             sent = coalesce(noted.sent, link.sent), seen = coalesce(noted.seen, link.seen),
             seen_at = coalesce(noted.seen_at, link.seen_at)
         FROM (
             SELECT held.id, new.fields, new.sent, new.seen, new.seen_at, new.goes_on
             FROM unnest($1, $2, $3, $4, $5, $7) AS new (id, fields, sent, seen, seen_at, goes_on)
             JOIN record_links AS held ON held.id = new.id
             WHERE held.lease_token = $6 AND held.lease_until > now()
             ORDER BY held.id FOR UPDATE OF held
         ) AS noted
         WHERE link.id = noted.id
         RETURNING link.id",
    )
    .bind::<Array<Text>, _>(writes.keys().map(ToString::to_string).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(fields)
    .bind::<Array<Nullable<Jsonb>>, _>(sent.collect::<Result<Vec<Option<Json>>, _>>()?)
    .bind::<Array<Nullable<Jsonb>>, _>(seen.collect::<Result<Vec<Option<Json>>, _>>()?)
    .bind::<Array<Nullable<Timestamptz>>, _>(seen_at.collect::<Vec<Option<DateTime<Utc>>>>())
    .bind::<Text, _>(token.to_string())
    .bind::<Array<Bool>, _>(writes.values().map(|write| write.goes_on).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    rows.iter().map(|row| parse("id", &row.id)).collect()
}

/// Locks links about which nothing is noted before they are written to, such as those of objects that are about to be deleted.
///
/// They are locked until the transaction ends. A lock is a change: once that is committed, so is the lease, which was perhaps not on the
/// disk before.
///
/// Returns the links that the caller still holds; the others must be left alone.
///
/// # Errors
/// When the database does not answer.
pub async fn hold(
    tx: &mut Transaction,
    links: &BTreeSet<LinkId>,
    token: LeaseToken,
) -> Result<Vec<LinkId>, PersistenceError> {
    let rows: Vec<Id> = sql_query(
        "SELECT id FROM record_links WHERE id = ANY($1) AND lease_token = $2 AND lease_until > now()
         ORDER BY id FOR UPDATE",
    )
    .bind::<Array<Text>, _>(links.iter().map(ToString::to_string).collect::<Vec<_>>())
    .bind::<Text, _>(token.to_string())
    .load(&mut **tx)
    .await?;
    rows.iter().map(|row| parse("id", &row.id)).collect()
}
