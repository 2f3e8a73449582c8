//! Changing what a tenant configured, and deleting it: only what the caller has seen is replaced.

use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::integration::{Integration, Status};

use crate::schema::tenant_integrations as table;
use crate::statement::sql_query;
use crate::text::{Json, to_json, to_word};
use crate::{PersistenceError, Transaction, grants, health};

/// What is to be configured from now on.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// It; its version is the one that is replaced. Platform and switch stay as they are.
    pub integration: Integration,
    /// New sealed credentials; the present ones stay where it is `None`.
    pub sealed: Option<String>,
}

/// What can be configured, as the table holds it; nothing is nothing, and not what was there before.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = table, treat_none_as_null = true)]
pub(super) struct Columns {
    name: String,
    direction: String,
    kind_directions: Json,
    options: Json,
    frequency: String,
    delivery: String,
    account_id: Option<String>,
    account_name: Option<String>,
    url: Option<String>,
    workflow_url: Option<String>,
    alerts: Json,
}

impl Columns {
    pub(super) fn of(integration: &Integration) -> Result<Self, PersistenceError> {
        Ok(Self {
            name: integration.name.clone(),
            direction: to_word(&integration.direction)?,
            kind_directions: to_json(&integration.kind_directions)?,
            options: to_json(&integration.options)?,
            frequency: to_word(&integration.frequency)?,
            delivery: to_word(&integration.delivery)?,
            account_id: integration.account_id.clone(),
            account_name: integration.account_name.clone(),
            url: integration.url.clone(),
            workflow_url: integration.workflow_url.clone(),
            alerts: to_json(&integration.alerts)?,
        })
    }
}

/// Replaces the configuration of a live integration, where it is still of that version; returns whether it was.
///
/// # Errors
/// A conflict where the tenant has another integration of the account, or when the database does not answer.
pub async fn configure(tx: &mut Transaction, new: &Configuration) -> Result<bool, PersistenceError> {
    let integration = &new.integration;
    let target = table::table
        .filter(table::id.eq(integration.id.to_string()))
        .filter(table::tenant_id.eq(integration.tenant_id.to_string()))
        .filter(table::deleted_at.is_null())
        .filter(table::version.eq(integration.version));
    let settings = (Columns::of(integration)?, table::version.eq(table::version + 1), table::updated_at.eq(now));
    let changed = match &new.sealed {
        Some(sealed) => {
            // A key takes the place of a grant.
            grants::forget(tx, integration.tenant_id, integration.id).await?;
            let settings = (settings, table::config_encrypted.eq(Some(sealed)));
            diesel::update(target).set(settings).execute(&mut **tx).await?
        }
        None => diesel::update(target).set(settings).execute(&mut **tx).await?,
    };
    Ok(changed == 1)
}

/// Deletes a live integration, where it is still of the version that was `seen`, or of any; returns whether it did.
///
/// It is listed no more, its secrets are gone, and its runs end; its logs stay.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(
    tx: &mut Transaction,
    tenant: TenantId,
    id: IntegrationId,
    seen: Option<i64>,
) -> Result<bool, PersistenceError> {
    let deleted = sql_query(DELETE)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(id.to_string())
        .bind::<Nullable<BigInt>, _>(seen)
        .execute(&mut **tx)
        .await?;
    if deleted == 0 {
        return Ok(false);
    }
    let_go(tx, tenant, id).await?;
    Ok(true)
}

/// Takes away what opens the account of a live integration, and stops its flow; returns whether it was there.
///
/// Its configuration, its mappings, its links and its logs stay, and so does whose account it was: only that one can be
/// connected again.
///
/// # Errors
/// When the database does not answer.
pub async fn disconnect(tx: &mut Transaction, tenant: TenantId, id: IntegrationId) -> Result<bool, PersistenceError> {
    let disconnected = sql_query(DISCONNECT)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(id.to_string())
        .execute(&mut **tx)
        .await?;
    if disconnected == 0 {
        return Ok(false);
    }
    let_go(tx, tenant, id).await?;
    Ok(true)
}

/// Forgets every secret of an integration, and ends its runs.
async fn let_go(tx: &mut Transaction, tenant: TenantId, id: IntegrationId) -> Result<(), PersistenceError> {
    grants::forget(tx, tenant, id).await?;
    for statement in [FORGET_WEBHOOK_SECRETS, FORGET_PREVIOUS_SECRETS, FORGET_SUBSCRIPTIONS, FORGET_STATES, END_RUNS] {
        let statement = sql_query(statement).bind::<Text, _>(tenant.to_string()).bind::<Text, _>(id.to_string());
        statement.execute(&mut **tx).await?;
    }
    health::set_status(tx, tenant, id, Status::Inactive, None).await
}

const DELETE: &str = "
UPDATE tenant_integrations SET enabled = false, config_encrypted = NULL, version = version + 1, deleted_at = now(),
    updated_at = now()
WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL AND ($3::bigint IS NULL OR version = $3)";

const DISCONNECT: &str = "
UPDATE tenant_integrations SET enabled = false, config_encrypted = NULL, version = version + 1, updated_at = now()
WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL";

const FORGET_WEBHOOK_SECRETS: &str =
    "DELETE FROM integration_webhook_secrets WHERE tenant_id = $1 AND integration_id = $2";

const FORGET_PREVIOUS_SECRETS: &str =
    "DELETE FROM integration_previous_secrets WHERE tenant_id = $1 AND integration_id = $2";

const FORGET_SUBSCRIPTIONS: &str = "DELETE FROM integration_subscriptions WHERE tenant_id = $1 AND integration_id = $2";

const FORGET_STATES: &str = "DELETE FROM oauth_states WHERE tenant_id = $1 AND integration_id = $2";

/// Nobody moves on a run whose integration is gone, so one under way ends here as well.
const END_RUNS: &str = "
UPDATE sync_runs SET state = 'cancelled', ended_at = now(), not_before = NULL
WHERE tenant_id = $1 AND integration_id = $2 AND ended_at IS NULL";
