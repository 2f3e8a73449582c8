//! The daily partitions of the logs. The functions that make and drop them are the migrations'.

use diesel::QueryableByName;
use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;

use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Integer)]
    count: i32,
}

/// Makes the partitions from today to `days_ahead` (0 to 366), where they are missing; returns how many it made.
///
/// # Errors
/// When the database does not answer.
pub async fn ensure(tx: &mut Transaction, days_ahead: u16) -> Result<i32, PersistenceError> {
    let made: Count = sql_query("SELECT ensure_log_partitions($1) AS count")
        .bind::<Integer, _>(i32::from(days_ahead))
        .get_result(&mut **tx)
        .await?;
    Ok(made.count)
}

/// Drops the partitions of days that lie more than `days_kept` (at least 1) back; returns how many it dropped.
///
/// # Errors
/// When the database does not answer.
pub async fn drop_older(tx: &mut Transaction, days_kept: u16) -> Result<i32, PersistenceError> {
    let dropped: Count = sql_query("SELECT drop_log_partitions($1) AS count")
        .bind::<Integer, _>(i32::from(days_kept))
        .get_result(&mut **tx)
        .await?;
    Ok(dropped.count)
}
