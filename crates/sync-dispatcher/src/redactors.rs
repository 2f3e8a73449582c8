//! What each tenant wants taken out of what is noted of its attempts, kept for a moment. What is taken out of a text is
//! `domain::redaction`'s.

use std::sync::Arc;
use std::time::Duration;

use domain::id::TenantId;
use domain::redaction::Redactor;
use moka::future::Cache;
use persistence::{PersistenceError, Transaction, settings};

/// How long a changed wish may take to be followed by everybody. The log's own writer follows it at once.
const KEPT_FOR: Duration = Duration::from_secs(5);

/// Tenants kept at once.
const TENANTS: u64 = 10_000;

/// All tenants', as far as they were asked for lately.
#[derive(Clone, Debug)]
pub(crate) struct Redactors(Cache<TenantId, Arc<Redactor>>);

impl Redactors {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(TENANTS).time_to_live(KEPT_FOR).build())
    }

    /// A tenant's; of one that wishes nothing, what is taken out for everybody.
    pub(crate) async fn of(&self, tx: &mut Transaction, tenant: TenantId) -> Result<Arc<Redactor>, PersistenceError> {
        if let Some(kept) = self.0.get(&tenant).await {
            return Ok(kept);
        }
        let wished = settings::redactions(tx, &[tenant]).await?.remove(&tenant);
        let redactor = Arc::new(wished.as_ref().map(Redactor::new).unwrap_or_default());
        self.0.insert(tenant, Arc::clone(&redactor)).await;
        Ok(redactor)
    }
}
