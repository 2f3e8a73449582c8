//! What readers are shown of links.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;

use crate::row::Count;
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// A record's counterpart in one platform.
#[derive(Clone, Debug)]
pub struct LinkView {
    /// The link.
    pub id: LinkId,
    /// The integration.
    pub integration: IntegrationId,
    /// Its platform.
    pub platform: PlatformSlug,
    /// The platform's id of the object.
    pub external_id: Option<String>,
    /// Whether it is out of step and being worked on.
    pub is_owed: bool,
    /// Whether a failure blocks it.
    pub is_blocked: bool,
    /// The last failure's message.
    pub error_message: Option<String>,
    /// When it was last committed.
    pub updated_at: Timestamp,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    integration_id: String,
    #[diesel(sql_type = Text)]
    platform: String,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Bool)]
    owed: bool,
    #[diesel(sql_type = Bool)]
    blocked: bool,
    #[diesel(sql_type = Nullable<Text>)]
    error_message: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
}

impl Row {
    fn into_view(self) -> Result<LinkView, PersistenceError> {
        Ok(LinkView {
            id: parse("id", &self.id)?,
            integration: parse("integration_id", &self.integration_id)?,
            platform: parse("platform", &self.platform)?,
            external_id: self.external_id,
            is_owed: self.owed,
            is_blocked: self.blocked,
            error_message: self.error_message,
            updated_at: self.updated_at.into(),
        })
    }
}

/// The counterparts of one record in what is connected.
///
/// # Errors
/// When the database does not answer.
pub async fn of_record(
    tx: &mut Transaction,
    tenant: TenantId,
    record: RecordId,
) -> Result<Vec<LinkView>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "SELECT link.id, link.integration_id, integration.platform, link.external_id, link.owed,
                link.blocked_at IS NOT NULL AS blocked, link.error_message, link.updated_at
         FROM record_links AS link JOIN tenant_integrations AS integration ON integration.id = link.integration_id
         WHERE link.tenant_id = $1 AND link.record_id = $2 AND integration.deleted_at IS NULL ORDER BY link.id",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(record.to_string())
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_view).collect()
}

/// How many objects of an integration are in step; counting ends at `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn in_step(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    limit: i64,
) -> Result<i64, PersistenceError> {
    let Count { count } = sql_query(
        "SELECT count(*) AS count FROM (
             SELECT FROM record_links
             WHERE tenant_id = $1 AND integration_id = $2 AND external_id IS NOT NULL AND NOT owed
               AND blocked_at IS NULL
             LIMIT $3
         ) AS in_step",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<BigInt, _>(limit)
    .get_result(&mut **tx)
    .await?;
    Ok(count)
}

/// Whether an integration has objects of a kind, in step or not.
///
/// # Errors
/// When the database does not answer.
pub async fn holds(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    kind: RecordKind,
) -> Result<bool, PersistenceError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    let Found { found } = sql_query(
        "SELECT EXISTS (SELECT FROM record_links
                        WHERE tenant_id = $1 AND integration_id = $2 AND kind = $3 AND external_id IS NOT NULL) AS found",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(kind.to_string())
    .get_result(&mut **tx)
    .await?;
    Ok(found)
}

/// The drift number kind by kind: how many links of an integration are owed. Kinds that are in step are left out.
///
/// # Errors
/// When the database does not answer.
pub async fn drift_by_kind(
    tx: &mut Transaction,
    tenant: TenantId,
    integration: IntegrationId,
) -> Result<BTreeMap<RecordKind, i64>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT kind, count(*) AS count FROM integration_sync_queue
         WHERE tenant_id = $1 AND integration_id = $2 GROUP BY kind",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(|row| Ok((parse("kind", &row.kind)?, row.count))).collect()
}

/// The drift number: how many links of an integration are owed.
///
/// # Errors
/// When the database does not answer.
pub async fn drift(
    tx: &mut Transaction,
    tenant: TenantId,
    integration: IntegrationId,
) -> Result<i64, PersistenceError> {
    let rows: Vec<Count> =
        sql_query("SELECT count(*) AS count FROM integration_sync_queue WHERE tenant_id = $1 AND integration_id = $2")
            .bind::<Text, _>(tenant.to_string())
            .bind::<Text, _>(integration.to_string())
            .load(&mut **tx)
            .await?;
    Ok(rows.into_iter().next().map_or(0, |row| row.count))
}

/// How many failures of each of these integrations stand, counted up to `most`; those that have none are left out.
///
/// # Errors
/// When the database does not answer.
pub async fn standing_failures(
    tx: &mut Transaction,
    tenant: TenantId,
    integrations: &[IntegrationId],
    most: i64,
) -> Result<BTreeMap<IntegrationId, i64>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    // No more than that is read, however many there are.
    let rows: Vec<Row> = sql_query(
        "SELECT asked.id, counted.count
         FROM unnest($2::text[]) AS asked (id) CROSS JOIN LATERAL (
             SELECT count(*) AS count FROM (
                 SELECT 1 FROM record_links
                 WHERE tenant_id = $1 AND integration_id = asked.id AND blocked_at IS NOT NULL LIMIT $3
             ) AS standing
         ) AS counted
         WHERE counted.count > 0",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(integrations.iter().map(ToString::to_string).collect::<Vec<_>>())
    .bind::<BigInt, _>(most)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(|row| Ok((parse("integration_id", &row.id)?, row.count))).collect()
}
