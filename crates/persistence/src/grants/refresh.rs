//! Refreshing a grant: who holds it for that now, and what becomes of its tokens.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LeaseToken, TenantId};
use domain::platform::PlatformSlug;
use domain::time::Timestamp;

use super::Tokens;
use crate::row::OwnedId;
use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// A grant that the caller may refresh, and nobody else meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether the refresh token may have been shown before, without an answer that was kept.
    pub was_shown: bool,
    /// Whether somebody held it before and never gave it back.
    pub was_taken_over: bool,
}

#[derive(QueryableByName)]
struct TakenRow {
    #[diesel(sql_type = Bool)]
    was_shown: bool,
    #[diesel(sql_type = Bool)]
    was_taken_over: bool,
}

#[derive(QueryableByName)]
struct Revived {
    #[diesel(sql_type = Bool)]
    had_ended: bool,
}

/// Takes a grant of this edition for `duration`, where it is good and free; notes that its refresh token is about to be shown.
///
/// # Errors
/// When the database does not answer.
pub async fn lease(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    edition: &str,
    (lease, duration): (LeaseToken, Duration),
) -> Result<Option<Taken>, PersistenceError> {
    let rows: Vec<TakenRow> = sql_query(LEASE)
        .bind::<Text, _>(integration.to_string())
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(edition)
        .bind::<Text, _>(lease.to_string())
        .bind::<Double, _>(duration.as_secs_f64())
        .load(&mut **tx)
        .await?;
    let taken = |row: TakenRow| Taken { was_shown: row.was_shown, was_taken_over: row.was_taken_over };
    Ok(rows.into_iter().next().map(taken))
}

const LEASE: &str = "
UPDATE integration_oauth_tokens AS held SET lease_token = $4, lease_expires_at = now() + make_interval(secs => $5),
    shown_at = coalesce(held.shown_at, now())
FROM (
    SELECT integration_id, shown_at IS NOT NULL AS was_shown, lease_token IS NOT NULL AS was_taken_over
    FROM integration_oauth_tokens
    WHERE integration_id = $1 AND tenant_id = $2 AND edition = $3 AND ended_cause IS NULL
      AND (lease_token IS NULL OR lease_expires_at < now())
    FOR UPDATE
) AS free
WHERE held.integration_id = free.integration_id
RETURNING free.was_shown, free.was_taken_over";

/// Keeps what a refresh of this edition was answered, whoever holds the grant by now: nobody else has these tokens.
///
/// Returns whether the grant had been given up meanwhile; `None` where the edition is not there any more.
///
/// # Errors
/// When the database does not answer.
pub async fn renew(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    edition: &str,
    tokens: &Tokens,
) -> Result<Option<bool>, PersistenceError> {
    let rows: Vec<Revived> = sql_query(RENEW)
        .bind::<Text, _>(integration.to_string())
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(edition)
        .bind::<Text, _>(&tokens.access_sealed)
        .bind::<Nullable<Text>, _>(&tokens.refresh_sealed)
        .bind::<Nullable<Timestamptz>, _>(tokens.expires_at.map(DateTime::<Utc>::from))
        .bind::<Nullable<Timestamptz>, _>(tokens.refresh_expires_at.map(DateTime::<Utc>::from))
        .bind::<Array<Text>, _>(&tokens.scopes)
        .bind::<Nullable<Text>, _>(&tokens.base_url)
        .bind::<Text, _>(LeaseToken::new().to_string())
        .load(&mut **tx)
        .await?;
    Ok(rows.into_iter().next().map(|row| row.had_ended))
}

const RENEW: &str = "
UPDATE integration_oauth_tokens AS held SET access_token_sealed = $4, refresh_token_sealed = $5, expires_at = $6,
    refresh_expires_at = $7, scopes = $8, base_url = $9, edition = $10, lease_token = NULL, lease_expires_at = NULL,
    shown_at = NULL, ended_cause = NULL, refreshed_at = now(), updated_at = now()
FROM (
    SELECT integration_id, ended_cause IS NOT NULL AS had_ended FROM integration_oauth_tokens
    WHERE integration_id = $1 AND tenant_id = $2 AND edition = $3 FOR UPDATE
) AS before
WHERE held.integration_id = before.integration_id
RETURNING before.had_ended";

/// Gives a grant back as it was; `was_answered` says that the platform did not take the refresh token.
///
/// # Errors
/// When the database does not answer.
pub async fn release(
    tx: &mut Transaction,
    integration: IntegrationId,
    lease: LeaseToken,
    was_answered: bool,
) -> Result<(), PersistenceError> {
    sql_query(
        "UPDATE integration_oauth_tokens SET lease_token = NULL, lease_expires_at = NULL,
             shown_at = CASE WHEN $3 THEN NULL ELSE shown_at END
         WHERE integration_id = $1 AND lease_token = $2",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(lease.to_string())
    .bind::<Bool, _>(was_answered)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes good grants of live integrations with a platform that nobody has refreshed for so long: those first at which nobody has
/// tried longest, so that some that fail again and again keep none waiting.
///
/// # Errors
/// When the database does not answer.
pub async fn take_idle(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<(TenantId, IntegrationId)>, PersistenceError> {
    let rows: Vec<OwnedId> = sql_query(
        "UPDATE integration_oauth_tokens AS held SET idle_tried_at = now()
         FROM (
             SELECT idle.integration_id FROM integration_oauth_tokens AS idle
             JOIN tenant_integrations AS integration ON integration.id = idle.integration_id
             WHERE platform = $1 AND deleted_at IS NULL AND ended_cause IS NULL AND refresh_token_sealed IS NOT NULL
               AND refreshed_at < $2 AND (lease_token IS NULL OR lease_expires_at < now())
             ORDER BY idle_tried_at NULLS FIRST, refreshed_at LIMIT $3 FOR UPDATE OF idle SKIP LOCKED
         ) AS taken
         WHERE held.integration_id = taken.integration_id
         RETURNING held.tenant_id, held.integration_id AS id",
    )
    .bind::<Text, _>(platform.as_str())
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(since))
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(OwnedId::into_ids).collect()
}
