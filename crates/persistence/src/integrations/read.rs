//! Reading what is connected: one integration, those of a tenant or of an account, and what opens theirs.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::alert::Alerts;
use domain::id::{IntegrationId, TenantId};
use domain::incident::Trigger;
use domain::integration::{Delivery, Integration};
use domain::platform::PlatformSlug;
use serde::Deserialize;
use serde_json::Value;

use crate::schema::tenant_integrations as table;
use crate::text::{Json, from_json, from_tree, from_word, parse, to_word};
use crate::{PersistenceError, Transaction, grants};

#[derive(Queryable, Selectable)]
#[diesel(table_name = table)]
struct Row {
    id: String,
    tenant_id: String,
    platform: String,
    name: String,
    enabled: bool,
    direction: String,
    kind_directions: Json,
    options: Json,
    frequency: String,
    delivery: String,
    account_id: Option<String>,
    account_name: Option<String>,
    url: Option<String>,
    workflow_url: Option<String>,
    alerts: Value,
    version: i64,
}

impl Row {
    fn into_integration(self) -> Result<Integration, PersistenceError> {
        Ok(Integration {
            id: parse("id", &self.id)?,
            tenant_id: parse("tenant_id", &self.tenant_id)?,
            platform: parse("platform", &self.platform)?,
            name: self.name,
            enabled: self.enabled,
            direction: from_word("direction", self.direction)?,
            kind_directions: from_json("kind_directions", self.kind_directions)?,
            options: from_json("options", self.options)?,
            frequency: from_word("frequency", self.frequency)?,
            delivery: from_word("delivery", self.delivery)?,
            account_id: self.account_id,
            account_name: self.account_name,
            url: self.url,
            workflow_url: self.workflow_url,
            alerts: read_alerts(self.alerts)?,
            version: self.version,
        })
    }
}

/// Who hears of an integration's trouble. Words that only a newer version knows are passed over; whoever chose nothing else hears of
/// all trouble, rather than of none.
pub(crate) fn read_alerts(mut alerts: Value) -> Result<Alerts, PersistenceError> {
    if let Some(triggers) = alerts.get_mut("triggers") {
        if let Some(words) = triggers.as_array_mut() {
            words.retain(|word| Trigger::deserialize(word).is_ok());
        }
        if triggers.as_array().is_some_and(Vec::is_empty) {
            *triggers = Value::Null;
        }
    }
    from_tree("alerts", alerts)
}

fn read_all(rows: Vec<Row>) -> Result<Vec<Integration>, PersistenceError> {
    rows.into_iter().map(Row::into_integration).collect()
}

/// The live integration of that id, Coccinelle's own backend included.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    tx: &mut Transaction,
    tenant: TenantId,
    id: IntegrationId,
) -> Result<Option<Integration>, PersistenceError> {
    let row = table::table
        .filter(table::id.eq(id.to_string()))
        .filter(table::tenant_id.eq(tenant.to_string()))
        .filter(table::deleted_at.is_null())
        .select(Row::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    row.map(Row::into_integration).transpose()
}

/// The live integration of that id, whosever it is: for deliveries to its own URL, which name no tenant.
///
/// # Errors
/// When the database does not answer.
pub async fn get_any(tx: &mut Transaction, id: IntegrationId) -> Result<Option<Integration>, PersistenceError> {
    let row = table::table
        .filter(table::id.eq(id.to_string()))
        .filter(table::deleted_at.is_null())
        .select(Row::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    row.map(Row::into_integration).transpose()
}

/// What the tenant connected and did not delete, the oldest first; without Coccinelle's own backend.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Transaction, tenant: TenantId) -> Result<Vec<Integration>, PersistenceError> {
    let rows = table::table
        .filter(table::tenant_id.eq(tenant.to_string()))
        .filter(table::deleted_at.is_null())
        .filter(table::platform.ne(PlatformSlug::COCCINELLE))
        .order(table::id)
        .select(Row::as_select())
        .load(&mut **tx)
        .await?;
    read_all(rows)
}

/// The tenant's integrations through which data flows now, the oldest first; without Coccinelle's own backend.
///
/// # Errors
/// When the database does not answer.
pub async fn enabled_for(tx: &mut Transaction, tenant: TenantId) -> Result<Vec<Integration>, PersistenceError> {
    Ok(list(tx, tenant).await?.into_iter().filter(|integration| integration.enabled).collect())
}

/// The platforms of which anybody's writes go to the operator's workflow now.
///
/// # Errors
/// When the database does not answer.
pub async fn delivered_by_workflow(tx: &mut Transaction) -> Result<Vec<PlatformSlug>, PersistenceError> {
    let platforms: Vec<String> = table::table
        .filter(table::enabled)
        .filter(table::deleted_at.is_null())
        .filter(table::delivery.eq(to_word(&Delivery::N8n)?))
        .filter(table::workflow_url.is_null())
        .select(table::platform)
        .distinct()
        .load(&mut **tx)
        .await?;
    platforms.iter().map(|platform| parse("platform", platform)).collect()
}

/// The live integrations of every tenant that connected this account.
///
/// # Errors
/// When the database does not answer.
pub async fn of_account(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    account_id: &str,
) -> Result<Vec<Integration>, PersistenceError> {
    let live = connected_to(platform, account_id).filter(table::deleted_at.is_null());
    read_all(live.order(table::id).select(Row::as_select()).load(&mut **tx).await?)
}

/// The same with those that were disconnected: what is known of the account came by these as well.
///
/// # Errors
/// When the database does not answer.
pub async fn ever_of_account(
    tx: &mut Transaction,
    platform: &PlatformSlug,
    account_id: &str,
) -> Result<Vec<Integration>, PersistenceError> {
    let all = connected_to(platform, account_id);
    read_all(all.order(table::id).select(Row::as_select()).load(&mut **tx).await?)
}

fn connected_to(platform: &PlatformSlug, account_id: &str) -> table::BoxedQuery<'static, diesel::pg::Pg> {
    let of_platform = table::table.filter(table::platform.eq(platform.as_str().to_owned()));
    of_platform.filter(table::account_id.eq(account_id.to_owned())).into_boxed()
}

/// The integration that Coccinelle's backend has in this tenant.
///
/// # Errors
/// Not found where the tenant is unknown.
pub async fn backend(tx: &mut Transaction, tenant: TenantId) -> Result<IntegrationId, PersistenceError> {
    let id: String = table::table
        .filter(table::tenant_id.eq(tenant.to_string()))
        .filter(table::platform.eq(PlatformSlug::COCCINELLE))
        .filter(table::deleted_at.is_null())
        .select(table::id)
        .first(&mut **tx)
        .await?;
    parse("id", &id)
}

/// The sealed credentials; `None` where there are none, or no such integration.
///
/// # Errors
/// When the database does not answer.
pub async fn sealed_credentials(
    tx: &mut Transaction,
    tenant: TenantId,
    id: IntegrationId,
) -> Result<Option<String>, PersistenceError> {
    let sealed = table::table
        .filter(table::id.eq(id.to_string()))
        .filter(table::tenant_id.eq(tenant.to_string()))
        .filter(table::deleted_at.is_null())
        .select(table::config_encrypted);
    Ok(sealed.first::<Option<String>>(&mut **tx).await.optional()?.flatten())
}

/// Whether there is anything by which the account of an integration is opened: a key, or a grant, be it still good or not.
///
/// # Errors
/// When the database does not answer.
pub async fn has_credentials(
    tx: &mut Transaction,
    tenant: TenantId,
    id: IntegrationId,
) -> Result<bool, PersistenceError> {
    if sealed_credentials(tx, tenant, id).await?.is_some() {
        return Ok(true);
    }
    Ok(grants::get(tx, tenant, id).await?.is_some())
}
