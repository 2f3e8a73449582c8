//! Incidents as their tenant reads of them, the newest first. Who is told of them is `news`'.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IncidentId, IntegrationId, TenantId};
use domain::incident::{SILENT, Trigger};
use domain::time::Timestamp;
use serde_json::Value;

use super::known_triggers;
use crate::log_page::{LogCursor, LogPage, LogRow};
use crate::statement::sql_query;
use crate::text::{from_word, parse};
use crate::{PersistenceError, Transaction};

/// Trouble of an integration that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// The integration that is in trouble.
    pub integration: IntegrationId,
    /// What the tenant calls it.
    pub name: String,
    /// What the trouble is.
    pub trigger: Trigger,
    /// What was seen when it began: a cause, counts.
    pub detail: Value,
    /// When it was found.
    pub opened_at: Timestamp,
    /// When it was found to be over; `None` while it lasts.
    pub ended_at: Option<Timestamp>,
}

impl LogRow for Incident {
    fn cursor(&self) -> LogCursor {
        LogCursor { created_at: self.opened_at, id: self.id.to_string() }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    integration_id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    trigger: String,
    #[diesel(sql_type = Jsonb)]
    detail: Value,
    #[diesel(sql_type = Timestamptz)]
    opened_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<DateTime<Utc>>,
}

impl Row {
    fn into_incident(self) -> Result<Incident, PersistenceError> {
        Ok(Incident {
            id: parse("id", &self.id)?,
            integration: parse("integration_id", &self.integration_id)?,
            name: self.name,
            trigger: from_word("trigger", self.trigger)?,
            detail: self.detail,
            opened_at: self.opened_at.into(),
            ended_at: self.ended_at.map(Timestamp::from),
        })
    }
}

/// The incidents of a tenant's integrations, the newest first; only those that go on, or only those that are over, where
/// `goes_on` says so.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Transaction,
    tenant: TenantId,
    goes_on: Option<bool>,
    page: &LogPage,
) -> Result<Vec<Incident>, PersistenceError> {
    let after = page.after.as_ref();
    let rows: Vec<Row> = sql_query(
        "SELECT incident.id, incident.integration_id, integration.name, incident.trigger, incident.detail,
                incident.opened_at, incident.ended_at
         FROM incidents AS incident
         JOIN tenant_integrations AS integration ON integration.id = incident.integration_id
         WHERE incident.tenant_id = $1 AND integration.tenant_id = $1 AND integration.deleted_at IS NULL
           AND ($2 IS NULL OR (incident.ended_at IS NULL) = $2)
           AND ($3 IS NULL OR (incident.opened_at, incident.id) < ($3, $4)) AND incident.trigger = ANY ($6)
         ORDER BY incident.opened_at DESC, incident.id DESC LIMIT $5",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Nullable<Bool>, _>(goes_on)
    .bind::<Nullable<Timestamptz>, _>(after.map(|after| DateTime::<Utc>::from(after.created_at)))
    .bind::<Nullable<Text>, _>(after.map(|after| after.id.clone()))
    .bind::<BigInt, _>(i64::from(page.limit))
    .bind::<Array<Text>, _>(known_triggers())
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_incident).collect()
}

/// Since when it is noticed that an integration's webhook is silent; `None` where it is not.
///
/// # Errors
/// When the database does not answer.
pub async fn silent_since(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
) -> Result<Option<Timestamp>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Since {
        #[diesel(sql_type = Timestamptz)]
        opened_at: DateTime<Utc>,
    }
    let rows: Vec<Since> = sql_query(
        "SELECT opened_at FROM incidents WHERE tenant_id = $1 AND integration_id = $2 AND trigger = $3
           AND detail ->> 'cause' = $4 AND ended_at IS NULL",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(Trigger::WebhookRemoved.as_str())
    .bind::<Text, _>(SILENT)
    .load(&mut **tx)
    .await?;
    Ok(rows.into_iter().next().map(|row| row.opened_at.into()))
}
