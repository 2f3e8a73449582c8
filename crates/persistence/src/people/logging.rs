//! What is still logged of persons who were erased while it was on its way: that something was tried, and nothing else.

use std::borrow::Cow;
use std::collections::BTreeSet;

use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl;
use domain::outcome::{FieldChanges, SyncError, SyncOutcome};

use crate::row::Id;
use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// The outcomes, those of erased records and links without their content. The caller holds erasures off.
pub(crate) async fn without_erased<'a>(
    tx: &mut Transaction,
    outcomes: &'a [SyncOutcome],
) -> Result<Cow<'a, [SyncOutcome]>, PersistenceError> {
    let names: Vec<String> = outcomes.iter().flat_map(names_of).collect();
    let erased: Vec<Id> = sql_query("SELECT id FROM erased_records WHERE id = ANY($1)")
        .bind::<Array<Text>, _>(names)
        .load(&mut **tx)
        .await?;
    if erased.is_empty() {
        return Ok(Cow::Borrowed(outcomes));
    }
    let erased: BTreeSet<String> = erased.into_iter().map(|row| row.id).collect();
    let is_erased = |outcome: &SyncOutcome| names_of(outcome).any(|name| erased.contains(&name));
    let kept = |outcome: &SyncOutcome| if is_erased(outcome) { emptied(outcome) } else { outcome.clone() };
    Ok(Cow::Owned(outcomes.iter().map(kept).collect()))
}

fn names_of(outcome: &SyncOutcome) -> impl Iterator<Item = String> {
    outcome.record_id.map(|id| id.to_string()).into_iter().chain([outcome.link_id.to_string()])
}

fn emptied(outcome: &SyncOutcome) -> SyncOutcome {
    let error = outcome.error.clone().map(|error| SyncError { message: String::new(), ..error });
    let changes = FieldChanges::new();
    SyncOutcome { external_id: None, request: None, response: None, changes, error, ..outcome.clone() }
}
