//! The statements behind a list of attempts. Over many days their plans are kept: over a partition a day, planning takes longer than
//! reading.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::kind::RecordKind;
use domain::outcome::SyncType;

use super::hours::Stretch;
use super::list::{Filter, Row, Text as Sought, Way};
use super::trail::NAMES;
use crate::log_page::LogPage;
use crate::statement::{self, Statement, sql_query};
use crate::text::{storable, to_word};
use crate::{PersistenceError, Transaction, log_page};

/// Whose rows, of which time, and behind which one.
const PLACE: &str = "tenant_id = $1 AND integration_id = $2
    AND created_at >= coalesce($7::timestamptz, '-infinity') AND created_at < coalesce($8::timestamptz, 'infinity')
    AND created_at <= coalesce($9::timestamptz, 'infinity') AND (created_at < coalesce($9, 'infinity') OR id > $10)";

/// Of which sort, where that is asked for.
const SORT: &str = "($3::text IS NULL OR sync_type = $3) AND ($4::text IS NULL OR kind = $4)
    AND ($5::text IS NULL OR direction = $5) AND ($6::text IS NULL OR status = $6)";

const PAGE: &str = "ORDER BY created_at DESC, id LIMIT $11";

/// Over so many, planning for the values at hand is quick, and a kept plan, which PostgreSQL makes anew whenever it has looked at a
/// partition, is not worth its making.
const FEW_DAYS: TimeDelta = TimeDelta::days(7);

/// What few rows have in common: a column that has an index, and its value.
type Key = (&'static str, String);

/// By what the rows are found; `None` where nothing is asked for but their sort and time, or words.
pub(super) fn key(filter: &Filter) -> Option<Key> {
    let sought = match &filter.text {
        Some(Sought::Trace(id)) => Some(("correlation_id", storable(id))),
        Some(Sought::Link(id)) => Some(("link_id", id.to_string())),
        Some(Sought::Record(id)) => Some(("record_id", id.to_string())),
        Some(Sought::Words(_)) | None => None,
    };
    let record = || filter.record.map(|id| ("record_id", id.to_string()));
    let alike = || filter.fingerprint.as_deref().map(|it| ("fingerprint", storable(it)));
    sought.or_else(record).or_else(alike)
}

/// The rows of an integration that have this in common and that a filter lets through, the newest first.
pub(super) async fn alike(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    (column, value): Key,
    filter: &Filter,
    page: &LogPage,
) -> Result<Vec<Row>, PersistenceError> {
    log_page::plan(tx, (filter.since, filter.until)).await?;
    // Times stand in it only where they are asked for: PostgreSQL takes any other for a narrow one, and an index of all attempts for as
    // good as that of the few.
    let times = statement::asked_for([
        (filter.since.is_some(), " AND created_at >= $7"),
        (filter.until.is_some(), " AND created_at < $8"),
        (page.after.is_some(), " AND created_at <= $9 AND (created_at < $9 OR id > $10)"),
    ]);
    let statement = format!(
        "WITH asked AS (SELECT $7::timestamptz, $8::timestamptz, $9::timestamptz, $10::text)
         SELECT {NAMES} FROM integration_sync_logs
         WHERE tenant_id = $1 AND integration_id = $2 AND {column} = $12{times} AND {SORT}
           AND ($13::text IS NULL OR record_id = $13) AND ($14::text IS NULL OR fingerprint = $14) {PAGE}"
    );
    let query = asked(statement, whose, filter, page)?
        .bind::<Text, _>(value)
        .bind::<Nullable<Text>, _>(filter.record.map(|id| id.to_string()))
        .bind::<Nullable<Text>, _>(filter.fingerprint.as_deref().map(storable));
    Ok(query.load(&mut **tx).await?)
}

/// The rows of an integration that a filter lets through, of these stretches of time alone, the newest first.
pub(super) async fn within(
    tx: &mut Transaction,
    stretches: &[Stretch],
    whose: (TenantId, IntegrationId),
    filter: &Filter,
    page: &LogPage,
) -> Result<Vec<Row>, PersistenceError> {
    fn column<T>(stretches: &[Stretch], of: impl Fn(&Stretch) -> T) -> Vec<T> {
        stretches.iter().map(of).collect()
    }
    let (starts, ends) = (column(stretches, |it| it.starts), column(stretches, |it| it.ends));
    // `None` is the least: where one has no beginning, all together have none.
    let first = starts.iter().min().copied().flatten();
    let last = ends.iter().copied().collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max());
    match first.zip(last) {
        Some((first, last)) if last - first <= FEW_DAYS => statement::plan_anew(tx).await?,
        Some(_) | None => statement::plan_once(tx).await?,
    }
    let query = asked(of_stretches(), whose, filter, page)?
        .bind::<Array<Nullable<Timestamptz>>, _>(starts)
        .bind::<Array<Nullable<Timestamptz>>, _>(ends)
        .bind::<Array<Nullable<Text>>, _>(column(stretches, |it| it.kind.clone()))
        .bind::<Array<Nullable<Text>>, _>(column(stretches, |it| it.sync_type.clone()))
        .bind::<Array<Nullable<Text>>, _>(column(stretches, |it| it.outcome.clone()))
        .bind::<Nullable<Timestamptz>, _>(first)
        .bind::<Nullable<Timestamptz>, _>(last);
    Ok(query.load(&mut **tx).await?)
}

/// What both have in common: the parameters up to the length of the page.
fn asked(
    statement: String,
    (tenant, integration): (TenantId, IntegrationId),
    filter: &Filter,
    page: &LogPage,
) -> Result<Statement<impl QueryFragment<Pg> + use<>>, PersistenceError> {
    let after = page.after.as_ref();
    Ok(sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Nullable<Text>, _>(filter.sync_type.map(SyncType::as_str))
        .bind::<Nullable<Text>, _>(filter.kind.map(RecordKind::as_str))
        .bind::<Nullable<Text>, _>(filter.direction.map(Way::as_str))
        .bind::<Nullable<Text>, _>(filter.status.as_ref().map(to_word).transpose()?)
        .bind::<Nullable<Timestamptz>, _>(filter.since.map(DateTime::<Utc>::from))
        .bind::<Nullable<Timestamptz>, _>(filter.until.map(DateTime::<Utc>::from))
        .bind::<Nullable<Timestamptz>, _>(after.map(|after| DateTime::<Utc>::from(after.created_at)))
        .bind::<Text, _>(after.map_or_else(String::new, |after| after.id.clone()))
        .bind::<BigInt, _>(i64::from(page.limit)))
}

/// An index that holds each sort in its order tells which rows are of the page, and only those are read. What was not counted has no
/// sort that is known, and is passed over row by row.
fn of_stretches() -> String {
    // Values that are known beforehand: only the partitions between them are looked into.
    let bounds =
        "created_at >= coalesce($17::timestamptz, '-infinity') AND created_at < coalesce($18::timestamptz, 'infinity')";
    let places = |is_sort: &str, sort: &str| {
        format!(
            "SELECT place.id, place.created_at FROM stretches CROSS JOIN LATERAL (
                 SELECT id, created_at FROM integration_sync_logs
                 WHERE {PLACE} AND {bounds} AND created_at >= starts AND created_at < ends AND {sort} {PAGE}
             ) AS place WHERE {is_sort}"
        )
    };
    let counted =
        places("sort_kind IS NOT NULL", "kind = sort_kind AND sync_type = sort_type AND status = sort_status");
    let older = places("sort_kind IS NULL", SORT);
    // Computed beforehand as well: where rows are hidden by whose they are, an index is not asked for what is computed on the way.
    format!(
        "WITH stretches AS MATERIALIZED (
             SELECT coalesce(starts, '-infinity') AS starts, coalesce(ends, 'infinity') AS ends,
                    sort_kind, sort_type, sort_status
             FROM unnest($12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[], $16::text[])
                 AS stretch (starts, ends, sort_kind, sort_type, sort_status)
         )
         SELECT {NAMES} FROM (
             SELECT id AS place_id, created_at AS place_at FROM ({counted} UNION ALL {older}) AS place {PAGE}
         ) AS found CROSS JOIN LATERAL (
             SELECT {NAMES} FROM integration_sync_logs
             WHERE tenant_id = $1 AND integration_id = $2 AND {bounds} AND created_at = place_at AND id = place_id LIMIT 1
         ) AS log
         ORDER BY created_at DESC, id"
    )
}
