//! The tenants' conflict policies, and which system each integration is of. What a policy means is `domain::policy`'s.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::platform::PlatformSlug;
use domain::policy::ConflictPolicy;
use serde_json::Value;

use crate::statement::sql_query;
use crate::text::{from_json, parse, to_json};
use crate::{PersistenceError, Transaction};

/// The tenant's policy; the latest wins where the tenant has said nothing, or is unknown.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Transaction, tenant: TenantId) -> Result<ConflictPolicy, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Jsonb)]
        conflict_policy: Value,
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

/// The platform of every integration that the tenant has or had: values outlive the integration that they came by.
///
/// # Errors
/// When the database does not answer.
pub async fn systems(
    tx: &mut Transaction,
    tenant: TenantId,
) -> Result<BTreeMap<IntegrationId, PlatformSlug>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = Text)]
        platform: String,
    }
    let rows: Vec<Row> = sql_query("SELECT id, platform FROM tenant_integrations WHERE tenant_id = $1")
        .bind::<Text, _>(tenant.to_string())
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(|row| Ok((parse("id", &row.id)?, parse("platform", &row.platform)?))).collect()
}
