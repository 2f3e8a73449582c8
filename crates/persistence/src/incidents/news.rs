//! What nobody has been told of incidents yet, and what everybody was told last. When it is time to tell is `log-writer`'s.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::alert::Alerts;
use domain::id::{IncidentId, IntegrationId, TenantId};
use domain::incident::Trigger;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use serde_json::Value;

use super::known_triggers;
use crate::integrations::read_alerts;
use crate::statement::sql_query;
use crate::text::{from_word, parse, parse_optional};
use crate::{PersistenceError, Transaction};

/// An incident whose beginning, end or both nobody was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Which incident.
    pub id: IncidentId,
    /// Whose; `None` where it is the operators'.
    pub tenant: Option<TenantId>,
    /// Of which integration, with its platform and the name that the tenant gave it.
    pub integration: Option<(IntegrationId, PlatformSlug, String)>,
    /// Who wants to hear of the integration, and of what.
    pub alerts: Alerts,
    /// What is in trouble.
    pub subject: String,
    /// What began it.
    pub trigger: Trigger,
    /// What was seen when it began.
    pub detail: Value,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Whether its beginning was told.
    pub is_known: bool,
    /// When anything was told of the integration last.
    pub last_told_at: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Text>)]
    tenant_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    integration_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    platform: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    alerts: Option<Value>,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    trigger: String,
    #[diesel(sql_type = Jsonb)]
    detail: Value,
    #[diesel(sql_type = Timestamptz)]
    opened_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    is_known: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_told_at: Option<DateTime<Utc>>,
}

/// Everything that nobody was told of, the oldest first. What only a newer version knows is told by that one.
///
/// # Errors
/// When the database does not answer.
pub async fn pending(tx: &mut Transaction) -> Result<Vec<News>, PersistenceError> {
    let statement = "
        SELECT incident.id, incident.tenant_id, incident.integration_id, integration.platform, integration.name,
               integration.alerts, incident.subject, incident.trigger, incident.detail, incident.opened_at,
               incident.ended_at, incident.told_at IS NOT NULL AS is_known,
               (SELECT max(greatest(other.told_at, other.told_end_at)) FROM incidents AS other
                WHERE other.integration_id = incident.integration_id) AS last_told_at
        FROM incidents AS incident
        LEFT JOIN tenant_integrations AS integration ON integration.id = incident.integration_id
        WHERE (incident.told_at IS NULL OR (incident.ended_at IS NOT NULL AND incident.told_end_at IS NULL))
          AND incident.trigger = ANY ($1)
        ORDER BY incident.opened_at, incident.id";
    let rows: Vec<Row> = sql_query(statement).bind::<Array<Text>, _>(known_triggers()).load(&mut **tx).await?;
    rows.into_iter().map(Row::into_news).collect()
}

impl Row {
    fn into_news(self) -> Result<News, PersistenceError> {
        let integration = match (self.integration_id, self.platform, self.name) {
            (Some(id), Some(platform), Some(name)) => {
                Some((parse("integration_id", &id)?, parse("platform", &platform)?, name))
            }
            _ => None,
        };
        Ok(News {
            id: parse("id", &self.id)?,
            tenant: parse_optional("tenant_id", self.tenant_id.as_deref())?,
            integration,
            alerts: self.alerts.map(read_alerts).transpose()?.unwrap_or_default(),
            subject: self.subject,
            trigger: from_word("trigger", self.trigger)?,
            detail: self.detail,
            opened_at: self.opened_at.into(),
            ended_at: self.ended_at.map(Timestamp::from),
            is_known: self.is_known,
            last_told_at: self.last_told_at.map(Timestamp::from),
        })
    }
}

/// Notes these as told, as far as they go: those that have ended, with their end.
///
/// # Errors
/// When the database does not answer.
pub async fn note_told(tx: &mut Transaction, told: &[IncidentId]) -> Result<(), PersistenceError> {
    let statement = "
        UPDATE incidents SET told_at = coalesce(told_at, now()),
            told_end_at = CASE WHEN ended_at IS NOT NULL THEN coalesce(told_end_at, now()) END
        WHERE id = ANY ($1)";
    let ids: Vec<_> = told.iter().map(ToString::to_string).collect();
    sql_query(statement).bind::<Array<Text>, _>(ids).execute(&mut **tx).await?;
    Ok(())
}

/// Notes that nobody wanted to hear of these, which have ended: as told so long ago that nothing waits for its turn after it.
///
/// # Errors
/// When the database does not answer.
pub async fn note_unheard(tx: &mut Transaction, unheard: &[IncidentId]) -> Result<(), PersistenceError> {
    let statement =
        "UPDATE incidents SET told_at = coalesce(told_at, 'epoch'), told_end_at = 'epoch' WHERE id = ANY ($1)";
    let ids: Vec<_> = unheard.iter().map(ToString::to_string).collect();
    sql_query(statement).bind::<Array<Text>, _>(ids).execute(&mut **tx).await?;
    Ok(())
}

/// Whom news are for.
pub type Readers = Option<TenantId>;

/// How often each of those was written to within the last `window`, and when last; `None` are the operators.
///
/// # Errors
/// When the database does not answer.
pub async fn paces(
    tx: &mut Transaction,
    window: std::time::Duration,
) -> Result<BTreeMap<Readers, (i64, Timestamp)>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Pace {
        #[diesel(sql_type = Nullable<Text>)]
        tenant_id: Option<String>,
        #[diesel(sql_type = BigInt)]
        times: i64,
        #[diesel(sql_type = Timestamptz)]
        last_at: DateTime<Utc>,
    }
    // Those that were written together have the same time, which is their transaction's. A trial makes nobody wait for news.
    let statement = "
        SELECT tenant_id, count(DISTINCT created_at) AS times, max(created_at) AS last_at FROM alert_messages
        WHERE created_at > now() - make_interval(secs => $1) AND NOT is_trial GROUP BY tenant_id";
    let rows: Vec<Pace> =
        sql_query(statement).bind::<diesel::sql_types::Double, _>(window.as_secs_f64()).load(&mut **tx).await?;
    let read =
        |row: Pace| Ok((parse_optional("tenant_id", row.tenant_id.as_deref())?, (row.times, row.last_at.into())));
    rows.into_iter().map(read).collect()
}
