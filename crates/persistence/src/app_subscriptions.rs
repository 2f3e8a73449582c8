//! The table `app_subscriptions`: when it was last seen to that platforms tell our app of changes. Subscribing is `connectors`'.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Double, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension as _, QueryableByName};
use diesel_async::RunQueryDsl;
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;

use crate::statement::sql_query;
use crate::text::{parse, storable};
use crate::{PersistenceError, Transaction};

/// That somebody is at it; nobody else is meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold(DateTime<Utc>);

/// What was found when somebody last looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSubscription {
    /// When that was, or when whoever is at it began.
    pub checked_at: Timestamp,
    /// What was wrong; `None` where the platform calls us, and where nobody has looked to the end yet.
    pub problem: Option<String>,
    /// Whether somebody is at it, or was and has vanished: what will be found is not known.
    pub is_under_way: bool,
}

/// Before when somebody has to have looked for it to be time again.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Where all was well.
    pub well: Timestamp,
    /// Where something was wrong.
    pub wrong: Timestamp,
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Timestamptz)]
    checked_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    problem: Option<String>,
    #[diesel(sql_type = Bool)]
    is_under_way: bool,
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = Timestamptz)]
    checked_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Read {
    #[diesel(sql_type = Nullable<Text>)]
    kind: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    remote_field: Option<String>,
}

/// Has somebody look soon: once this transaction ends, other accounts are connected or other fields read than when somebody last did.
///
/// The time is that of the update, which waits for whoever takes the platform at this moment, and so is never before theirs.
///
/// # Errors
/// When the database does not answer.
pub async fn ask(tx: &mut Transaction, platform: &PlatformSlug) -> Result<(), PersistenceError> {
    sql_query("UPDATE app_subscriptions SET asked_at = clock_timestamp() WHERE platform = $1")
        .bind::<Text, _>(platform.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes a platform of which somebody asked, or at which nobody has looked for long, or not to the end; `None` where it is not time,
/// or another is at it.
///
/// # Errors
/// When the database does not answer.
pub async fn take(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    due: Due,
    hold: Duration,
) -> Result<Option<Hold>, PersistenceError> {
    let taken: Option<Held> = sql_query(
        "INSERT INTO app_subscriptions AS known (platform, checked_at, held_until)
         VALUES ($1, clock_timestamp(), clock_timestamp() + make_interval(secs => $4))
         ON CONFLICT (platform) DO UPDATE SET checked_at = clock_timestamp(), held_until = EXCLUDED.held_until
         WHERE (known.held_until IS NULL OR known.held_until < clock_timestamp())
           AND (known.held_until IS NOT NULL OR known.asked_at > known.checked_at
                OR known.checked_at < CASE WHEN known.problem IS NULL THEN $2 ELSE $3 END)
         RETURNING checked_at",
    )
    .bind::<Text, _>(platform.as_str())
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(due.well))
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(due.wrong))
    .bind::<Double, _>(hold.as_secs_f64())
    .get_result(&mut **tx)
    .await
    .optional()?;
    Ok(taken.map(|held| Hold(held.checked_at)))
}

/// Notes what was wrong, if anything was, and lets go; nothing where another has taken it meanwhile.
///
/// # Errors
/// When the database does not answer.
pub async fn note(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    Hold(since): Hold,
    problem: Option<&str>,
) -> Result<(), PersistenceError> {
    sql_query("UPDATE app_subscriptions SET problem = $3, held_until = NULL WHERE platform = $1 AND checked_at = $2")
        .bind::<Text, _>(platform.as_str())
        .bind::<Timestamptz, _>(since)
        .bind::<Nullable<Text>, _>(problem.map(storable))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What was found when somebody last looked; `None` where nobody has since then, because the operator wants none to.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    since: Timestamp,
) -> Result<Option<AppSubscription>, PersistenceError> {
    let found: Option<Known> = sql_query(
        "SELECT checked_at, problem, held_until IS NOT NULL AS is_under_way
         FROM app_subscriptions WHERE platform = $1 AND checked_at > $2",
    )
    .bind::<Text, _>(platform.as_str())
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(since))
    .get_result(&mut **tx)
    .await
    .optional()?;
    Ok(found.map(|Known { checked_at, problem, is_under_way }| AppSubscription {
        checked_at: checked_at.into(),
        problem,
        is_under_way,
    }))
}

/// The fields that are read of accounts that let our app in, of all tenants together; `None` where no account does.
///
/// # Errors
/// When the database does not answer.
pub async fn fields_read(
    tx: &mut Transaction,
    platform: &PlatformSlug,
) -> Result<Option<BTreeSet<(RecordKind, String)>>, PersistenceError> {
    let rows: Vec<Read> = sql_query(
        "SELECT DISTINCT field.kind, field.remote_field FROM tenant_integrations AS integration
         JOIN integration_oauth_tokens AS held ON held.integration_id = integration.id
         LEFT JOIN integration_field_mappings AS field
             ON field.integration_id = integration.id AND field.direction <> 'to_platform'
         WHERE integration.platform = $1 AND integration.deleted_at IS NULL",
    )
    .bind::<Text, _>(platform.as_str())
    .load(&mut **tx)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let fields = rows.into_iter().filter_map(|row| row.kind.zip(row.remote_field));
    fields.map(|(kind, name)| Ok((parse("kind", &kind)?, name))).collect::<Result<_, _>>().map(Some)
}
