//! Making a tenant.

use domain::id::TenantId;
use persistence::{Database, Scope, tenants};
use runtime::config;
use serde_json::json;
use vault::{KeyRing, Vault};

use crate::command::CreateTenant;

/// Makes the tenant with its data key and its backend's integration; returns its id.
pub(crate) async fn create(wish: &CreateTenant) -> anyhow::Result<String> {
    let settings = config::load()?;
    let vault = Vault::new(KeyRing::load(&settings.vault.key_ring_file)?);
    let tenant = TenantId::new();
    let sealed = vault.new_data_key(tenant)?;
    let database = Database::new(&settings.database.url, 1, settings.database.connect_timeout);
    let mut tx = database.begin(Scope::System).await?;
    let backend = tenants::create(&mut tx, tenant, &wish.name, Some(sealed.as_str())).await?;
    tx.commit().await?;
    let said = json!({ "tenant_id": tenant, "backend_integration_id": backend });
    Ok(if wish.json { said.to_string() } else { tenant.to_string() })
}
