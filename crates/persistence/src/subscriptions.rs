//! The table `integration_subscriptions`: when it was last seen to that platforms call us. Subscribing is `connectors`'.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::platform::PlatformSlug;
use domain::time::Timestamp;

use crate::row::OwnedId;
use crate::statement::sql_query;
use crate::text::storable;
use crate::{PersistenceError, Transaction};

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Keeps others who leave the account waiting until the transaction ends: who asks behind them whether the account has others
/// sees them gone.
///
/// # Errors
/// When the database does not answer.
pub async fn hold_account(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    account_id: &str,
) -> Result<(), PersistenceError> {
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended('coccinelle account ' || $1 || ' ' || $2, 0))")
        .bind::<Text, _>(platform.as_str())
        .bind::<Text, _>(account_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Whether any other integration, of whatever tenant, is connected to the account.
///
/// # Errors
/// When the database does not answer.
pub async fn account_has_others(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    account_id: &str,
    besides: IntegrationId,
) -> Result<bool, PersistenceError> {
    let answer: Answer = sql_query("SELECT account_has_others($1, $2, $3) AS yes")
        .bind::<Text, _>(platform.as_str())
        .bind::<Text, _>(account_id)
        .bind::<Text, _>(besides.to_string())
        .get_result(&mut **tx)
        .await?;
    Ok(answer.yes)
}

/// What was found when somebody last looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// When that was.
    pub checked_at: Timestamp,
    /// What was wrong; `None` where the platform calls us.
    pub problem: Option<String>,
    /// Whether the platform was once found or made to call us.
    pub is_standing: bool,
    /// When the secret was made that the platform was given, or that it chose.
    pub secret_made_at: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Timestamptz)]
    checked_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    problem: Option<String>,
    #[diesel(sql_type = Bool)]
    is_standing: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    secret_made_at: Option<DateTime<Utc>>,
}

/// What was found when somebody last looked; `None` where nobody has.
///
/// # Errors
/// When the database does not answer.
pub async fn of(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
) -> Result<Option<Subscription>, PersistenceError> {
    let found: Vec<Found> = sql_query(
        "SELECT checked_at, problem, is_standing, secret_made_at FROM integration_subscriptions
         WHERE tenant_id = $1 AND integration_id = $2",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .load(&mut **tx)
    .await?;
    let found = found.into_iter().next();
    Ok(found.map(|found| Subscription {
        checked_at: found.checked_at.into(),
        problem: found.problem,
        is_standing: found.is_standing,
        secret_made_at: found.secret_made_at.map(Timestamp::from),
    }))
}

/// Notes that somebody has looked: when the secret was made by which the platform now calls us, or what was wrong.
///
/// # Errors
/// When the database does not answer.
pub async fn note(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    found: Result<Option<Timestamp>, &str>,
) -> Result<(), PersistenceError> {
    sql_query(
        "INSERT INTO integration_subscriptions AS known
             (integration_id, tenant_id, checked_at, problem, is_standing, secret_made_at)
         VALUES ($1, $2, now(), $3, $3 IS NULL, $4)
         ON CONFLICT (integration_id) DO UPDATE SET checked_at = now(), problem = EXCLUDED.problem,
             is_standing = known.is_standing OR EXCLUDED.is_standing,
             secret_made_at = coalesce(EXCLUDED.secret_made_at, known.secret_made_at)",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(tenant.to_string())
    .bind::<Nullable<Text>, _>(found.err().map(storable))
    .bind::<Nullable<Timestamptz>, _>(found.ok().flatten().map(DateTime::<Utc>::from))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes connected integrations of these platforms at which nobody has looked since then; others who ask meanwhile get others.
///
/// # Errors
/// When the database does not answer.
pub async fn take_due(
    tx: &mut Transaction,
    platforms: &[PlatformSlug],
    since: Timestamp,
    limit: i64,
) -> Result<Vec<(TenantId, IntegrationId)>, PersistenceError> {
    let rows: Vec<OwnedId> = sql_query(
        "INSERT INTO integration_subscriptions AS known (integration_id, tenant_id, checked_at)
         SELECT integration.id, integration.tenant_id, now() FROM tenant_integrations AS integration
         LEFT JOIN integration_subscriptions AS seen ON seen.integration_id = integration.id
         WHERE platform = ANY($1) AND deleted_at IS NULL AND account_id IS NOT NULL
           -- What was disconnected cannot be looked at, and is to stay silent.
           AND (config_encrypted IS NOT NULL
                OR EXISTS (SELECT FROM integration_oauth_tokens AS held WHERE held.integration_id = integration.id))
           AND (seen.checked_at IS NULL OR seen.checked_at < $2)
         ORDER BY integration.id LIMIT $3
         ON CONFLICT (integration_id) DO UPDATE SET checked_at = now() WHERE known.checked_at < $2
         RETURNING known.integration_id AS id, known.tenant_id",
    )
    .bind::<Array<Text>, _>(platforms.iter().map(ToString::to_string).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(since))
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(OwnedId::into_ids).collect()
}
