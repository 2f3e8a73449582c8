//! Moving a run on, page by page: whoever does a page changes the sequence, and whoever comes too late changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::IntegrationId;
use domain::kind::RecordKind;
use domain::message::RunPage;
use domain::outcome::SyncError;
use domain::run::{Counts, Position, Run, State, Step};

use super::objects::ASKED_ABOUT;
use super::row::{COLUMNS, Row, STANDING};
use crate::row::Id;
use crate::statement::sql_query;
use crate::text::{storable, to_json, to_word};
use crate::{PersistenceError, Transaction};

/// The run of a message, begun where it was queued; `None` where it has moved on since, has ended or waits for somebody.
///
/// # Errors
/// When the database does not answer.
pub async fn take_up(tx: &mut Transaction, page: &RunPage) -> Result<Option<Run>, PersistenceError> {
    let rows: Vec<Row> = sql_query(format!(
        "UPDATE sync_runs AS run SET
             state = CASE WHEN state = 'queued' THEN 'running' ELSE state END,
             started_at = coalesce(started_at, now()), heartbeat_at = now()
         WHERE tenant_id = $1 AND integration_id = $2 AND id = $3 AND sequence = $4
           AND state IN ('queued', 'running', 'cancelling')
         RETURNING {COLUMNS}, NULL AS standing"
    ))
    .bind::<Text, _>(page.tenant_id.to_string())
    .bind::<Text, _>(page.integration_id.to_string())
    .bind::<Text, _>(page.run_id.to_string())
    .bind::<BigInt, _>(page.sequence)
    .load(&mut **tx)
    .await?;
    rows.into_iter().next().map(Row::into_run).transpose()
}

/// What a page leaves behind.
#[derive(Clone, Debug)]
pub struct Move {
    /// Where the next page begins.
    pub position: Position,
    /// What was done so far, kind by kind.
    pub counts: BTreeMap<RecordKind, Counts>,
    /// The end of a listing, where this page came to it.
    pub mark: Option<(RecordKind, String)>,
    /// Whether only what was announced is waited for from now on.
    pub settles: bool,
}

/// Moves a run on by the page that was done, in the transaction that applies it. `None` where somebody else has moved it, or
/// it is to end: then nothing of the page may be committed.
///
/// # Errors
/// When the database does not answer.
pub async fn advance(tx: &mut Transaction, page: &RunPage, moved: &Move) -> Result<Option<RunPage>, PersistenceError> {
    let mark = moved.mark.as_ref().map(|(kind, cursor)| BTreeMap::from([(*kind, cursor)]));
    let changed = sql_query(
        "UPDATE sync_runs SET sequence = sequence + 1, position = $4, counts = $5, marks = marks || $6,
             settling_since = CASE WHEN $7 THEN coalesce(settling_since, now()) ELSE settling_since END,
             attempts = 0, not_before = NULL, error_class = NULL, error_code = NULL, error_message = NULL,
             heartbeat_at = now(), announced_at = now()
         WHERE tenant_id = $1 AND id = $2 AND sequence = $3 AND state = 'running'",
    )
    .bind::<Text, _>(page.tenant_id.to_string())
    .bind::<Text, _>(page.run_id.to_string())
    .bind::<BigInt, _>(page.sequence)
    .bind::<Jsonb, _>(to_json(&moved.position)?)
    .bind::<Jsonb, _>(to_json(&moved.counts)?)
    .bind::<Jsonb, _>(to_json(&mark.unwrap_or_default())?)
    .bind::<Bool, _>(moved.settles)
    .execute(&mut **tx)
    .await?;
    Ok((changed == 1).then_some(RunPage { sequence: page.sequence + 1, ..*page }))
}

/// Lets a run that has done all else wait for somebody to agree to the deletions that it passed over: it then goes on with these.
/// Whether it stood where the page says and has to ask.
///
/// Where another run of its integration asks already, or was answered since this one began, it does not: that is one question, and what
/// this run found beyond it is found again by whichever comes after the answer.
///
/// # Errors
/// When the database does not answer.
pub async fn await_consent(tx: &mut Transaction, page: &RunPage) -> Result<bool, PersistenceError> {
    let removal = Position { step: Step::Remove, cursor: None };
    let changed = sql_query(format!(
        "UPDATE sync_runs AS run SET state = 'needs_confirmation', sequence = sequence + 1, position = $4,
             settling_since = NULL, attempts = 0, heartbeat_at = now()
         WHERE tenant_id = $1 AND id = $2 AND sequence = $3 AND state = 'running' AND NOT confirmed
           AND EXISTS (SELECT FROM {ASKED_ABOUT} AND asking.id = run.id)
           AND NOT EXISTS (
               SELECT FROM sync_runs AS other
               WHERE other.integration_id = run.integration_id AND other.id <> run.id
                 AND (other.state = 'needs_confirmation'
                      OR (other.confirmed OR other.state = 'cancelled' AND other.position ->> 'step' = 'remove')
                         AND (other.ended_at IS NULL OR other.ended_at > run.started_at)))"
    ))
    .bind::<Text, _>(page.tenant_id.to_string())
    .bind::<Text, _>(page.run_id.to_string())
    .bind::<BigInt, _>(page.sequence)
    .bind::<Jsonb, _>(to_json(&removal)?)
    .execute(&mut **tx)
    .await?;
    Ok(changed == 1)
}

/// Notes that a page failed and is tried again after `wait`; the error is shown meanwhile, where it counts as an attempt.
///
/// # Errors
/// When the database does not answer.
pub async fn put_off(
    tx: &mut Transaction,
    page: &RunPage,
    wait: Duration,
    error: Option<&SyncError>,
) -> Result<(), PersistenceError> {
    sql_query(
        "UPDATE sync_runs SET not_before = now() + make_interval(secs => $4), announced_at = now(), attempts = attempts + $5,
             error_class = coalesce($6, error_class), error_code = coalesce($7, error_code),
             error_message = coalesce($8, error_message)
         WHERE tenant_id = $1 AND id = $2 AND sequence = $3 AND ended_at IS NULL",
    )
    .bind::<Text, _>(page.tenant_id.to_string())
    .bind::<Text, _>(page.run_id.to_string())
    .bind::<BigInt, _>(page.sequence)
    .bind::<Double, _>(wait.as_secs_f64())
    .bind::<Integer, _>(i32::from(error.is_some()))
    .bind::<Nullable<Text>, _>(error.map(|error| error.class.code()))
    .bind::<Nullable<Text>, _>(error.map(|error| storable(&error.code)))
    .bind::<Nullable<Text>, _>(error.map(|error| storable(&error.message)))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends a run that stands where the page says, keeps its last count of what is owed and failed, and forgets what it had
/// listed. Whether it stood there.
///
/// # Errors
/// When the database does not answer.
pub async fn end(
    tx: &mut Transaction,
    page: &RunPage,
    state: State,
    error: Option<&SyncError>,
) -> Result<bool, PersistenceError> {
    let rows: Vec<Row> = sql_query(format!(
        "SELECT {COLUMNS}, {STANDING} FROM sync_runs AS run
         WHERE tenant_id = $1 AND id = $2 AND sequence = $3 AND state IN ('running', 'cancelling') FOR UPDATE"
    ))
    .bind::<Text, _>(page.tenant_id.to_string())
    .bind::<Text, _>(page.run_id.to_string())
    .bind::<BigInt, _>(page.sequence)
    .load(&mut **tx)
    .await?;
    let Some(run) = rows.into_iter().next().map(Row::into_run).transpose()? else { return Ok(false) };
    sql_query(
        "UPDATE sync_runs SET state = $2, ended_at = now(), heartbeat_at = now(), sequence = sequence + 1, counts = $3,
             not_before = NULL, error_class = $4, error_code = $5, error_message = $6
         WHERE id = $1",
    )
    .bind::<Text, _>(page.run_id.to_string())
    .bind::<Text, _>(to_word(&state)?)
    .bind::<Jsonb, _>(to_json(&run.counts)?)
    .bind::<Nullable<Text>, _>(error.map(|error| error.class.code()))
    .bind::<Nullable<Text>, _>(error.map(|error| storable(&error.code)))
    .bind::<Nullable<Text>, _>(error.map(|error| storable(&error.message)))
    .execute(&mut **tx)
    .await?;
    sql_query("DELETE FROM sync_run_objects WHERE run_id = $1 AND found IN ('listed', 'kept')")
        .bind::<Text, _>(page.run_id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(true)
}

/// Whether a link of the run's kinds that was owed when it began to settle is still under way.
///
/// One whose attempt failed waits for the next by itself, and one that waits for its contact has it blocked or waiting:
/// neither is waited for.
///
/// # Errors
/// When the database does not answer.
pub async fn has_pending(tx: &mut Transaction, run: &Run) -> Result<bool, PersistenceError> {
    // In the order of what is owed, of which the first is mostly one: nothing is to be sorted.
    let rows: Vec<Id> = sql_query(
        "SELECT id FROM record_links
         WHERE tenant_id = $1 AND integration_id = $2 AND kind = ANY($3) AND owed AND owed_since <= coalesce($4, now())
           AND waits_for IS NULL
           AND (not_before IS NULL OR not_before <= now() OR (attempts = 0 AND error_class IS NULL))
         ORDER BY announced_at NULLS FIRST LIMIT 1",
    )
    .bind::<Text, _>(run.tenant_id.to_string())
    .bind::<Text, _>(run.integration_id.to_string())
    .bind::<Array<Text>, _>(run.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
    .bind::<Nullable<Timestamptz>, _>(run.settling_since.map(DateTime::<Utc>::from))
    .load(&mut **tx)
    .await?;
    Ok(!rows.is_empty())
}

/// The cursor at which the last completed run of that kind ended its listing.
///
/// # Errors
/// When the database does not answer.
pub async fn last_mark(
    tx: &mut Transaction,
    integration: IntegrationId,
    kind: RecordKind,
) -> Result<Option<String>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Mark {
        #[diesel(sql_type = Text)]
        mark: String,
    }
    let rows: Vec<Mark> = sql_query(
        "SELECT marks ->> $2 AS mark FROM sync_runs
         WHERE integration_id = $1 AND state = 'done' AND marks ? $2 ORDER BY id DESC LIMIT 1",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(kind.as_str())
    .load(&mut **tx)
    .await?;
    Ok(rows.into_iter().next().map(|row| row.mark))
}

/// The pages of runs that should be under way and were not announced for `too_long`; they count as announced from now on.
///
/// # Errors
/// When the database does not answer.
pub async fn overdue(tx: &mut Transaction, too_long: Duration, limit: i64) -> Result<Vec<RunPage>, PersistenceError> {
    let rows: Vec<Row> = sql_query(format!(
        "UPDATE sync_runs AS run SET announced_at = now()
         FROM (
             SELECT id FROM sync_runs
             WHERE ended_at IS NULL AND state <> 'needs_confirmation'
               AND announced_at < now() - make_interval(secs => $1)
               AND (not_before IS NULL OR not_before < now() - make_interval(secs => $1))
             ORDER BY announced_at LIMIT $2 FOR UPDATE SKIP LOCKED
         ) AS late
         WHERE run.id = late.id RETURNING {COLUMNS}, NULL AS standing"
    ))
    .bind::<Double, _>(too_long.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(|row| Ok(row.into_run()?.page())).collect()
}
