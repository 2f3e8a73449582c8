//! Reading the table `integration_sync_logs`, the newest first.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{self, BigInt, Jsonb, Nullable, Timestamptz};
use domain::id::{IntegrationId, LinkId, RecordId, SyncLogId, TenantId};
use domain::kind::RecordKind;
use domain::outcome::{SyncType, ValueChange};
use domain::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{hours, query, words};
use crate::log_page::{LogCursor, LogPage, LogRow};
use crate::text::{Json, from_json, from_word, parse, parse_optional};
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

/// Which rows are wanted; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those that ended so.
    pub status: Option<LogStatus>,
    /// Only those that tried this.
    pub sync_type: Option<SyncType>,
    /// Only those of records of this kind.
    pub kind: Option<RecordKind>,
    /// Only those that went this way: `to_platform` or `from_platform`.
    pub direction: Option<Way>,
    /// Only those of this record.
    pub record: Option<RecordId>,
    /// Only those that failed like this.
    pub fingerprint: Option<String>,
    /// Only those from then on.
    pub since: Option<Timestamp>,
    /// Only those before then.
    pub until: Option<Timestamp>,
    /// Only those that this text is about.
    pub text: Option<Text>,
}

/// What somebody looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// All that one request led to.
    Trace(String),
    /// All of one link.
    Link(LinkId),
    /// All of one record.
    Record(RecordId),
    /// Words of an error, or its code; or the platform's id of an object. Words are looked for in the newest
    /// [`Text::REACH`] failures of the wanted time only.
    Words(String),
}

impl Text {
    /// In how many failures words are looked for; older ones are reached by another time, or by the next part.
    pub const REACH: u32 = 1_000;
}

/// Which way data went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From Coccinelle to the platform.
    ToPlatform,
    /// From the platform to Coccinelle.
    FromPlatform,
}

impl Way {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ToPlatform => "to_platform",
            Self::FromPlatform => "from_platform",
        }
    }
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
    /// The fields that it changed, by name: going out the platform's, coming in ours; of an attempt that failed, what it was to
    /// change. Values beyond 300 characters are cut. Empty where it changed nothing, or was made before this was kept.
    pub changes: BTreeMap<String, ValueChange>,
    /// How many fields more it changed, or was to change, than there was room for in `changes`, which holds 32 KiB.
    #[schema(example = 0)]
    pub changes_left_out: i64,
}

impl LogRow for SyncLog {
    fn cursor(&self) -> LogCursor {
        LogCursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = sql_types::Text)]
    id: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Text)]
    integration_id: String,
    #[diesel(sql_type = sql_types::Text)]
    sync_type: String,
    #[diesel(sql_type = sql_types::Text)]
    direction: String,
    #[diesel(sql_type = sql_types::Text)]
    status: String,
    #[diesel(sql_type = sql_types::Text)]
    kind: String,
    #[diesel(sql_type = Nullable<sql_types::Text>)]
    record_id: Option<String>,
    #[diesel(sql_type = sql_types::Text)]
    link_id: String,
    #[diesel(sql_type = Nullable<sql_types::Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Nullable<sql_types::Text>)]
    error_class: Option<String>,
    #[diesel(sql_type = Nullable<sql_types::Text>)]
    error_code: Option<String>,
    #[diesel(sql_type = Nullable<sql_types::Text>)]
    error_message: Option<String>,
    #[diesel(sql_type = Nullable<sql_types::Text>)]
    fingerprint: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    payload_sent: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    response_received: Option<Value>,
    #[diesel(sql_type = BigInt)]
    duration_ms: i64,
    #[diesel(sql_type = BigInt)]
    attempt: i64,
    #[diesel(sql_type = sql_types::Text)]
    correlation_id: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    changes: Option<Json>,
    #[diesel(sql_type = BigInt)]
    changes_left_out: i64,
}

impl Row {
    pub(super) fn into_log(self) -> Result<SyncLog, PersistenceError> {
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
            changes: self.changes.map(|json| from_json("changes", json)).transpose()?.unwrap_or_default(),
            changes_left_out: self.changes_left_out,
        })
    }
}

/// The attempts of an integration, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    filter: Filter,
    page: &LogPage,
) -> Result<Vec<SyncLog>, PersistenceError> {
    let rows = if let Some(Text::Words(words)) = &filter.text {
        words::find(tx, whose, words, &filter, page).await?
    } else if let Some(key) = query::key(&filter) {
        query::alike(tx, whose, key, &filter, page).await?
    } else {
        let stretches = hours::of_page(tx, whose, &filter, page).await?;
        if stretches.is_empty() {
            return Ok(Vec::new());
        }
        query::within(tx, &stretches, whose, &filter, page).await?
    };
    rows.into_iter().map(Row::into_log).collect()
}
