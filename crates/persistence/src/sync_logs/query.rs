//! The statement behind a list of attempts: only the conditions that are asked for stand in it, so that each finds its index.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use domain::id::{IntegrationId, TenantId};
use domain::kind::RecordKind;
use domain::outcome::SyncType;

use super::hours::Stretch;
use super::list::{Filter, LogStatus, Text as Sought, Way};
use crate::log_page::LogPage;
use crate::text::storable;

type Query = BoxedSqlQuery<'static, Pg, SqlQuery>;

/// The rows of an integration that a filter lets through, the newest first.
pub(super) fn of(whose: (TenantId, IntegrationId), filter: &Filter, page: &LogPage) -> Query {
    bound(statement(filter, &conditions(filter, page)), whose, filter, page)
}

/// The same, of these stretches of time alone.
pub(super) fn within(
    stretches: &[Stretch],
    whose: (TenantId, IntegrationId),
    filter: &Filter,
    page: &LogPage,
) -> Query {
    let (starts, ends): (Vec<_>, Vec<_>) = stretches.iter().map(|it| (it.starts, it.ends)).unzip();
    // `None` is the least: where one has no beginning, all together have none.
    let first = starts.iter().min().copied().flatten();
    let last = ends.iter().copied().collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max());
    bound(of_stretches(&conditions(filter, page)), whose, filter, page)
        .bind::<Array<Nullable<Timestamptz>>, _>(starts)
        .bind::<Array<Nullable<Timestamptz>>, _>(ends)
        .bind::<Nullable<Timestamptz>, _>(first)
        .bind::<Nullable<Timestamptz>, _>(last)
}

fn bound(
    statement: String,
    (tenant, integration): (TenantId, IntegrationId),
    filter: &Filter,
    page: &LogPage,
) -> Query {
    let (after, sought) = (page.after.as_ref(), filter.text.as_ref().map(sought));
    sql_query(statement)
        .into_boxed()
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Nullable<Text>, _>(filter.sync_type.map(SyncType::as_str))
        .bind::<Nullable<Text>, _>(filter.kind.map(RecordKind::as_str))
        .bind::<Nullable<Text>, _>(filter.direction.map(Way::as_str))
        .bind::<Nullable<Text>, _>(filter.record.map(|it| it.to_string()))
        .bind::<Nullable<Text>, _>(filter.fingerprint.as_deref().map(storable))
        .bind::<Nullable<Timestamptz>, _>(filter.since.map(DateTime::<Utc>::from))
        .bind::<Nullable<Timestamptz>, _>(filter.until.map(DateTime::<Utc>::from))
        .bind::<Nullable<Timestamptz>, _>(after.map(|after| DateTime::<Utc>::from(after.created_at)))
        .bind::<Nullable<Text>, _>(after.map(|after| after.id.clone()))
        .bind::<Nullable<Text>, _>(sought.clone())
        .bind::<Nullable<Text>, _>(sought.as_deref().map(pattern))
        .bind::<BigInt, _>(i64::from(page.limit))
}

/// PostgreSQL wants every parameter in the text, to know its type; where a condition is not asked for, here.
const TYPES: &str = "WITH asked AS (SELECT $3::text, $4::text, $5::text, $6::text, $7::text, $8::timestamptz,
    $9::timestamptz, $10::timestamptz, $11::text, $12::text, $13::text)";

fn statement(filter: &Filter, conditions: &str) -> String {
    let all = format!("SELECT * FROM integration_sync_logs WHERE {conditions}");
    let order = "ORDER BY created_at DESC, id LIMIT";
    match &filter.text {
        None => format!("{TYPES} {all} {order} $14"),
        Some(Sought::Trace(_)) => format!("{TYPES} {all} AND correlation_id = $12 {order} $14"),
        Some(Sought::Link(_)) => format!("{TYPES} {all} AND link_id = $12 {order} $14"),
        Some(Sought::Record(_)) => format!("{TYPES} {all} AND record_id = $12 {order} $14"),
        Some(Sought::Words(_)) => {
            let says = "(coalesce(error_message, '') ILIKE $13 OR coalesce(error_code, '') ILIKE $13)";
            let links = "SELECT id FROM record_links
                WHERE tenant_id = $1 AND integration_id = $2 AND external_id = $12";
            let reach = Sought::REACH;
            format!(
                "{TYPES}, newest AS ({all} AND status = 'failed' {order} {reach}),
                 found AS (
                     SELECT * FROM newest WHERE {says}
                     UNION ALL
                     ({all} AND link_id = ANY (ARRAY({links})) AND NOT (status = 'failed' AND {says}) {order} $14)
                 )
                 SELECT * FROM found {order} $14"
            )
        }
    }
}

/// An index that holds all that is asked by tells which rows are of the page, and only those are read.
fn of_stretches(conditions: &str) -> String {
    let order = "ORDER BY created_at DESC, id LIMIT $14";
    // Values that are known beforehand: only the partitions between them are planned for.
    let bounds =
        "created_at >= coalesce($17::timestamptz, '-infinity') AND created_at < coalesce($18::timestamptz, 'infinity')";
    // Computed beforehand as well: where rows are hidden by whose they are, an index is not asked for what is computed on the way.
    format!(
        "{TYPES}, stretches AS MATERIALIZED (
             SELECT coalesce(starts, '-infinity') AS starts, coalesce(ends, 'infinity') AS ends
             FROM unnest($15::timestamptz[], $16::timestamptz[]) AS stretch (starts, ends)
         )
         SELECT log.* FROM (
             SELECT place.id, place.created_at FROM stretches CROSS JOIN LATERAL (
                 SELECT id, created_at FROM integration_sync_logs
                 WHERE {conditions} AND {bounds} AND created_at >= starts AND created_at < ends {order}
             ) AS place {order}
         ) AS found CROSS JOIN LATERAL (
             SELECT * FROM integration_sync_logs
             WHERE tenant_id = $1 AND integration_id = $2 AND {bounds}
               AND created_at = found.created_at AND id = found.id LIMIT 1
         ) AS log
         ORDER BY log.created_at DESC, log.id"
    )
}

/// What stands behind WHERE. The status is written out: an index of failures alone is found by the word.
fn conditions(filter: &Filter, page: &LogPage) -> String {
    let mut all = "tenant_id = $1 AND integration_id = $2".to_owned();
    let mut and = |is_asked: bool, condition: &str| {
        if is_asked {
            all.push_str(" AND ");
            all.push_str(condition);
        }
    };
    and(filter.status == Some(LogStatus::Success), "status = 'success'");
    and(filter.status == Some(LogStatus::Failed), "status = 'failed'");
    and(filter.sync_type.is_some(), "sync_type = $3");
    and(filter.kind.is_some(), "kind = $4");
    and(filter.direction.is_some(), "direction = $5");
    and(filter.record.is_some(), "record_id = $6");
    and(filter.fingerprint.is_some(), "fingerprint = $7");
    and(filter.since.is_some(), "created_at >= $8");
    and(filter.until.is_some(), "created_at < $9");
    and(page.after.is_some(), "created_at <= $10 AND (created_at < $10 OR id > $11)");
    all
}

fn sought(text: &Sought) -> String {
    match text {
        Sought::Trace(text) | Sought::Words(text) => storable(text),
        Sought::Link(id) => id.to_string(),
        Sought::Record(id) => id.to_string(),
    }
}

/// The text anywhere, none of its characters taken for a wildcard.
fn pattern(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + "%"
}
