//! Links that are named in full, by what they stand for: each is looked for by itself, whatever the statistics say of its integration.
//!
//! Of an integration that has grown since its table was analyzed, PostgreSQL expects no row, and would rather read all that it has than
//! look for each link. In the same way it would read a whole index of what is owed, of which it may expect nothing just before a back-fill:
//! where links are named, they are asked whether they are owed in words that such an index does not know, `owed::int = 1`, whether they
//! have a record, which those that a flood of deliveries has made have not, by `coalesce(record_id, '') = ''`, and whether they are
//! blocked, as those are that a platform refuses alike, by `(blocked_at IS NOT NULL)::int = 1`.
//!
//! What else is named, records, identifiers, conflicts and events, is looked for in the same way. Where its id alone names it, whose it is
//! is asked by `tenant_id || '' = …`: by the tenant, PostgreSQL would walk over all that it has, and for each id anew.

use std::collections::BTreeSet;

use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, Text};
use domain::id::{IntegrationId, RecordId};
use domain::kind::RecordKind;

use crate::statement::{Statement, sql_query};

/// The links of the records that [`of_records`] names, as what a statement reads from.
pub(super) const OF_RECORDS: &str = "unnest($1, $2) AS named (integration_id, record_id)
         JOIN record_links AS link USING (integration_id, record_id)";

/// The links of the objects that [`of_objects`] names, as what a statement reads from.
pub(crate) const OF_OBJECTS: &str = "unnest($1, $2, $3) AS named (integration_id, kind, external_id)
         JOIN record_links AS link USING (integration_id, kind, external_id)";

/// A statement about the links that some records have in an integration.
pub(super) fn of_records(
    statement: String,
    integration: IntegrationId,
    records: &BTreeSet<RecordId>,
) -> Statement<impl QueryFragment<Pg> + use<>> {
    sql_query(statement)
        .bind::<Array<Text>, _>(vec![integration.to_string(); records.len()])
        .bind::<Array<Text>, _>(records.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// A statement about the links that stand for some objects of one kind in an integration.
pub(crate) fn of_objects(
    statement: String,
    (integration, kind): (IntegrationId, RecordKind),
    external_ids: Vec<String>,
) -> Statement<impl QueryFragment<Pg>> {
    sql_query(statement)
        .bind::<Array<Text>, _>(vec![integration.to_string(); external_ids.len()])
        .bind::<Array<Text>, _>(vec![kind.as_str(); external_ids.len()])
        .bind::<Array<Text>, _>(external_ids)
}
