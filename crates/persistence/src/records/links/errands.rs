//! Writes in a workflow's hands: handed over under a lease, asked for by the proxy, and ended by what is reported of them.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LeaseToken, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::message::RecordPush;
use domain::outcome::{SyncError, SyncOutcome};
use domain::time::Timestamp;
use domain::workflow::Errand;

use super::{Intent, PushRow};
use crate::statement::sql_query;
use crate::text::{Json, from_json, parse, storable, to_json};
use crate::{PersistenceError, Transaction};

/// Notes what is about to be handed to a workflow, for the links that the caller still holds.
///
/// # Errors
/// When the database does not answer.
pub async fn commission(
    tx: &mut Transaction,
    errands: &BTreeMap<LinkId, Errand>,
    token: LeaseToken,
) -> Result<(), PersistenceError> {
    let notes = errands.values().map(to_json).collect::<Result<Vec<Json>, _>>()?;
    sql_query(
        "UPDATE record_links AS link SET errand = noted.errand, hinted_id = NULL
         FROM (
             SELECT held.id, new.errand FROM unnest($1, $2) AS new (id, errand)
             JOIN record_links AS held ON held.id = new.id
             WHERE held.lease_token = $3 AND held.lease_until > now()
             ORDER BY held.id FOR UPDATE OF held
         ) AS noted
         WHERE link.id = noted.id",
    )
    .bind::<Array<Text>, _>(errands.keys().map(ToString::to_string).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(notes)
    .bind::<Text, _>(token.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A link as far as a report of a workflow, or its call of the platform, concerns it.
#[derive(Clone, Debug)]
pub struct Commissioned {
    /// Its name on the broker.
    pub push: RecordPush,
    /// Its record.
    pub record: Option<RecordId>,
    /// What the record is.
    pub kind: RecordKind,
    /// The platform's id of the object.
    pub external_id: Option<String>,
    /// Failed attempts so far.
    pub attempts: u32,
    /// What is in a workflow's hands.
    pub errand: Option<Errand>,
    /// What was noted of a write that was begun, as long as nobody knows what came of it.
    pub intent: Option<Intent>,
    /// Whether a worker holds the link just now.
    pub is_held: bool,
    /// When this was so, by the clock that says when errands end.
    pub at: Timestamp,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    push: PushRow,
    #[diesel(sql_type = Nullable<Text>)]
    record_id: Option<String>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Nullable<Jsonb>)]
    errand: Option<Json>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    intent_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    intended: Option<Json>,
    #[diesel(sql_type = Bool)]
    is_held: bool,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

impl Row {
    fn into_commissioned(self) -> Result<Commissioned, PersistenceError> {
        Ok(Commissioned {
            push: self.push.into_push()?,
            record: self.record_id.as_deref().map(|id| parse("record_id", id)).transpose()?,
            kind: parse("kind", &self.kind)?,
            external_id: self.external_id,
            attempts: u32::try_from(self.attempts).unwrap_or_default(),
            errand: self.errand.map(|errand| from_json("errand", errand)).transpose()?,
            intent: Intent::noted(self.intent_at, self.intended)?,
            is_held: self.is_held,
            at: self.at.into(),
        })
    }
}

const COMMISSIONED: &str = "
SELECT id, tenant_id, integration_id, record_id, kind, external_id, attempts, errand, intent_at, intended,
       coalesce(lease_until > now(), false) AS is_held, now() AS at
FROM record_links WHERE tenant_id = $1 AND integration_id = $2 AND id = $3";

async fn one(
    tx: &mut Transaction,
    (tenant, integration, link): (TenantId, IntegrationId, LinkId),
    query: String,
) -> Result<Option<Commissioned>, PersistenceError> {
    let rows: Vec<Row> = sql_query(query)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Text, _>(link.to_string())
        .load(&mut **tx)
        .await?;
    rows.into_iter().next().map(Row::into_commissioned).transpose()
}

/// A link and what of it is in a workflow's hands; `None` where there is no such link.
///
/// # Errors
/// When the database does not answer.
pub async fn commissioned(
    tx: &mut Transaction,
    of: (TenantId, IntegrationId, LinkId),
) -> Result<Option<Commissioned>, PersistenceError> {
    one(tx, of, COMMISSIONED.to_owned()).await
}

/// The same, locked until the transaction ends: nobody takes the link, or gives it back, meanwhile.
///
/// # Errors
/// When the database does not answer.
pub async fn lock_commissioned(
    tx: &mut Transaction,
    of: (TenantId, IntegrationId, LinkId),
) -> Result<Option<Commissioned>, PersistenceError> {
    one(tx, of, format!("{COMMISSIONED} FOR UPDATE")).await
}

/// Notes that a workflow reported success: the object is to be read, by the reported id where the link has none.
///
/// # Errors
/// When the database does not answer.
pub async fn note_success(
    tx: &mut Transaction,
    link: LinkId,
    hinted_id: Option<&str>,
    errand: Option<&Errand>,
) -> Result<(), PersistenceError> {
    sql_query(
        "UPDATE record_links SET errand = $2, remote_seq = remote_seq + 1, not_before = NULL, blocked_at = NULL,
             hinted_id = CASE WHEN external_id IS NULL THEN coalesce($3, hinted_id) END,
             owed_since = coalesce(owed_since, now()), announced_at = now()
         WHERE id = $1",
    )
    .bind::<Text, _>(link.to_string())
    .bind::<Nullable<Jsonb>, _>(errand.map(to_json).transpose()?)
    .bind::<Nullable<Text>, _>(hinted_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a failure that a workflow reported means for its link.
#[derive(Clone, Debug)]
pub struct FailedErrand {
    /// What had been handed over.
    pub errand: Errand,
    /// Failed attempts by now.
    pub attempts: u32,
    /// In how long it is tried again; `None` blocks the link, unless something newer is owed by now.
    pub again_in: Option<Duration>,
    /// Why it failed.
    pub error: SyncError,
    /// The log's row of it.
    pub outcome: SyncOutcome,
}

/// Ends an errand that failed. Whether a write of it took effect stays open: it is looked for before another is made.
///
/// # Errors
/// When the database does not answer.
pub async fn note_failure(tx: &mut Transaction, link: LinkId, failed: &FailedErrand) -> Result<(), PersistenceError> {
    sql_query(
        "WITH failed AS (
             UPDATE record_links SET errand = NULL, attempts = $2, not_before = now() + make_interval(secs => $3),
                 error_class = $4, error_code = $5, error_message = $6, fingerprint = $7, failed_at = now(),
                 blocked_at = CASE WHEN $3 IS NULL AND wanted_version <= $8 AND wanted_mapping <= $9
                                    AND remote_seq <= read_seq THEN now() END,
                 owed_since = coalesce(owed_since, now()), announced_at = now()
             WHERE id = $1
             RETURNING id, tenant_id
         )
         INSERT INTO unpublished_outcomes (id, link_id, tenant_id, outcome)
         SELECT $10 ->> 'id', id, tenant_id, $10 FROM failed",
    )
    .bind::<Text, _>(link.to_string())
    .bind::<Integer, _>(i32::try_from(failed.attempts).unwrap_or(i32::MAX))
    .bind::<Nullable<Double>, _>(failed.again_in.map(|wait| wait.as_secs_f64()))
    .bind::<Text, _>(failed.error.class.code())
    .bind::<Text, _>(storable(&failed.error.code))
    .bind::<Text, _>(storable(&failed.error.message))
    .bind::<Text, _>(storable(&failed.error.fingerprint()))
    .bind::<BigInt, _>(failed.errand.version)
    .bind::<BigInt, _>(failed.errand.mapping)
    .bind::<Jsonb, _>(to_json(&failed.outcome)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
