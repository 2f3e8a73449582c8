//! The table `integration_webhook_logs`: inbound deliveries, written in batches and read newest first.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId, WebhookLogId};
use domain::outcome::{WebhookOutcome, WebhookResult};
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::log_page::{LogCursor, LogPage, kept_body};
use crate::text::{parse, storable};
use crate::{PersistenceError, Transaction, erasure};

/// An inbound delivery, as the log tells it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WebhookLog {
    /// The row's id.
    pub id: WebhookLogId,
    /// When it came in.
    pub created_at: Timestamp,
    /// Who sent it, or claimed to.
    pub platform: PlatformSlug,
    /// The platform's own id of the delivery.
    pub delivery_id: Option<String>,
    /// Whether its signature was good.
    pub verified: bool,
    /// `refused`, `applied` or `ignored`.
    pub outcome: String,
    /// Why it was refused or ignored.
    pub reason: Option<String>,
    /// How many objects it marked for reading.
    pub marked: Option<i64>,
    /// Its body.
    pub body: Option<Value>,
    /// The trace that it began.
    pub correlation_id: String,
}

impl WebhookLog {
    /// The place behind this row.
    #[must_use]
    pub fn cursor(&self) -> LogCursor {
        LogCursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Text)]
    id: String,
}

const INSERT: &str = "
INSERT INTO integration_webhook_logs (id, created_at, platform, tenant_id, integration_id, delivery_id, verified,
    outcome, reason, marked, body, correlation_id)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[],
    $8::text[], $9::text[], $10::bigint[], $11::jsonb[], $12::text[]) AS new (id, created_at, platform, tenant_id)
WHERE NOT EXISTS (SELECT FROM erased_tenants WHERE erased_tenants.id = new.tenant_id)
ON CONFLICT DO NOTHING
RETURNING id";

/// Writes deliveries; returns the ids of those that were not there before. A refused one is kept without its body, and
/// one for a tenant that was erased is dropped.
///
/// # Errors
/// When the database does not answer or refuses a row; nothing is written then.
pub async fn insert_batch(
    tx: &mut Transaction,
    outcomes: &[WebhookOutcome],
) -> Result<Vec<WebhookLogId>, PersistenceError> {
    fn column<'a, T>(rows: &'a [WebhookOutcome], of: impl Fn(&'a WebhookOutcome) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    erasure::hold_off(tx).await?;
    let new: Vec<Id> = sql_query(INSERT)
        .bind::<Array<Text>, _>(column(outcomes, |row| row.id.to_string()))
        .bind::<Array<Timestamptz>, _>(column(outcomes, |row| DateTime::<Utc>::from(row.created_at)))
        .bind::<Array<Text>, _>(column(outcomes, |row| row.platform.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |row| row.tenant_id.map(|id| id.to_string())))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |row| row.integration_id.map(|id| id.to_string())))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |row| row.delivery_id.as_deref().map(storable)))
        .bind::<Array<Bool>, _>(column(outcomes, |row| is_verified(&row.result)))
        .bind::<Array<Text>, _>(column(outcomes, |row| word(&row.result)))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |row| reason(&row.result).map(storable)))
        .bind::<Array<Nullable<BigInt>>, _>(column(outcomes, |row| marked(&row.result)))
        .bind::<Array<Nullable<Jsonb>>, _>(column(outcomes, |row| {
            kept_body(row.body.as_ref().filter(|_| is_verified(&row.result)))
        }))
        .bind::<Array<Text>, _>(column(outcomes, |row| storable(&row.correlation_id)))
        .load(&mut **tx)
        .await?;
    new.iter().map(|row| parse("id", &row.id)).collect()
}

fn is_verified(result: &WebhookResult) -> bool {
    match result {
        WebhookResult::Refused { .. } => false,
        WebhookResult::Applied { .. } | WebhookResult::Ignored { .. } => true,
    }
}

fn word(result: &WebhookResult) -> &'static str {
    match result {
        WebhookResult::Refused { .. } => "refused",
        WebhookResult::Applied { .. } => "applied",
        WebhookResult::Ignored { .. } => "ignored",
    }
}

fn reason(result: &WebhookResult) -> Option<&str> {
    match result {
        WebhookResult::Refused { reason } | WebhookResult::Ignored { reason } => Some(reason),
        WebhookResult::Applied { .. } => None,
    }
}

fn marked(result: &WebhookResult) -> Option<i64> {
    match result {
        WebhookResult::Applied { marked } => Some(i64::from(*marked)),
        WebhookResult::Refused { .. } | WebhookResult::Ignored { .. } => None,
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    platform: String,
    #[diesel(sql_type = Nullable<Text>)]
    delivery_id: Option<String>,
    #[diesel(sql_type = Bool)]
    verified: bool,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    marked: Option<i64>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    body: Option<Value>,
    #[diesel(sql_type = Text)]
    correlation_id: String,
}

impl Row {
    fn into_log(self) -> Result<WebhookLog, PersistenceError> {
        Ok(WebhookLog {
            id: parse("id", &self.id)?,
            created_at: self.created_at.into(),
            platform: parse("platform", &self.platform)?,
            delivery_id: self.delivery_id,
            verified: self.verified,
            outcome: self.outcome,
            reason: self.reason,
            marked: self.marked,
            body: self.body,
            correlation_id: self.correlation_id,
        })
    }
}

const LIST: &str = "
SELECT * FROM integration_webhook_logs
WHERE tenant_id = $1 AND integration_id = $2
  AND ($3::timestamptz IS NULL OR (created_at <= $3 AND (created_at < $3 OR id > $4)))
ORDER BY created_at DESC, id LIMIT $5";

/// The deliveries for an integration, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    page: &LogPage,
) -> Result<Vec<WebhookLog>, PersistenceError> {
    let after = page.after.as_ref();
    let rows: Vec<Row> = sql_query(LIST)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Nullable<Timestamptz>, _>(after.map(|after| DateTime::<Utc>::from(after.created_at)))
        .bind::<Text, _>(after.map_or("", |after| after.id.as_str()))
        .bind::<BigInt, _>(i64::from(page.limit))
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Row::into_log).collect()
}
