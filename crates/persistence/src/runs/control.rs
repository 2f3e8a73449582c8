//! What people may do to a run that is live: end it, or agree to its deletions.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use domain::id::{RunId, TenantId};
use domain::run::Run;

use super::get;
use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// Ends a run: one that waits ends at once, one under way before its next page. What it applied stays.
///
/// One that has ended stays as it is. `None` where the tenant has no such run. Publishing [`Run::page`] after the commit lets
/// it end sooner.
///
/// # Errors
/// When the database does not answer.
pub async fn cancel(tx: &mut Transaction, tenant: TenantId, id: RunId) -> Result<Option<Run>, PersistenceError> {
    sql_query(
        "UPDATE sync_runs SET
             state = CASE WHEN state = 'running' THEN 'cancelling' ELSE 'cancelled' END,
             ended_at = CASE WHEN state = 'running' THEN NULL ELSE now() END, not_before = NULL
         WHERE tenant_id = $1 AND id = $2 AND state IN ('queued', 'running', 'needs_confirmation')",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(id.to_string())
    .execute(&mut **tx)
    .await?;
    get(tx, tenant, id).await
}

/// Agrees to the deletions of a run that asks, which then goes on. Any other run stays as it is.
///
/// `None` where the tenant has no such run. Publishing [`Run::page`] after the commit lets it go on at once.
///
/// # Errors
/// When the database does not answer.
pub async fn confirm(tx: &mut Transaction, tenant: TenantId, id: RunId) -> Result<Option<Run>, PersistenceError> {
    sql_query(
        "UPDATE sync_runs SET state = 'running', confirmed = true, announced_at = now()
         WHERE tenant_id = $1 AND id = $2 AND state = 'needs_confirmation'",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(id.to_string())
    .execute(&mut **tx)
    .await?;
    get(tx, tenant, id).await
}
