//! The mappings of integrations as they were last read: whoever asks for them reads again only those that were changed since.

use std::collections::BTreeMap;

use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::Mapping;
use moka::future::Cache;
use persistence::mappings::{self, Readings};
use persistence::{PersistenceError, Transaction};

/// Integrations kept at once.
const INTEGRATIONS: u64 = 2_000;

/// All integrations', as far as they were asked for lately.
#[derive(Clone, Debug)]
pub(crate) struct Mapped(Cache<IntegrationId, Readings>);

impl Mapped {
    pub(crate) fn new() -> Self {
        Self(Cache::new(INTEGRATIONS))
    }

    /// An integration's, as they are in this transaction.
    pub(crate) async fn of(
        &self,
        tx: &mut Transaction,
        tenant: TenantId,
        integration: IntegrationId,
    ) -> Result<Readings, PersistenceError> {
        let known = self.0.get(&integration).await.unwrap_or_default();
        let readings = mappings::reading(tx, tenant, integration, &known).await?;
        self.0.insert(integration, readings.clone()).await;
        Ok(readings)
    }
}

/// The mapping of each kind, as far as the kind's direction allows.
pub(crate) fn narrowed(readings: &Readings, integration: &Integration) -> BTreeMap<RecordKind, Mapping> {
    readings.iter().map(|(kind, reading)| (*kind, reading.mapping.within(integration.direction_of(*kind)))).collect()
}
