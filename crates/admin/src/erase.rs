//! Erasing a tenant, and the receipt for it. What makes up a tenant is `persistence`'s.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use domain::id::TenantId;
use domain::time::Timestamp;
use persistence::{Database, Scope, erasure, tenants};
use runtime::config;
use serde_json::json;

use crate::command::EraseTenant;
use crate::progress::Progress;

/// Rows in one transaction.
const STEP: u32 = 5_000;

/// Erases; returns the receipt.
pub(crate) async fn run(wish: &EraseTenant) -> anyhow::Result<String> {
    let (settings, tenant) = (config::load()?.database, wish.tenant);
    let database = Database::new(&settings.url, 1, settings.connect_timeout);
    let mut tx = database.begin(Scope::System).await?;
    match tenants::get(&mut tx, tenant).await? {
        Some(found) if found.name != wish.confirm => bail!("{tenant} has another name: nothing was erased"),
        None if !erasure::is_erased(&mut tx, tenant).await? => bail!("{tenant} is no tenant: nothing was erased"),
        Some(_) | None => {}
    }
    let secrets = erasure::begin(&mut tx, tenant).await?;
    tx.commit().await?;
    let mut rows = BTreeMap::new();
    let mut progress = Progress::named("rows deleted", 0, wish.json)?;
    // What somebody wrote while the first pass was under way, the second one finds: the tenant is gone by then.
    delete_rows(&database, tenant, (&mut rows, &mut progress)).await.context(UNFINISHED)?;
    let mut tx = database.begin(Scope::System).await?;
    let is_there = erasure::end(&mut tx, tenant).await?;
    tx.commit().await?;
    rows.insert("tenants".to_owned(), usize::from(is_there));
    delete_rows(&database, tenant, (&mut rows, &mut progress)).await.context(UNFINISHED)?;
    progress.end();
    Ok(receipt(wish, secrets, &rows))
}

const UNFINISHED: &str = "the key is destroyed, and not every row is deleted yet: run this again";

async fn delete_rows(
    database: &Database,
    tenant: TenantId,
    (rows, progress): (&mut BTreeMap<String, usize>, &mut Progress),
) -> anyhow::Result<()> {
    let mut tx = database.begin(Scope::System).await?;
    let tables = erasure::tables(&mut tx).await?;
    *rows.entry("inbox".to_owned()).or_default() += erasure::delete_from_inbox(&mut tx, tenant).await?;
    tx.commit().await?;
    for table in tables {
        loop {
            let mut tx = database.begin(Scope::System).await?;
            let deleted = erasure::delete_rows(&mut tx, &table, tenant, STEP).await?;
            tx.commit().await?;
            *rows.entry(table.clone()).or_default() += deleted;
            progress.advance(deleted)?;
            if deleted == 0 {
                break;
            }
        }
    }
    Ok(())
}

fn receipt(wish: &EraseTenant, secrets: i64, rows: &BTreeMap<String, usize>) -> String {
    let (tenant, at) = (wish.tenant, Timestamp::now());
    if wish.json {
        return json!({ "tenant_id": tenant, "erased_at": at, "secrets_destroyed": secrets, "rows_deleted": rows })
            .to_string();
    }
    let lines = rows.iter().map(|(table, count)| format!("\n{count:>12}  rows of {table}"));
    format!("erased {tenant} at {at}\n{secrets:>12}  keys and secrets destroyed{}", lines.collect::<String>())
}
