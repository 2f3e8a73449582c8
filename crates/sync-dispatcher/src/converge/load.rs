//! What a session loads before it begins. What it does with it is the session's.

use std::collections::{BTreeMap, BTreeSet};

use connectors::error::ConnectorError;
use domain::fault::{Fault, FaultKind};
use domain::id::{RecordId, TenantId};
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::Mapping;
use domain::record::Record;
use persistence::Transaction;
use persistence::records::links::Leased;
use persistence::records::store;

use crate::engine::DispatchError;

/// What an account that does not open means for the work with it.
pub(super) fn unusable(error: &accounts::AccountError) -> ConnectorError {
    tracing::error!(%error, "an account cannot be opened");
    let kind = if error.kind().is_transient() { FaultKind::Unavailable } else { FaultKind::Invalid };
    ConnectorError::new(kind, "account_unusable", "Intégration non configurée : ses identifiants ne s'ouvrent pas")
}

/// The records of leased links, as they are now.
pub(super) async fn records(
    tx: &mut Transaction,
    tenant: TenantId,
    leased: &[Leased],
) -> Result<BTreeMap<RecordId, Record>, DispatchError> {
    let ids: BTreeSet<RecordId> = leased.iter().filter_map(|leased| leased.record).collect();
    let records = store::get_many(tx, tenant, &ids).await?;
    Ok(records.into_iter().map(|record| (record.id, record)).collect())
}

/// The mapping of each kind of an integration.
pub(super) async fn mappings(
    tx: &mut Transaction,
    integration: &Integration,
) -> Result<BTreeMap<RecordKind, Mapping>, DispatchError> {
    let mut found = BTreeMap::new();
    for kind in RecordKind::ALL {
        if let Some(mapping) = persistence::mappings::get(tx, integration.tenant_id, integration.id, kind).await? {
            found.insert(kind, mapping);
        }
    }
    Ok(found)
}
