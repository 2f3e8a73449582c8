//! The table `tenant_integrations`: what a tenant connected and how. Their mappings, health and logs have modules of their own.

mod configure;
mod read;

use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::integration::{Integration, Status};

use self::configure::Columns;
pub use self::configure::{Configuration, configure, delete, disconnect};
pub(crate) use self::read::read_alerts;
pub use self::read::{
    backend, delivered_by_workflow, enabled_for, ever_of_account, get, get_any, has_credentials, list, of_account,
    sealed_credentials,
};
use crate::schema::{integration_health, tenant_integrations as table};
use crate::{PersistenceError, Transaction, health};

/// An integration that is to be kept.
#[derive(Clone, Debug)]
pub struct NewIntegration {
    /// It; the version counts from 1, whatever it says here.
    pub integration: Integration,
    /// Its sealed credentials, where it has any.
    pub sealed: Option<String>,
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
            table::config_encrypted.eq(&new.sealed),
            table::enabled.eq(integration.enabled),
            Columns::of(integration)?,
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
