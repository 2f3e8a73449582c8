//! The table `alert_trials`: who wants to see whether alerts arrive. Writing to whom they go is `log-writer`'s.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Double, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::TenantId;
use domain::time::Timestamp;

use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// Asks for a trial, unless the tenant has within the last `pause`: then it gives how much of that is left, in whole seconds.
///
/// # Errors
/// When the database does not answer.
pub async fn ask_trial(
    tx: &mut Transaction,
    tenant: TenantId,
    pause: Duration,
) -> Result<Option<Duration>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Double)]
        seconds: f64,
    }
    let asked = sql_query(
        "INSERT INTO alert_trials AS trial (tenant_id) VALUES ($1)
         ON CONFLICT (tenant_id) DO UPDATE SET asked_at = now(), written_at = NULL
         WHERE trial.asked_at <= now() - make_interval(secs => $2)",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Double, _>(pause.as_secs_f64())
    .execute(&mut **tx)
    .await?;
    if asked == 1 {
        return Ok(None);
    }
    let left: Row = sql_query(
        "SELECT ceil(extract(epoch FROM asked_at + make_interval(secs => $2) - now()))::float8 AS seconds
         FROM alert_trials WHERE tenant_id = $1",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Double, _>(pause.as_secs_f64())
    .get_result(&mut **tx)
    .await?;
    Ok(Some(Duration::try_from_secs_f64(left.seconds).unwrap_or_default()))
}

/// Takes those that were asked for, each with when: they are noted as written once the transaction is committed.
///
/// # Errors
/// When the database does not answer.
pub async fn take_trials(tx: &mut Transaction) -> Result<Vec<(TenantId, Timestamp)>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        tenant_id: String,
        #[diesel(sql_type = Timestamptz)]
        asked_at: DateTime<Utc>,
    }
    let statement = "UPDATE alert_trials SET written_at = now() WHERE written_at IS NULL RETURNING tenant_id, asked_at";
    let rows: Vec<Row> = sql_query(statement).load(&mut **tx).await?;
    rows.into_iter().map(|row| Ok((parse("tenant_id", &row.tenant_id)?, row.asked_at.into()))).collect()
}
