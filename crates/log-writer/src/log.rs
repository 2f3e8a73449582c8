//! The logs there are: which message becomes which row, without what is to be taken out. The rows are `persistence`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use domain::id::TenantId;
use domain::message::Message;
use domain::outcome::{SyncOutcome, WebhookOutcome};
use domain::redaction::Redactor;
use persistence::{PersistenceError, Transaction, settings, sync_logs, webhook_logs};

/// A message that is one row of a log.
pub(crate) trait Log: Message + Clone {
    /// The log's name, in metrics.
    const NAME: &'static str;

    /// Inserts the rows that are not there yet, with all that is rolled up from them; returns how many those were.
    fn insert(
        transaction: &mut Transaction,
        rows: &[Self],
    ) -> impl Future<Output = Result<usize, PersistenceError>> + Send;
}

impl Log for SyncOutcome {
    const NAME: &'static str = "sync";

    async fn insert(transaction: &mut Transaction, rows: &[Self]) -> Result<usize, PersistenceError> {
        let redactors = redactors(transaction, rows.iter().map(|row| row.tenant_id)).await?;
        let redacted = |row: &Self| redactors.get(&row.tenant_id).unwrap_or(&BUILT_IN).outcome(row.clone());
        let rows: Vec<_> = rows.iter().map(redacted).collect();
        Ok(sync_logs::insert_batch(transaction, &rows).await?.len())
    }
}

impl Log for WebhookOutcome {
    const NAME: &'static str = "webhook";

    async fn insert(transaction: &mut Transaction, rows: &[Self]) -> Result<usize, PersistenceError> {
        let redactors = redactors(transaction, rows.iter().filter_map(|row| row.tenant_id)).await?;
        let mut rows = rows.to_vec();
        for row in &mut rows {
            let redactor = row.tenant_id.and_then(|tenant| redactors.get(&tenant)).unwrap_or(&BUILT_IN);
            row.body = row.body.take().map(|body| redactor.body(body));
        }
        Ok(webhook_logs::insert_batch(transaction, &rows).await?.len())
    }
}

/// What is taken out for tenants who want nothing else taken out.
static BUILT_IN: LazyLock<Redactor> = LazyLock::new(Redactor::default);

/// What is taken out for each of these tenants that wants something taken out.
async fn redactors(
    transaction: &mut Transaction,
    tenants: impl Iterator<Item = TenantId>,
) -> Result<BTreeMap<TenantId, Redactor>, PersistenceError> {
    let tenants: Vec<_> = tenants.collect::<BTreeSet<_>>().into_iter().collect();
    let wanted = settings::redactions(transaction, &tenants).await?;
    Ok(wanted.iter().map(|(tenant, redaction)| (*tenant, Redactor::new(redaction))).collect())
}
