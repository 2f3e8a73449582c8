//! What is new in a tenant's tables, for whoever is told of it as it happens. Telling it is `api-gateway`'s.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::TenantId;
use domain::time::Timestamp;
use serde_json::Value;

use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// Something that is there, as JSON, with what tells it from an earlier state of the same thing.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Item {
    /// What it is: an id.
    #[diesel(sql_type = Text)]
    pub id: String,
    /// Which state of it; the same for as long as nothing has changed.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// When a row of a log was made; `None` of what is no such row.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    made_at: Option<DateTime<Utc>>,
    /// What is told of it.
    #[diesel(sql_type = Jsonb)]
    pub told: Value,
}

impl Item {
    /// When a row of a log was made; `None` of what is no such row.
    #[must_use]
    pub fn made_at(&self) -> Option<Timestamp> {
        self.made_at.map(Timestamp::from)
    }
}

/// Kinds of things that somebody may watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// Attempts at bringing something into step.
    Attempts,
    /// Webhooks that came in.
    Deliveries,
    /// How the integrations are.
    Health,
    /// Full syncs and how far they are.
    Runs,
}

impl Watched {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Attempts, Self::Deliveries, Self::Health, Self::Runs];

    /// Of a tenant (`$1`) since a moment (`$2`), so many (`$3`) at most, the newest first. Rows of the logs are found by the
    /// integrations that they belong to, which is what their index begins with.
    fn statement(self) -> &'static str {
        match self {
            Self::Attempts => {
                "SELECT id, '' AS state, created_at AS made_at, jsonb_build_object(
                     'id', id, 'created_at', created_at, 'integration_id', integration_id, 'sync_type', sync_type,
                     'direction', direction, 'status', status, 'kind', kind, 'record_id', record_id, 'link_id', link_id,
                     'external_id', external_id, 'error_code', error_code, 'error_message', error_message,
                     'fingerprint', fingerprint, 'duration_ms', duration_ms, 'attempt', attempt) AS told
                 FROM integration_sync_logs
                 WHERE tenant_id = $1 AND created_at >= $2
                   AND integration_id = ANY (ARRAY(SELECT id FROM tenant_integrations WHERE tenant_id = $1))
                 ORDER BY created_at DESC, id DESC LIMIT $3"
            }
            Self::Deliveries => {
                "SELECT id, '' AS state, created_at AS made_at, jsonb_build_object(
                     'id', id, 'created_at', created_at, 'integration_id', integration_id, 'platform', platform,
                     'verified', verified, 'outcome', outcome, 'reason', reason, 'marked', marked) AS told
                 FROM integration_webhook_logs
                 WHERE tenant_id = $1 AND created_at >= $2
                   AND integration_id = ANY (ARRAY(SELECT id FROM tenant_integrations WHERE tenant_id = $1))
                 ORDER BY created_at DESC, id DESC LIMIT $3"
            }
            Self::Health => {
                "SELECT integration_id AS id, concat_ws(' ', enabled::text, status, cause) AS state,
                        NULL::timestamptz AS made_at, jsonb_build_object(
                     'integration_id', integration_id, 'cause', cause,
                     'status', CASE WHEN enabled THEN status ELSE 'inactive' END) AS told
                 FROM integration_health JOIN tenant_integrations AS integration ON integration.id = integration_id
                 WHERE integration.tenant_id = $1 AND $2 IS NOT NULL AND platform <> 'coccinelle'
                   AND deleted_at IS NULL
                 ORDER BY integration_id LIMIT $3"
            }
            Self::Runs => {
                "SELECT id, concat_ws(' ', state, sequence::text) AS state, NULL::timestamptz AS made_at,
                        jsonb_build_object('run_id', id, 'integration_id', integration_id, 'state', state,
                     'counts', counts, 'created_at', created_at, 'ended_at', ended_at) AS told
                 FROM sync_runs
                 WHERE tenant_id = $1 AND (ended_at IS NULL OR ended_at >= $2)
                 ORDER BY id DESC LIMIT $3"
            }
        }
    }
}

/// What there is of a tenant, the oldest first: rows of logs that were made since a moment, and everything else as it is.
///
/// # Errors
/// When the database does not answer.
pub async fn look(
    tx: &mut Transaction,
    tenant: TenantId,
    watched: Watched,
    (since, limit): (Timestamp, u32),
) -> Result<Vec<Item>, PersistenceError> {
    let mut items: Vec<Item> = sql_query(watched.statement())
        .bind::<Text, _>(tenant.to_string())
        .bind::<Timestamptz, _>(DateTime::<Utc>::from(since))
        .bind::<BigInt, _>(i64::from(limit))
        .load(&mut **tx)
        .await?;
    items.reverse();
    Ok(items)
}
