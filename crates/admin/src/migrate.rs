//! Bringing the database up to date, or back to nothing.

use connectors::registry::{self, Platform};
use persistence::catalogue::{self, CatalogueEntry};
use persistence::roles::{self, ServiceRole};
use persistence::{Database, Scope, migrate};
use runtime::config::{self, DatabaseSettings};
use serde_json::json;

use crate::command::Migrate;

/// Applies or reverts; returns what was done.
pub(crate) async fn run(wish: &Migrate) -> anyhow::Result<String> {
    let settings = config::load()?.database;
    if wish.down {
        let reverted = migrate::revert_all(&settings.url).await?;
        let said = format!("reverted {} migrations", reverted.len());
        return Ok(if wish.json { json!({ "reverted": reverted }).to_string() } else { said });
    }
    let applied = migrate::run(&settings.url).await?;
    let platforms = describe(&settings).await?;
    let said = format!("applied {} migrations; the catalogue offers {platforms} platforms", applied.len());
    Ok(if wish.json { json!({ "applied": applied, "platforms": platforms }).to_string() } else { said })
}

/// Writes what comes from outside the migrations: passwords and catalogue; returns the number of platforms.
async fn describe(settings: &DatabaseSettings) -> anyhow::Result<usize> {
    let database = Database::new(&settings.url, 1, settings.connect_timeout);
    let mut tx = database.begin(Scope::System).await?;
    let passwords =
        [(ServiceRole::Gateway, &settings.gateway_password), (ServiceRole::Worker, &settings.worker_password)];
    for (role, password) in passwords {
        if let Some(password) = password {
            roles::set_password(&mut tx, role, password).await?;
        }
    }
    let entries: Vec<_> = registry::all().iter().copied().map(entry).collect::<Result<_, _>>()?;
    catalogue::upsert(&mut tx, &entries).await?;
    tx.commit().await?;
    Ok(entries.len())
}

fn entry(platform: Platform) -> anyhow::Result<CatalogueEntry> {
    let descriptor = platform.connector().descriptor();
    Ok(CatalogueEntry {
        platform: descriptor.slug.parse()?,
        name: descriptor.name.to_owned(),
        category: descriptor.category.as_str().to_owned(),
        auth: descriptor.auth.iter().map(|scheme| scheme.as_str()).collect::<Vec<_>>().join(","),
        kinds: descriptor.kinds.to_vec(),
        docs_url: descriptor.docs_url.to_owned(),
    })
}
