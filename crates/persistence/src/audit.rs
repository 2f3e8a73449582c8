//! The table `audit_log`: who changed what. A row is written in the transaction of its change, and stays as it is until its time is over.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::audit::{Action, Entry, FieldChange};
use domain::id::{AuditId, TenantId};
use domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::log_page::{LogCursor, LogPage, LogRow};
use crate::statement::sql_query;
use crate::text::{Json, from_json, parse, storable, to_storable_json, to_word};
use crate::{PersistenceError, Transaction};

/// Characters of a text from outside that a row keeps.
const TEXT_LIMIT: usize = 300;

/// Writes down a change, in the change's own transaction.
///
/// # Errors
/// When the database does not answer.
pub async fn record(tx: &mut Transaction, entry: &Entry<'_>) -> Result<(), PersistenceError> {
    let author = entry.author;
    let roles = author.roles.iter().map(to_word).collect::<Result<Vec<_>, _>>()?;
    sql_query(
        "INSERT INTO audit_log
             (id, created_at, tenant_id, sub, roles, action, target, changes, address, user_agent, request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind::<Text, _>(AuditId::new().to_string())
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(Timestamp::now()))
    .bind::<Text, _>(entry.tenant_id.to_string())
    .bind::<Text, _>(kept(&author.sub))
    .bind::<Array<Text>, _>(roles)
    .bind::<Text, _>(to_word(&entry.action)?)
    .bind::<Nullable<Text>, _>(entry.target.as_deref().map(kept))
    .bind::<Jsonb, _>(to_storable_json(&entry.changes)?)
    .bind::<Nullable<Text>, _>(author.address.map(|address| address.to_string()))
    .bind::<Nullable<Text>, _>(author.user_agent.as_deref().map(kept))
    .bind::<Text, _>(kept(&author.request_id))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn kept(text: &str) -> String {
    storable(text).chars().take(TEXT_LIMIT).collect()
}

/// Which changes are wanted; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this action.
    pub action: Option<Action>,
    /// Only those of the thing with this id.
    pub target: Option<String>,
    /// Only those by this caller.
    pub sub: Option<String>,
    /// Only those from then on.
    pub since: Option<Timestamp>,
    /// Only those before then.
    pub until: Option<Timestamp>,
}

/// A change, as the audit log tells it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Change {
    /// The row's id.
    pub id: AuditId,
    /// When.
    pub created_at: Timestamp,
    /// Who, as their token calls them.
    #[schema(example = "marie@cabinet.example")]
    pub sub: String,
    /// What their token allowed them.
    pub roles: Vec<String>,
    /// What was done.
    #[schema(example = "integration.enabled")]
    pub action: String,
    /// The id of what it was done to; `null` where that is the tenant.
    pub target: Option<String>,
    /// Which fields.
    pub changes: Vec<FieldChange>,
    /// The address that the request came from.
    #[schema(example = "203.0.113.7")]
    pub address: Option<String>,
    /// What the caller's program calls itself.
    pub user_agent: Option<String>,
    /// Finds the request in our logs.
    pub request_id: String,
}

impl LogRow for Change {
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
    sub: String,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Nullable<Text>)]
    target: Option<String>,
    #[diesel(sql_type = Jsonb)]
    changes: Json,
    #[diesel(sql_type = Nullable<Text>)]
    address: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    user_agent: Option<String>,
    #[diesel(sql_type = Text)]
    request_id: String,
}

impl Row {
    fn into_change(self) -> Result<Change, PersistenceError> {
        Ok(Change {
            id: parse("id", &self.id)?,
            created_at: self.created_at.into(),
            sub: self.sub,
            roles: self.roles,
            action: self.action,
            target: self.target,
            changes: from_json("changes", self.changes)?,
            address: self.address,
            user_agent: self.user_agent,
            request_id: self.request_id,
        })
    }
}

const LIST: &str = "
SELECT * FROM audit_log
WHERE tenant_id = $1
  AND ($2::text IS NULL OR action = $2) AND ($3::text IS NULL OR target = $3) AND ($4::text IS NULL OR sub = $4)
  AND ($5::timestamptz IS NULL OR created_at >= $5) AND ($6::timestamptz IS NULL OR created_at < $6)
  AND ($7::timestamptz IS NULL OR (created_at <= $7 AND (created_at < $7 OR id > $8)))
ORDER BY created_at DESC, id LIMIT $9";

/// The changes that a tenant's people made, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Transaction,
    tenant: TenantId,
    filter: &Filter,
    page: &LogPage,
) -> Result<Vec<Change>, PersistenceError> {
    let after = page.after.as_ref();
    let rows: Vec<Row> = sql_query(LIST)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Nullable<Text>, _>(filter.action.as_ref().map(to_word).transpose()?)
        .bind::<Nullable<Text>, _>(filter.target.as_deref().map(storable))
        .bind::<Nullable<Text>, _>(filter.sub.as_deref().map(storable))
        .bind::<Nullable<Timestamptz>, _>(filter.since.map(DateTime::<Utc>::from))
        .bind::<Nullable<Timestamptz>, _>(filter.until.map(DateTime::<Utc>::from))
        .bind::<Nullable<Timestamptz>, _>(after.map(|after| DateTime::<Utc>::from(after.created_at)))
        .bind::<Text, _>(after.map_or("", |after| after.id.as_str()))
        .bind::<BigInt, _>(i64::from(page.limit))
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Row::into_change).collect()
}

/// Deletes so many rows at most that are older than `days`, and than a year; returns how many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(tx: &mut Transaction, days: u32, limit: u32) -> Result<usize, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        gone: i64,
    }
    let row: Row = sql_query("SELECT forget_audit($1, $2) AS gone")
        .bind::<Integer, _>(i32::try_from(days).unwrap_or(i32::MAX))
        .bind::<BigInt, _>(i64::from(limit))
        .get_result(&mut **tx)
        .await?;
    Ok(usize::try_from(row.gone).unwrap_or_default())
}
