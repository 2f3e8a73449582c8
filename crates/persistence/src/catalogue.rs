//! The table `available_integrations`: the catalogue. What it says comes from the connectors' descriptors.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;

use crate::schema::available_integrations as table;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// A platform that tenants can connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// Its slug.
    pub platform: PlatformSlug,
    /// Its own spelling of its name.
    pub name: String,
    /// What it is for, as in `crm`.
    pub category: String,
    /// How a tenant may prove its account: `oauth2`, `api_key`, or both with a comma between, the one to prefer first.
    pub auth: String,
    /// What it holds.
    pub kinds: Vec<RecordKind>,
    /// Where its API is described.
    pub docs_url: String,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = table)]
struct Row {
    platform: String,
    name: String,
    category: String,
    auth: String,
    kinds: Vec<String>,
    docs_url: String,
    is_offered: bool,
    updated_at: DateTime<Utc>,
}

/// Makes the catalogue hold these platforms; one that is not among them is offered no more.
///
/// # Errors
/// When the database does not answer, or whoever asks is not its owner.
pub async fn upsert(tx: &mut Transaction, entries: &[CatalogueEntry]) -> Result<(), PersistenceError> {
    diesel::update(table::table).set(table::is_offered.eq(false)).execute(&mut **tx).await?;
    for entry in entries {
        let row = Row {
            platform: entry.platform.to_string(),
            name: entry.name.clone(),
            category: entry.category.clone(),
            auth: entry.auth.clone(),
            kinds: entry.kinds.iter().map(ToString::to_string).collect(),
            docs_url: entry.docs_url.clone(),
            is_offered: true,
            updated_at: Utc::now(),
        };
        diesel::insert_into(table::table)
            .values(&row)
            .on_conflict(table::platform)
            .do_update()
            .set(&row)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// What is offered, by slug.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Transaction) -> Result<Vec<CatalogueEntry>, PersistenceError> {
    let offered = table::table.filter(table::is_offered).order(table::platform).select(Row::as_select());
    let rows = offered.load(&mut **tx).await?;
    rows.into_iter()
        .map(|row| {
            Ok(CatalogueEntry {
                platform: parse("platform", &row.platform)?,
                name: row.name,
                category: row.category,
                auth: row.auth,
                kinds: row.kinds.iter().map(|kind| parse("kinds", kind)).collect::<Result<_, _>>()?,
                docs_url: row.docs_url,
            })
        })
        .collect()
}
