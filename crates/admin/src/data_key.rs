//! Changing a tenant's data key while everything runs. Changing the master key is `rotate`'s.

use anyhow::{Context, bail};
use domain::id::TenantId;
use persistence::sealed::{self, SealedColumn};
use persistence::{Database, Scope, data_keys};
use runtime::config;
use serde_json::json;
use vault::{DataKey, KeyRing, Purpose, Sealed, SealedDataKey, Vault};

use crate::command::RotateDataKey;
use crate::progress::{LOOKS, PAUSE, Progress};

/// Secrets in one transaction.
const STEP: u32 = 100;

/// Rotates; returns what was done. Fails unless every secret is under the new key and the old one is forgotten.
pub(crate) async fn rotate(wish: &RotateDataKey) -> anyhow::Result<String> {
    let (settings, tenant) = (config::load()?, wish.tenant);
    let database = Database::new(&settings.database.url, 1, settings.database.connect_timeout);
    let mut tx = database.begin(Scope::System).await?;
    data_keys::hold_master_keys(&mut tx, false).await?;
    let vault = Vault::new(KeyRing::load(&settings.vault.key_ring_file)?);
    let new = vault.new_data_key(tenant)?;
    let keys = data_keys::begin_change(&mut tx, tenant, new.as_str()).await?;
    let keys = keys.with_context(|| format!("{tenant} is no tenant, or was erased"))?;
    let previous = keys.previous.map(SealedDataKey::from);
    let key = vault.open_data_keys(tenant, &SealedDataKey::from(keys.current), previous.as_ref())?;
    tx.commit().await?;
    let resealed = reseal_all(&database, tenant, &key, wish.json).await?;
    let said = json!({ "tenant_id": tenant, "data_key": key.id(), "resealed": resealed, "left": 0 });
    let human =
        format!("{tenant} has a new data key, {}; {resealed} secrets sealed anew, 0 left under another", key.id());
    Ok(if wish.json { said.to_string() } else { human })
}

async fn reseal_all(database: &Database, tenant: TenantId, key: &DataKey, is_json: bool) -> anyhow::Result<u64> {
    let mut tx = database.begin(Scope::System).await?;
    let mut left = sealed::count_under_others(&mut tx, tenant, key.id()).await?;
    tx.commit().await?;
    let mut progress = Progress::new(left, is_json)?;
    for _look in 0..LOOKS {
        for column in SealedColumn::ALL {
            while reseal_some(database, tenant, column, key, &mut progress).await? {}
        }
        let mut tx = database.begin(Scope::System).await?;
        left = data_keys::end_change(&mut tx, tenant, key.id()).await?;
        tx.commit().await?;
        if left == 0 {
            return Ok(progress.end());
        }
        // Somebody else holds them.
        tokio::time::sleep(PAUSE).await;
    }
    bail!("{left} secrets are left under the old key, held by somebody else: run this again")
}

/// Seals some anew; whether there were any.
async fn reseal_some(
    database: &Database,
    tenant: TenantId,
    column: SealedColumn,
    key: &DataKey,
    progress: &mut Progress,
) -> anyhow::Result<bool> {
    let mut tx = database.begin(Scope::System).await?;
    let taken = sealed::take_under_others(&mut tx, tenant, column, key.id(), STEP).await?;
    let mut resealed = 0;
    for (integration, old) in &taken {
        let purpose = Purpose { tenant, integration: *integration, column: column.name() };
        let new = key.reseal(&purpose, &Sealed::from(old.clone()));
        let new = new.with_context(|| format!("{}.{} of {tenant}", column.table(), column.name()))?;
        let replaced = sealed::replace(&mut tx, (tenant, *integration), column, old, new.as_str()).await?;
        resealed += usize::from(replaced);
    }
    tx.commit().await?;
    progress.advance(resealed)?;
    Ok(!taken.is_empty())
}
