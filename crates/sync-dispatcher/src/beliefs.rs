//! How much each system of a tenant is believed: its policy and its systems, and where it is, kept for a moment. What a rank does is
//! `domain::record`'s.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::id::{IntegrationId, TenantId};
use domain::identity::{self, Region};
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use domain::policy::{ConflictPolicy, Ranks, Vanished};
use domain::record::Record;
use moka::future::Cache;
use persistence::{PersistenceError, Transaction, integrations, policies, tenants};

/// How long a changed policy may take to be followed everywhere. Until then one process may still merge by the old one; the
/// stamps of a record are ranked anew at its next merge.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(5);

/// Tenants kept at once.
const TENANTS: u64 = 10_000;

/// One tenant's.
#[derive(Debug)]
pub(crate) struct Beliefs {
    policy: ConflictPolicy,
    systems: BTreeMap<IntegrationId, PlatformSlug>,
    /// The integration of its own backend, which is another's never.
    pub(crate) backend: IntegrationId,
    /// Where its telephone numbers without a country code are from.
    pub(crate) region: Region,
}

impl Beliefs {
    /// The ranks of what an integration says of a kind.
    pub(crate) fn ranks(&self, kind: RecordKind, origin: IntegrationId) -> Ranks {
        let system = self.systems.get(&origin);
        system.map_or(Ranks::LATEST_WINS, |system| self.policy.ranks(kind, system))
    }

    /// Whether a deletion is carried to the other systems; `is_ours` where Coccinelle made it.
    pub(crate) fn carry_deletion(&self, kind: RecordKind, is_ours: bool) -> bool {
        self.policy.carries_deletion(kind, is_ours)
    }

    /// What follows where a platform no longer has an object of a kind, which flows this way.
    pub(crate) fn vanished(&self, kind: RecordKind, direction: Direction) -> Vanished {
        self.policy.vanished(kind, direction)
    }

    /// Ranks a record's stamps by what the tenant believes now.
    pub(crate) fn rerank(&self, record: &mut Record) {
        let ranks: BTreeMap<IntegrationId, Ranks> =
            self.systems.iter().map(|(id, system)| (*id, self.policy.ranks(record.kind, system))).collect();
        record.fields.rerank(|field, origin| ranks.get(&origin).map_or(0, |ranks| ranks.of(field.as_str())));
    }
}

/// All tenants', as far as they were asked for lately.
#[derive(Clone, Debug)]
pub(crate) struct Believed(Cache<TenantId, Arc<Beliefs>>);

impl Believed {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(TENANTS).time_to_live(KEPT_FOR).build())
    }

    /// A tenant's, in which `origin` is known: an integration that was just connected is none to wait for.
    pub(crate) async fn of(
        &self,
        tx: &mut Transaction,
        tenant: TenantId,
        origin: IntegrationId,
    ) -> Result<Arc<Beliefs>, PersistenceError> {
        if let Some(kept) = self.0.get(&tenant).await.filter(|kept| kept.systems.contains_key(&origin)) {
            return Ok(kept);
        }
        let beliefs = Arc::new(Beliefs {
            policy: policies::get(tx, tenant).await?,
            systems: policies::systems(tx, tenant).await?,
            backend: integrations::backend(tx, tenant).await?,
            region: tenants::region(tx, tenant).await?.unwrap_or(identity::HOME),
        });
        self.0.insert(tenant, Arc::clone(&beliefs)).await;
        Ok(beliefs)
    }
}
