//! Where the rows of a page lie, by what was counted: one among a million is not found by reading the million, nor by asking every day.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::kind::RecordKind;
use domain::outcome::SyncType;

use super::list::{Filter, LogStatus, Way};
use crate::log_page::LogPage;
use crate::statement::{self, asked_for, sql_query};
use crate::{PersistenceError, Transaction};

/// A stretch of time, without the moment that it ends with, and of which sort its attempts are that are asked for; `None` where it has
/// no end, or nobody counted of which sorts there are any.
#[derive(Clone, Debug, QueryableByName)]
pub(super) struct Stretch {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) starts: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) ends: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) kind: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) sync_type: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) outcome: Option<String>,
}

/// For each sort that is asked for, from when to when it has a part in the page; and what may be older than everything that was counted.
pub(super) async fn of_page(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    filter: &Filter,
    page: &LogPage,
) -> Result<Vec<Stretch>, PersistenceError> {
    let mut stretches = Vec::new();
    for stretch in counted(tx, whose, filter, page).await? {
        let first = stretch.ends.map(|ends| ends - TimeDelta::hours(1));
        if stretch.starts.is_some() || is_any_before(tx, whose, first).await? {
            stretches.push(stretch);
        } else if first.is_some() {
            stretches.push(Stretch { starts: first, ..stretch });
        }
    }
    Ok(stretches)
}

/// Whether an integration has attempts from before that time, or any where it is `None`.
async fn is_any_before(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    time: Option<DateTime<Utc>>,
) -> Result<bool, PersistenceError> {
    #[derive(QueryableByName)]
    struct Oldest {
        #[diesel(sql_type = Timestamptz)]
        created_at: DateTime<Utc>,
    }
    statement::plan_once(tx).await?;
    // The oldest of all, which an index tells: whether there is any would be asked of row after row.
    let statement = "SELECT created_at FROM integration_sync_logs WHERE tenant_id = $1 AND integration_id = $2
         ORDER BY created_at LIMIT 1";
    let oldest: Vec<Oldest> = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .load(&mut **tx)
        .await?;
    Ok(oldest.into_iter().next().is_some_and(|oldest| time.is_none_or(|time| oldest.created_at < time)))
}

/// The same by what was counted alone: of what may be older, it is not said where it begins.
async fn counted(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    filter: &Filter,
    page: &LogPage,
) -> Result<Vec<Stretch>, PersistenceError> {
    // A plan for all values reads every hour that was ever counted: it does not know that a page is short.
    statement::plan_anew(tx).await?;
    let end = filter.until.into_iter().chain(page.after.as_ref().map(|after| after.created_at)).min();
    Ok(sql_query(counting(filter))
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Nullable<Text>, _>(filter.sync_type.map(SyncType::as_str))
        .bind::<Nullable<Text>, _>(filter.kind.map(RecordKind::as_str))
        .bind::<Nullable<Text>, _>(filter.direction.map(Way::as_str))
        .bind::<Nullable<Timestamptz>, _>(filter.since.map(DateTime::<Utc>::from))
        .bind::<Nullable<Timestamptz>, _>(end.map(DateTime::<Utc>::from))
        .bind::<BigInt, _>(i64::from(page.limit))
        .load(&mut **tx)
        .await?)
}

fn counting(filter: &Filter) -> String {
    let sort = asked_for([
        (filter.status == Some(LogStatus::Success), " AND outcome = 'success'"),
        (filter.status == Some(LogStatus::Failed), " AND outcome = 'failed'"),
        (filter.sync_type.is_some(), " AND sync_type = $3"),
        (filter.kind.is_some(), " AND kind = $4"),
        (filter.direction.is_some(), " AND direction = $5"),
    ]);
    let counted = "integration_stats_hourly WHERE tenant_id = $1 AND integration_id = $2";
    let since = "hour > coalesce($6::timestamptz, '-infinity') - interval '1 hour'";
    // Of an hour that the place or the end cuts through, nobody knows how many are left.
    let end = "coalesce($7::timestamptz, 'infinity')";
    let of_sort = format!("FROM {counted}{sort} AND {since}");
    // What was counted together is one attempt at least, so no more is looked at than there are rows in a page, and what lies across the
    // last of it. The clocks by which was counted begin their hours where they like, and may have been others meanwhile: here, an hour is
    // one of those of UTC, and two where theirs lies across.
    format!(
        "WITH asked AS (SELECT $3::text, $4::text, $5::text), newest AS (
             SELECT hour, kind, sync_type, outcome, count AS found {of_sort} AND hour <= {end} - interval '1 hour'
             ORDER BY hour DESC LIMIT $8
         ), counted AS (
             SELECT hour, kind, sync_type, outcome, found FROM newest
             UNION ALL
             SELECT hour, kind, sync_type, outcome, 0 {of_sort} AND hour > {end} - interval '1 hour' AND hour <= {end}
             UNION ALL
             SELECT hour, kind, sync_type, outcome, 0 {of_sort} AND hour > (SELECT min(hour) FROM newest) - interval '1 hour'
                                                                AND hour <= (SELECT min(hour) FROM newest)
         ), oldest AS (
             SELECT coalesce(min(hour) + interval '1 hour', 'infinity') AS ends FROM {counted}
         ), hours AS (
             SELECT date_trunc('hour', hour, 'UTC') AS starts, kind, sync_type, outcome, found FROM counted
             UNION ALL
             SELECT date_trunc('hour', hour + interval '59 minutes', 'UTC'), kind, sync_type, outcome, 0 FROM counted
         ), stretches AS (
             SELECT greatest(hours.starts, oldest.ends) AS starts, hours.starts + interval '1 hour' AS ends,
                    kind, sync_type, outcome,
                    sum(sum(found)) OVER (ORDER BY hours.starts DESC
                                          GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newer
             FROM hours CROSS JOIN oldest GROUP BY hours.starts, oldest.ends, kind, sync_type, outcome
             UNION ALL
             SELECT '-infinity', ends, NULL, NULL, NULL, (SELECT sum(found) FROM counted WHERE hour >= ends) FROM oldest
         )
         -- What lies between two of its hours is of a sort as well: one look in an index is for all of them.
         SELECT nullif(min(starts), '-infinity') AS starts, nullif(max(ends), 'infinity') AS ends, kind, sync_type, outcome
         FROM stretches WHERE coalesce(newer, 0) < $8 AND starts < ends AND ends > coalesce($6, '-infinity')
         GROUP BY kind, sync_type, outcome"
    )
}
