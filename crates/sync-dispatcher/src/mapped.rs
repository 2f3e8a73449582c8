//! The mappings of integrations as they were last read: whoever asks for them reads again only those that were changed since.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::id::{IntegrationId, TenantId};
use domain::identity;
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::Mapping;
use moka::future::Cache;
use persistence::mappings::{self, KindMapping, KindMappings};
use persistence::{PersistenceError, Transaction};

/// Integrations kept at once.
const INTEGRATIONS: u64 = 2_000;

/// Of a kind that is not mapped.
static UNMAPPED: Mapping = Mapping { version: 0, region: identity::HOME, fields: Vec::new() };

/// All integrations', as far as they were asked for lately.
#[derive(Clone, Debug)]
pub(crate) struct Mapped(Cache<IntegrationId, KindMappings>);

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
    ) -> Result<KindMappings, PersistenceError> {
        let known = self.0.get(&integration).await.unwrap_or_default();
        let current = mappings::current(tx, tenant, integration, &known).await?;
        self.0.insert(integration, current.clone()).await;
        Ok(current)
    }
}

/// The mapping of each kind, as far as the kind's direction allows.
#[derive(Clone, Debug)]
pub(crate) struct Narrowed(BTreeMap<RecordKind, Mapping>);

impl Narrowed {
    pub(crate) fn new(configured: &KindMappings, integration: &Integration) -> Self {
        let narrow = |(kind, configured): (&RecordKind, &Arc<KindMapping>)| {
            (*kind, configured.mapping.within(integration.direction_of(*kind)))
        };
        Self(configured.iter().map(narrow).collect())
    }

    /// The one of a kind.
    pub(crate) fn of(&self, kind: RecordKind) -> &Mapping {
        self.0.get(&kind).unwrap_or(&UNMAPPED)
    }
}
