//! The table `inbox`: messages that were accepted while the broker was away. Sending them on is the dispatcher's.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Json, Text};
use diesel_async::RunQueryDsl;
use domain::id::MessageId;
use domain::message::StoredMessage;
use serde_json::Value;

use crate::row::Count;
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    message_type: String,
    #[diesel(sql_type = Text)]
    queue: String,
    #[diesel(sql_type = Text)]
    trace: String,
    #[diesel(sql_type = Json)]
    payload: Value,
}

/// Keeps messages, in their order; one that is kept already is left as it is.
///
/// # Errors
/// When the database does not answer; nothing is kept then.
pub async fn store(tx: &mut Transaction, messages: &[StoredMessage]) -> Result<(), PersistenceError> {
    // Without a conflict target, which the gateway's role would need the right to read.
    let statement = "INSERT INTO inbox (id, message_type, queue, trace, payload, created_at)
        SELECT id, message_type, queue, trace, payload, clock_timestamp()
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::json[])
            AS new(id, message_type, queue, trace, payload)
        ON CONFLICT DO NOTHING";
    sql_query(statement)
        .bind::<Array<Text>, _>(column(messages, |message| message.id.to_string()))
        .bind::<Array<Text>, _>(column(messages, |message| message.message_type.clone()))
        .bind::<Array<Text>, _>(column(messages, |message| message.queue.clone()))
        .bind::<Array<Text>, _>(column(messages, |message| message.trace.to_string()))
        .bind::<Array<Json>, _>(column(messages, |message| message.payload.clone()))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The oldest messages that nobody else has taken, locked until this transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn take(tx: &mut Transaction, limit: u32) -> Result<Vec<StoredMessage>, PersistenceError> {
    let statement = "SELECT id, message_type, queue, trace, payload FROM inbox
        ORDER BY created_at, id LIMIT $1 FOR UPDATE SKIP LOCKED";
    let rows: Vec<Row> = sql_query(statement).bind::<BigInt, _>(i64::from(limit)).load(&mut **tx).await?;
    rows.into_iter()
        .map(|row| {
            Ok(StoredMessage {
                id: parse("id", &row.id)?,
                message_type: row.message_type,
                queue: row.queue,
                trace: parse("trace", &row.trace)?,
                payload: row.payload,
            })
        })
        .collect()
}

/// Forgets messages that the broker has confirmed.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(tx: &mut Transaction, ids: &[MessageId]) -> Result<(), PersistenceError> {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    sql_query("DELETE FROM inbox WHERE id = ANY($1)").bind::<Array<Text>, _>(ids).execute(&mut **tx).await?;
    Ok(())
}

/// How many messages wait.
///
/// # Errors
/// When the database does not answer.
pub async fn count(tx: &mut Transaction) -> Result<i64, PersistenceError> {
    let Count { count } = sql_query("SELECT count(*) AS count FROM inbox").get_result(&mut **tx).await?;
    Ok(count)
}

fn column<T>(messages: &[StoredMessage], of: impl Fn(&StoredMessage) -> T) -> Vec<T> {
    messages.iter().map(of).collect()
}
