//! Taking a person out of every table. What keeps it from coming back is `suppressions`'.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Jsonb, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::TenantId;
use domain::time::Timestamp;
use serde_json::{Value, json};

use super::Person;
use crate::row::Count;
use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// What was taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// When.
    pub erased_at: Timestamp,
    /// How many rows of each table were deleted, or lost their content.
    pub counts: BTreeMap<&'static str, i64>,
}

/// Rows that name the person among others stay without what they say of it; rows of its own go. Each is told the tenant and
/// the lists of [`lists`].
///
/// The error first: a status may repeat it.
const STEPS: [(&str, &str); 18] = [
    // Messages that are still to be sent are written anew, without what they quote, for all that they tell of.
    (
        "incidents",
        "UPDATE incidents AS incident
         SET told_at = CASE WHEN told_at = letter.created_at THEN NULL ELSE told_at END,
             told_end_at = CASE WHEN told_end_at = letter.created_at THEN NULL ELSE told_end_at END
         FROM alert_messages AS letter
         WHERE incident.tenant_id = $1 AND letter.tenant_id = $1
           AND letter.created_at IN (incident.told_at, incident.told_end_at)
           AND letter.sent_at IS NULL AND letter.given_up_at IS NULL AND quotes_person(letter.content, $1, $2)",
    ),
    (
        "alert_messages",
        "DELETE FROM alert_messages
         WHERE tenant_id = $1 AND sent_at IS NULL AND given_up_at IS NULL AND quotes_person(content, $1, $2)",
    ),
    (
        "alert_messages",
        "UPDATE alert_messages SET content = '{}' WHERE tenant_id = $1 AND quotes_person(content, $1, $2)",
    ),
    (
        "incidents",
        "UPDATE incidents SET detail = detail - 'cause' WHERE tenant_id = $1 AND quotes_person(detail, $1, $2)",
    ),
    (
        "integration_health",
        "UPDATE integration_health SET last_error = NULL
         WHERE tenant_id = $1 AND last_error IN (
             SELECT error_message FROM integration_sync_logs
             WHERE tenant_id = $1 AND (record_id = ANY (texts($2, 'records')) OR link_id = ANY (texts($2, 'links'))))",
    ),
    // Kept for the statistics, of which none says who.
    (
        "integration_sync_logs",
        "UPDATE integration_sync_logs SET payload_sent = NULL, response_received = NULL, changes = NULL,
             changes_left_out = 0, external_id = NULL, error_message = NULL,
             fingerprint = error_class || ':' || error_code || ':'
         WHERE tenant_id = $1 AND (record_id = ANY (texts($2, 'records')) OR link_id = ANY (texts($2, 'links')))",
    ),
    (
        "integration_webhook_logs",
        "UPDATE integration_webhook_logs SET body = NULL
         WHERE tenant_id = $1 AND body IS NOT NULL AND (
             EXISTS (SELECT FROM unnest(texts($2, 'external_ids')) AS id WHERE body::text ~ (
                 '(?<![0-9A-Za-z_-])' || regexp_replace(id, '([^0-9A-Za-z])', '\\\\\\1', 'g') || '(?![0-9A-Za-z_-])'))
             OR EXISTS (SELECT FROM unnest(texts($2, 'written')) AS said WHERE strpos(lower(body::text), said) > 0))",
    ),
    (
        "event_acceptances",
        "DELETE FROM event_acceptances WHERE tenant_id = $1 AND subject_id = ANY (texts($2, 'subjects'))",
    ),
    (
        "sync_run_objects",
        "DELETE FROM sync_run_objects WHERE tenant_id = $1 AND external_id = ANY (texts($2, 'external_ids'))",
    ),
    // An answer that may be given again. All that show a record name it.
    (
        "idempotency_keys",
        "DELETE FROM idempotency_keys
         WHERE tenant_id = $1 AND body IS NOT NULL AND EXISTS (
             SELECT FROM unnest(texts($2, 'records') || texts($2, 'written')) AS said
             WHERE position(convert_to(said, 'UTF8') IN body) > 0)",
    ),
    (
        "record_conflicts",
        "DELETE FROM record_conflicts
         WHERE tenant_id = $1 AND (record_id = ANY (texts($2, 'records')) OR other_id = ANY (texts($2, 'records')))",
    ),
    (
        "record_identities",
        "DELETE FROM record_identities WHERE tenant_id = $1 AND record_id = ANY (texts($2, 'records'))",
    ),
    ("record_edits", "DELETE FROM record_edits WHERE tenant_id = $1 AND record_id = ANY (texts($2, 'records'))"),
    ("record_aliases", "DELETE FROM record_aliases WHERE tenant_id = $1 AND record_id = ANY (texts($2, 'records'))"),
    ("workflow_creates", "DELETE FROM workflow_creates WHERE tenant_id = $1 AND link_id = ANY (texts($2, 'links'))"),
    ("record_links", "DELETE FROM record_links WHERE tenant_id = $1 AND id = ANY (texts($2, 'links'))"),
    // Once the links are gone, with which they come.
    (
        "unpublished_outcomes",
        "DELETE FROM unpublished_outcomes
         WHERE tenant_id = $1 AND (
             link_id = ANY (texts($2, 'links')) OR outcome ->> 'record_id' = ANY (texts($2, 'records')))",
    ),
    ("records", "DELETE FROM records WHERE tenant_id = $1 AND id = ANY (texts($2, 'records'))"),
];

/// Erases a person. The caller excludes everybody else from the tenant's records and has suppressed what it is known by.
///
/// # Errors
/// When the database does not answer; nothing is erased then.
pub async fn erase(tx: &mut Transaction, tenant: TenantId, person: &Person) -> Result<Receipt, PersistenceError> {
    // Whoever is writing log rows ends first; whoever comes next finds what was erased.
    sql_query("SELECT pg_advisory_xact_lock(hashtext('coccinelle erasure'))").execute(&mut **tx).await?;
    let told = lists(person);
    // While the log still says what they were.
    let mut counts = BTreeMap::from([("integration_errors_hourly", take_from_error_counts(tx, tenant, &told).await?)]);
    for (table, statement) in STEPS {
        let touched = sql_query(statement).bind::<Text, _>(tenant.to_string()).bind::<Jsonb, _>(&told);
        *counts.entry(table).or_default() += i64::try_from(touched.execute(&mut **tx).await?).unwrap_or(i64::MAX);
    }
    counts.insert("inbox", take_from_inbox(tx, &told, person).await?);
    Ok(Receipt { erased_at: remember(tx, tenant, &told).await?, counts })
}

/// What the statements are told of the person.
fn lists(person: &Person) -> Value {
    json!({
        "records": person.records(),
        "links": person.links,
        "external_ids": person.values("external_id"),
        "subjects": person.values("coccinelle"),
        "emails": person.values("email"),
        "written": person.written(),
    })
}

/// Takes what errors said of the person out of how often they came; returns out of how many rows.
async fn take_from_error_counts(tx: &mut Transaction, tenant: TenantId, told: &Value) -> Result<i64, PersistenceError> {
    let Count { count } = sql_query(
        "SELECT erase_from_error_counts(ARRAY(
             SELECT error_message FROM integration_sync_logs
             WHERE tenant_id = $1 AND error_message IS NOT NULL
               AND (record_id = ANY (texts($2, 'records')) OR link_id = ANY (texts($2, 'links')))
         ), texts($2, 'written')) AS count",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Jsonb, _>(told)
    .get_result(&mut **tx)
    .await?;
    Ok(count)
}

/// Takes the person out of messages that wait there, but for what else they hold; returns of how many.
async fn take_from_inbox(tx: &mut Transaction, told: &Value, person: &Person) -> Result<i64, PersistenceError> {
    let Count { count } = sql_query(
        "SELECT erase_from_waiting_events(texts($1, 'subjects'), texts($1, 'emails'), texts($1, 'written'))
              + erase_from_waiting_webhooks($2, texts($1, 'external_ids')) AS count",
    )
    .bind::<Jsonb, _>(told)
    .bind::<Array<Text>, _>(person.accounts.iter().collect::<Vec<_>>())
    .get_result(&mut **tx)
    .await?;
    Ok(count)
}

/// Remembers which records and links there were, so that what is still logged of them loses its content; returns when.
async fn remember(tx: &mut Transaction, tenant: TenantId, told: &Value) -> Result<Timestamp, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Timestamptz)]
        now: DateTime<Utc>,
    }
    sql_query(
        "INSERT INTO erased_records (tenant_id, id)
         SELECT $1, unnest(texts($2, 'records') || texts($2, 'links')) ON CONFLICT DO NOTHING",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Jsonb, _>(told)
    .execute(&mut **tx)
    .await?;
    let row: Row = sql_query("SELECT now() AS now").get_result(&mut **tx).await?;
    Ok(row.now.into())
}
