//! The table `breakers`: who does not answer, shared by all replicas. What counts as no answer, the dispatcher says.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use serde::Serialize;

use crate::statement::sql_query;
use crate::text::{parse, storable};
use crate::{PersistenceError, Transaction};

/// The breakers of so many tenants that open since the platform last answered anybody make it the platform's own outage.
const TENANTS: i64 = 2;

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

/// From when on calls are given up.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// So many batches in a row that are not answered open the breaker of an integration.
    pub failures: u32,
    /// How long it is left alone at first.
    pub pause: Duration,
    /// What tenants read while the whole platform is away; `None` where each tenant's is a place of its own.
    pub outage: Option<&'a str>,
}

/// What a batch that was not answered has opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// The breaker of the integration.
    pub integration: bool,
    /// That of the platform.
    pub platform: bool,
}

/// Notes that a batch of an integration was not answered; tells what was opened by it just now.
///
/// # Errors
/// When the database does not answer.
pub async fn note_failure(
    tx: &mut Transaction,
    integration: &Integration,
    terms: Terms<'_>,
) -> Result<Opened, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        is_news: bool,
        #[diesel(sql_type = Bool)]
        is_open: bool,
    }
    hold(tx, &integration.platform).await?;
    // All expressions see the row as it was.
    let Row { is_news, is_open } = sql_query(
        "INSERT INTO breakers AS breaker (subject, platform, integration_id, failures, failing_since, opened_at, pause, probe_at)
         SELECT $1, $2, $1, 1, now(), CASE WHEN $3 <= 1 THEN now() END,
                CASE WHEN $3 <= 1 THEN make_interval(secs => $4) END, CASE WHEN $3 <= 1 THEN now() + make_interval(secs => $4) END
         ON CONFLICT (subject) DO UPDATE SET failures = breaker.failures + 1,
             opened_at = coalesce(breaker.opened_at, CASE WHEN breaker.failures + 1 >= $3 THEN now() END),
             pause = coalesce(breaker.pause, CASE WHEN breaker.failures + 1 >= $3 THEN make_interval(secs => $4) END),
             probe_at = coalesce(breaker.probe_at, CASE WHEN breaker.failures + 1 >= $3 THEN now() + make_interval(secs => $4) END)
         RETURNING coalesce(opened_at = now(), false) AS is_news, opened_at IS NOT NULL AS is_open",
    )
    .bind::<Text, _>(integration.id.to_string())
    .bind::<Text, _>(integration.platform.as_str())
    .bind::<Integer, _>(i32::try_from(terms.failures).unwrap_or(i32::MAX))
    .bind::<Double, _>(terms.pause.as_secs_f64())
    .get_result(&mut **tx)
    .await?;
    let platform = match terms.outage {
        Some(cause) if is_open => open_platform(tx, &integration.platform, cause, terms.pause).await?,
        Some(_) | None => false,
    };
    Ok(Opened { integration: is_news, platform })
}

/// Keeps others who note something of a platform waiting, so that all lock their rows in one order.
async fn hold(tx: &mut Transaction, platform: &PlatformSlug) -> Result<(), PersistenceError> {
    let statement = "INSERT INTO breakers (subject, platform) VALUES ($1, $1)
                     ON CONFLICT (subject) DO UPDATE SET platform = excluded.platform";
    sql_query(statement).bind::<Text, _>(platform.as_str()).execute(&mut **tx).await?;
    Ok(())
}

/// Opens the breaker of a platform that fails several tenants and answers nobody; whether it was closed until then. Its
/// integrations that work are `platform_down`.
async fn open_platform(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    cause: &str,
    pause: Duration,
) -> Result<bool, PersistenceError> {
    let opened = sql_query(
        "UPDATE breakers AS breaker
         SET opened_at = now(), pause = make_interval(secs => $2), probe_at = now() + make_interval(secs => $2)
         WHERE subject = $1 AND opened_at IS NULL AND (
             SELECT count(DISTINCT integration.tenant_id) FROM breakers AS failing
             JOIN tenant_integrations AS integration ON integration.id = failing.integration_id
             WHERE failing.platform = $1 AND failing.opened_at IS NOT NULL
               AND failing.failing_since >= coalesce(breaker.answered_at, '-infinity')) >= $3",
    )
    .bind::<Text, _>(platform.as_str())
    .bind::<Double, _>(pause.as_secs_f64())
    .bind::<BigInt, _>(TENANTS)
    .execute(&mut **tx)
    .await?;
    if opened == 0 {
        return Ok(false);
    }
    say(tx, platform, ("platform_down", Some(cause)), "('active', 'error')").await?;
    Ok(true)
}

/// Says how those integrations of a platform are that were said to be otherwise.
async fn say(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    (status, cause): (&str, Option<&str>),
    before: &str,
) -> Result<(), PersistenceError> {
    let statement = format!(
        "UPDATE integration_health AS health SET status = $2, cause = $3, error_count = 0, updated_at = now()
         FROM (
             SELECT health.integration_id FROM integration_health AS health
             JOIN tenant_integrations AS integration ON integration.id = health.integration_id
             WHERE integration.platform = $1 AND integration.enabled AND integration.deleted_at IS NULL
               AND health.status IN {before}
             ORDER BY health.integration_id FOR UPDATE OF health
         ) AS affected
         WHERE health.integration_id = affected.integration_id"
    );
    sql_query(statement)
        .bind::<Text, _>(platform.as_str())
        .bind::<Text, _>(status)
        .bind::<Nullable<Text>, _>(cause.map(storable))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What an answer has closed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Closed {
    /// The breaker of the integration.
    pub integration: bool,
    /// For how many seconds that of the platform was open.
    pub platform: Option<f64>,
}

/// Notes that an integration was answered; tells what was closed by it. With a platform's breaker, all its integrations' are
/// closed.
///
/// # Errors
/// When the database does not answer.
pub async fn note_answer(tx: &mut Transaction, integration: &Integration) -> Result<Closed, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Double>)]
        lasted: Option<f64>,
    }
    #[derive(QueryableByName)]
    struct WasOpen {
        #[diesel(sql_type = Bool)]
        was_open: bool,
    }
    let platform = integration.platform.as_str();
    hold(tx, &integration.platform).await?;
    let before: Row = sql_query(
        "SELECT extract(epoch FROM now() - opened_at)::double precision AS lasted FROM breakers WHERE subject = $1",
    )
    .bind::<Text, _>(platform)
    .get_result(&mut **tx)
    .await?;
    sql_query(
        "UPDATE breakers SET answered_at = clock_timestamp(), opened_at = NULL, pause = NULL, probe_at = NULL
         WHERE subject = $1",
    )
    .bind::<Text, _>(platform)
    .execute(&mut **tx)
    .await?;
    if before.lasted.is_some() {
        sql_query("DELETE FROM breakers WHERE platform = $1 AND integration_id IS NOT NULL")
            .bind::<Text, _>(platform)
            .execute(&mut **tx)
            .await?;
        say(tx, &integration.platform, ("active", None), "('platform_down')").await?;
        return Ok(Closed { integration: false, platform: before.lasted });
    }
    let closed: Vec<WasOpen> =
        sql_query("DELETE FROM breakers WHERE subject = $1 RETURNING opened_at IS NOT NULL AS was_open")
            .bind::<Text, _>(integration.id.to_string())
            .load(&mut **tx)
            .await?;
    Ok(Closed { integration: closed.iter().any(|row| row.was_open), platform: None })
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
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        tenant_id: String,
        #[diesel(sql_type = Text)]
        id: String,
    }
    let rows: Vec<Row> = sql_query(
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
    rows.into_iter().map(|row| Ok((parse("tenant_id", &row.tenant_id)?, parse("id", &row.id)?))).collect()
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
