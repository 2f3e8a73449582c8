//! The table `oauth_states`: consents that were begun and whose callback is awaited. What makes a state is the gateway's.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::time::Timestamp;

use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// A consent that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Which integration is to be connected.
    pub integration: IntegrationId,
    /// Who began it.
    pub sub: String,
    /// What is kept of the cookie of the browser.
    pub browser_hash: String,
    /// The name of the tenant's site.
    pub site: Option<String>,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Whether its callback came already.
    pub is_spent: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    integration_id: String,
    #[diesel(sql_type = Text)]
    sub: String,
    #[diesel(sql_type = Text)]
    browser_hash: String,
    #[diesel(sql_type = Nullable<Text>)]
    site: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    expires_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    spent_at: Option<DateTime<Utc>>,
}

/// Begins one; those of the tenant that ended a day ago are forgotten.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(
    tx: &mut Transaction,
    (tenant, state_hash): (TenantId, &str),
    begun: &Begun,
) -> Result<(), PersistenceError> {
    sql_query("DELETE FROM oauth_states WHERE tenant_id = $1 AND expires_at < now() - interval '1 day'")
        .bind::<Text, _>(tenant.to_string())
        .execute(&mut **tx)
        .await?;
    sql_query(
        "INSERT INTO oauth_states (tenant_id, state_hash, integration_id, sub, browser_hash, site, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(state_hash)
    .bind::<Text, _>(begun.integration.to_string())
    .bind::<Text, _>(&begun.sub)
    .bind::<Text, _>(&begun.browser_hash)
    .bind::<Nullable<Text>, _>(&begun.site)
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(begun.expires_at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The consent of that state; `None` where the tenant began none.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tx: &mut Transaction, tenant: TenantId, state_hash: &str) -> Result<Option<Begun>, PersistenceError> {
    let rows: Vec<Row> = sql_query("SELECT * FROM oauth_states WHERE tenant_id = $1 AND state_hash = $2")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(state_hash)
        .load(&mut **tx)
        .await?;
    let begun = |row: Row| {
        Ok(Begun {
            integration: parse("integration_id", &row.integration_id)?,
            sub: row.sub,
            browser_hash: row.browser_hash,
            site: row.site,
            expires_at: row.expires_at.into(),
            is_spent: row.spent_at.is_some(),
        })
    };
    rows.into_iter().next().map(begun).transpose()
}

/// Spends a state; returns whether it was there and nobody had spent it before.
///
/// # Errors
/// When the database does not answer.
pub async fn spend(tx: &mut Transaction, tenant: TenantId, state_hash: &str) -> Result<bool, PersistenceError> {
    let statement =
        "UPDATE oauth_states SET spent_at = now() WHERE tenant_id = $1 AND state_hash = $2 AND spent_at IS NULL";
    let spent =
        sql_query(statement).bind::<Text, _>(tenant.to_string()).bind::<Text, _>(state_hash).execute(&mut **tx).await?;
    Ok(spent == 1)
}
