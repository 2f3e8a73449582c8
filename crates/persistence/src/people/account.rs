//! Taking out what came from one account of a platform. Persons who are known elsewhere as well are somebody's still, and stay.

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};

use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// Records that the account alone knows: no other platform holds them, and Coccinelle never spoke of them. Nor of what belongs to
/// them, or that would lose its person.
const RECORDS: &str = "
DELETE FROM records WHERE id IN (
    SELECT record.id FROM records AS record
    JOIN record_links AS link ON link.record_id = record.id AND link.integration_id = $2 AND link.external_id IS NOT NULL
    WHERE record.tenant_id = $1 AND NOT EXISTS (
        SELECT FROM records AS kin
        WHERE (kin.id = record.id OR kin.contact_id = record.id) AND (
            EXISTS (SELECT FROM record_links AS other WHERE other.record_id = kin.id
                    AND other.integration_id <> $2 AND other.external_id IS NOT NULL)
            OR EXISTS (SELECT FROM record_identities AS known
                       WHERE known.record_id = kin.id AND known.scheme = 'coccinelle')))
    LIMIT $3)";

/// What is left of the account, once none of those is: how it showed the others, and what was logged of it.
const TRACES: [&str; 6] = [
    "DELETE FROM record_links WHERE tenant_id = $1 AND integration_id = $2",
    // Once the links are gone, with which they come.
    "DELETE FROM unpublished_outcomes WHERE tenant_id = $1 AND outcome ->> 'integration_id' = $2",
    "UPDATE integration_sync_logs SET payload_sent = NULL, response_received = NULL, changes = NULL,
         changes_left_out = 0, external_id = NULL, error_message = NULL,
         fingerprint = error_class || ':' || error_code || ':'
     WHERE tenant_id = $1 AND integration_id = $2",
    "UPDATE integration_webhook_logs SET body = NULL
     WHERE tenant_id = $1 AND integration_id = $2 AND body IS NOT NULL",
    "DELETE FROM sync_run_objects AS object USING sync_runs AS run
     WHERE run.id = object.run_id AND run.tenant_id = $1 AND run.integration_id = $2",
    "UPDATE integration_health SET last_error = NULL WHERE tenant_id = $1 AND integration_id = $2",
];

/// Deletes so many records that the account alone knows; returns how many there were. The caller excludes everybody else from
/// the tenant's records.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_records(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    limit: i64,
) -> Result<usize, PersistenceError> {
    let deletion = sql_query(RECORDS).bind::<Text, _>(tenant.to_string()).bind::<Text, _>(integration.to_string());
    Ok(deletion.bind::<BigInt, _>(limit).execute(&mut **tx).await?)
}

/// Takes out the rest.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_traces(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
) -> Result<(), PersistenceError> {
    for statement in TRACES {
        let statement = sql_query(statement).bind::<Text, _>(tenant.to_string());
        statement.bind::<Text, _>(integration.to_string()).execute(&mut **tx).await?;
    }
    Ok(())
}
