//! The replay of failures: what blocks them is lifted. Which are meant is `failures`'s to say.

use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::message::RecordPush;

use super::failures::{SELECTED, Selection, about};
use super::{PushRow, into_pushes};
use crate::{PersistenceError, Transaction};

/// Unblocks failures of an integration, and names them. Their links are locked in the order of their ids, as everybody does who locks
/// several.
///
/// # Errors
/// When the database does not answer.
pub async fn replay(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    selection: &Selection,
) -> Result<Vec<RecordPush>, PersistenceError> {
    unblock(tx, whose, selection, SELECTED).await
}

/// The same, of remote objects that are tied to no record yet: there is nothing that could be given another value.
///
/// # Errors
/// When the database does not answer.
pub async fn replay_untied(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    selection: &Selection,
) -> Result<Vec<RecordPush>, PersistenceError> {
    unblock(tx, whose, selection, &format!("{SELECTED} AND record_id IS NULL")).await
}

async fn unblock(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    selection: &Selection,
    condition: &str,
) -> Result<Vec<RecordPush>, PersistenceError> {
    let statement = format!(
        "UPDATE record_links SET blocked_at = NULL, attempts = 0, not_before = NULL,
             owed_since = coalesce(owed_since, now()), announced_at = now()
         WHERE id IN (SELECT id FROM record_links WHERE {condition} ORDER BY id FOR UPDATE)
         RETURNING id, tenant_id, integration_id"
    );
    let rows: Vec<PushRow> = about(whose, selection, statement).load(&mut **tx).await?;
    into_pushes(rows)
}
