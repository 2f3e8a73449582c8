//! The table `tenant_integrations`: what a tenant connected and how. Their mappings, health and logs have modules of their own.

mod configure;

use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::integration::{Delivery, Integration, Status};
use domain::platform::PlatformSlug;
use serde_json::Value;

pub use self::configure::{Configuration, configure, delete, disconnect};
use crate::schema::{integration_health, tenant_integrations as table};
use crate::text::{from_json, from_word, parse, to_json, to_word};
use crate::{PersistenceError, Transaction, grants, health};

/// An integration that is to be kept.
#[derive(Clone, Debug)]
pub struct NewIntegration {
    /// It; the version counts from 1, whatever it says here.
    pub integration: Integration,
    /// Its sealed credentials, where it has any.
    pub sealed: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = table)]
struct Row {
    id: String,
    tenant_id: String,
    platform: String,
    name: String,
    enabled: bool,
    direction: String,
    kind_directions: Value,
    options: Value,
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
            alerts: from_json("alerts", self.alerts)?,
            version: self.version,
        })
    }
}

fn read_all(rows: Vec<Row>) -> Result<Vec<Integration>, PersistenceError> {
    rows.into_iter().map(Row::into_integration).collect()
}

/// Keeps a new integration and begins its health.
///
/// # Errors
/// A conflict where the tenant has connected that account already.
pub async fn create(tx: &mut Transaction, new: &NewIntegration) -> Result<(), PersistenceError> {
    let integration = &new.integration;
    diesel::insert_into(table::table)
        .values((
            table::id.eq(integration.id.to_string()),
            table::tenant_id.eq(integration.tenant_id.to_string()),
            table::platform.eq(integration.platform.as_str()),
            table::name.eq(&integration.name),
            table::config_encrypted.eq(&new.sealed),
            table::enabled.eq(integration.enabled),
            table::direction.eq(to_word(&integration.direction)?),
            table::kind_directions.eq(to_json(&integration.kind_directions)?),
            table::options.eq(to_json(&integration.options)?),
            table::frequency.eq(to_word(&integration.frequency)?),
            table::delivery.eq(to_word(&integration.delivery)?),
            table::account_id.eq(&integration.account_id),
            table::account_name.eq(&integration.account_name),
            table::url.eq(&integration.url),
            table::workflow_url.eq(&integration.workflow_url),
            table::alerts.eq(to_json(&integration.alerts)?),
        ))
        .execute(&mut **tx)
        .await?;
    start_health(tx, integration.tenant_id, integration.id).await?;
    let status = if integration.enabled { Status::Active } else { Status::Inactive };
    health::set_status(tx, integration.tenant_id, integration.id, status, None).await
}

/// Begins the health of a new integration.
pub(crate) async fn start_health(
    tx: &mut Transaction,
    tenant: TenantId,
    id: IntegrationId,
) -> Result<(), PersistenceError> {
    let row =
        (integration_health::integration_id.eq(id.to_string()), integration_health::tenant_id.eq(tenant.to_string()));
    diesel::insert_into(integration_health::table).values(row).execute(&mut **tx).await?;
    Ok(())
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

/// Applies a change to one live integration, and counts it in its version.
macro_rules! change {
    ($tx:expr, $tenant:expr, $id:expr, $($change:expr),+ $(,)?) => {{
        let target = table::table
            .filter(table::id.eq($id.to_string()))
            .filter(table::tenant_id.eq($tenant.to_string()))
            .filter(table::deleted_at.is_null());
        let changed = diesel::update(target)
            .set(($($change,)+ table::version.eq(table::version + 1), table::updated_at.eq(now)))
            .execute(&mut **$tx)
            .await?;
        if changed == 1 { Ok(()) } else { Err(PersistenceError::from(diesel::result::Error::NotFound)) }
    }};
}

/// Switches the flow of data on or off; its status becomes `active` or `inactive`.
///
/// # Errors
/// Not found where the tenant has no such integration.
pub async fn set_enabled(
    tx: &mut Transaction,
    tenant: TenantId,
    id: IntegrationId,
    enabled: bool,
) -> Result<(), PersistenceError> {
    change!(tx, tenant, id, table::enabled.eq(enabled))?;
    let status = if enabled { Status::Active } else { Status::Inactive };
    health::set_status(tx, tenant, id, status, None).await
}

/// Remembers which account a grant opens, and the tenant's site there; a key that opened it before is destroyed.
///
/// # Errors
/// Not found where the tenant has no such integration; a conflict where it has another of that account.
pub async fn connect_by_grant(
    tx: &mut Transaction,
    (tenant, id): (TenantId, IntegrationId),
    (account_id, account_name): (&str, &str),
    site: Option<&str>,
) -> Result<(), PersistenceError> {
    change!(
        tx,
        tenant,
        id,
        table::account_id.eq(account_id),
        table::account_name.eq(account_name),
        table::url.eq(site),
        table::config_encrypted.eq(None::<String>)
    )
}

/// Replaces the sealed credentials.
///
/// # Errors
/// Not found where the tenant has no such integration.
pub async fn set_credentials(
    tx: &mut Transaction,
    tenant: TenantId,
    id: IntegrationId,
    sealed: &str,
) -> Result<(), PersistenceError> {
    change!(tx, tenant, id, table::config_encrypted.eq(sealed))
}
