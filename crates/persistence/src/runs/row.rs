//! A run as a row, and what readers are shown of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, RunId, TenantId};
use domain::kind::RecordKind;
use domain::outcome::SyncError;
use domain::run::{Counts, Run};
use domain::time::Timestamp;
use serde::Deserialize;

use crate::statement::sql_query;
use crate::text::{Json, from_json, from_word, parse};
use crate::{PersistenceError, Transaction};

/// Which part of the list of runs is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunsPage {
    /// Behind which run; from the newest where it is `None`.
    pub after: Option<RunId>,
    /// How many at most.
    pub limit: u32,
}

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    integration_id: String,
    #[diesel(sql_type = Text)]
    trigger: String,
    #[diesel(sql_type = Text)]
    direction: String,
    #[diesel(sql_type = Array<Text>)]
    kinds: Vec<String>,
    #[diesel(sql_type = Text)]
    mode: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Nullable<Jsonb>)]
    position: Option<Json>,
    #[diesel(sql_type = Jsonb)]
    counts: Json,
    #[diesel(sql_type = Nullable<Jsonb>)]
    standing: Option<Json>,
    #[diesel(sql_type = Bool)]
    confirmed: bool,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Nullable<Text>)]
    requested_by: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    due_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    settling_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    heartbeat_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    error_class: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    error_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    error_message: Option<String>,
}

/// What is out of step of one kind at the moment.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Standing {
    owed: u64,
    failed: u64,
    duplicates: u64,
}

impl Row {
    pub(super) fn into_run(self) -> Result<Run, PersistenceError> {
        let mut counts: BTreeMap<RecordKind, Counts> = from_json("counts", self.counts)?;
        let standing = self.standing.map(|standing| from_json("standing", standing)).transpose()?;
        for (kind, now) in standing.unwrap_or_else(BTreeMap::<RecordKind, Standing>::new) {
            let of_kind = counts.entry(kind).or_default();
            (of_kind.owed, of_kind.failed, of_kind.duplicates) = (now.owed, now.failed, now.duplicates);
        }
        Ok(Run {
            id: parse("id", &self.id)?,
            tenant_id: parse("tenant_id", &self.tenant_id)?,
            integration_id: parse("integration_id", &self.integration_id)?,
            trigger: from_word("trigger", self.trigger)?,
            direction: from_word("direction", self.direction)?,
            kinds: self.kinds.iter().map(|kind| parse("kinds", kind)).collect::<Result<_, _>>()?,
            mode: from_word("mode", self.mode)?,
            state: from_word("state", self.state)?,
            sequence: self.sequence,
            position: self.position.map(|position| from_json("position", position)).transpose()?,
            counts,
            confirmed: self.confirmed,
            attempts: u32::try_from(self.attempts).unwrap_or_default(),
            requested_by: self.requested_by,
            due_at: self.due_at.map(Timestamp::from),
            created_at: self.created_at.into(),
            started_at: self.started_at.map(Timestamp::from),
            settling_since: self.settling_since.map(Timestamp::from),
            heartbeat_at: self.heartbeat_at.map(Timestamp::from),
            ended_at: self.ended_at.map(Timestamp::from),
            error: error(self.error_class, self.error_code, self.error_message)?,
        })
    }
}

fn error(
    class: Option<String>,
    code: Option<String>,
    message: Option<String>,
) -> Result<Option<SyncError>, PersistenceError> {
    let Some(class) = class else { return Ok(None) };
    let class = from_word("error_class", class)?;
    Ok(Some(SyncError { class, code: code.unwrap_or_default(), message: message.unwrap_or_default() }))
}

/// Every column; `standing` is null where a query does not ask for it, or the run has ended and keeps its own count.
pub(super) const COLUMNS: &str =
    "run.id, run.tenant_id, run.integration_id, run.trigger, run.direction, run.kinds, run.mode, run.state,
     run.sequence, run.position, run.counts, run.confirmed, run.attempts, run.requested_by, run.due_at, run.created_at,
     run.started_at, run.settling_since, run.heartbeat_at, run.ended_at, run.error_class, run.error_code,
     run.error_message";

/// Kind to what of a live run is owed and failed: what became owed after it began to settle is not its business.
pub(super) const STANDING: &str = "
    CASE WHEN run.ended_at IS NULL THEN (
        SELECT jsonb_object_agg(kind, jsonb_build_object('owed', owed, 'failed', failed,
                                                       'duplicates', duplicates)) FROM (
            SELECT kind, count(*) FILTER (WHERE owed AND owed_since <= coalesce(run.settling_since, now())) AS owed,
                   count(*) FILTER (WHERE blocked_at >= run.started_at) AS failed,
                   count(*) FILTER (WHERE blocked_at IS NOT NULL
                                      AND error_code IN ('duplicate_remote', 'already_linked')) AS duplicates
            FROM record_links
            WHERE tenant_id = run.tenant_id AND integration_id = run.integration_id AND kind = ANY (run.kinds)
              AND (owed OR blocked_at IS NOT NULL)
            GROUP BY kind
        ) AS by_kind
    ) END AS standing";

/// One run of a tenant; `None` where the tenant has none of that id.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Transaction, tenant: TenantId, id: RunId) -> Result<Option<Run>, PersistenceError> {
    let row: Vec<Row> =
        sql_query(format!("SELECT {COLUMNS}, {STANDING} FROM sync_runs AS run WHERE tenant_id = $1 AND id = $2"))
            .bind::<Text, _>(tenant.to_string())
            .bind::<Text, _>(id.to_string())
            .load(&mut **tx)
            .await?;
    row.into_iter().next().map(Row::into_run).transpose()
}

/// Which runs are under way, of which an integration has one: those that ask, or were answered, keep no other from beginning.
pub(super) const UNDER_WAY: &str = "ended_at IS NULL AND state <> 'needs_confirmation' AND NOT confirmed";

/// The run of an integration that asks for consent, where one does.
///
/// # Errors
/// When the database does not answer.
pub async fn asking(tx: &mut Transaction, whose: (TenantId, IntegrationId)) -> Result<Option<Run>, PersistenceError> {
    newest(tx, whose, "state = 'needs_confirmation'").await
}

/// The newest run of an integration of which something is true.
pub(super) async fn newest(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    condition: &str,
) -> Result<Option<Run>, PersistenceError> {
    let rows: Vec<Row> = sql_query(format!(
        "SELECT {COLUMNS}, {STANDING} FROM sync_runs AS run
         WHERE tenant_id = $1 AND integration_id = $2 AND {condition} ORDER BY id DESC LIMIT 1"
    ))
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .load(&mut **tx)
    .await?;
    rows.into_iter().next().map(Row::into_run).transpose()
}

/// The runs of an integration, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    page: RunsPage,
) -> Result<Vec<Run>, PersistenceError> {
    let rows: Vec<Row> = sql_query(format!(
        "SELECT {COLUMNS}, {STANDING} FROM sync_runs AS run
         WHERE tenant_id = $1 AND integration_id = $2 AND ($3 IS NULL OR id < $3) ORDER BY id DESC LIMIT $4"
    ))
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Nullable<Text>, _>(page.after.map(|id| id.to_string()))
    .bind::<BigInt, _>(i64::from(page.limit))
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_run).collect()
}
