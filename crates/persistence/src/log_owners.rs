//! Whose the rows of a batch are: no row may name one tenant and another one's integration.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};

use crate::row::Count;
use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// Refuses the batch where one of its rows is of a tenant and of an integration that is another tenant's. What is of an
/// integration that nobody has any more is taken: logs outlive what they speak of.
pub(crate) async fn check(
    tx: &mut Transaction,
    pairs: impl Iterator<Item = (IntegrationId, TenantId)>,
) -> Result<(), PersistenceError> {
    let pairs: BTreeSet<_> = pairs.collect();
    let integrations: Vec<_> = pairs.iter().map(|(integration, _)| integration.to_string()).collect();
    let tenants: Vec<_> = pairs.iter().map(|(_, tenant)| tenant.to_string()).collect();
    let Count { count } = sql_query(
        "SELECT count(*) AS count FROM unnest($1::text[], $2::text[]) AS named(integration_id, tenant_id)
         JOIN tenant_integrations AS known ON known.id = named.integration_id
         WHERE known.tenant_id <> named.tenant_id",
    )
    .bind::<Array<Text>, _>(integrations)
    .bind::<Array<Text>, _>(tenants)
    .get_result(&mut **tx)
    .await?;
    if count == 0 { Ok(()) } else { Err(PersistenceError::WrongTenant) }
}
