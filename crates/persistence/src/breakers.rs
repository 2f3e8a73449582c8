//! The table `breakers`: who does not answer, shared by all replicas. What counts as no answer, the dispatcher says.

mod note;

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use serde::Serialize;

pub use self::note::{Closed, Opened, Terms, note_answer, note_failure};
use crate::row::OwnedId;
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// A pause grows to so many times the first one.
const LONGEST: f64 = 10.0;

/// How things stand with an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is known against it or its platform.
    Closed,
    /// It was not answered the last time: an answer would be news.
    Failing,
    /// Nobody calls. Somebody looks again about then.
    Open(Timestamp),
    /// Nobody calls until it is connected again: its credentials were refused.
    Parked,
}

/// How things stand with an integration, and with its whole platform.
///
/// # Errors
/// When the database does not answer.
pub async fn standing(tx: &mut Transaction, integration: &Integration) -> Result<Standing, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        is_parked: bool,
        #[diesel(sql_type = Bool)]
        is_failing: bool,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        probe_at: Option<DateTime<Utc>>,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT coalesce(health.status = 'reauth_required', false) AS is_parked,
             breaker.subject IS NOT NULL AS is_failing, breaker.probe_at
         FROM (SELECT $1::text AS id) AS asked
         LEFT JOIN integration_health AS health ON health.integration_id = asked.id
         LEFT JOIN breakers AS breaker ON breaker.subject IN (asked.id, $2)
             AND (breaker.opened_at IS NOT NULL OR breaker.failures > 0)",
    )
    .bind::<Text, _>(integration.id.to_string())
    .bind::<Text, _>(integration.platform.as_str())
    .load(&mut **tx)
    .await?;
    if rows.iter().any(|row| row.is_parked) {
        return Ok(Standing::Parked);
    }
    let until = rows.iter().filter_map(|row| row.probe_at).max();
    Ok(match until {
        Some(until) => Standing::Open(until.into()),
        None if rows.iter().any(|row| row.is_failing) => Standing::Failing,
        None => Standing::Closed,
    })
}

/// Takes the breakers at which it is time to look again: for each, an integration by which to look. Nobody else takes them for
/// the length of their pause.
///
/// # Errors
/// When the database does not answer.
pub async fn take_due(
    tx: &mut Transaction,
    first_pause: Duration,
    limit: i64,
) -> Result<Vec<(TenantId, IntegrationId)>, PersistenceError> {
    let rows: Vec<OwnedId> = sql_query(
        "WITH due AS (
             SELECT subject, platform, integration_id FROM breakers AS breaker
             WHERE probe_at <= now() AND (integration_id IS NULL OR NOT EXISTS (
                 SELECT FROM breakers AS whole WHERE whole.subject = breaker.platform AND whole.opened_at IS NOT NULL))
             ORDER BY integration_id IS NOT NULL, subject LIMIT $2 FOR UPDATE SKIP LOCKED
         ), taken AS (
             UPDATE breakers AS breaker
             SET probe_at = now() + breaker.pause, pause = least(breaker.pause * 2, make_interval(secs => $1))
             FROM due WHERE breaker.subject = due.subject
             RETURNING due.platform, due.integration_id
         )
         SELECT probe.tenant_id, probe.id FROM taken
         CROSS JOIN LATERAL (
             SELECT integration.tenant_id, integration.id FROM tenant_integrations AS integration
             LEFT JOIN integration_health AS health ON health.integration_id = integration.id
             WHERE integration.platform = taken.platform AND integration.id = coalesce(taken.integration_id, integration.id)
               AND integration.enabled AND integration.deleted_at IS NULL
               AND health.status IS DISTINCT FROM 'reauth_required'
             -- Not always the same one: its account may be broken by itself.
             ORDER BY random() LIMIT 1
         ) AS probe",
    )
    .bind::<Double, _>(first_pause.as_secs_f64() * LONGEST)
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(OwnedId::into_ids).collect()
}

/// What is open of a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenAt {
    /// Which platform.
    pub platform: PlatformSlug,
    /// Integrations whose own breaker is open.
    pub integrations: i64,
    /// Whether that of the platform is.
    pub whole: bool,
}

/// What is open, platform by platform.
///
/// # Errors
/// When the database does not answer.
pub async fn open(tx: &mut Transaction) -> Result<Vec<OpenAt>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        platform: String,
        #[diesel(sql_type = BigInt)]
        integrations: i64,
        #[diesel(sql_type = Bool)]
        whole: bool,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT breaker.platform, count(integration.id) AS integrations, bool_or(breaker.integration_id IS NULL) AS whole
         FROM breakers AS breaker LEFT JOIN tenant_integrations AS integration
             ON integration.id = breaker.integration_id AND integration.enabled AND integration.deleted_at IS NULL
         WHERE opened_at IS NOT NULL GROUP BY breaker.platform ORDER BY breaker.platform",
    )
    .load(&mut **tx)
    .await?;
    let read = |row: Row| {
        Ok(OpenAt { platform: parse("platform", &row.platform)?, integrations: row.integrations, whole: row.whole })
    };
    rows.into_iter().map(read).collect()
}
