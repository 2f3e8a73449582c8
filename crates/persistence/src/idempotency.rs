//! The table `idempotency_keys`: which requests were seen, and what was answered. Which requests those are is the gateway's.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::sql_types::{Binary, Bool, Double, Integer, Jsonb, Nullable, Text};
use diesel::{OptionalExtension, QueryableByName};
use diesel_async::RunQueryDsl;
use domain::id::TenantId;

use crate::statement::sql_query;
use crate::text::{Json, from_json, to_json};
use crate::{PersistenceError, Transaction};

/// A request that carries a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is kept of its caller and its key.
    pub key_hash: String,
    /// Its method and path.
    pub operation: String,
    /// What is kept of its body.
    pub request_hash: String,
    /// What sets this request apart from its repetitions.
    pub claim: String,
}

/// An answer, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Vec<u8>,
}

/// What is to be done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the first of its key, or those before it came to nothing: work it off.
    Claimed,
    /// It is worked off by another request right now.
    UnderWay,
    /// It was answered so.
    Answered(Reply),
    /// The key belongs to another request.
    Reused,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Bool)]
    same: bool,
    #[diesel(sql_type = Nullable<Integer>)]
    status: Option<i32>,
    #[diesel(sql_type = Jsonb)]
    headers: Json,
    #[diesel(sql_type = Nullable<Binary>)]
    body: Option<Vec<u8>>,
}

/// Claims a request for `lease`, unless it is under way or answered; its key is kept for `life`. A claim that ran out
/// without an answer was that of a process that is no more, and is taken over.
///
/// # Errors
/// When the tenant is unknown (`Invalid`), or the database does not answer.
pub async fn claim(
    tx: &mut Transaction,
    tenant: TenantId,
    request: &Request,
    (lease, life): (Duration, Duration),
) -> Result<Standing, PersistenceError> {
    let statement = "INSERT INTO idempotency_keys AS known
            (tenant_id, key_hash, operation, request_hash, claim, claimed_until, expires_at)
        VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), now() + make_interval(secs => $7))
        ON CONFLICT (tenant_id, key_hash) DO UPDATE SET
            operation = excluded.operation, request_hash = excluded.request_hash, claim = excluded.claim,
            claimed_until = excluded.claimed_until, status = NULL, headers = '{}', body = NULL, created_at = now(),
            expires_at = excluded.expires_at
        WHERE known.expires_at <= now() OR (known.status IS NULL AND known.claimed_until <= now())";
    let claimed = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(&request.key_hash)
        .bind::<Text, _>(&request.operation)
        .bind::<Text, _>(&request.request_hash)
        .bind::<Text, _>(&request.claim)
        .bind::<Double, _>(lease.as_secs_f64())
        .bind::<Double, _>(life.as_secs_f64())
        .execute(&mut **tx)
        .await?;
    if claimed > 0 { Ok(Standing::Claimed) } else { standing(tx, tenant, request).await }
}

/// How a request stands that is somebody else's.
async fn standing(tx: &mut Transaction, tenant: TenantId, request: &Request) -> Result<Standing, PersistenceError> {
    let statement = "SELECT operation = $3 AND request_hash = $4 AS same, status, headers, body
        FROM idempotency_keys WHERE tenant_id = $1 AND key_hash = $2";
    let row: Option<Row> = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(&request.key_hash)
        .bind::<Text, _>(&request.operation)
        .bind::<Text, _>(&request.request_hash)
        .get_result(&mut **tx)
        .await
        .optional()?;
    // One that was released in this very moment can be claimed in the next.
    let Some(row) = row else { return Ok(Standing::UnderWay) };
    if !row.same {
        return Ok(Standing::Reused);
    }
    let Some(status) = row.status.and_then(|status| u16::try_from(status).ok()) else { return Ok(Standing::UnderWay) };
    let headers = from_json("headers", row.headers)?;
    Ok(Standing::Answered(Reply { status, headers, body: row.body.unwrap_or_default() }))
}

/// Keeps the answer to a claimed request; without effect where the claim ran out and was taken over.
///
/// # Errors
/// When the database does not answer.
pub async fn answer(
    tx: &mut Transaction,
    tenant: TenantId,
    request: &Request,
    reply: &Reply,
) -> Result<(), PersistenceError> {
    let statement = "UPDATE idempotency_keys SET status = $4, headers = $5, body = $6
        WHERE tenant_id = $1 AND key_hash = $2 AND claim = $3";
    sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(&request.key_hash)
        .bind::<Text, _>(&request.claim)
        .bind::<Integer, _>(i32::from(reply.status))
        .bind::<Jsonb, _>(to_json(&reply.headers)?)
        .bind::<Binary, _>(&reply.body)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Gives a claimed request up, so that a repetition is worked off anew.
///
/// # Errors
/// When the database does not answer.
pub async fn release(tx: &mut Transaction, tenant: TenantId, request: &Request) -> Result<(), PersistenceError> {
    sql_query("DELETE FROM idempotency_keys WHERE tenant_id = $1 AND key_hash = $2 AND claim = $3 AND status IS NULL")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(&request.key_hash)
        .bind::<Text, _>(&request.claim)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets all keys that are new again, of all tenants; returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(tx: &mut Transaction) -> Result<usize, PersistenceError> {
    Ok(sql_query("DELETE FROM idempotency_keys WHERE expires_at <= now()").execute(&mut **tx).await?)
}
