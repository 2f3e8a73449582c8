//! The statement behind a list of attempts: only the conditions that are asked for stand in it, so that each finds its index.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use domain::id::{IntegrationId, TenantId};
use domain::kind::RecordKind;
use domain::outcome::SyncType;

use super::list::{Filter, LogStatus, Text as Sought, Way};
use crate::log_page::LogPage;
use crate::text::storable;

type Query = BoxedSqlQuery<'static, Pg, SqlQuery>;

/// The rows of an integration that a filter lets through, the newest first.
pub(super) fn of((tenant, integration): (TenantId, IntegrationId), filter: &Filter, page: &LogPage) -> Query {
    let conditions = conditions(filter, page);
    let (after, sought) = (page.after.as_ref(), filter.text.as_ref().map(sought));
    sql_query(statement(filter, &conditions))
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
        None => by_hours(filter, &all).unwrap_or_else(|| format!("{TYPES} {all} {order} $14")),
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

/// Rows of a sort that may be rare are looked for where such were counted: one among a million is not found by reading the million.
///
/// That is in the newest hours that hold a page of them, and in what may be older than everything that was counted. `None` where nothing
/// is asked for by which attempts are counted, or what has an index of its own.
fn by_hours(filter: &Filter, all: &str) -> Option<String> {
    let sorts = [
        (filter.status == Some(LogStatus::Success), " AND outcome = 'success'"),
        (filter.status == Some(LogStatus::Failed), " AND outcome = 'failed'"),
        (filter.sync_type.is_some(), " AND sync_type = $3"),
        (filter.kind.is_some(), " AND kind = $4"),
        (filter.direction.is_some(), " AND direction = $5"),
    ];
    let sort: String = sorts.into_iter().filter_map(|(is_asked, condition)| is_asked.then_some(condition)).collect();
    if sort.is_empty() || filter.record.is_some() || filter.fingerprint.is_some() {
        return None;
    }
    let order = "ORDER BY created_at DESC, id LIMIT $14";
    let counted = "integration_stats_hourly WHERE tenant_id = $1 AND integration_id = $2";
    // Of an hour that the place or the end cuts through, nobody knows how many are left.
    let end = "coalesce(least($9, $10), 'infinity')";
    // The clocks by which was counted begin their hours where they like, and may have been others meanwhile: here, an hour is one of
    // those of UTC, and two where theirs lies across.
    Some(format!(
        "{TYPES}, counted AS (
             SELECT hour, sum(count) FILTER (WHERE hour + interval '1 hour' <= {end}) AS found
             FROM {counted}{sort} AND hour <= {end} AND ($8 IS NULL OR hour > $8 - interval '1 hour')
             GROUP BY hour
         ), oldest AS (
             SELECT coalesce(min(hour) + interval '1 hour', 'infinity') AS ends FROM {counted}
         ), hours AS (
             SELECT date_trunc('hour', hour, 'UTC') AS starts, found FROM counted
             UNION ALL
             SELECT date_trunc('hour', hour + interval '59 minutes', 'UTC'), 0 FROM counted
         ), stretches AS (
             SELECT greatest(hours.starts, oldest.ends) AS starts, hours.starts + interval '1 hour' AS ends,
                    sum(sum(found)) OVER (ORDER BY hours.starts DESC
                                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newer
             FROM hours CROSS JOIN oldest GROUP BY hours.starts, oldest.ends
             UNION ALL
             SELECT '-infinity', ends, (SELECT sum(found) FROM counted WHERE hour >= ends) FROM oldest
         )
         SELECT log.* FROM stretches CROSS JOIN LATERAL (
             {all} AND created_at >= starts AND created_at < ends {order}
         ) AS log
         WHERE coalesce(newer, 0) < $14 {order}"
    ))
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
