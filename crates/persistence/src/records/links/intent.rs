//! The note of a write before it is begun, so that nobody writes again what may have been written. Whoever holds the link makes it.

use std::collections::BTreeMap;

use diesel::sql_types::{Array, Jsonb, Text};
use diesel_async::RunQueryDsl;
use domain::field::RemoteFields;
use domain::id::{LeaseToken, LinkId};
use domain::link::LinkState;
use domain::time::Timestamp;
use serde::Serialize;

use crate::row::Id;
use crate::statement::sql_query;
use crate::text::{parse, to_json};
use crate::{PersistenceError, Transaction};

/// A write that was begun.
#[derive(Clone, Debug)]
pub struct Intent {
    /// When.
    pub at: Timestamp,
    /// What it was to write.
    pub fields: RemoteFields,
}

/// What is about to be written to a link.
#[derive(Clone, Debug)]
pub struct Intention {
    /// The fields.
    pub fields: RemoteFields,
    /// What is known of a counterpart that was there before: what it shows now, before the write. Whoever finds the note
    /// compares with that, and so must not compare with what it showed earlier.
    pub known: Option<LinkState>,
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
    let row = |(link, intention): (&LinkId, &Intention)| {
        let known = intention.known.as_ref();
        Noted {
            id: link.to_string(),
            fields: intention.fields.clone(),
            sent: known.map(|known| known.sent.clone()),
            seen: known.map(|known| known.seen.clone()),
            seen_at: known.and_then(|known| known.seen_at),
        }
    };
    let rows: Vec<Noted> = writes.iter().map(row).collect();
    let rows: Vec<Id> = sql_query(
        "UPDATE record_links AS link SET intent_at = now(), intended = new.fields,
             sent = coalesce(new.sent, link.sent), seen = coalesce(new.seen, link.seen),
             seen_at = coalesce(new.seen_at, link.seen_at)
         FROM jsonb_to_recordset($1) AS new (id text, fields jsonb, sent jsonb, seen jsonb, seen_at timestamptz)
         WHERE link.id = new.id AND lease_token = $2 AND lease_until > now()
           AND link.id IN (SELECT id FROM record_links WHERE id = ANY($3) ORDER BY id FOR UPDATE)
         RETURNING link.id",
    )
    .bind::<Jsonb, _>(to_json(&rows)?)
    .bind::<Text, _>(token.to_string())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    rows.iter().map(|row| parse("id", &row.id)).collect()
}

#[derive(Serialize)]
struct Noted {
    id: String,
    fields: RemoteFields,
    sent: Option<RemoteFields>,
    seen: Option<RemoteFields>,
    seen_at: Option<Timestamp>,
}
