//! Making a tenant.

use domain::id::TenantId;
use persistence::{Database, Scope, data_keys, tenants};
use runtime::config;
use serde_json::json;
use vault::{KeyRing, Vault};

use crate::command::CreateTenant;

/// Makes the tenant with its data key and its backend's integration; returns its id.
pub(crate) async fn create(wish: &CreateTenant) -> anyhow::Result<String> {
    let settings = config::load()?;
    let tenant = TenantId::new();
    let database = Database::new(&settings.database.url, 1, settings.database.connect_timeout);
    let mut tx = database.begin(Scope::System).await?;
    // Held from before the ring is read: else its key could be retired before the tenant is there to be counted.
    data_keys::hold_master_keys(&mut tx, false).await?;
    let vault = Vault::new(KeyRing::load(&settings.vault.key_ring_file)?);
    let sealed = vault.new_data_key(tenant)?;
    let backend = tenants::create(&mut tx, tenant, &wish.name, Some(sealed.as_str())).await?;
    tenants::set_region(&mut tx, tenant, wish.region).await?;
    tx.commit().await?;
    let said = json!({ "tenant_id": tenant, "backend_integration_id": backend });
    Ok(if wish.json { said.to_string() } else { tenant.to_string() })
}
