//! How much each system of a tenant is believed: its policy and its systems, and where it is, kept for a moment. What a rank does is
//! `domain::record`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::id::{IntegrationId, TenantId};
use domain::identity::Region;
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::policy::{ConflictPolicy, Ranks, Vanished};
use domain::record::Record;
use moka::future::Cache;
use persistence::policies::{self, Grounds};
use persistence::{PersistenceError, Transaction};

/// How long a changed policy may take to be followed everywhere. Until then one process may still merge by the old one; the
/// stamps of a record are ranked anew at its next merge.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(5);

/// Tenants kept at once.
const TENANTS: u64 = 10_000;

/// What is said where no rule is.
static LATEST_WINS: Ranks = Ranks::LATEST_WINS;

/// One tenant's.
#[derive(Debug)]
pub(crate) struct Beliefs {
    policy: ConflictPolicy,
    systems: BTreeSet<IntegrationId>,
    /// Of each system's values, for the kinds that the policy has rules for; of the others, the latest wins.
    ranks: BTreeMap<(RecordKind, IntegrationId), Ranks>,
    /// The integration of its own backend, which is another's never.
    pub(crate) backend: IntegrationId,
    /// Where its telephone numbers without a country code are from.
    pub(crate) region: Region,
}

impl Beliefs {
    /// What a tenant believes by these.
    fn by(grounds: Grounds) -> Self {
        let Grounds { policy, systems, backend, region } = grounds;
        let ruled: BTreeSet<RecordKind> = policy.rules.iter().map(|rule| rule.kind).collect();
        let mut ranks = BTreeMap::new();
        for kind in ruled {
            ranks.extend(systems.iter().map(|(origin, system)| ((kind, *origin), policy.ranks(kind, system))));
        }
        Self { policy, systems: systems.into_keys().collect(), ranks, backend, region }
    }

    /// The ranks of what an integration says of a kind.
    pub(crate) fn ranks(&self, kind: RecordKind, origin: IntegrationId) -> &Ranks {
        self.ranks.get(&(kind, origin)).unwrap_or(&LATEST_WINS)
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
        record.fields.rerank(|field, origin| self.ranks(record.kind, origin).of(field.as_str()));
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
        if let Some(kept) = self.0.get(&tenant).await.filter(|kept| kept.systems.contains(&origin)) {
            return Ok(kept);
        }
        let beliefs = Arc::new(Beliefs::by(policies::grounds(tx, tenant).await?));
        self.0.insert(tenant, Arc::clone(&beliefs)).await;
        Ok(beliefs)
    }
}

#[cfg(test)]
mod tests {
    use domain::platform::PlatformSlug;
    use domain::policy::ConflictRule;

    use super::*;

    #[test]
    fn a_rule_ranks_the_systems_that_are_known_in_its_kind_and_everything_else_is_alike() {
        let [backend, theirs, other, unknown] = [(); 4].map(|()| IntegrationId::new());
        let slug = |name: &str| name.parse::<PlatformSlug>().unwrap();
        let ranking = vec![slug("hubspot"), slug(PlatformSlug::COCCINELLE)];
        let rule = ConflictRule { kind: RecordKind::Contact, field: None, ranking };
        let platforms = [slug(PlatformSlug::COCCINELLE), slug("hubspot"), slug("shopify")];
        let beliefs = Beliefs::by(Grounds {
            policy: ConflictPolicy { rules: vec![rule], deletions: Vec::new() },
            systems: [backend, theirs, other].into_iter().zip(platforms).collect(),
            backend,
            region: Region::FR,
        });
        let ranks = |kind| [backend, theirs, other, unknown].map(|origin| beliefs.ranks(kind, origin).of("phone"));
        assert_eq!(ranks(RecordKind::Contact), [1, 2, 0, 0]);
        assert_eq!(ranks(RecordKind::Deal), [0; 4]);
    }
}
