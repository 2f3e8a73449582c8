//! The table `erasures`: which persons were erased, or are to be, and what came of it. Doing it is `erase`'s.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::audit::Author;
use domain::id::{ErasureId, IntegrationId, RecordId, SuppressionId, TenantId};
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Receipt;
use crate::log_page::{LogCursor, LogPage, LogRow};
use crate::statement::sql_query;
use crate::text::{Json, from_json, from_word, parse, storable, to_json, to_word};
use crate::{PersistenceError, Transaction};

/// The erasure of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// The contact.
    pub record: RecordId,
    /// Who asked for it.
    pub author: Author,
    /// When.
    pub requested_at: Timestamp,
    /// When it was done; `None` while the platforms are waited for.
    pub erased_at: Option<Timestamp>,
    /// By table, how many rows were deleted or lost their content.
    pub counts: BTreeMap<String, i64>,
    /// What the platforms did so far.
    pub answers: Vec<Answer>,
    /// What keeps the person from being taken in again.
    pub suppressions: Vec<SuppressionId>,
}

/// What one platform did with one object of the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ErasureAnswer)]
pub struct Answer {
    /// By which integration it was asked.
    pub integration_id: IntegrationId,
    /// The platform.
    pub platform: PlatformSlug,
    /// What kind of object it holds.
    pub kind: RecordKind,
    /// What came of it.
    pub state: AnswerState,
    /// Why it refuses, as its own code; `null` where it does not.
    #[schema(example = "FORBIDDEN")]
    pub error_code: Option<String>,
}

/// What came of asking a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ErasureAnswerState)]
pub enum AnswerState {
    /// It is asked, and has not answered yet.
    Asked,
    /// It holds the object no more.
    Deleted,
    /// It refuses for good.
    Refused,
    /// It was not asked: the integration is switched off or disconnected, or nothing is written there.
    NotAsked,
}

impl LogRow for Erasure {
    fn cursor(&self) -> LogCursor {
        LogCursor { created_at: self.requested_at, id: self.id.to_string() }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    record_id: String,
    #[diesel(sql_type = Text)]
    sub: String,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Text)]
    request_id: String,
    #[diesel(sql_type = Timestamptz)]
    requested_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    erased_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Jsonb)]
    counts: Json,
    #[diesel(sql_type = Jsonb)]
    answers: Json,
    #[diesel(sql_type = Array<Text>)]
    suppressions: Vec<String>,
}

impl Row {
    fn into_erasure(self) -> Result<Erasure, PersistenceError> {
        let roles = self.roles.into_iter().map(|role| from_word("roles", role)).collect::<Result<Vec<_>, _>>()?;
        let (address, user_agent) = (None, None);
        let author = Author { sub: self.sub, roles, address, user_agent, request_id: self.request_id };
        let suppressions = self.suppressions.iter().map(|id| parse("suppressions", id)).collect::<Result<_, _>>()?;
        Ok(Erasure {
            id: parse("id", &self.id)?,
            record: parse("record_id", &self.record_id)?,
            author,
            requested_at: self.requested_at.into(),
            erased_at: self.erased_at.map(Timestamp::from),
            counts: from_json("counts", self.counts)?,
            answers: from_json("answers", self.answers)?,
            suppressions,
        })
    }
}

/// Notes that somebody wants a person erased; asked again, it is the same wish. The caller excludes everybody else from the
/// tenant's records.
///
/// # Errors
/// When the database does not answer.
pub async fn note(
    tx: &mut Transaction,
    (tenant, record): (TenantId, RecordId),
    author: &Author,
    with_platforms: bool,
) -> Result<(), PersistenceError> {
    let roles = author.roles.iter().map(to_word).collect::<Result<Vec<_>, _>>()?;
    sql_query(
        "INSERT INTO erasures (id, tenant_id, record_id, with_platforms, sub, roles, request_id)
         SELECT $1, $2, $3, $4, $5, $6, $7
         WHERE NOT EXISTS (SELECT FROM erasures WHERE tenant_id = $2 AND record_id = $3)",
    )
    .bind::<Text, _>(ErasureId::new().to_string())
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(record.to_string())
    .bind::<Bool, _>(with_platforms)
    .bind::<Text, _>(storable(&author.sub))
    .bind::<Array<Text>, _>(roles)
    .bind::<Text, _>(&author.request_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes what was done, and what the platforms had answered by then.
///
/// # Errors
/// When the database does not answer.
pub async fn finish(
    tx: &mut Transaction,
    (tenant, record): (TenantId, RecordId),
    receipt: &Receipt,
    answers: &[Answer],
) -> Result<(), PersistenceError> {
    sql_query("UPDATE erasures SET erased_at = $3, counts = $4, answers = $5 WHERE tenant_id = $1 AND record_id = $2")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(record.to_string())
        .bind::<Timestamptz, _>(DateTime::<Utc>::from(receipt.erased_at))
        .bind::<Jsonb, _>(to_json(&receipt.counts)?)
        .bind::<Jsonb, _>(to_json(&answers)?)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What the platforms did so far with the objects of a contact and of what belongs to it.
///
/// # Errors
/// When the database does not answer.
pub async fn answers(
    tx: &mut Transaction,
    (tenant, contact): (TenantId, RecordId),
) -> Result<Vec<Answer>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        integration_id: String,
        #[diesel(sql_type = Text)]
        platform: String,
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = Nullable<Text>)]
        error_code: Option<String>,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT link.integration_id, integration.platform, link.kind,
                CASE WHEN link.gone THEN 'deleted'
                     WHEN link.blocked_at IS NOT NULL THEN 'refused'
                     WHEN NOT integration.enabled OR integration.deleted_at IS NOT NULL THEN 'not_asked'
                     WHEN link.owed OR pending.begun_at IS NULL THEN 'asked'
                     ELSE 'not_asked' END AS state,
                CASE WHEN link.blocked_at IS NOT NULL AND NOT link.gone THEN link.error_code END AS error_code
         FROM pending_erasures AS pending
         JOIN records AS record ON record.id = pending.record_id OR record.contact_id = pending.record_id
         JOIN record_links AS link ON link.record_id = record.id
         JOIN tenant_integrations AS integration ON integration.id = link.integration_id
         WHERE pending.tenant_id = $1 AND pending.record_id = $2 AND record.tenant_id = $1
           AND integration.platform <> 'coccinelle'
           AND (link.external_id IS NOT NULL OR link.owed OR link.blocked_at IS NOT NULL)
         ORDER BY link.integration_id, link.kind, link.id",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(contact.to_string())
    .load(&mut **tx)
    .await?;
    let read = |row: Row| {
        Ok(Answer {
            integration_id: parse("integration_id", &row.integration_id)?,
            platform: parse("platform", &row.platform)?,
            kind: parse("kind", &row.kind)?,
            state: from_word("state", row.state)?,
            error_code: row.error_code,
        })
    };
    rows.into_iter().map(read).collect()
}

const FOUND: &str = "
SELECT id, record_id, sub, roles, request_id, requested_at, erased_at, counts, answers, ARRAY(
    SELECT kept.id FROM suppressions AS kept
    WHERE kept.tenant_id = erasure.tenant_id AND kept.record_id = erasure.record_id ORDER BY kept.id) AS suppressions
FROM erasures AS erasure";

/// The erasure of a record, the one that was asked for first; `None` where nobody asked for it.
///
/// # Errors
/// When the database does not answer.
pub async fn of_record(
    tx: &mut Transaction,
    tenant: TenantId,
    record: RecordId,
) -> Result<Option<Erasure>, PersistenceError> {
    one(tx, tenant, ("record_id", record.to_string())).await
}

/// The erasure of that id.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Transaction, tenant: TenantId, id: ErasureId) -> Result<Option<Erasure>, PersistenceError> {
    one(tx, tenant, ("id", id.to_string())).await
}

async fn one(
    tx: &mut Transaction,
    tenant: TenantId,
    (column, is): (&str, String),
) -> Result<Option<Erasure>, PersistenceError> {
    let rows: Vec<Row> = sql_query(format!("{FOUND} WHERE tenant_id = $1 AND {column} = $2 ORDER BY requested_at, id"))
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(is)
        .load(&mut **tx)
        .await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    Ok(Some(so_far(tx, tenant, row.into_erasure()?).await?))
}

/// Completes one that waits by what the platforms did until now.
async fn so_far(tx: &mut Transaction, tenant: TenantId, erasure: Erasure) -> Result<Erasure, PersistenceError> {
    if erasure.erased_at.is_some() {
        return Ok(erasure);
    }
    Ok(Erasure { answers: answers(tx, (tenant, erasure.record)).await?, ..erasure })
}

/// Erasures of a tenant, those that were asked for last first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Transaction, tenant: TenantId, page: &LogPage) -> Result<Vec<Erasure>, PersistenceError> {
    let statement = format!(
        "{FOUND} WHERE tenant_id = $1 AND ($2 IS NULL OR (requested_at, id) < ($2, $3))
         ORDER BY requested_at DESC, id DESC LIMIT $4"
    );
    let (at, id) = page.after.clone().map(|after| (DateTime::<Utc>::from(after.created_at), after.id)).unzip();
    let rows: Vec<Row> = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Nullable<Timestamptz>, _>(at)
        .bind::<Nullable<Text>, _>(id)
        .bind::<BigInt, _>(i64::from(page.limit))
        .load(&mut **tx)
        .await?;
    let mut found = Vec::new();
    for row in rows {
        found.push(so_far(tx, tenant, row.into_erasure()?).await?);
    }
    Ok(found)
}
