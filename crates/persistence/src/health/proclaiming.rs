//! Which integrations are otherwise than was last said to other services. What Coccinelle's backend was told is `telling`'s.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::integration::Status;
use domain::message::IntegrationStatusChanged;

use crate::statement::sql_query;
use crate::text::{from_word, parse, to_word};
use crate::{PersistenceError, Transaction};

/// A status that other services have not heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnproclaimedStatus {
    /// What they are to hear.
    pub word: IntegrationStatusChanged,
    /// What was noted as said last when this was read; `None` where none was.
    pub said_before: Option<Status>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    integration_id: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    proclaimed_status: Option<String>,
}

impl Row {
    fn into_unproclaimed(self) -> Result<UnproclaimedStatus, PersistenceError> {
        let before = self.proclaimed_status;
        Ok(UnproclaimedStatus {
            word: IntegrationStatusChanged {
                tenant_id: parse("tenant_id", &self.tenant_id)?,
                integration_id: parse("integration_id", &self.integration_id)?,
                status: from_word("status", self.status)?,
            },
            said_before: before.map(|status| from_word("proclaimed_status", status)).transpose()?,
        })
    }
}

/// Statuses that other services have not heard of, so many at most. Of an integration that is deleted they hear if they ever heard of it.
///
/// # Errors
/// When the database does not answer.
pub async fn unproclaimed(tx: &mut Transaction, limit: i64) -> Result<Vec<UnproclaimedStatus>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "SELECT health.tenant_id, health.integration_id, health.status, health.proclaimed_status
         FROM integration_health AS health
         JOIN tenant_integrations AS integration ON integration.id = health.integration_id
         WHERE health.status IS DISTINCT FROM health.proclaimed_status AND integration.platform <> 'coccinelle'
           AND (integration.deleted_at IS NULL OR health.proclaimed_status IS NOT NULL)
         ORDER BY health.integration_id LIMIT $1",
    )
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_unproclaimed).collect()
}

/// Notes what other services have heard; whatever became otherwise meanwhile they have not. The rows are locked in the order of their
/// ids, as where outcomes are counted.
///
/// Where somebody else has said and noted another status since this one was read, nobody knows which of the two was heard last: neither
/// is noted, so that it is said again.
///
/// # Errors
/// When the database does not answer.
pub async fn note_proclaimed(tx: &mut Transaction, said: &[UnproclaimedStatus]) -> Result<(), PersistenceError> {
    let words = |statuses: Vec<Option<Status>>| {
        let words = statuses.iter().map(|status| status.as_ref().map(to_word).transpose());
        words.collect::<Result<Vec<Option<String>>, _>>()
    };
    sql_query(
        "UPDATE integration_health AS health SET proclaimed_status = CASE
             WHEN health.proclaimed_status IS NOT DISTINCT FROM heard.before OR health.proclaimed_status = heard.status
             THEN heard.status END
         FROM (
             SELECT locked.integration_id, said.before, said.status FROM integration_health AS locked
             JOIN unnest($1, $2, $3) AS said (integration_id, before, status)
                 ON said.integration_id = locked.integration_id
             ORDER BY locked.integration_id FOR UPDATE OF locked
         ) AS heard
         WHERE health.integration_id = heard.integration_id",
    )
    .bind::<Array<Text>, _>(said.iter().map(|said| said.word.integration_id.to_string()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(words(said.iter().map(|said| said.said_before).collect())?)
    .bind::<Array<Nullable<Text>>, _>(words(said.iter().map(|said| Some(said.word.status)).collect())?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
