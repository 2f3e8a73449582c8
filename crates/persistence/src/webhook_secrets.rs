//! The tables `integration_webhook_secrets` and `integration_previous_secrets`: what signs an integration's webhooks, where that
//! is ours to choose, and what did until lately. Sealing is `vault`'s.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::time::Timestamp;

use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// The secrets of one integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSecrets {
    /// Whose they are.
    pub tenant: TenantId,
    /// The present one, sealed.
    pub sealed: String,
    /// What may be shown of it.
    pub hint: String,
    /// Those before that still verify, the one that was replaced last first.
    pub previous: Vec<Previous>,
    /// When the present one was made.
    pub rotated_at: Timestamp,
}

/// A secret that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// It, sealed.
    pub sealed: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until when it still verifies.
    pub until: Timestamp,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    secret_sealed: String,
    #[diesel(sql_type = Text)]
    hint: String,
    #[diesel(sql_type = Timestamptz)]
    rotated_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct PreviousRow {
    #[diesel(sql_type = Text)]
    previous_sealed: String,
    #[diesel(sql_type = Timestamptz)]
    made_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    verifies_until: DateTime<Utc>,
}

/// Completes what was found by those before.
async fn with_previous(
    tx: &mut Transaction,
    integration: IntegrationId,
    found: Vec<Row>,
) -> Result<Option<WebhookSecrets>, PersistenceError> {
    let Some(row) = found.into_iter().next() else { return Ok(None) };
    let previous: Vec<PreviousRow> = sql_query(
        "SELECT previous_sealed, made_at, verifies_until FROM integration_previous_secrets
         WHERE integration_id = $1 AND tenant_id = $2 AND verifies_until > now() ORDER BY made_at DESC",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(&row.tenant_id)
    .load(&mut **tx)
    .await?;
    let read = |row: PreviousRow| Previous {
        sealed: row.previous_sealed,
        made_at: row.made_at.into(),
        until: row.verifies_until.into(),
    };
    Ok(Some(WebhookSecrets {
        tenant: parse("tenant_id", &row.tenant_id)?,
        sealed: row.secret_sealed,
        hint: row.hint,
        previous: previous.into_iter().map(read).collect(),
        rotated_at: row.rotated_at.into(),
    }))
}

/// The secrets of a tenant's integration.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    tx: &mut Transaction,
    tenant: TenantId,
    integration: IntegrationId,
) -> Result<Option<WebhookSecrets>, PersistenceError> {
    let rows: Vec<Row> =
        sql_query("SELECT * FROM integration_webhook_secrets WHERE integration_id = $1 AND tenant_id = $2")
            .bind::<Text, _>(integration.to_string())
            .bind::<Text, _>(tenant.to_string())
            .load(&mut **tx)
            .await?;
    with_previous(tx, integration, rows).await
}

/// The secrets of an integration, whosever it is: for deliveries to its own URL, which name no tenant.
///
/// # Errors
/// When the database does not answer.
pub async fn get_any(
    tx: &mut Transaction,
    integration: IntegrationId,
) -> Result<Option<WebhookSecrets>, PersistenceError> {
    let rows: Vec<Row> = sql_query("SELECT * FROM integration_webhook_secrets WHERE integration_id = $1")
        .bind::<Text, _>(integration.to_string())
        .load(&mut **tx)
        .await?;
    with_previous(tx, integration, rows).await
}

/// Holds whoever else would replace the secret of an integration until the transaction ends. Nobody else is held up.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(tx: &mut Transaction, integration: IntegrationId) -> Result<(), PersistenceError> {
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended('coccinelle webhook secret ' || $1, 0))")
        .bind::<Text, _>(integration.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Writes the present secret of an integration in place of the one that is there. Those before are [`put_before`]'s.
///
/// # Errors
/// When the database does not answer.
pub async fn put(
    tx: &mut Transaction,
    integration: IntegrationId,
    secrets: &WebhookSecrets,
) -> Result<(), PersistenceError> {
    sql_query(
        "INSERT INTO integration_webhook_secrets (integration_id, tenant_id, secret_sealed, hint, rotated_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (integration_id) DO UPDATE SET secret_sealed = EXCLUDED.secret_sealed, hint = EXCLUDED.hint,
             rotated_at = EXCLUDED.rotated_at",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(secrets.tenant.to_string())
    .bind::<Text, _>(&secrets.sealed)
    .bind::<Text, _>(&secrets.hint)
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(secrets.rotated_at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds a secret that is about to be replaced to those before, and forgets those that verify nothing any more.
///
/// # Errors
/// When the database does not answer.
pub async fn put_before(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    replaced: &Previous,
) -> Result<(), PersistenceError> {
    sql_query("DELETE FROM integration_previous_secrets WHERE integration_id = $1 AND verifies_until <= now()")
        .bind::<Text, _>(integration.to_string())
        .execute(&mut **tx)
        .await?;
    sql_query(
        "INSERT INTO integration_previous_secrets (integration_id, tenant_id, previous_sealed, made_at, verifies_until)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(&replaced.sealed)
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(replaced.made_at))
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(replaced.until))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
