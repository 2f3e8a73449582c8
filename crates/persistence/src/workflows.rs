//! The tables `sync_callbacks` and `workflow_creates`: what workflows reported and created, so that a repetition meets the first.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Double, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{ErrandId, IntegrationId, LinkId, TenantId};
use domain::time::Timestamp;
use serde_json::Value;

use crate::statement::sql_query;
use crate::text::storable_json;
use crate::{PersistenceError, Transaction};

/// How long both are remembered: far longer than any workflow may repeat itself.
const KEPT: &str = "7 days";

/// What a workflow reported.
#[derive(Clone, Debug)]
pub struct Callback {
    /// Whose.
    pub tenant: TenantId,
    /// By which integration.
    pub integration: IntegrationId,
    /// Of which write.
    pub event: ErrandId,
    /// A fingerprint of the report.
    pub body_hash: String,
    /// What it is answered.
    pub answer: Value,
}

/// A report that came before.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct FirstCallback {
    /// Its fingerprint.
    #[diesel(sql_type = Text)]
    pub body_hash: String,
    /// What it was answered.
    #[diesel(sql_type = Jsonb)]
    pub answer: Value,
}

/// Keeps a report; returns the one that came before, where one did.
///
/// # Errors
/// When the database does not answer, or the integration is gone.
pub async fn keep_callback(
    tx: &mut Transaction,
    callback: &Callback,
) -> Result<Option<FirstCallback>, PersistenceError> {
    let kept = sql_query(
        "INSERT INTO sync_callbacks (event_id, tenant_id, integration_id, body_hash, answer)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (event_id) DO NOTHING",
    )
    .bind::<Text, _>(callback.event.to_string())
    .bind::<Text, _>(callback.tenant.to_string())
    .bind::<Text, _>(callback.integration.to_string())
    .bind::<Text, _>(&callback.body_hash)
    .bind::<Jsonb, _>(&callback.answer)
    .execute(&mut **tx)
    .await?;
    if kept == 1 {
        return Ok(None);
    }
    let first: FirstCallback =
        sql_query("SELECT body_hash, answer FROM sync_callbacks WHERE event_id = $1 AND tenant_id = $2")
            .bind::<Text, _>(callback.event.to_string())
            .bind::<Text, _>(callback.tenant.to_string())
            .get_result(&mut **tx)
            .await?;
    Ok(Some(first))
}

/// A create that a workflow wants to make.
#[derive(Clone, Copy, Debug)]
pub struct NewCreate {
    /// Whose.
    pub tenant: TenantId,
    /// By which integration.
    pub integration: IntegrationId,
    /// Of which link.
    pub link: LinkId,
    /// As a part of which write.
    pub event: ErrandId,
}

/// What is known when a workflow wants to create.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// Nobody has tried: the caller may, and has to say what came of it. The claim is its own until somebody takes it up.
    First {
        /// The caller's claim.
        claim: Timestamp,
    },
    /// It was done: this is what came of it.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The body.
        answer: Value,
    },
    /// Somebody began it, and nobody knows yet what came of it.
    UnderWay {
        /// When it began: its claim.
        claim: Timestamp,
        /// How long it may still be under way, or not be found.
        rest: Duration,
    },
}

#[derive(QueryableByName)]
struct CreateRow {
    #[diesel(sql_type = Timestamptz)]
    started_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Integer>)]
    status: Option<i32>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    answer: Option<Value>,
    #[diesel(sql_type = Double)]
    rest: f64,
}

#[derive(QueryableByName)]
struct ClaimRow {
    #[diesel(sql_type = Timestamptz)]
    started_at: DateTime<Utc>,
}

/// Begins a create, unless one of the same link was begun within `window`, or one of the same write ever.
///
/// # Errors
/// When the database does not answer, or the integration is gone.
pub async fn begin_create(tx: &mut Transaction, new: &NewCreate, window: Duration) -> Result<Begun, PersistenceError> {
    // Two that come at the same moment are told one after the other.
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(new.link.to_string())
        .execute(&mut **tx)
        .await?;
    let rows: Vec<CreateRow> = sql_query(
        "SELECT started_at, status, answer,
                extract(epoch FROM started_at + make_interval(secs => $4) - clock_timestamp())::double precision AS rest
         FROM workflow_creates
         WHERE tenant_id = $1 AND link_id = $2
           AND (event_id = $3 OR started_at > now() - make_interval(secs => $4))
         ORDER BY event_id = $3 DESC, started_at DESC LIMIT 1",
    )
    .bind::<Text, _>(new.tenant.to_string())
    .bind::<Text, _>(new.link.to_string())
    .bind::<Text, _>(new.event.to_string())
    .bind::<Double, _>(window.as_secs_f64())
    .load(&mut **tx)
    .await?;
    if let Some(row) = rows.into_iter().next() {
        let status = row.status.and_then(|status| u16::try_from(status).ok());
        return Ok(match (status, row.answer) {
            (Some(status), Some(answer)) => Begun::Answered { status, answer },
            (None, _) | (_, None) => {
                // Less than nothing is left of one that is over.
                let rest = Duration::try_from_secs_f64(row.rest).unwrap_or_default();
                Begun::UnderWay { claim: row.started_at.into(), rest }
            }
        });
    }
    let row: ClaimRow = sql_query(
        "INSERT INTO workflow_creates (event_id, tenant_id, integration_id, link_id, started_at)
         VALUES ($1, $2, $3, $4, clock_timestamp()) RETURNING started_at",
    )
    .bind::<Text, _>(new.event.to_string())
    .bind::<Text, _>(new.tenant.to_string())
    .bind::<Text, _>(new.integration.to_string())
    .bind::<Text, _>(new.link.to_string())
    .get_result(&mut **tx)
    .await?;
    Ok(Begun::First { claim: row.started_at.into() })
}

/// Takes up a create of which nobody knows what came of it, or goes on with one's own: the claim on it from now on. `None` where
/// somebody else has taken it up, or ended it.
///
/// # Errors
/// When the database does not answer.
pub async fn take_up_create(
    tx: &mut Transaction,
    new: &NewCreate,
    claim: Timestamp,
) -> Result<Option<Timestamp>, PersistenceError> {
    let rows: Vec<ClaimRow> = sql_query(
        "UPDATE workflow_creates SET started_at = clock_timestamp()
         WHERE tenant_id = $1 AND event_id = $2 AND started_at = $3 AND answered_at IS NULL RETURNING started_at",
    )
    .bind::<Text, _>(new.tenant.to_string())
    .bind::<Text, _>(new.event.to_string())
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(claim))
    .load(&mut **tx)
    .await?;
    Ok(rows.into_iter().next().map(|row| row.started_at.into()))
}

/// Says what came of a create.
///
/// # Errors
/// When the database does not answer.
pub async fn end_create(
    tx: &mut Transaction,
    new: &NewCreate,
    status: u16,
    answer: Value,
) -> Result<(), PersistenceError> {
    sql_query(
        "UPDATE workflow_creates SET answered_at = now(), status = $3, answer = $4
         WHERE tenant_id = $1 AND event_id = $2",
    )
    .bind::<Text, _>(new.tenant.to_string())
    .bind::<Text, _>(new.event.to_string())
    .bind::<Integer, _>(i32::from(status))
    .bind::<Jsonb, _>(storable_json(answer))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets a create that the platform has refused: nothing is there, and it may be tried again. One that somebody else has taken
/// up is theirs.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_create(tx: &mut Transaction, new: &NewCreate, claim: Timestamp) -> Result<(), PersistenceError> {
    sql_query(
        "DELETE FROM workflow_creates
         WHERE tenant_id = $1 AND event_id = $2 AND started_at = $3 AND answered_at IS NULL",
    )
    .bind::<Text, _>(new.tenant.to_string())
    .bind::<Text, _>(new.event.to_string())
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(claim))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets what is too old to be repeated.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_old(tx: &mut Transaction) -> Result<(), PersistenceError> {
    for (table, at) in [("sync_callbacks", "received_at"), ("workflow_creates", "started_at")] {
        sql_query(format!("DELETE FROM {table} WHERE {at} < now() - interval '{KEPT}'")).execute(&mut **tx).await?;
    }
    Ok(())
}
