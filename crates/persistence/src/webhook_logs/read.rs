//! Reading the table `integration_webhook_logs`, the newest first.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId, WebhookLogId};
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::log_page::{LogCursor, LogPage, LogRow};
use crate::statement::{asked_for, sql_query};
use crate::text::parse;
use crate::{PersistenceError, Transaction, log_page};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It was refused at the door.
    Refused,
    /// What it named was marked for reading.
    Applied,
    /// It was of no use to anybody here.
    Ignored,
}

impl Became {
    /// Written out: a plan that is kept for all outcomes looks for a rare one among all the others.
    fn condition(self) -> &'static str {
        match self {
            Self::Refused => " AND outcome = 'refused'",
            Self::Applied => " AND outcome = 'applied'",
            Self::Ignored => " AND outcome = 'ignored'",
        }
    }
}

/// Which deliveries are wanted; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of which this became.
    pub outcome: Option<Became>,
    /// Only those from then on.
    pub since: Option<Timestamp>,
    /// Only those before then.
    pub until: Option<Timestamp>,
}

/// An inbound delivery, as the log tells it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
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

impl LogRow for WebhookLog {
    fn cursor(&self) -> LogCursor {
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

fn read(rows: Vec<Row>) -> Result<Vec<WebhookLog>, PersistenceError> {
    rows.into_iter().map(Row::into_log).collect()
}

/// What a delivery is read of. Named, so that the plan is kept: over a partition a day, planning takes longer than reading.
const NAMES: &str = "id, created_at, platform, delivery_id, verified, outcome, reason, marked, body, correlation_id";

/// The deliveries for an integration, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    filter: &Filter,
    page: &LogPage,
) -> Result<Vec<WebhookLog>, PersistenceError> {
    let after = page.after.as_ref();
    log_page::plan(tx, (filter.since, filter.until)).await?;
    let conditions = asked_for([
        (after.is_some(), " AND created_at <= $3 AND (created_at < $3 OR id > $4)"),
        (filter.since.is_some(), " AND created_at >= $5"),
        (filter.until.is_some(), " AND created_at < $6"),
    ]);
    let outcome = filter.outcome.map_or("", Became::condition);
    let statement = format!(
        "WITH asked AS (SELECT $3::timestamptz, $4::text, $5::timestamptz, $6::timestamptz)
         SELECT {NAMES} FROM integration_webhook_logs WHERE tenant_id = $1 AND integration_id = $2{conditions}{outcome}
         ORDER BY created_at DESC, id LIMIT $7"
    );
    let rows: Vec<Row> = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Nullable<Timestamptz>, _>(after.map(|after| DateTime::<Utc>::from(after.created_at)))
        .bind::<Text, _>(after.map_or("", |after| after.id.as_str()))
        .bind::<Nullable<Timestamptz>, _>(filter.since.map(DateTime::<Utc>::from))
        .bind::<Nullable<Timestamptz>, _>(filter.until.map(DateTime::<Utc>::from))
        .bind::<BigInt, _>(i64::from(page.limit))
        .load(&mut **tx)
        .await?;
    read(rows)
}

/// One delivery for an integration; `None` where it has none of that id.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    id: WebhookLogId,
) -> Result<Option<WebhookLog>, PersistenceError> {
    let statement = format!(
        "SELECT {NAMES} FROM integration_webhook_logs WHERE tenant_id = $1 AND integration_id = $2 AND id = $3"
    );
    let rows = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Text, _>(id.to_string())
        .load(&mut **tx)
        .await?;
    Ok(read(rows)?.pop())
}

/// The deliveries of a tenant that a trace began with, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_trace(
    tx: &mut Transaction,
    tenant: TenantId,
    correlation_id: &str,
    limit: u32,
) -> Result<Vec<WebhookLog>, PersistenceError> {
    read(log_page::of_trace(tx, ("integration_webhook_logs", NAMES), tenant, correlation_id, limit).await?)
}
