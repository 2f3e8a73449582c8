//! Asking for a run: one at a time, and one for each time of the schedule.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, RunId, TenantId};
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::run::{Mode, Run, Trigger};
use domain::time::Timestamp;

use super::row::{COLUMNS, Row, UNDER_WAY, newest};
use crate::statement::sql_query;
use crate::text::{storable, to_word};
use crate::{PersistenceError, Transaction};

/// A run that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Whose.
    pub tenant: TenantId,
    /// Of which integration, which must be the tenant's.
    pub integration: IntegrationId,
    /// Why.
    pub trigger: Trigger,
    /// Which way at most; a kind's own direction bounds it further.
    pub direction: Direction,
    /// Which kinds, at least one; they are taken in the order in which one may depend on another.
    pub kinds: Vec<RecordKind>,
    /// How much it looks at.
    pub mode: Mode,
    /// Who asks.
    pub requested_by: Option<String>,
    /// The time of the schedule that it stands for.
    pub due_at: Option<Timestamp>,
}

/// What came of asking for a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// It is queued. Publishing [`Run::page`] after the commit makes it begin at once; the reconciler would do so later.
    Queued(Box<Run>),
    /// Nothing was started: this one is under way.
    Conflict(Box<Run>),
    /// Nothing was started: the time of the schedule has its run, which has ended already.
    Past,
}

/// Asks for a run. However many ask at once, one run is made.
///
/// # Errors
/// When the database does not answer; `Invalid` where the tenant has no such integration or no kind is named.
pub async fn start(tx: &mut Transaction, new: &NewRun) -> Result<Started, PersistenceError> {
    let kinds = RecordKind::ALL.into_iter().filter(|kind| new.kinds.contains(kind));
    let kinds: Vec<&str> = kinds.map(RecordKind::as_str).collect();
    let made: Vec<Row> = sql_query(format!(
        "INSERT INTO sync_runs AS run
             (id, tenant_id, integration_id, trigger, direction, kinds, mode, requested_by, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING {COLUMNS}, NULL AS standing"
    ))
    .bind::<Text, _>(RunId::new().to_string())
    .bind::<Text, _>(new.tenant.to_string())
    .bind::<Text, _>(new.integration.to_string())
    .bind::<Text, _>(to_word(&new.trigger)?)
    .bind::<Text, _>(to_word(&new.direction)?)
    .bind::<Array<Text>, _>(kinds)
    .bind::<Text, _>(to_word(&new.mode)?)
    .bind::<Nullable<Text>, _>(new.requested_by.as_deref().map(storable))
    .bind::<Nullable<Timestamptz>, _>(new.due_at.map(DateTime::<Utc>::from))
    .load(&mut **tx)
    .await?;
    if let Some(run) = made.into_iter().next() {
        return Ok(Started::Queued(Box::new(run.into_run()?)));
    }
    Ok(match newest(tx, (new.tenant, new.integration), UNDER_WAY).await? {
        Some(run) => Started::Conflict(Box::new(run)),
        None => Started::Past,
    })
}
