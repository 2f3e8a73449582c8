//! What a full walk saw, and so what it did not see.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{RunId, TenantId};
use domain::kind::RecordKind;
use domain::run::Run;
use domain::time::Timestamp;

use crate::records::links::named::{self, OF_OBJECTS};
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// What runs ask about, as what a statement reads from: objects that they found gone, and whose links, looked for as
/// `records::links::named` explains, still say otherwise.
pub(crate) const ASKED_ABOUT: &str = "sync_run_objects AS object
         JOIN sync_runs AS asking ON asking.id = object.run_id
         JOIN record_links AS link ON link.integration_id = asking.integration_id AND link.kind = object.kind
             AND link.external_id = object.external_id
         WHERE object.found = 'gone' AND coalesce(link.record_id, '') <> '' AND NOT link.gone";

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    external_id: String,
}

/// Notes that these objects were listed; returns those that had not been.
///
/// # Errors
/// When the database does not answer.
pub async fn note_listed(
    tx: &mut Transaction,
    run: &Run,
    kind: RecordKind,
    ids: &[&str],
) -> Result<BTreeSet<String>, PersistenceError> {
    note(tx, run, kind, (ids, "listed")).await
}

/// What was asked of each object that was not listed.
#[derive(Clone, Debug, Default)]
pub struct Suspects {
    /// A read showed it.
    pub kept: Vec<String>,
    /// It is gone.
    pub gone: Vec<String>,
}

/// Notes what reads said of objects that were not listed.
///
/// # Errors
/// When the database does not answer.
pub async fn note_suspects(
    tx: &mut Transaction,
    run: &Run,
    kind: RecordKind,
    asked: &Suspects,
) -> Result<(), PersistenceError> {
    for (ids, found) in [(&asked.kept, "kept"), (&asked.gone, "gone")] {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        note(tx, run, kind, (&ids, found)).await?;
    }
    Ok(())
}

async fn note(
    tx: &mut Transaction,
    run: &Run,
    kind: RecordKind,
    (ids, found): (&[&str], &str),
) -> Result<BTreeSet<String>, PersistenceError> {
    let noted: Vec<Object> = sql_query(
        "INSERT INTO sync_run_objects (run_id, tenant_id, kind, external_id, found)
         SELECT $1, $2, $3, new.external_id, $5 FROM unnest($4) AS new (external_id) ON CONFLICT DO NOTHING
         RETURNING external_id",
    )
    .bind::<Text, _>(run.id.to_string())
    .bind::<Text, _>(run.tenant_id.to_string())
    .bind::<Text, _>(kind.as_str())
    .bind::<Array<Text>, _>(ids)
    .bind::<Text, _>(found)
    .load(&mut **tx)
    .await?;
    Ok(noted.into_iter().map(|row| row.external_id).collect())
}

/// Objects that were known before the run began and that it neither listed nor asked for yet.
///
/// # Errors
/// When the database does not answer.
pub async fn suspects(
    tx: &mut Transaction,
    run: &Run,
    kind: RecordKind,
    limit: i64,
) -> Result<Vec<String>, PersistenceError> {
    let rows: Vec<Object> = sql_query(
        "SELECT external_id FROM record_links AS link
         WHERE tenant_id = $1 AND integration_id = $2 AND kind = $3 AND external_id IS NOT NULL
           AND record_id IS NOT NULL AND NOT gone AND created_at < $5
           AND NOT EXISTS (SELECT FROM sync_run_objects AS object
                           WHERE run_id = $4 AND object.kind = link.kind AND object.external_id = link.external_id)
         ORDER BY external_id LIMIT $6",
    )
    .bind::<Text, _>(run.tenant_id.to_string())
    .bind::<Text, _>(run.integration_id.to_string())
    .bind::<Text, _>(kind.as_str())
    .bind::<Text, _>(run.id.to_string())
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(run.started_at.unwrap_or_else(Timestamp::now)))
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| row.external_id).collect())
}

/// Those of these objects that we hold to be there, and of which the run has not asked yet.
///
/// # Errors
/// When the database does not answer.
pub async fn believed_there(
    tx: &mut Transaction,
    run: &Run,
    kind: RecordKind,
    ids: &[&str],
) -> Result<Vec<String>, PersistenceError> {
    let statement = format!(
        "SELECT external_id FROM {OF_OBJECTS}
         WHERE link.tenant_id = $4 AND coalesce(record_id, '') <> '' AND NOT gone
           AND NOT EXISTS (SELECT FROM sync_run_objects AS object
                           WHERE run_id = $5 AND object.kind = link.kind AND object.external_id = link.external_id)
         ORDER BY external_id"
    );
    let external_ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let rows: Vec<Object> = named::of_objects(statement, (run.integration_id, kind), external_ids)
        .bind::<Text, _>(run.tenant_id.to_string())
        .bind::<Text, _>(run.id.to_string())
        .load(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.external_id).collect())
}

/// How many objects the run found gone, and how many of its walked kinds were known before.
///
/// # Errors
/// When the database does not answer.
pub async fn tally_gone(tx: &mut Transaction, run: &Run) -> Result<(u64, u64), PersistenceError> {
    #[derive(QueryableByName)]
    struct Tally {
        #[diesel(sql_type = BigInt)]
        gone: i64,
        #[diesel(sql_type = BigInt)]
        known: i64,
    }
    let tally: Tally = sql_query(
        "SELECT count(*) FILTER (WHERE found IN ('gone', 'removed')) AS gone,
                (SELECT count(*) FROM record_links AS link
                 WHERE link.tenant_id = $2 AND link.integration_id = $3 AND link.kind = ANY($4)
                   AND link.external_id IS NOT NULL AND NOT link.gone) AS known
         FROM sync_run_objects WHERE run_id = $1",
    )
    .bind::<Text, _>(run.id.to_string())
    .bind::<Text, _>(run.tenant_id.to_string())
    .bind::<Text, _>(run.integration_id.to_string())
    .bind::<Array<Text>, _>(run.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
    .get_result(&mut **tx)
    .await?;
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok((count(tally.gone), count(tally.known)))
}

/// Takes objects that are gone and whose links have not been told of it, as many as `limit`, by their kinds.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(
    tx: &mut Transaction,
    run: RunId,
    limit: i64,
) -> Result<BTreeMap<RecordKind, Vec<String>>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Removed {
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Text)]
        external_id: String,
    }
    let rows: Vec<Removed> = sql_query(
        "UPDATE sync_run_objects AS object SET found = 'removed'
         FROM (SELECT kind, external_id FROM sync_run_objects WHERE run_id = $1 AND found = 'gone'
               ORDER BY kind, external_id LIMIT $2 FOR UPDATE) AS next
         WHERE object.run_id = $1 AND object.kind = next.kind AND object.external_id = next.external_id
         RETURNING object.kind, object.external_id",
    )
    .bind::<Text, _>(run.to_string())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    let mut removed = BTreeMap::<RecordKind, Vec<String>>::new();
    for row in rows {
        removed.entry(parse("kind", &row.kind)?).or_default().push(row.external_id);
    }
    Ok(removed)
}

/// An object that a run found gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Its kind.
    pub kind: RecordKind,
    /// The platform's id of it.
    pub external_id: String,
}

/// What a run found gone: for whoever has to agree. At most `limit`, in the order of kind and id.
///
/// # Errors
/// When the database does not answer.
pub async fn gone(
    tx: &mut Transaction,
    tenant: TenantId,
    run: RunId,
    limit: i64,
) -> Result<Vec<Gone>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Text)]
        external_id: String,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT kind, external_id FROM sync_run_objects
         WHERE tenant_id = $1 AND run_id = $2 AND found IN ('gone', 'removed') ORDER BY kind, external_id LIMIT $3",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(run.to_string())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(|row| Ok(Gone { kind: parse("kind", &row.kind)?, external_id: row.external_id })).collect()
}
