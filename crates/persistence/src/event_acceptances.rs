//! The table `event_acceptances`: when events that came from the future were first accepted. Which do is `sync-dispatcher`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Double, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::TenantId;
use domain::time::Timestamp;

use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// An event, by its sender's ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKey {
    /// The prospect, appointment or call.
    pub subject_id: String,
    /// The event.
    pub event_id: String,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    subject_id: String,
    #[diesel(sql_type = Text)]
    event_id: String,
    #[diesel(sql_type = Timestamptz)]
    accepted_at: DateTime<Utc>,
}

/// When those of these events were first accepted that are remembered.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    tx: &mut Transaction,
    tenant: TenantId,
    events: &[EventKey],
) -> Result<BTreeMap<EventKey, Timestamp>, PersistenceError> {
    // The tenant is named with each, as `records::links::named` explains.
    let rows: Vec<Row> = sql_query(
        "SELECT subject_id, event_id, accepted_at FROM unnest($1, $2, $3) AS named (tenant_id, subject_id, event_id)
         JOIN event_acceptances USING (tenant_id, subject_id, event_id)",
    )
    .bind::<Array<Text>, _>(vec![tenant.to_string(); events.len()])
    .bind::<Array<Text>, _>(events.iter().map(|event| event.subject_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(events.iter().map(|event| event.event_id.as_str()).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    let entry =
        |row: Row| (EventKey { subject_id: row.subject_id, event_id: row.event_id }, Timestamp::from(row.accepted_at));
    Ok(rows.into_iter().map(entry).collect())
}

/// Remembers when events were accepted; the earliest time stands.
///
/// # Errors
/// When the database does not answer.
pub async fn keep(
    tx: &mut Transaction,
    tenant: TenantId,
    accepted: &BTreeMap<EventKey, Timestamp>,
) -> Result<(), PersistenceError> {
    if accepted.is_empty() {
        return Ok(());
    }
    sql_query(
        "INSERT INTO event_acceptances (tenant_id, subject_id, event_id, accepted_at)
         SELECT $1, new.* FROM unnest($2, $3, $4) AS new (subject_id, event_id, accepted_at)
         ORDER BY new.subject_id, new.event_id
         ON CONFLICT (tenant_id, subject_id, event_id) DO UPDATE SET accepted_at = EXCLUDED.accepted_at
         WHERE event_acceptances.accepted_at > EXCLUDED.accepted_at",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(accepted.keys().map(|event| event.subject_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(accepted.keys().map(|event| event.event_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(accepted.values().map(|at| DateTime::<Utc>::from(*at)).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets events that were accepted `age` ago or longer, the oldest first, at most `limit`; returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(tx: &mut Transaction, age: Duration, limit: i64) -> Result<usize, PersistenceError> {
    let forgotten = sql_query(
        "DELETE FROM event_acceptances WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM event_acceptances WHERE accepted_at <= now() - make_interval(secs => $1)
             ORDER BY accepted_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Double, _>(age.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .execute(&mut **tx)
    .await?;
    Ok(forgotten)
}
