//! The table `tenants`: settings and the sealed data key. Sealing and opening are `vault`'s.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::{Array, Double, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::identity::{self, Region};
use domain::platform::PlatformSlug;
use domain::time::Timestamp;

use crate::schema::{tenant_integrations, tenants};
use crate::statement::sql_query;
use crate::{PersistenceError, Transaction, integrations, mappings, text};

/// A customer of Coccinelle, without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// The name people know it by.
    pub name: String,
    /// Where telephone numbers without a country code are from.
    pub region: Region,
}

/// Makes a tenant, and the integration that its Coccinelle backend has; returns the latter's id.
///
/// The id comes from the caller, since the data key is bound to it. Only the database's owner may do this.
///
/// # Errors
/// When the tenant exists, or the database does not answer.
pub async fn create(
    tx: &mut Transaction,
    id: TenantId,
    name: &str,
    sealed_data_key: Option<&str>,
) -> Result<IntegrationId, PersistenceError> {
    diesel::insert_into(tenants::table)
        .values((tenants::id.eq(id.to_string()), tenants::name.eq(name), tenants::sealed_data_key.eq(sealed_data_key)))
        .execute(&mut **tx)
        .await?;
    let backend = IntegrationId::new();
    diesel::insert_into(tenant_integrations::table)
        .values((
            tenant_integrations::id.eq(backend.to_string()),
            tenant_integrations::tenant_id.eq(id.to_string()),
            tenant_integrations::platform.eq(PlatformSlug::COCCINELLE),
            tenant_integrations::name.eq("Coccinelle"),
            // There is one backend, so there is one account of it: a second integration would be a conflict.
            tenant_integrations::account_id.eq(PlatformSlug::COCCINELLE),
        ))
        .execute(&mut **tx)
        .await?;
    integrations::start_health(tx, id, backend).await?;
    Ok(backend)
}

/// The tenant of that id.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Transaction, id: TenantId) -> Result<Option<Tenant>, PersistenceError> {
    let row: Option<(String, String)> = tenants::table
        .find(id.to_string())
        .select((tenants::name, tenants::region))
        .first(&mut **tx)
        .await
        .optional()?;
    let Some((name, region)) = row else { return Ok(None) };
    Ok(Some(Tenant { id, name, region: read_region(&region)? }))
}

/// The tenant's sealed data key; `None` where the tenant is unknown or its key was destroyed.
///
/// # Errors
/// When the database does not answer.
pub async fn data_key(tx: &mut Transaction, id: TenantId) -> Result<Option<String>, PersistenceError> {
    let key = tenants::table.find(id.to_string()).select(tenants::sealed_data_key);
    Ok(key.first::<Option<String>>(&mut **tx).await.optional()?.flatten())
}

/// Where the tenant's telephone numbers without a country code are from; `None` where the tenant is unknown.
///
/// # Errors
/// When the database does not answer.
pub async fn region(tx: &mut Transaction, id: TenantId) -> Result<Option<Region>, PersistenceError> {
    Ok(get(tx, id).await?.map(|tenant| tenant.region))
}

/// Says where the tenant's telephone numbers without a country code are from.
///
/// Where that is news, what is written by it is owed again, and people are recognised by it once the reconciler has read their numbers anew.
///
/// # Errors
/// When the database does not answer.
pub async fn set_region(tx: &mut Transaction, id: TenantId, region: Region) -> Result<(), PersistenceError> {
    let code = identity::region_code(&region);
    let changed = diesel::update(tenants::table.find(id.to_string()).filter(tenants::region.ne(code)))
        .set((tenants::region.eq(code), tenants::region_since.eq(now)))
        .execute(&mut **tx)
        .await?;
    if changed > 0 { mappings::follow_region(tx, id).await } else { Ok(()) }
}

/// A tenant that said that its telephone numbers are from elsewhere.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Which.
    pub tenant: TenantId,
    /// Where its numbers are from.
    pub region: Region,
    /// Since when they are.
    pub since: Timestamp,
    /// As of where some of them may still be read, where people are recognised by them.
    pub before: Vec<Region>,
}

/// The tenants whose people are not recognised by the region that was theirs `age` ago: from now on, some may be by that and some by
/// those before.
///
/// # Errors
/// When the database does not answer.
pub async fn moved(tx: &mut Transaction, age: Duration) -> Result<Vec<Moved>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = Text)]
        region: String,
        #[diesel(sql_type = Timestamptz)]
        region_since: DateTime<Utc>,
        #[diesel(sql_type = Array<Text>)]
        before: Vec<String>,
    }
    let rows: Vec<Row> = sql_query(
        "UPDATE tenants SET identified_in = array_append(array_remove(identified_in, region), region)
         WHERE id IN (
             SELECT id FROM tenants
             WHERE identified_in <> ARRAY[region] AND region_since < now() - make_interval(secs => $1)
             ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED)
         RETURNING id, region, region_since, array_remove(identified_in, region) AS before",
    )
    .bind::<Double, _>(age.as_secs_f64())
    .load(&mut **tx)
    .await?;
    let moved = |row: Row| {
        let before = row.before.iter().map(|region| read_region(region)).collect::<Result<_, _>>()?;
        let (tenant, region) = (text::parse("id", &row.id)?, read_region(&row.region)?);
        Ok(Moved { tenant, region, since: row.region_since.into(), before })
    };
    rows.into_iter().map(moved).collect()
}

/// Notes that people are recognised by the tenant's region alone, unless it has moved on since: back here as well, as somebody may have
/// been recognised by another region meanwhile.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_identified(tx: &mut Transaction, moved: &Moved) -> Result<(), PersistenceError> {
    sql_query("UPDATE tenants SET identified_in = ARRAY[region] WHERE id = $1 AND region = $2 AND region_since = $3")
        .bind::<Text, _>(moved.tenant.to_string())
        .bind::<Text, _>(identity::region_code(&moved.region))
        .bind::<Timestamptz, _>(DateTime::<Utc>::from(moved.since))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

fn read_region(text: &str) -> Result<Region, PersistenceError> {
    text::from_word("region", text.to_owned())
}
