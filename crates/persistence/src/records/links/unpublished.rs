//! The table `unpublished_outcomes`: what came of the work on links, from the commit with them until the broker has confirmed it.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Double, Jsonb, Text};
use diesel_async::RunQueryDsl;
use domain::id::{LinkId, SyncLogId};
use domain::outcome::SyncOutcome;

use crate::row::Id;
use crate::statement::{plan_anew, sql_query};
use crate::text::{Json, from_json, parse};
use crate::{PersistenceError, Transaction};

/// Outcomes that were committed with their links `age` ago or longer and never confirmed on the broker, the oldest first.
///
/// Those that a version before left beside their links come before those of the table, whose ids are in the order of their time.
///
/// # Errors
/// When the database does not answer.
pub async fn leftovers(
    tx: &mut Transaction,
    age: Duration,
    limit: i64,
) -> Result<Vec<(LinkId, SyncOutcome)>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        link_id: String,
        #[diesel(sql_type = Jsonb)]
        outcome: Json,
    }
    plan_anew(tx).await?;
    let rows: Vec<Row> = sql_query(
        "SELECT link_id, outcome FROM (
             (SELECT link.id AS link_id, outcome FROM (
                  SELECT id, unpublished FROM record_links
                  WHERE unpublished <> '[]' AND updated_at < now() - make_interval(secs => $1) ORDER BY updated_at LIMIT $2
              ) AS link, jsonb_array_elements(link.unpublished) AS outcome)
             UNION ALL
             (SELECT link_id, outcome FROM unpublished_outcomes
              WHERE created_at < now() - make_interval(secs => $1) ORDER BY id LIMIT $2)
         ) AS waiting LIMIT $2",
    )
    .bind::<Double, _>(age.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(|row| Ok((parse("link_id", &row.link_id)?, from_json("outcome", row.outcome)?))).collect()
}

/// Forgets outcomes that are confirmed on the broker. Waits for nobody: what another has locked is forgotten by them, or sent again.
///
/// Planned for what there is: the table is all but empty at one time and full of a flood's rows at another, where a plan that was kept
/// from before would read all of them.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_published(tx: &mut Transaction, confirmed: &[(LinkId, SyncLogId)]) -> Result<(), PersistenceError> {
    plan_anew(tx).await?;
    let forgotten: Vec<Id> = sql_query(
        "DELETE FROM unpublished_outcomes WHERE id = ANY(ARRAY(
             SELECT id FROM unpublished_outcomes WHERE id = ANY($1) FOR UPDATE SKIP LOCKED))
         RETURNING id",
    )
    .bind::<Array<Text>, _>(confirmed.iter().map(|(_, outcome)| outcome.to_string()).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    let forgotten: BTreeSet<String> = forgotten.into_iter().map(|row| row.id).collect();
    let elsewhere: Vec<(LinkId, SyncLogId)> =
        confirmed.iter().copied().filter(|(_, outcome)| !forgotten.contains(&outcome.to_string())).collect();
    if elsewhere.is_empty() { Ok(()) } else { forget_beside_links(tx, &elsewhere).await }
}

/// Forgets those that a version before left in the column `unpublished` of their links.
///
/// As text, so that the links are looked for by their ids and not by the index of what is unpublished, as `named` explains.
async fn forget_beside_links(tx: &mut Transaction, confirmed: &[(LinkId, SyncLogId)]) -> Result<(), PersistenceError> {
    let (links, outcomes): (Vec<String>, Vec<String>) =
        confirmed.iter().map(|(link, outcome)| (link.to_string(), outcome.to_string())).unzip();
    sql_query(
        "UPDATE record_links SET unpublished = coalesce(
             (SELECT jsonb_agg(outcome) FROM jsonb_array_elements(unpublished) AS outcome
              WHERE NOT outcome ->> 'id' = ANY($2)), '[]')
         WHERE id IN (
             SELECT id FROM record_links WHERE id = ANY($1) AND unpublished::text <> '[]' FOR UPDATE SKIP LOCKED)",
    )
    .bind::<Array<Text>, _>(links)
    .bind::<Array<Text>, _>(outcomes)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
