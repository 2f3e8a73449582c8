//! What Coccinelle's backend is owed: news of records, on its own link of each. What they say is `domain::notice`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LeaseToken, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::link::LinkState;
use domain::message::BackendTell;
use domain::outcome::SyncError;

use super::PushRow;
use super::backend::StateRow;
use crate::statement::sql_query;
use crate::text::{Json, from_json, parse, storable, to_json};
use crate::{PersistenceError, Transaction};

/// Notes that there is news of these records, and names the backend's links of them.
///
/// Call it before links to platforms are written to in the same transaction, so that two of them never wait for each other.
///
/// # Errors
/// When the database does not answer.
pub async fn note_news(
    tx: &mut Transaction,
    (tenant, backend): (TenantId, IntegrationId),
    records: &BTreeMap<RecordId, RecordKind>,
) -> Result<Vec<BackendTell>, PersistenceError> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<PushRow> = sql_query(
        "INSERT INTO record_links (tenant_id, integration_id, id, record_id, kind, wanted_version, owed_since, announced_at)
         SELECT $1, $2, new.id, new.record_id, new.kind, 1, now(), now()
         FROM unnest($3, $4, $5) AS new (id, record_id, kind) JOIN records ON records.id = new.record_id
         ORDER BY new.record_id
         ON CONFLICT (integration_id, record_id) DO UPDATE SET
             wanted_version = record_links.wanted_version + 1, blocked_at = NULL, attempts = 0, not_before = NULL,
             owed_since = coalesce(record_links.owed_since, now()), announced_at = now()
         RETURNING id, tenant_id, integration_id",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(backend.to_string())
    .bind::<Array<Text>, _>(records.iter().map(|_| LinkId::new().to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(records.keys().map(ToString::to_string).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(records.values().map(|kind| kind.as_str()).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    into_tells(rows)
}

fn into_tells(rows: Vec<PushRow>) -> Result<Vec<BackendTell>, PersistenceError> {
    let tell =
        |row: PushRow| row.into_push().map(|push| BackendTell { tenant_id: push.tenant_id, link_id: push.link_id });
    rows.into_iter().map(tell).collect()
}

/// A backend's link, as it is.
#[derive(Clone, Debug)]
pub struct Untold {
    /// Its record.
    pub record: RecordId,
    /// What the backend showed and took.
    pub state: LinkState,
    /// The objects that it was told of.
    pub told: BTreeMap<IntegrationId, String>,
    /// The news that it has taken; the same until it takes more.
    pub synced_version: i64,
    /// How often in a row it did not take them.
    pub attempts: u32,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    record_id: Option<String>,
    #[diesel(embed)]
    state: StateRow,
    #[diesel(sql_type = Jsonb)]
    told: Json,
    #[diesel(sql_type = BigInt)]
    synced_version: i64,
    #[diesel(sql_type = Integer)]
    attempts: i32,
}

impl Row {
    fn into_untold(self) -> Result<Option<Untold>, PersistenceError> {
        let Some(record) = &self.record_id else { return Ok(None) };
        Ok(Some(Untold {
            record: parse("record_id", record)?,
            state: self.state.into_state()?,
            told: from_json("told", self.told)?,
            synced_version: self.synced_version,
            attempts: u32::try_from(self.attempts).unwrap_or_default(),
        }))
    }
}

/// Takes a backend's link for `duration`, if it is owed, due and free.
///
/// # Errors
/// When the database does not answer.
pub async fn lease_untold(
    tx: &mut Transaction,
    tell: BackendTell,
    token: LeaseToken,
    duration: Duration,
) -> Result<Option<Untold>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "UPDATE record_links AS link SET lease_token = $3, lease_until = now() + make_interval(secs => $4)
         WHERE link.id = $1 AND tenant_id = $2 AND owed::int = 1 AND (lease_until IS NULL OR lease_until < now())
           AND (not_before IS NULL OR not_before <= now())
         RETURNING record_id, external_id, sent, seen, seen_at, told_at, told, synced_version, attempts",
    )
    .bind::<Text, _>(tell.link_id.to_string())
    .bind::<Text, _>(tell.tenant_id.to_string())
    .bind::<Text, _>(token.to_string())
    .bind::<Double, _>(duration.as_secs_f64())
    .load(&mut **tx)
    .await?;
    Ok(rows.into_iter().next().map(Row::into_untold).transpose()?.flatten())
}

/// The same link while the caller still holds it, locked until the transaction ends. The caller holds the record's lock.
///
/// # Errors
/// When the database does not answer.
pub async fn lock_untold(
    tx: &mut Transaction,
    link: LinkId,
    token: LeaseToken,
) -> Result<Option<Untold>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "SELECT record_id, external_id, sent, seen, seen_at, told_at, told, synced_version, attempts
         FROM record_links WHERE id = $1 AND lease_token = $2 FOR UPDATE",
    )
    .bind::<Text, _>(link.to_string())
    .bind::<Text, _>(token.to_string())
    .load(&mut **tx)
    .await?;
    Ok(rows.into_iter().next().map(Row::into_untold).transpose()?.flatten())
}

/// How telling ended.
#[derive(Clone, Debug)]
pub enum Told {
    /// It knows everything by now.
    Everything,
    /// Nothing failed, and there is more, now or in so long.
    More(Option<Duration>),
    /// It did not take something, and is told again in so long.
    Later(Duration, SyncError),
    /// It refuses something for good.
    Refused(SyncError),
}

/// Gives a backend's link back, with what it was told. The caller has it locked.
///
/// # Errors
/// When the database does not answer.
pub async fn settle_untold(
    tx: &mut Transaction,
    link: LinkId,
    untold: &Untold,
    told: &Told,
) -> Result<(), PersistenceError> {
    let (wait, error) = match told {
        Told::Everything | Told::More(None) => (None, None),
        Told::More(Some(wait)) => (Some(*wait), None),
        Told::Later(wait, error) => (Some(*wait), Some(error)),
        Told::Refused(error) => (None, Some(error)),
    };
    sql_query(
        "UPDATE record_links SET sent = $2, seen = $3, told = $4, told_at = $5, attempts = $6,
             not_before = now() + make_interval(secs => $7),
             error_class = $8, error_code = $9, error_message = $10, fingerprint = $11,
             failed_at = CASE WHEN $8 IS NOT NULL THEN now() END,
             blocked_at = CASE WHEN $12 THEN now() END,
             wanted_version = CASE WHEN $13 THEN wanted_version ELSE greatest(wanted_version, synced_version + 1) END,
             synced_version = CASE WHEN $13 THEN wanted_version ELSE synced_version END,
             owed_since = CASE WHEN $13 THEN NULL ELSE coalesce(owed_since, now()) END,
             lease_token = NULL, lease_until = NULL, updated_at = now()
         WHERE id = $1",
    )
    .bind::<Text, _>(link.to_string())
    .bind::<Jsonb, _>(to_json(&untold.state.sent)?)
    .bind::<Jsonb, _>(to_json(&untold.state.seen)?)
    .bind::<Jsonb, _>(to_json(&untold.told)?)
    .bind::<Nullable<Timestamptz>, _>(untold.state.told_at.map(DateTime::<Utc>::from))
    .bind::<Integer, _>(i32::try_from(untold.attempts).unwrap_or(i32::MAX))
    .bind::<Nullable<Double>, _>(wait.map(|wait| wait.as_secs_f64()))
    .bind::<Nullable<Text>, _>(error.map(|error| error.class.code()))
    .bind::<Nullable<Text>, _>(error.map(|error| storable(&error.code)))
    .bind::<Nullable<Text>, _>(error.map(|error| storable(&error.message)))
    .bind::<Nullable<Text>, _>(error.map(|error| storable(&error.fingerprint())))
    .bind::<Bool, _>(matches!(told, Told::Refused(_)))
    .bind::<Bool, _>(matches!(told, Told::Everything))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Names what the backend is owed and was not announced for `too_long`; it counts as announced from now on.
///
/// Tenants take turns, so that one of whom much is owed keeps nobody's little waiting.
///
/// # Errors
/// When the database does not answer.
pub async fn overdue_untold(
    tx: &mut Transaction,
    too_long: Duration,
    limit: i64,
) -> Result<Vec<BackendTell>, PersistenceError> {
    let rows: Vec<PushRow> = sql_query(
        "WITH late AS (
             SELECT owed.id FROM tenant_integrations AS backend
             CROSS JOIN LATERAL (
                 SELECT id, announced_at, row_number() OVER (ORDER BY announced_at NULLS FIRST, id) AS turn FROM (
                     SELECT id, announced_at FROM record_links
                     WHERE integration_id = backend.id AND owed AND (lease_until IS NULL OR lease_until < now())
                       AND (not_before IS NULL OR not_before < now() - make_interval(secs => $1))
                       AND (announced_at IS NULL OR announced_at < now() - make_interval(secs => $1)
                            OR lease_until > announced_at)
                     ORDER BY announced_at NULLS FIRST, id LIMIT $2
                 ) AS oldest
             ) AS owed
             WHERE backend.platform = 'coccinelle' AND backend.deleted_at IS NULL
             ORDER BY owed.turn, owed.announced_at NULLS FIRST LIMIT $2
         )
         UPDATE record_links AS link SET announced_at = now()
         WHERE link.id IN (
             SELECT id FROM record_links WHERE id IN (SELECT id FROM late) ORDER BY id FOR UPDATE SKIP LOCKED)
         RETURNING link.id, link.tenant_id, link.integration_id",
    )
    .bind::<Double, _>(too_long.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    into_tells(rows)
}
