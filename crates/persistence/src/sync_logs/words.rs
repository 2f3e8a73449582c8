//! Looking for words in what attempts say. Its time is short, so each use is planned for the days that it holds.

use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::kind::RecordKind;
use domain::outcome::SyncType;

use super::list::{Filter, LogStatus, Row, Text as Sought, Way};
use crate::log_page::LogPage;
use crate::statement::asked_for;
use crate::text::storable;
use crate::{PersistenceError, Transaction};

/// The attempts that these words are about, or whose object has them for its id, the newest first.
pub(super) async fn find(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    words: &str,
    filter: &Filter,
    page: &LogPage,
) -> Result<Vec<Row>, PersistenceError> {
    let (after, words) = (page.after.as_ref(), storable(words));
    let query = sql_query(statement(&conditions(filter, page)))
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
        .bind::<Text, _>(pattern(&words))
        .bind::<Text, _>(words)
        .bind::<BigInt, _>(i64::from(page.limit));
    Ok(query.load(&mut **tx).await?)
}

/// PostgreSQL wants every parameter in the text, to know its type; where a condition is not asked for, here.
const TYPES: &str = "WITH asked AS (SELECT $3::text, $4::text, $5::text, $6::text, $7::text, $8::timestamptz,
    $9::timestamptz, $10::timestamptz, $11::text)";

fn statement(conditions: &str) -> String {
    let all = format!("SELECT * FROM integration_sync_logs WHERE {conditions}");
    let order = "ORDER BY created_at DESC, id LIMIT";
    let says = "(coalesce(error_message, '') ILIKE $12 OR coalesce(error_code, '') ILIKE $12)";
    let links = "SELECT id FROM record_links
        WHERE tenant_id = $1 AND integration_id = $2 AND external_id = $13";
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

/// What stands behind WHERE. The status is written out: an index of failures alone is found by the word.
fn conditions(filter: &Filter, page: &LogPage) -> String {
    let asked = asked_for([
        (filter.status == Some(LogStatus::Success), " AND status = 'success'"),
        (filter.status == Some(LogStatus::Failed), " AND status = 'failed'"),
        (filter.sync_type.is_some(), " AND sync_type = $3"),
        (filter.kind.is_some(), " AND kind = $4"),
        (filter.direction.is_some(), " AND direction = $5"),
        (filter.record.is_some(), " AND record_id = $6"),
        (filter.fingerprint.is_some(), " AND fingerprint = $7"),
        (filter.since.is_some(), " AND created_at >= $8"),
        (filter.until.is_some(), " AND created_at < $9"),
        (page.after.is_some(), " AND created_at <= $10 AND (created_at < $10 OR id > $11)"),
    ]);
    format!("tenant_id = $1 AND integration_id = $2{asked}")
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
