//! Erasing a tenant: its key first, then every row of it, and a mark by which what arrives later is known. In which steps is `admin`'s.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use domain::id::TenantId;

use crate::row::Count;
use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Destroys the tenant's keys and all that was sealed under them, ends its integrations, and marks it as erased; returns how
/// many sealed secrets were destroyed.
///
/// From the commit on nothing of it is synchronised, and nothing that was sealed for it can be opened by anybody. Waits for log
/// batches that are being written, so that whoever deletes rows afterwards finds them.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(tx: &mut Transaction, tenant: TenantId) -> Result<i64, PersistenceError> {
    sql_query("SELECT pg_advisory_xact_lock(hashtext('coccinelle erasure'))").execute(&mut **tx).await?;
    let id = tenant.to_string();
    let Count { count } = sql_query(
        "SELECT (SELECT count(*) FROM tenants WHERE id = $1 AND sealed_data_key IS NOT NULL)
            + (SELECT count(config_encrypted) FROM tenant_integrations WHERE tenant_id = $1)
            + (SELECT count(alert_webhooks_sealed) FROM tenant_settings WHERE tenant_id = $1)
            + (SELECT count(key_sealed) FROM suppression_keys WHERE tenant_id = $1)
            + (SELECT count(access_token_sealed) + count(refresh_token_sealed)
               FROM integration_oauth_tokens WHERE tenant_id = $1)
            + (SELECT count(previous_sealed) FROM integration_previous_secrets WHERE tenant_id = $1)
            + (SELECT count(secret_sealed) FROM integration_webhook_secrets WHERE tenant_id = $1) AS count",
    )
    .bind::<Text, _>(&id)
    .get_result(&mut **tx)
    .await?;
    for statement in [
        "INSERT INTO erased_tenants (id) VALUES ($1) ON CONFLICT DO NOTHING",
        "UPDATE tenants SET sealed_data_key = NULL, previous_data_key = NULL WHERE id = $1",
        "DELETE FROM integration_oauth_tokens WHERE tenant_id = $1",
        "DELETE FROM integration_webhook_secrets WHERE tenant_id = $1",
        "DELETE FROM integration_previous_secrets WHERE tenant_id = $1",
        "DELETE FROM suppression_keys WHERE tenant_id = $1",
        "UPDATE tenant_settings SET alert_webhooks_sealed = NULL WHERE tenant_id = $1",
        // An account that another tenant uses as well keeps its budget.
        "DELETE FROM platform_budgets AS budget USING tenant_integrations AS mine
         WHERE mine.tenant_id = $1 AND budget.platform = mine.platform
           AND budget.account_id = coalesce(mine.account_id, mine.id)
           AND NOT EXISTS (
               SELECT FROM tenant_integrations AS other
               WHERE other.tenant_id <> $1 AND other.platform = mine.platform AND other.account_id = mine.account_id)",
        "UPDATE tenant_integrations SET config_encrypted = NULL, enabled = false, version = version + 1,
             deleted_at = coalesce(deleted_at, now())
         WHERE tenant_id = $1",
    ] {
        sql_query(statement).bind::<Text, _>(&id).execute(&mut **tx).await?;
    }
    Ok(count)
}

/// Keeps every erasure from beginning until the transaction ends: for whoever writes rows that refer to no tenant's row.
pub(crate) async fn hold_off(tx: &mut Transaction) -> Result<(), PersistenceError> {
    Ok(tx.batch_execute("SELECT pg_advisory_xact_lock_shared(hashtext('coccinelle erasure'))").await?)
}

/// Whether a tenant was erased. Only workers and the database's owner may ask.
///
/// # Errors
/// When the database does not answer.
pub async fn is_erased(tx: &mut Transaction, tenant: TenantId) -> Result<bool, PersistenceError> {
    let statement = "SELECT count(*) AS count FROM erased_tenants WHERE id = $1";
    let Count { count } = sql_query(statement).bind::<Text, _>(tenant.to_string()).get_result(&mut **tx).await?;
    Ok(count > 0)
}

/// The tables that hold rows of tenants, those that refer to others first: asked of the database, so that none is forgotten.
///
/// # Errors
/// When the database does not answer.
pub async fn tables(tx: &mut Transaction) -> Result<Vec<String>, PersistenceError> {
    let statement = "
        WITH RECURSIVE found AS (
            SELECT relation.oid FROM pg_class AS relation
            JOIN pg_attribute ON attrelid = relation.oid AND attname = 'tenant_id' AND NOT attisdropped
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        ), placed AS (
            SELECT oid, 0 AS depth FROM found
            UNION
            SELECT conrelid, depth + 1 FROM placed
            JOIN pg_constraint ON confrelid = placed.oid AND contype = 'f' AND conrelid <> confrelid
            JOIN found ON found.oid = conrelid
            -- Two tables that refer to each other must not keep us here.
            WHERE depth < 20
        )
        SELECT oid::regclass::text AS name FROM placed GROUP BY oid ORDER BY max(depth) DESC, 1";
    let names: Vec<Name> = sql_query(statement).load(&mut **tx).await?;
    Ok(names.into_iter().map(|row| row.name).collect())
}

/// Deletes so many rows of a tenant from one of [`tables`]; returns how many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_rows(
    tx: &mut Transaction,
    table: &str,
    tenant: TenantId,
    limit: u32,
) -> Result<usize, PersistenceError> {
    // Row places repeat between partitions; the tenant does not.
    let statement = format!(
        "DELETE FROM {table} WHERE tenant_id = $1
         AND ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE tenant_id = $1 LIMIT $2))"
    );
    let deletion = sql_query(statement).bind::<Text, _>(tenant.to_string()).bind::<BigInt, _>(i64::from(limit));
    Ok(deletion.execute(&mut **tx).await?)
}

/// Deletes a tenant's messages from the inbox, which know it only inside; returns how many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_from_inbox(tx: &mut Transaction, tenant: TenantId) -> Result<usize, PersistenceError> {
    let statement = "DELETE FROM inbox WHERE payload ->> 'tenant_id' = $1";
    Ok(sql_query(statement).bind::<Text, _>(tenant.to_string()).execute(&mut **tx).await?)
}

/// Deletes the tenant itself, and whatever somebody has added meanwhile that refers to it; whether it was there.
///
/// # Errors
/// When the database does not answer.
pub async fn end(tx: &mut Transaction, tenant: TenantId) -> Result<bool, PersistenceError> {
    let statement = "DELETE FROM tenants WHERE id = $1";
    Ok(sql_query(statement).bind::<Text, _>(tenant.to_string()).execute(&mut **tx).await? == 1)
}
