//! Which integrations are otherwise than was last said to other services. What Coccinelle's backend was told is `telling`'s.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::RunQueryDsl;
use domain::message::IntegrationStatusChanged;

use crate::statement::sql_query;
use crate::text::{from_word, parse, to_word};
use crate::{PersistenceError, Transaction};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    integration_id: String,
    #[diesel(sql_type = Text)]
    status: String,
}

impl Row {
    fn into_word(self) -> Result<IntegrationStatusChanged, PersistenceError> {
        Ok(IntegrationStatusChanged {
            tenant_id: parse("tenant_id", &self.tenant_id)?,
            integration_id: parse("integration_id", &self.integration_id)?,
            status: from_word("status", self.status)?,
        })
    }
}

/// Statuses that other services have not heard of, so many at most. Of an integration that is deleted they hear if they ever heard of it.
///
/// # Errors
/// When the database does not answer.
pub async fn unproclaimed(tx: &mut Transaction, limit: i64) -> Result<Vec<IntegrationStatusChanged>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "SELECT health.tenant_id, health.integration_id, health.status FROM integration_health AS health
         JOIN tenant_integrations AS integration ON integration.id = health.integration_id
         WHERE health.status IS DISTINCT FROM health.proclaimed_status AND integration.platform <> 'coccinelle'
           AND (integration.deleted_at IS NULL OR health.proclaimed_status IS NOT NULL)
         ORDER BY health.integration_id LIMIT $1",
    )
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_word).collect()
}

/// Notes what other services have heard; whatever became otherwise meanwhile they have not. The rows are locked in the order of their
/// ids, as where outcomes are counted.
///
/// # Errors
/// When the database does not answer.
pub async fn note_proclaimed(tx: &mut Transaction, said: &[IntegrationStatusChanged]) -> Result<(), PersistenceError> {
    let statuses = said.iter().map(|word| to_word(&word.status)).collect::<Result<Vec<String>, _>>()?;
    sql_query(
        "UPDATE integration_health AS health SET proclaimed_status = heard.status
         FROM (
             SELECT locked.integration_id, said.status FROM integration_health AS locked
             JOIN unnest($1, $2) AS said (integration_id, status) ON said.integration_id = locked.integration_id
             ORDER BY locked.integration_id FOR UPDATE OF locked
         ) AS heard
         WHERE health.integration_id = heard.integration_id",
    )
    .bind::<Array<Text>, _>(said.iter().map(|word| word.integration_id.to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(statuses)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
