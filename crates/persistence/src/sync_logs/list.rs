//! Reading the table `integration_sync_logs`, the newest first.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LinkId, RecordId, SyncLogId, TenantId};
use domain::kind::RecordKind;
use domain::outcome::SyncType;
use domain::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::log_page::{LogCursor, LogPage};
use crate::text::{from_word, parse, parse_optional};
use crate::{PersistenceError, Transaction};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogStatus {
    /// As it should.
    Success,
    /// Otherwise.
    Failed,
}

impl LogStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
        }
    }
}

/// Which rows are wanted; all where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those that ended so.
    pub status: Option<LogStatus>,
    /// Only those that tried this.
    pub sync_type: Option<SyncType>,
}

/// An attempt, as the log tells it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SyncLog {
    /// The row's id.
    pub id: SyncLogId,
    /// When the attempt ended.
    pub created_at: Timestamp,
    /// By which integration.
    pub integration_id: IntegrationId,
    /// What was tried.
    pub sync_type: SyncType,
    /// `to_platform` or `from_platform`.
    pub direction: String,
    /// How it ended.
    pub status: LogStatus,
    /// What the record is.
    pub kind: RecordKind,
    /// The record.
    pub record_id: Option<RecordId>,
    /// The link.
    pub link_id: LinkId,
    /// The platform's id of the object.
    pub external_id: Option<String>,
    /// The class of the failure.
    pub error_class: Option<String>,
    /// Its stable code.
    pub error_code: Option<String>,
    /// Its sentence.
    pub error_message: Option<String>,
    /// The same for all failures that one remedy mends.
    pub fingerprint: Option<String>,
    /// What was sent.
    pub payload_sent: Option<Value>,
    /// What came back.
    pub response_received: Option<Value>,
    /// How long the platform took, in milliseconds.
    pub duration_ms: i64,
    /// Which attempt it was.
    pub attempt: i64,
    /// The trace that led here.
    pub correlation_id: String,
}

impl SyncLog {
    /// The place behind this row.
    #[must_use]
    pub fn cursor(&self) -> LogCursor {
        LogCursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    integration_id: String,
    #[diesel(sql_type = Text)]
    sync_type: String,
    #[diesel(sql_type = Text)]
    direction: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    record_id: Option<String>,
    #[diesel(sql_type = Text)]
    link_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    error_class: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    error_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    error_message: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    fingerprint: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    payload_sent: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    response_received: Option<Value>,
    #[diesel(sql_type = BigInt)]
    duration_ms: i64,
    #[diesel(sql_type = BigInt)]
    attempt: i64,
    #[diesel(sql_type = Text)]
    correlation_id: String,
}

impl Row {
    fn into_log(self) -> Result<SyncLog, PersistenceError> {
        Ok(SyncLog {
            id: parse("id", &self.id)?,
            created_at: self.created_at.into(),
            integration_id: parse("integration_id", &self.integration_id)?,
            sync_type: from_word("sync_type", self.sync_type)?,
            direction: self.direction,
            status: from_word("status", self.status)?,
            kind: parse("kind", &self.kind)?,
            record_id: parse_optional("record_id", self.record_id.as_deref())?,
            link_id: parse("link_id", &self.link_id)?,
            external_id: self.external_id,
            error_class: self.error_class,
            error_code: self.error_code,
            error_message: self.error_message,
            fingerprint: self.fingerprint,
            payload_sent: self.payload_sent,
            response_received: self.response_received,
            duration_ms: self.duration_ms,
            attempt: self.attempt,
            correlation_id: self.correlation_id,
        })
    }
}

const LIST: &str = "
SELECT * FROM integration_sync_logs
WHERE tenant_id = $1 AND integration_id = $2
  AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR sync_type = $4)
  AND ($5::timestamptz IS NULL OR (created_at <= $5 AND (created_at < $5 OR id > $6)))
ORDER BY created_at DESC, id LIMIT $7";

/// The attempts of an integration, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    filter: Filter,
    page: &LogPage,
) -> Result<Vec<SyncLog>, PersistenceError> {
    let after = page.after.as_ref();
    let rows: Vec<Row> = sql_query(LIST)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Nullable<Text>, _>(filter.status.map(LogStatus::as_str))
        .bind::<Nullable<Text>, _>(filter.sync_type.map(SyncType::as_str))
        .bind::<Nullable<Timestamptz>, _>(after.map(|after| DateTime::<Utc>::from(after.created_at)))
        .bind::<Text, _>(after.map_or("", |after| after.id.as_str()))
        .bind::<BigInt, _>(i64::from(page.limit))
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Row::into_log).collect()
}
