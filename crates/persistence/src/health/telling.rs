//! Which integrations are otherwise than Coccinelle's backend was last told. What it is told is `domain::notice`'s.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::IntegrationId;
use domain::integration::Status;
use domain::notice::StatusChanged;

use crate::statement::sql_query;
use crate::text::{from_word, parse, to_word};
use crate::{PersistenceError, Transaction};

/// A status that the backend was not told.
#[derive(Clone, Debug)]
pub struct UntoldStatus {
    /// What it is to be told.
    pub news: StatusChanged,
    /// How many statuses it has taken so far.
    pub told_count: i64,
    /// How often in a row it did not take it.
    pub attempts: u32,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    integration_id: String,
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    platform: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    told_status: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    cause: Option<String>,
    #[diesel(sql_type = BigInt)]
    told_count: i64,
    #[diesel(sql_type = Integer)]
    tell_attempts: i32,
}

impl Row {
    fn into_untold(self) -> Result<UntoldStatus, PersistenceError> {
        Ok(UntoldStatus {
            news: StatusChanged {
                tenant_id: parse("tenant_id", &self.tenant_id)?,
                integration_id: parse("integration_id", &self.integration_id)?,
                platform: parse("platform", &self.platform)?,
                name: self.name,
                status: from_word("status", self.status)?,
                previous_status: self.told_status.map(|status| from_word("told_status", status)).transpose()?,
                cause: self.cause,
            },
            told_count: self.told_count,
            attempts: u32::try_from(self.tell_attempts).unwrap_or_default(),
        })
    }
}

/// Takes statuses that the backend was not told and that are due, so many at most; nobody else takes them for `duration`.
///
/// # Errors
/// When the database does not answer.
pub async fn take_untold(
    tx: &mut Transaction,
    duration: Duration,
    limit: i64,
) -> Result<Vec<UntoldStatus>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "UPDATE integration_health AS health SET tell_after = now() + make_interval(secs => $1)
         FROM (
             SELECT health.integration_id, integration.platform, integration.name FROM integration_health AS health
             JOIN tenant_integrations AS integration ON integration.id = health.integration_id
             WHERE health.status IS DISTINCT FROM health.told_status AND integration.platform <> 'coccinelle'
               AND (health.tell_after IS NULL OR health.tell_after <= now())
             ORDER BY health.integration_id LIMIT $2 FOR UPDATE OF health SKIP LOCKED
         ) AS untold
         WHERE health.integration_id = untold.integration_id
         RETURNING health.integration_id, health.tenant_id, untold.platform, untold.name, health.status,
                   health.told_status, health.cause, health.told_count, health.tell_attempts",
    )
    .bind::<Double, _>(duration.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_untold).collect()
}

/// Notes that the backend took a status.
///
/// # Errors
/// When the database does not answer.
pub async fn note_told(tx: &mut Transaction, id: IntegrationId, status: Status) -> Result<(), PersistenceError> {
    sql_query(
        "UPDATE integration_health SET told_status = $2, told_count = told_count + 1, tell_attempts = 0, tell_after = NULL
         WHERE integration_id = $1",
    )
    .bind::<Text, _>(id.to_string())
    .bind::<Text, _>(to_word(&status)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes that the backend did not take a status, and how long it waits to be told again.
///
/// # Errors
/// When the database does not answer.
pub async fn note_untold(
    tx: &mut Transaction,
    id: IntegrationId,
    attempts: u32,
    wait: Duration,
) -> Result<(), PersistenceError> {
    sql_query(
        "UPDATE integration_health SET tell_attempts = $2, tell_after = now() + make_interval(secs => $3)
         WHERE integration_id = $1",
    )
    .bind::<Text, _>(id.to_string())
    .bind::<Integer, _>(i32::try_from(attempts).unwrap_or(i32::MAX))
    .bind::<Double, _>(wait.as_secs_f64())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
