//! The table `platform_budgets`: one token bucket for each platform account, shared by all replicas. Limits are the connectors'.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Double, Integer, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName};
use diesel_async::RunQueryDsl;
use domain::budget::{Bucket, Lease, Purpose, Rate};
use domain::platform::PlatformSlug;

use crate::statement::sql_query;
use crate::{Database, PersistenceError, Scope, Transaction};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
    #[diesel(sql_type = Double)]
    tokens: f64,
    #[diesel(sql_type = Double)]
    idle: f64,
    #[diesel(sql_type = Nullable<Double>)]
    back_fill_waited: Option<f64>,
    /// Seconds for which the platform is to be left alone.
    #[diesel(sql_type = Nullable<Double>)]
    paused: Option<f64>,
}

/// The clock may be read before the row is locked: who had to wait for the lock then comes with an older time than the row's,
/// and refills nothing.
const LOCK: &str = "
SELECT now, tokens, extract(epoch FROM now - refilled_at)::double precision AS idle,
    extract(epoch FROM now - back_fill_waits_since)::double precision AS back_fill_waited,
    extract(epoch FROM paused_until - now)::double precision AS paused
FROM platform_budgets, LATERAL (SELECT clock_timestamp() AS now) AS clock
WHERE platform = $1 AND account_id = $2
FOR UPDATE OF platform_budgets";

const STORE: &str = "
UPDATE platform_budgets
SET tokens = $4, granted = $5, refilled_at = greatest(refilled_at, $3), back_fill_waits_since = $3 - make_interval(secs => $6)
WHERE platform = $1 AND account_id = $2";

/// Takes up to `wanted` requests from an account's bucket, in a transaction of its own.
///
/// # Errors
/// When the database does not answer.
pub async fn take(
    database: &Database,
    platform: &PlatformSlug,
    account_id: &str,
    (purpose, wanted): (Purpose, u32),
    rate: Rate,
) -> Result<Lease, PersistenceError> {
    let mut tx = database.begin(Scope::System).await?;
    let lease = take_in(&mut tx, platform, account_id, (purpose, wanted), rate).await?;
    // Also where nothing was granted: a transaction that is dropped takes its connection with it.
    tx.commit().await?;
    Ok(lease)
}

async fn take_in(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    account_id: &str,
    (purpose, wanted): (Purpose, u32),
    rate: Rate,
) -> Result<Lease, PersistenceError> {
    let row = match lock(tx, platform, account_id).await? {
        Some(row) => Some(row),
        None => {
            begin(tx, platform, account_id, rate).await?;
            lock(tx, platform, account_id).await?
        }
    };
    // Nobody deletes a bucket.
    let Some(row) = row else { return Ok(Lease::Wait(Duration::from_secs(1))) };
    if let Some(paused) = row.paused.filter(|paused| *paused > 0.0) {
        return Ok(Lease::Wait(Duration::try_from_secs_f64(paused).unwrap_or(Duration::MAX)));
    }
    let mut bucket = Bucket { tokens: row.tokens, idle: row.idle, back_fill_waited: row.back_fill_waited };
    let lease = bucket.take(purpose, wanted, rate);
    let granted = if let Lease::Granted(requests) = lease { requests } else { 0 };
    sql_query(STORE)
        .bind::<Text, _>(platform.as_str())
        .bind::<Text, _>(account_id)
        .bind::<Timestamptz, _>(row.now)
        .bind::<Double, _>(bucket.tokens)
        .bind::<Integer, _>(i32::try_from(granted).unwrap_or(i32::MAX))
        .bind::<Nullable<Double>, _>(bucket.back_fill_waited)
        .execute(&mut **tx)
        .await?;
    Ok(lease)
}

async fn lock(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    account_id: &str,
) -> Result<Option<Row>, PersistenceError> {
    let locked = sql_query(LOCK).bind::<Text, _>(platform.as_str()).bind::<Text, _>(account_id);
    Ok(locked.get_result(&mut **tx).await.optional()?)
}

/// A bucket for an account that nobody has asked for. Where two do at once, one is there before the other.
async fn begin(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    account_id: &str,
    rate: Rate,
) -> Result<(), PersistenceError> {
    let statement = "INSERT INTO platform_budgets (platform, account_id, tokens, refilled_at)
        VALUES ($1, $2, $3, clock_timestamp()) ON CONFLICT (platform, account_id) DO NOTHING";
    sql_query(statement)
        .bind::<Text, _>(platform.as_str())
        .bind::<Text, _>(account_id)
        .bind::<Double, _>(Bucket::full(rate).tokens)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Believes the platform where it says that less is left than we thought.
///
/// # Errors
/// When the database does not answer.
pub async fn correct(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    account_id: &str,
    remaining: u32,
) -> Result<(), PersistenceError> {
    sql_query("UPDATE platform_budgets SET tokens = least(tokens, $3) WHERE platform = $1 AND account_id = $2")
        .bind::<Text, _>(platform.as_str())
        .bind::<Text, _>(account_id)
        .bind::<Double, _>(f64::from(remaining))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// For how long an account is still to be left alone; `None` where it is not.
///
/// # Errors
/// When the database does not answer.
pub async fn paused_for(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    account_id: &str,
) -> Result<Option<Duration>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Left {
        #[diesel(sql_type = Double)]
        seconds: f64,
    }
    let statement = "SELECT extract(epoch FROM paused_until - clock_timestamp())::double precision AS seconds
        FROM platform_budgets WHERE platform = $1 AND account_id = $2 AND paused_until > clock_timestamp()";
    let asked = sql_query(statement).bind::<Text, _>(platform.as_str()).bind::<Text, _>(account_id);
    let left: Option<Left> = asked.get_result(&mut **tx).await.optional()?;
    Ok(left.and_then(|left| Duration::try_from_secs_f64(left.seconds).ok()))
}

/// Grants nothing for a while, because the platform asked for it.
///
/// # Errors
/// When the database does not answer.
pub async fn pause(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    account_id: &str,
    pause: Duration,
) -> Result<(), PersistenceError> {
    let statement = "INSERT INTO platform_budgets AS bucket (platform, account_id, tokens, refilled_at, paused_until)
        VALUES ($1, $2, 0, clock_timestamp(), clock_timestamp() + make_interval(secs => $3))
        ON CONFLICT (platform, account_id) DO UPDATE
        SET paused_until = greatest(bucket.paused_until, excluded.paused_until)";
    sql_query(statement)
        .bind::<Text, _>(platform.as_str())
        .bind::<Text, _>(account_id)
        .bind::<Double, _>(pause.as_secs_f64())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
