//! The tenants' conflict policies, and what else they are applied by. What a policy means is `domain::policy`'s.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Jsonb, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::identity::Region;
use domain::platform::PlatformSlug;
use domain::policy::ConflictPolicy;

use crate::statement::sql_query;
use crate::text::{Json, from_json, from_word, parse, to_json};
use crate::{PersistenceError, Transaction};

/// The tenant's policy; the latest wins where the tenant has said nothing, or is unknown.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Transaction, tenant: TenantId) -> Result<ConflictPolicy, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Jsonb)]
        conflict_policy: Json,
    }
    let rows: Vec<Row> = sql_query("SELECT conflict_policy FROM tenants WHERE id = $1")
        .bind::<Text, _>(tenant.to_string())
        .load(&mut **tx)
        .await?;
    let policy = rows.into_iter().next().map(|row| from_json("conflict_policy", row.conflict_policy));
    Ok(policy.transpose()?.unwrap_or_default())
}

/// Replaces the tenant's policy; the caller has checked it.
///
/// # Errors
/// When the database does not answer.
pub async fn set(tx: &mut Transaction, tenant: TenantId, policy: &ConflictPolicy) -> Result<(), PersistenceError> {
    sql_query("UPDATE tenants SET conflict_policy = $2 WHERE id = $1")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Jsonb, _>(to_json(policy)?)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What a tenant's disagreements are decided by.
#[derive(Clone, Debug)]
pub struct Grounds {
    /// Its policy.
    pub policy: ConflictPolicy,
    /// The platform of every integration that it has or had: values outlive the integration that they came by.
    pub systems: BTreeMap<IntegrationId, PlatformSlug>,
    /// The integration that Coccinelle's backend has in it.
    pub backend: IntegrationId,
    /// Where its telephone numbers without a country code are from.
    pub region: Region,
}

/// What the tenant's disagreements are decided by, as of one moment.
///
/// # Errors
/// Not found where the tenant is unknown.
pub async fn grounds(tx: &mut Transaction, tenant: TenantId) -> Result<Grounds, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Jsonb)]
        conflict_policy: Json,
        #[diesel(sql_type = Text)]
        region: String,
        #[diesel(sql_type = Text)]
        backend: String,
        #[diesel(sql_type = Array<Text>)]
        ids: Vec<String>,
        #[diesel(sql_type = Array<Text>)]
        platforms: Vec<String>,
    }
    let row: Row = sql_query(
        "SELECT tenants.conflict_policy, tenants.region, backend.id AS backend,
             array_agg(system.id) AS ids, array_agg(system.platform) AS platforms
         FROM tenants
         JOIN tenant_integrations AS backend
             ON backend.tenant_id = tenants.id AND backend.platform = $2 AND backend.deleted_at IS NULL
         JOIN tenant_integrations AS system ON system.tenant_id = tenants.id
         WHERE tenants.id = $1
         GROUP BY tenants.id, backend.id",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(PlatformSlug::COCCINELLE)
    .get_result(&mut **tx)
    .await?;
    let systems = row.ids.iter().zip(&row.platforms);
    let systems = systems.map(|(id, platform)| Ok((parse("id", id)?, parse("platform", platform)?)));
    Ok(Grounds {
        policy: from_json("conflict_policy", row.conflict_policy)?,
        systems: systems.collect::<Result<_, PersistenceError>>()?,
        backend: parse("backend", &row.backend)?,
        region: from_word("region", row.region)?,
    })
}
