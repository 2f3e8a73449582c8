//! Changing the master key while everything runs. Changing a tenant's data key is `data_key`'s.

use std::path::Path;

use anyhow::{Context, bail};
use domain::id::TenantId;
use persistence::data_keys::{self, DataKeys};
use persistence::{Database, Scope};
use runtime::config;
use serde_json::json;
use vault::{KeyRing, RingFile, SealedDataKey, Vault};

use crate::command::RotateKeys;
use crate::progress::{LOOKS, PAUSE, Progress};

/// Tenants in one transaction.
const STEP: u32 = 100;

/// Rotates; returns what was done. Fails unless nothing is left under another key.
pub(crate) async fn run(wish: &RotateKeys) -> anyhow::Result<String> {
    let settings = config::load()?;
    let file = settings.vault.key_ring_file;
    let database = Database::new(&settings.database.url, 1, settings.database.connect_timeout);
    if wish.prepare {
        let id = prepare(&database, &file).await?;
        let said = format!("added {id}, which seals nothing before `admin rotate-keys --to {id}`");
        return Ok(if wish.json { json!({ "prepared": id }).to_string() } else { said });
    }
    let active = activate(&database, &file, wish.to.as_deref()).await?;
    let vault = Vault::new(KeyRing::load(&file)?);
    let resealed = reseal_all(&database, &vault, &active, wish.json).await?;
    let retired = if wish.retire { retire(&database, &file).await? } else { Vec::new() };
    if wish.json {
        return Ok(json!({ "active": active, "resealed": resealed, "left": 0, "retired": retired }).to_string());
    }
    let retired = if retired.is_empty() { String::new() } else { format!("; retired {}", retired.join(", ")) };
    Ok(format!("{active} seals; {resealed} data keys sealed anew, 0 left under other keys{retired}"))
}

async fn prepare(database: &Database, file: &Path) -> anyhow::Result<String> {
    let mut tx = database.begin(Scope::System).await?;
    // Whoever else changes the file waits for this, and finds it changed.
    data_keys::hold_master_keys(&mut tx, true).await?;
    let mut ring = RingFile::open(file)?;
    let id = ring.add()?;
    ring.save()?;
    tx.commit().await?;
    Ok(id)
}

/// Lets a key seal: the one that was asked for, the one of a rotation that was begun and not ended, or a new one.
async fn activate(database: &Database, file: &Path, wanted: Option<&str>) -> anyhow::Result<String> {
    let mut tx = database.begin(Scope::System).await?;
    data_keys::hold_master_keys(&mut tx, true).await?;
    let mut ring = RingFile::open(file)?;
    let is_under_way = data_keys::count_under_others(&mut tx, ring.active()).await? > 0;
    let id = match wanted {
        Some(id) => id.to_owned(),
        None if is_under_way => ring.active().to_owned(),
        None => ring.add()?,
    };
    if id != ring.active() {
        ring.activate(&id)?;
        ring.save()?;
    }
    tx.commit().await?;
    Ok(id)
}

async fn reseal_all(database: &Database, vault: &Vault, active: &str, is_json: bool) -> anyhow::Result<u64> {
    let mut tx = database.begin(Scope::System).await?;
    let mut left = data_keys::count_under_others(&mut tx, active).await?;
    tx.commit().await?;
    let mut progress = Progress::new(left, is_json)?;
    for _look in 0..LOOKS {
        let stuck = pass(database, vault, active, &mut progress).await?;
        let mut tx = database.begin(Scope::System).await?;
        left = data_keys::count_under_others(&mut tx, active).await?;
        tx.commit().await?;
        if left == 0 {
            return Ok(progress.end());
        }
        if let Some((tenant, error)) = stuck {
            return Err(error)
                .with_context(|| format!("{left} data keys are left under other keys; {tenant}'s does not open"));
        }
        // Somebody else holds them.
        tokio::time::sleep(PAUSE).await;
    }
    bail!("{left} data keys are left under other keys, held by somebody else: run this again")
}

/// Seals anew whatever nobody else holds; returns the last that does not open.
async fn pass(
    database: &Database,
    vault: &Vault,
    active: &str,
    progress: &mut Progress,
) -> anyhow::Result<Option<(TenantId, anyhow::Error)>> {
    let (mut stuck, mut after) = (None, None);
    loop {
        let mut tx = database.begin(Scope::System).await?;
        let taken = data_keys::take_under_others(&mut tx, active, after, STEP).await?;
        let Some((last, _)) = taken.last() else {
            tx.commit().await?;
            return Ok(stuck);
        };
        after = Some(*last);
        let mut resealed = 0;
        for (tenant, old) in taken {
            match reseal(vault, tenant, &old) {
                Ok(new) => resealed += usize::from(data_keys::replace(&mut tx, tenant, &old, &new).await?),
                Err(error) => stuck = Some((tenant, error)),
            }
        }
        tx.commit().await?;
        progress.advance(resealed)?;
    }
}

fn reseal(vault: &Vault, tenant: TenantId, keys: &DataKeys) -> anyhow::Result<DataKeys> {
    let anew = |sealed: &String| {
        let sealed = SealedDataKey::from(sealed.clone());
        vault.reseal_data_key(tenant, &sealed).map(String::from)
    };
    Ok(DataKeys { current: anew(&keys.current)?, previous: keys.previous.as_ref().map(anew).transpose()? })
}

/// Drops every key but the active one from the ring, unless something is sealed under them.
async fn retire(database: &Database, file: &Path) -> anyhow::Result<Vec<String>> {
    let mut tx = database.begin(Scope::System).await?;
    data_keys::hold_master_keys(&mut tx, true).await?;
    let mut ring = RingFile::open(file)?;
    let left = data_keys::count_under_others(&mut tx, ring.active()).await?;
    if left > 0 {
        bail!("{left} data keys were sealed under other keys meanwhile; no key is retired");
    }
    let retired = ring.retire_others();
    ring.save()?;
    tx.commit().await?;
    Ok(retired)
}
