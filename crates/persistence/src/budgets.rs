//! The table `platform_budgets`: one token bucket for each platform account, shared by all replicas. Limits are the connectors'.

use std::time::Duration;

use diesel::sql_types::{Double, Integer, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::platform::PlatformSlug;

use crate::{Database, PersistenceError, Scope, Transaction};

/// How fast a bucket fills, and how much it holds. In any window `w` at most `burst + rate · w` requests are granted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests a second; more than 0.
    pub per_second: f64,
    /// Requests that an untouched bucket holds; at least 1.
    pub burst: u32,
}

/// What became of a request for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// So many requests may be sent; at least 1.
    Granted(u32),
    /// None; ask again after this.
    Wait(Duration),
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Integer)]
    granted: i32,
    #[diesel(sql_type = Double)]
    wait: f64,
}

/// All expressions see the row as it was, so each repeats what the bucket holds now. The clock is read before the row is
/// locked: who had to wait for the lock may come with an older time than the row's, and then refills nothing.
const TAKE: &str = "
INSERT INTO platform_budgets AS bucket (platform, account_id, tokens, granted, refilled_at)
VALUES ($1, $2, $5 - least($3, $5 - $6), least($3, $5 - $6), clock_timestamp())
ON CONFLICT (platform, account_id) DO UPDATE SET
    granted = CASE WHEN bucket.paused_until > excluded.refilled_at THEN 0
        ELSE greatest(0, least($3, floor(least($5, bucket.tokens + $4 * greatest(0,
            extract(epoch FROM excluded.refilled_at - bucket.refilled_at)::double precision)) - $6)))::integer END,
    tokens = least($5, bucket.tokens + $4 * greatest(0,
            extract(epoch FROM excluded.refilled_at - bucket.refilled_at)::double precision))
        - CASE WHEN bucket.paused_until > excluded.refilled_at THEN 0
        ELSE greatest(0, least($3, floor(least($5, bucket.tokens + $4 * greatest(0,
            extract(epoch FROM excluded.refilled_at - bucket.refilled_at)::double precision)) - $6))) END,
    refilled_at = greatest(bucket.refilled_at, excluded.refilled_at)
RETURNING granted, greatest((1 + $6 - tokens) / $4,
    coalesce(extract(epoch FROM paused_until - clock_timestamp())::double precision, 0))::double precision AS wait";

/// Takes up to `wanted` requests from an account's bucket, in a transaction of its own.
///
/// At most half a second's worth is granted at once (and always 1), so that one replica does not starve the others. Who names
/// a reserve leaves so many in the bucket for others, who find them there at once: fewer than it holds.
///
/// # Errors
/// When the database does not answer.
pub async fn take(
    database: &Database,
    platform: &PlatformSlug,
    account_id: &str,
    (wanted, reserve): (u32, u32),
    rate: Rate,
) -> Result<Lease, PersistenceError> {
    let slice = (rate.per_second / 2.0).floor().max(1.0);
    let mut tx = database.begin(Scope::System).await?;
    let answer: Answer = sql_query(TAKE)
        .bind::<Text, _>(platform.as_str())
        .bind::<Text, _>(account_id)
        .bind::<Double, _>(f64::from(wanted.max(1)).min(slice))
        .bind::<Double, _>(rate.per_second)
        .bind::<Double, _>(f64::from(rate.burst.max(1)))
        .bind::<Double, _>(f64::from(reserve.min(rate.burst.max(1) - 1)))
        .get_result(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(match u32::try_from(answer.granted) {
        Ok(granted) if granted > 0 => Lease::Granted(granted),
        Ok(_) | Err(_) => Lease::Wait(Duration::try_from_secs_f64(answer.wait.max(0.001)).unwrap_or(Duration::MAX)),
    })
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
