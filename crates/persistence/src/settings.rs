//! The table `tenant_settings`: what a tenant has set for itself. Its conflict policy is `policies`'s.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::TenantId;
use domain::redaction::Redaction;
use domain::settings::{AlertWebhook, Language, TimeZone};

use crate::statement::sql_query;
use crate::text::{Json, from_json, from_word, parse, to_json, to_word};
use crate::{PersistenceError, Transaction};

/// What a tenant has set; the defaults where it has set nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Counts the changes; 0 where nothing was ever set.
    pub version: i64,
    /// The language of mails and pages.
    pub language: Language,
    /// The zone in which days begin.
    pub time_zone: TimeZone,
    /// Who is told of trouble.
    pub alert_emails: Vec<String>,
    /// What is told of trouble.
    pub alert_webhooks: Vec<AlertWebhook>,
    /// The addresses and secrets of those, sealed.
    pub sealed: Option<String>,
    /// For how many days logs are kept; `None`: as long as any.
    pub retention_days: Option<u16>,
    /// What is taken out of logged bodies.
    pub redaction: Redaction,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    language: String,
    #[diesel(sql_type = Text)]
    time_zone: String,
    #[diesel(sql_type = Array<Text>)]
    alert_emails: Vec<String>,
    #[diesel(sql_type = Jsonb)]
    alert_webhooks: Json,
    #[diesel(sql_type = Nullable<Text>)]
    alert_webhooks_sealed: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    retention_days: Option<i32>,
    #[diesel(sql_type = Jsonb)]
    redaction: Json,
}

impl Row {
    fn into_settings(self) -> Result<Settings, PersistenceError> {
        Ok(Settings {
            version: self.version,
            language: from_word("language", self.language)?,
            time_zone: parse("time_zone", &self.time_zone)?,
            alert_emails: self.alert_emails,
            alert_webhooks: from_json("alert_webhooks", self.alert_webhooks)?,
            sealed: self.alert_webhooks_sealed,
            retention_days: self.retention_days.and_then(|days| u16::try_from(days).ok()),
            redaction: from_json("redaction", self.redaction)?,
        })
    }
}

/// What the tenant has set.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Transaction, tenant: TenantId) -> Result<Settings, PersistenceError> {
    let rows: Vec<Row> = sql_query("SELECT * FROM tenant_settings WHERE tenant_id = $1")
        .bind::<Text, _>(tenant.to_string())
        .load(&mut **tx)
        .await?;
    rows.into_iter().next().map_or_else(|| Ok(Settings::default()), Row::into_settings)
}

const INSERT: &str = "
INSERT INTO tenant_settings (tenant_id, language, time_zone, alert_emails, alert_webhooks, alert_webhooks_sealed,
    retention_days, redaction)
SELECT $1, $3, $4, $5, $6, $7, $8, $9 WHERE $2 = 0
ON CONFLICT DO NOTHING";

const UPDATE: &str = "
UPDATE tenant_settings SET language = $3, time_zone = $4, alert_emails = $5, alert_webhooks = $6,
    alert_webhooks_sealed = $7, retention_days = $8, redaction = $9, version = version + 1, updated_at = now()
WHERE tenant_id = $1 AND version = $2";

/// Replaces what the tenant has set where it still is of the version in `settings`; returns whether it was.
///
/// # Errors
/// When the database does not answer.
pub async fn replace(tx: &mut Transaction, tenant: TenantId, settings: &Settings) -> Result<bool, PersistenceError> {
    let statement = if settings.version == 0 { INSERT } else { UPDATE };
    let replaced = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<BigInt, _>(settings.version)
        .bind::<Text, _>(to_word(&settings.language)?)
        .bind::<Text, _>(settings.time_zone.name())
        .bind::<Array<Text>, _>(&settings.alert_emails)
        .bind::<Jsonb, _>(to_json(&settings.alert_webhooks)?)
        .bind::<Nullable<Text>, _>(&settings.sealed)
        .bind::<Nullable<Integer>, _>(settings.retention_days.map(i32::from))
        .bind::<Jsonb, _>(to_json(&settings.redaction)?)
        .execute(&mut **tx)
        .await?;
    Ok(replaced == 1)
}

/// The time zone of each of these tenants that has set anything.
///
/// # Errors
/// When the database does not answer.
pub async fn time_zones(
    tx: &mut Transaction,
    tenants: &[TenantId],
) -> Result<BTreeMap<TenantId, TimeZone>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        tenant_id: String,
        #[diesel(sql_type = Text)]
        time_zone: String,
    }
    let rows: Vec<Row> = sql_query("SELECT tenant_id, time_zone FROM tenant_settings WHERE tenant_id = ANY($1)")
        .bind::<Array<Text>, _>(tenants.iter().map(ToString::to_string).collect::<Vec<_>>())
        .load(&mut **tx)
        .await?;
    let all = rows.iter().map(|row| Ok((parse("tenant_id", &row.tenant_id)?, parse("time_zone", &row.time_zone)?)));
    all.collect()
}

/// What each of these tenants wants taken out of logged bodies; those that want nothing taken out are left out.
///
/// # Errors
/// When the database does not answer.
pub async fn redactions(
    tx: &mut Transaction,
    tenants: &[TenantId],
) -> Result<BTreeMap<TenantId, Redaction>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        tenant_id: String,
        #[diesel(sql_type = Jsonb)]
        redaction: Json,
    }
    let rows: Vec<Row> = sql_query("SELECT tenant_id, redaction FROM tenant_settings WHERE tenant_id = ANY($1)")
        .bind::<Array<Text>, _>(tenants.iter().map(ToString::to_string).collect::<Vec<_>>())
        .load(&mut **tx)
        .await?;
    let all =
        rows.into_iter().map(|row| Ok((parse("tenant_id", &row.tenant_id)?, from_json("redaction", row.redaction)?)));
    let all: BTreeMap<TenantId, Redaction> = all.collect::<Result<_, PersistenceError>>()?;
    Ok(all.into_iter().filter(|(_, redaction)| !redaction.is_empty()).collect())
}
