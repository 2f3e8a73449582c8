//! Values that records are given before what failed of them is tried again: noted here, given by the dispatcher.

use std::collections::BTreeMap;

use domain::field::FieldName;
use domain::id::{IntegrationId, TenantId};
use domain::message::{Amended, RecordAmend};
use persistence::Transaction;
use persistence::records::edits;
use persistence::records::links::Selection;
use runtime::http::Problem;
use serde_json::Value;

use crate::mappings::valued;

/// Notes of each record that failed what it is to hold. The dispatcher sees to that, and tries it again with it.
pub(super) async fn asked(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    selection: &Selection,
    (values, asked_by): (&BTreeMap<FieldName, Value>, &str),
) -> Result<Vec<RecordAmend>, Problem> {
    let mut asked = Vec::new();
    for kind in edits::kinds(tx, whose, selection).await? {
        let values = &valued(kind, values)?;
        let links = edits::ask(tx, whose, edits::Wish { selection, kind, values, asked_by }).await?;
        asked.extend(links.into_iter().map(|link| RecordAmend { tenant_id: whose.0, subject: Amended::Edit(link) }));
    }
    Ok(asked)
}
