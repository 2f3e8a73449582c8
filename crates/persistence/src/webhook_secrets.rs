//! The table `integration_webhook_secrets`: what signs an integration's webhooks, where that is ours to choose. Sealing is `vault`'s.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::time::Timestamp;

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
    /// The one before, sealed, and until when it still verifies.
    pub previous: Option<(String, Timestamp)>,
    /// When the present one was made.
    pub rotated_at: Timestamp,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    secret_sealed: String,
    #[diesel(sql_type = Text)]
    hint: String,
    #[diesel(sql_type = Nullable<Text>)]
    previous_sealed: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    previous_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    rotated_at: DateTime<Utc>,
}

impl Row {
    fn into_secrets(self) -> Result<WebhookSecrets, PersistenceError> {
        Ok(WebhookSecrets {
            tenant: parse("tenant_id", &self.tenant_id)?,
            sealed: self.secret_sealed,
            hint: self.hint,
            previous: self.previous_sealed.zip(self.previous_until.map(Timestamp::from)),
            rotated_at: self.rotated_at.into(),
        })
    }
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
    rows.into_iter().next().map(Row::into_secrets).transpose()
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
    rows.into_iter().next().map(Row::into_secrets).transpose()
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

/// Writes the secrets of an integration in place of those that are there.
///
/// # Errors
/// When the database does not answer.
pub async fn put(
    tx: &mut Transaction,
    integration: IntegrationId,
    secrets: &WebhookSecrets,
) -> Result<(), PersistenceError> {
    let (previous, until) = secrets.previous.clone().unzip();
    sql_query(
        "INSERT INTO integration_webhook_secrets
             (integration_id, tenant_id, secret_sealed, hint, previous_sealed, previous_until, rotated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (integration_id) DO UPDATE SET secret_sealed = EXCLUDED.secret_sealed, hint = EXCLUDED.hint,
             previous_sealed = EXCLUDED.previous_sealed, previous_until = EXCLUDED.previous_until,
             rotated_at = EXCLUDED.rotated_at",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(secrets.tenant.to_string())
    .bind::<Text, _>(&secrets.sealed)
    .bind::<Text, _>(&secrets.hint)
    .bind::<Nullable<Text>, _>(previous)
    .bind::<Nullable<Timestamptz>, _>(until.map(DateTime::<Utc>::from))
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(secrets.rotated_at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
