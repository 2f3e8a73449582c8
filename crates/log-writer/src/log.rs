//! The logs there are: which message becomes which row. The rows themselves are `persistence`'s.

use domain::message::Message;
use domain::outcome::{SyncOutcome, WebhookOutcome};
use persistence::{PersistenceError, Transaction, sync_logs, webhook_logs};

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
        Ok(sync_logs::insert_batch(transaction, rows).await?.len())
    }
}

impl Log for WebhookOutcome {
    const NAME: &'static str = "webhook";

    async fn insert(transaction: &mut Transaction, rows: &[Self]) -> Result<usize, PersistenceError> {
        Ok(webhook_logs::insert_batch(transaction, rows).await?.len())
    }
}
