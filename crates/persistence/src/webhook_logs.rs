//! The table `integration_webhook_logs`: writing inbound deliveries in batches. Reading them is `webhook_logs::read`'s.

mod read;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::WebhookLogId;
use domain::outcome::{WebhookOutcome, WebhookResult};

pub use self::read::{Became, Filter, WebhookLog, get, list, of_trace};
use crate::log_page::kept_body;
use crate::row::Id;
use crate::statement::sql_query;
use crate::text::{parse, storable};
use crate::{PersistenceError, Transaction, erasure, log_owners};

/// In the order of the ids, so that two writers of one redelivered batch never wait for each other in a circle.
const INSERT: &str = "
INSERT INTO integration_webhook_logs (id, created_at, platform, tenant_id, integration_id, delivery_id, verified,
    outcome, reason, marked, body, correlation_id)
SELECT id, created_at, platform,
    -- What was refused is told to whose address was called.
    coalesce(tenant_id, (SELECT called.tenant_id FROM tenant_integrations AS called
                         WHERE called.id = new.integration_id AND called.platform = new.platform)),
    integration_id, delivery_id, verified, outcome, reason, marked,
    -- Accepted before somebody was erased, and written after: it may speak of that person.
    CASE WHEN NOT EXISTS (SELECT FROM erased_records AS erased
                          WHERE erased.tenant_id = new.tenant_id AND erased.erased_at >= new.created_at) THEN body END,
    correlation_id
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[],
    $8::text[], $9::text[], $10::bigint[], $11::jsonb[], $12::text[])
    AS new (id, created_at, platform, tenant_id, integration_id, delivery_id, verified, outcome, reason, marked, body, correlation_id)
WHERE NOT EXISTS (SELECT FROM erased_tenants WHERE erased_tenants.id = new.tenant_id)
ORDER BY new.id
ON CONFLICT DO NOTHING
RETURNING id";

/// Writes deliveries; returns the ids of those that were not there before.
///
/// A refused one is kept without its body, and told to the tenant whose address was called; one for a tenant that was erased
/// is dropped.
///
/// # Errors
/// When the database does not answer or refuses a row, or one names another tenant's integration; nothing is written then.
pub async fn insert_batch(
    tx: &mut Transaction,
    outcomes: &[WebhookOutcome],
) -> Result<Vec<WebhookLogId>, PersistenceError> {
    fn column<'a, T>(rows: &'a [WebhookOutcome], of: impl Fn(&'a WebhookOutcome) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    erasure::hold_off(tx).await?;
    log_owners::check(tx, outcomes.iter().filter_map(|row| row.integration_id.zip(row.tenant_id))).await?;
    let bodies = outcomes.iter().map(|row| kept_body(row.body.as_ref().filter(|_| is_verified(&row.result))));
    let new: Vec<Id> = sql_query(INSERT)
        .bind::<Array<Text>, _>(column(outcomes, |row| row.id.to_string()))
        .bind::<Array<Timestamptz>, _>(column(outcomes, |row| DateTime::<Utc>::from(row.created_at)))
        .bind::<Array<Text>, _>(column(outcomes, |row| row.platform.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |row| row.tenant_id.map(|id| id.to_string())))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |row| row.integration_id.map(|id| id.to_string())))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |row| row.delivery_id.as_deref().map(storable)))
        .bind::<Array<Bool>, _>(column(outcomes, |row| is_verified(&row.result)))
        .bind::<Array<Text>, _>(column(outcomes, |row| word(&row.result)))
        .bind::<Array<Nullable<Text>>, _>(column(outcomes, |row| reason(&row.result).map(storable)))
        .bind::<Array<Nullable<BigInt>>, _>(column(outcomes, |row| marked(&row.result)))
        .bind::<Array<Nullable<Jsonb>>, _>(bodies.collect::<Result<Vec<_>, _>>()?)
        .bind::<Array<Text>, _>(column(outcomes, |row| storable(&row.correlation_id)))
        .load(&mut **tx)
        .await?;
    new.iter().map(|row| parse("id", &row.id)).collect()
}

fn is_verified(result: &WebhookResult) -> bool {
    match result {
        WebhookResult::Refused { .. } => false,
        WebhookResult::Applied { .. } | WebhookResult::Ignored { .. } => true,
    }
}

fn word(result: &WebhookResult) -> &'static str {
    match result {
        WebhookResult::Refused { .. } => "refused",
        WebhookResult::Applied { .. } => "applied",
        WebhookResult::Ignored { .. } => "ignored",
    }
}

fn reason(result: &WebhookResult) -> Option<&str> {
    match result {
        WebhookResult::Refused { reason } | WebhookResult::Ignored { reason } => Some(reason),
        WebhookResult::Applied { .. } => None,
    }
}

fn marked(result: &WebhookResult) -> Option<i64> {
    match result {
        WebhookResult::Applied { marked } => Some(i64::from(*marked)),
        WebhookResult::Refused { .. } | WebhookResult::Ignored { .. } => None,
    }
}
