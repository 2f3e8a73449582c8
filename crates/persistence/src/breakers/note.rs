//! What a batch says of a breaker: without an answer it may open, with one it closes.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::integration::Integration;
use domain::platform::PlatformSlug;

use crate::statement::sql_query;
use crate::text::storable;
use crate::{PersistenceError, Transaction};

/// The breakers of so many tenants that open since the platform last answered anybody make it the platform's own outage.
const TENANTS: i64 = 2;

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
