//! The tenants' sealed data keys, and changing them while they are in use. Sealing and opening are `vault`'s.
//!
//! At every commit, each secret of a tenant is sealed under its data key or under the one before, and both are kept.

use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::TenantId;

use crate::row::Count;
use crate::schema::tenants;
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction, sealed};

/// What is kept of a tenant's data keys, each sealed under a master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataKeys {
    /// The one that seals.
    pub current: String,
    /// The one before, while some secrets are still sealed under it.
    pub previous: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    sealed_data_key: String,
    #[diesel(sql_type = Nullable<Text>)]
    previous_data_key: Option<String>,
}

/// The tenant's data keys; `None` where the tenant is unknown or its key was destroyed.
///
/// What is read before or after may be sealed under a key that came or went meanwhile: who meets one that is not at hand
/// reads both again.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Transaction, tenant: TenantId) -> Result<Option<DataKeys>, PersistenceError> {
    let keys = tenants::table.find(tenant.to_string());
    let keys = keys.select((tenants::sealed_data_key, tenants::previous_data_key));
    let found = keys.first::<(Option<String>, Option<String>)>(&mut **tx).await.optional()?;
    Ok(found.and_then(|(current, previous)| Some(DataKeys { current: current?, previous })))
}

/// The tenant's data keys, of which the current one stays that until the transaction ends: for whoever seals and writes.
///
/// # Errors
/// When the database does not answer.
pub async fn for_sealing(tx: &mut Transaction, tenant: TenantId) -> Result<Option<DataKeys>, PersistenceError> {
    // A statement of its own, since a statement sees what was committed before it began, not before it got the lock.
    lock_tenant(tx, tenant, "pg_advisory_xact_lock_shared").await?;
    get(tx, tenant).await
}

/// Keeps the master keys that are in use from being retired until the transaction ends; `alone` keeps out everybody else
/// who asks for this.
///
/// # Errors
/// When the database does not answer.
pub async fn hold_master_keys(tx: &mut Transaction, alone: bool) -> Result<(), PersistenceError> {
    let lock = if alone { "pg_advisory_xact_lock" } else { "pg_advisory_xact_lock_shared" };
    sql_query(format!("SELECT {lock}(hashtext('coccinelle master keys'))")).execute(&mut **tx).await?;
    Ok(())
}

const UNDER_OTHERS: &str = "sealed_data_key IS NOT NULL AND (split_part(sealed_data_key, '.', 2) <> $1 OR split_part(previous_data_key, '.', 2) <> $1)";

/// Tenants after `after` that have a data key under another master key than this one, locked; those that somebody else holds
/// are left out.
///
/// # Errors
/// When the database does not answer.
pub async fn take_under_others(
    tx: &mut Transaction,
    master: &str,
    after: Option<TenantId>,
    limit: u32,
) -> Result<Vec<(TenantId, DataKeys)>, PersistenceError> {
    // Weaker than FOR UPDATE: whoever adds rows that refer to the tenant need not wait.
    let statement = format!(
        "SELECT id, sealed_data_key, previous_data_key FROM tenants WHERE {UNDER_OTHERS} AND id > $2
         ORDER BY id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED"
    );
    let rows: Vec<Row> = sql_query(statement)
        .bind::<Text, _>(master)
        .bind::<Text, _>(after.map(|id| id.to_string()).unwrap_or_default())
        .bind::<BigInt, _>(i64::from(limit))
        .load(&mut **tx)
        .await?;
    let read = |row: Row| {
        let keys = DataKeys { current: row.sealed_data_key, previous: row.previous_data_key };
        Ok((parse("id", &row.id)?, keys))
    };
    rows.into_iter().map(read).collect()
}

/// How many tenants have a data key under another master key than this one.
///
/// # Errors
/// When the database does not answer.
pub async fn count_under_others(tx: &mut Transaction, master: &str) -> Result<i64, PersistenceError> {
    let statement = format!("SELECT count(*) AS count FROM tenants WHERE {UNDER_OTHERS}");
    let Count { count } = sql_query(statement).bind::<Text, _>(master).get_result(&mut **tx).await?;
    Ok(count)
}

/// Replaces what is kept of a tenant's keys, unless it has changed meanwhile; whether it was replaced.
///
/// # Errors
/// When the database does not answer.
pub async fn replace(
    tx: &mut Transaction,
    tenant: TenantId,
    old: &DataKeys,
    new: &DataKeys,
) -> Result<bool, PersistenceError> {
    let row = tenants::table
        .find(tenant.to_string())
        .filter(tenants::sealed_data_key.eq(&old.current))
        .filter(tenants::previous_data_key.is_not_distinct_from(&old.previous));
    let values = (tenants::sealed_data_key.eq(&new.current), tenants::previous_data_key.eq(&new.previous));
    Ok(diesel::update(row).set(values).execute(&mut **tx).await? == 1)
}

/// Begins to use a new data key; the one so far opens what it has sealed until [`end_change`].
///
/// A change that was begun and not ended goes on instead, and `new` is not used. Returns what is kept now; `None` where the
/// tenant is unknown or erased. Waits for those who are sealing now.
///
/// # Errors
/// When the database does not answer.
pub async fn begin_change(
    tx: &mut Transaction,
    tenant: TenantId,
    new: &str,
) -> Result<Option<DataKeys>, PersistenceError> {
    lock_tenant(tx, tenant, "pg_advisory_xact_lock").await?;
    let row = tenants::table
        .find(tenant.to_string())
        .filter(tenants::sealed_data_key.is_not_null())
        .filter(tenants::previous_data_key.is_null());
    diesel::update(row)
        .set((tenants::previous_data_key.eq(tenants::sealed_data_key), tenants::sealed_data_key.eq(new)))
        .execute(&mut **tx)
        .await?;
    get(tx, tenant).await
}

/// Forgets the data key before this one, once nothing is sealed under it; returns how many secrets still are under another
/// key than `key_id`. While there are any, nothing is forgotten.
///
/// # Errors
/// When the database does not answer.
pub async fn end_change(tx: &mut Transaction, tenant: TenantId, key_id: &str) -> Result<i64, PersistenceError> {
    lock_tenant(tx, tenant, "pg_advisory_xact_lock").await?;
    let left = sealed::count_under_others(tx, tenant, key_id).await?;
    if left == 0 {
        let row = tenants::table.find(tenant.to_string());
        diesel::update(row).set(tenants::previous_data_key.eq(None::<String>)).execute(&mut **tx).await?;
    }
    Ok(left)
}

async fn lock_tenant(tx: &mut Transaction, tenant: TenantId, lock: &str) -> Result<(), PersistenceError> {
    let statement = format!("SELECT {lock}(hashtext('coccinelle data key'), hashtext($1))");
    sql_query(statement).bind::<Text, _>(tenant.to_string()).execute(&mut **tx).await?;
    Ok(())
}
