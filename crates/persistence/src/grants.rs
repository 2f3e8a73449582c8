//! The table `integration_oauth_tokens`: the grant of an integration, and who refreshes it now. How that is done safely is `accounts`'.

mod refresh;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LeaseToken, TenantId};
use domain::time::Timestamp;

pub use self::refresh::{Taken, lease, release, renew, take_idle};
use crate::statement::sql_query;
use crate::text::storable;
use crate::{PersistenceError, Transaction};

/// The tokens of a grant, sealed, and what is known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access_sealed: String,
    /// The refresh token, where there is one.
    pub refresh_sealed: Option<String>,
    /// When the access token ceases to be valid.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token does.
    pub refresh_expires_at: Option<Timestamp>,
    /// What the grant permits.
    pub scopes: Vec<String>,
    /// Where the account's interface begins.
    pub base_url: Option<String>,
}

/// A grant as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its tokens.
    pub tokens: Tokens,
    /// Which state of them this is.
    pub edition: String,
    /// When it was given or last refreshed.
    pub refreshed_at: Timestamp,
    /// Why it is good no more; `None` while it is.
    pub ended_cause: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    access_token_sealed: String,
    #[diesel(sql_type = Nullable<Text>)]
    refresh_token_sealed: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    refresh_expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Array<Text>)]
    scopes: Vec<String>,
    #[diesel(sql_type = Nullable<Text>)]
    base_url: Option<String>,
    #[diesel(sql_type = Text)]
    edition: String,
    #[diesel(sql_type = Timestamptz)]
    refreshed_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    ended_cause: Option<String>,
}

/// The grant of an integration; `None` where it has none.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    tx: &mut Transaction,
    tenant: TenantId,
    integration: IntegrationId,
) -> Result<Option<Kept>, PersistenceError> {
    let rows: Vec<Row> =
        sql_query("SELECT * FROM integration_oauth_tokens WHERE integration_id = $1 AND tenant_id = $2")
            .bind::<Text, _>(integration.to_string())
            .bind::<Text, _>(tenant.to_string())
            .load(&mut **tx)
            .await?;
    Ok(rows.into_iter().next().map(|row| Kept {
        tokens: Tokens {
            access_sealed: row.access_token_sealed,
            refresh_sealed: row.refresh_token_sealed,
            expires_at: row.expires_at.map(Timestamp::from),
            refresh_expires_at: row.refresh_expires_at.map(Timestamp::from),
            scopes: row.scopes,
            base_url: row.base_url,
        },
        edition: row.edition,
        refreshed_at: row.refreshed_at.into(),
        ended_cause: row.ended_cause,
    }))
}

/// Keeps a grant that was just given, in place of any that there was; whoever refreshes that one comes too late.
///
/// # Errors
/// When the database does not answer.
pub async fn put(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    tokens: &Tokens,
) -> Result<(), PersistenceError> {
    sql_query(PUT)
        .bind::<Text, _>(integration.to_string())
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(&tokens.access_sealed)
        .bind::<Nullable<Text>, _>(&tokens.refresh_sealed)
        .bind::<Nullable<Timestamptz>, _>(tokens.expires_at.map(DateTime::<Utc>::from))
        .bind::<Nullable<Timestamptz>, _>(tokens.refresh_expires_at.map(DateTime::<Utc>::from))
        .bind::<Array<Text>, _>(&tokens.scopes)
        .bind::<Nullable<Text>, _>(&tokens.base_url)
        .bind::<Text, _>(LeaseToken::new().to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

const PUT: &str = "
INSERT INTO integration_oauth_tokens (integration_id, tenant_id, access_token_sealed, refresh_token_sealed, expires_at,
    refresh_expires_at, scopes, base_url, edition)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (integration_id) DO UPDATE SET access_token_sealed = EXCLUDED.access_token_sealed,
    refresh_token_sealed = EXCLUDED.refresh_token_sealed, expires_at = EXCLUDED.expires_at,
    refresh_expires_at = EXCLUDED.refresh_expires_at, scopes = EXCLUDED.scopes, base_url = EXCLUDED.base_url,
    edition = EXCLUDED.edition, lease_token = NULL, lease_expires_at = NULL, shown_at = NULL, ended_cause = NULL,
    refreshed_at = now(), updated_at = now()";

/// Gives up a grant of this edition; returns whether it was there and good.
///
/// # Errors
/// When the database does not answer.
pub async fn end(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    edition: &str,
    cause: &str,
) -> Result<bool, PersistenceError> {
    let ended = sql_query(
        "UPDATE integration_oauth_tokens SET ended_cause = $4, lease_token = NULL, lease_expires_at = NULL,
             updated_at = now()
         WHERE integration_id = $1 AND tenant_id = $2 AND edition = $3 AND ended_cause IS NULL",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(edition)
    .bind::<Text, _>(storable(cause))
    .execute(&mut **tx)
    .await?;
    Ok(ended == 1)
}

/// Forgets the grant of an integration.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(
    tx: &mut Transaction,
    tenant: TenantId,
    integration: IntegrationId,
) -> Result<(), PersistenceError> {
    sql_query("DELETE FROM integration_oauth_tokens WHERE integration_id = $1 AND tenant_id = $2")
        .bind::<Text, _>(integration.to_string())
        .bind::<Text, _>(tenant.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
