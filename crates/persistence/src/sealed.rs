//! The columns in which sealed secrets are kept, seen as one: for sealing them anew. Writing one first is its own table's.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};

use crate::row::Count;
use crate::statement::sql_query;
use crate::text::parse_optional;
use crate::{PersistenceError, Transaction};

/// A column of secrets that are sealed under the tenant's data key, each of an integration, or one of the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedColumn {
    table: &'static str,
    /// The column that names the integration; `None` where a row is the tenant's as a whole.
    integration: Option<&'static str>,
    name: &'static str,
}

impl SealedColumn {
    /// Every one there is.
    pub const ALL: [Self; 7] = [
        Self { table: "tenant_integrations", integration: Some("id"), name: "config_encrypted" },
        Self { table: "integration_oauth_tokens", integration: Some("integration_id"), name: "access_token_sealed" },
        Self { table: "integration_oauth_tokens", integration: Some("integration_id"), name: "refresh_token_sealed" },
        Self { table: "integration_webhook_secrets", integration: Some("integration_id"), name: "secret_sealed" },
        Self { table: "integration_previous_secrets", integration: Some("integration_id"), name: "previous_sealed" },
        Self { table: "tenant_settings", integration: None, name: "alert_webhooks_sealed" },
        Self { table: "suppression_keys", integration: Some("integration_id"), name: "key_sealed" },
    ];

    /// Its name, to which what is in it is bound.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The integration that is named by a row, or null.
    fn integration(self) -> &'static str {
        self.integration.unwrap_or("NULL::text")
    }

    /// Its table's name.
    #[must_use]
    pub fn table(self) -> &'static str {
        self.table
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    integration: Option<String>,
    #[diesel(sql_type = Text)]
    sealed: String,
}

/// Secrets of a tenant that are sealed under another key than `key_id`, locked; those that somebody else holds are left out.
///
/// # Errors
/// When the database does not answer.
pub async fn take_under_others(
    tx: &mut Transaction,
    tenant: TenantId,
    column: SealedColumn,
    key_id: &str,
    limit: u32,
) -> Result<Vec<(Option<IntegrationId>, String)>, PersistenceError> {
    let (SealedColumn { table, name, .. }, integration) = (column, column.integration());
    let statement = format!(
        "SELECT {integration} AS integration, {name} AS sealed FROM {table}
         WHERE tenant_id = $1 AND split_part({name}, '.', 2) <> $2
         ORDER BY {integration} LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED"
    );
    let rows: Vec<Row> = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(key_id)
        .bind::<BigInt, _>(i64::from(limit))
        .load(&mut **tx)
        .await?;
    rows.into_iter()
        .map(|row| Ok((parse_optional("integration_id", row.integration.as_deref())?, row.sealed)))
        .collect()
}

/// Replaces a secret, unless it has changed meanwhile; whether it was replaced. Nobody is told of a change: it is the same
/// secret.
///
/// # Errors
/// When the database does not answer.
pub async fn replace(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, Option<IntegrationId>),
    column: SealedColumn,
    old: &str,
    new: &str,
) -> Result<bool, PersistenceError> {
    let (SealedColumn { table, name, .. }, id) = (column, column.integration());
    let statement =
        format!("UPDATE {table} SET {name} = $1 WHERE tenant_id = $2 AND {id} IS NOT DISTINCT FROM $3 AND {name} = $4");
    let replaced = sql_query(statement)
        .bind::<Text, _>(new)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Nullable<Text>, _>(integration.map(|id| id.to_string()))
        .bind::<Text, _>(old)
        .execute(&mut **tx)
        .await?;
    Ok(replaced == 1)
}

/// How many secrets of a tenant are sealed under another key than `key_id`.
///
/// # Errors
/// When the database does not answer.
pub async fn count_under_others(tx: &mut Transaction, tenant: TenantId, key_id: &str) -> Result<i64, PersistenceError> {
    let mut total = 0;
    for SealedColumn { table, name, .. } in SealedColumn::ALL {
        let statement =
            format!("SELECT count(*) AS count FROM {table} WHERE tenant_id = $1 AND split_part({name}, '.', 2) <> $2");
        let Count { count } = sql_query(statement)
            .bind::<Text, _>(tenant.to_string())
            .bind::<Text, _>(key_id)
            .get_result(&mut **tx)
            .await?;
        total += count;
    }
    Ok(total)
}
