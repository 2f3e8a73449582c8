//! Keeping whoever joins or erases a tenant's records apart from whoever only changes them.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use domain::id::TenantId;

use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// For who changes records: until the transaction ends, none of the tenant's is joined to another or erased.
///
/// Taken before anything else is read or locked, and shared with everybody who does the same.
///
/// # Errors
/// When the database does not answer.
pub async fn share(tx: &mut Transaction, tenant: TenantId) -> Result<(), PersistenceError> {
    lock(tx, tenant, "pg_advisory_xact_lock_shared").await
}

/// For who joins or erases records: until the transaction ends, nobody else touches the tenant's.
///
/// # Errors
/// When the database does not answer.
pub async fn exclude(tx: &mut Transaction, tenant: TenantId) -> Result<(), PersistenceError> {
    lock(tx, tenant, "pg_advisory_xact_lock").await
}

async fn lock(tx: &mut Transaction, tenant: TenantId, function: &str) -> Result<(), PersistenceError> {
    sql_query(format!("SELECT {function}(hashtextextended('coccinelle records ' || $1, 0))"))
        .bind::<Text, _>(tenant.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
