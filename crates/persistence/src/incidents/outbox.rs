//! The table `alert_messages`: what is on its way to people. Sending is `log-writer`'s.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Jsonb, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::{MessageId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::statement::sql_query;
use crate::text::{from_word, parse, parse_optional, storable, storable_json, to_word};
use crate::{PersistenceError, Transaction};

/// By which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A mail.
    Email,
    /// A webhook of the tenant's.
    Webhook,
}

/// One message for one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The same however often it is sent.
    pub id: MessageId,
    /// Whom it is for; `None`: the operators.
    pub tenant: Option<TenantId>,
    /// By which way.
    pub channel: Channel,
    /// The address, or the webhook's name.
    pub target: String,
    /// What it says.
    pub content: Value,
    /// How often it was tried before.
    pub attempts: i32,
    /// Whether somebody tries out if it arrives: it tells of no incident.
    pub is_trial: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Text>)]
    tenant_id: Option<String>,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Text)]
    target: String,
    #[diesel(sql_type = Jsonb)]
    content: Value,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Bool)]
    is_trial: bool,
}

/// Puts a message on its way.
///
/// # Errors
/// When the database does not answer.
pub async fn post(tx: &mut Transaction, letter: &Letter) -> Result<(), PersistenceError> {
    let statement = "INSERT INTO alert_messages (id, tenant_id, channel, target, content, is_trial)
         VALUES ($1, $2, $3, $4, $5, $6)";
    sql_query(statement)
        .bind::<Text, _>(letter.id.to_string())
        .bind::<Nullable<Text>, _>(letter.tenant.map(|id| id.to_string()))
        .bind::<Text, _>(to_word(&letter.channel)?)
        .bind::<Text, _>(&letter.target)
        .bind::<Jsonb, _>(storable_json(letter.content.clone()))
        .bind::<Bool, _>(letter.is_trial)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes so many that are due, for `lease`: nobody else takes them meanwhile, and whoever dies with them leaves them to the
/// next.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(tx: &mut Transaction, limit: u32, lease: Duration) -> Result<Vec<Letter>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "UPDATE alert_messages AS letter SET due_at = now() + make_interval(secs => $2), attempts = letter.attempts + 1
         FROM (
             SELECT id FROM alert_messages WHERE sent_at IS NULL AND given_up_at IS NULL AND due_at <= now()
             ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
         ) AS due
         WHERE letter.id = due.id
         RETURNING letter.id, tenant_id, channel, target, content, attempts - 1 AS attempts, is_trial",
    )
    .bind::<BigInt, _>(i64::from(limit))
    .bind::<Double, _>(lease.as_secs_f64())
    .load(&mut **tx)
    .await?;
    let read = |row: Row| {
        Ok(Letter {
            id: parse("id", &row.id)?,
            tenant: parse_optional("tenant_id", row.tenant_id.as_deref())?,
            channel: from_word("channel", row.channel)?,
            target: row.target,
            content: row.content,
            attempts: row.attempts,
            is_trial: row.is_trial,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Notes that the other side took it.
///
/// # Errors
/// When the database does not answer.
pub async fn note_sent(tx: &mut Transaction, id: MessageId) -> Result<(), PersistenceError> {
    let statement = "UPDATE alert_messages SET sent_at = now(), last_error = NULL WHERE id = $1";
    sql_query(statement).bind::<Text, _>(id.to_string()).execute(&mut **tx).await?;
    Ok(())
}

/// Puts it off, with why.
///
/// # Errors
/// When the database does not answer.
pub async fn postpone(
    tx: &mut Transaction,
    id: MessageId,
    wait: Duration,
    error: &str,
) -> Result<(), PersistenceError> {
    sql_query("UPDATE alert_messages SET due_at = now() + make_interval(secs => $2), last_error = $3 WHERE id = $1")
        .bind::<Text, _>(id.to_string())
        .bind::<Double, _>(wait.as_secs_f64())
        .bind::<Text, _>(storable(error))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Gives it back untried.
///
/// # Errors
/// When the database does not answer.
pub async fn release(tx: &mut Transaction, id: MessageId) -> Result<(), PersistenceError> {
    let statement = "UPDATE alert_messages SET due_at = now(), attempts = attempts - 1 WHERE id = $1";
    sql_query(statement).bind::<Text, _>(id.to_string()).execute(&mut **tx).await?;
    Ok(())
}

/// Gives it up, with why.
///
/// # Errors
/// When the database does not answer.
pub async fn give_up(tx: &mut Transaction, id: MessageId, error: &str) -> Result<(), PersistenceError> {
    sql_query("UPDATE alert_messages SET given_up_at = now(), last_error = $2 WHERE id = $1")
        .bind::<Text, _>(id.to_string())
        .bind::<Text, _>(storable(error))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets what is over for so many days: messages that are not on their way any more, and incidents that were told.
///
/// # Errors
/// When the database does not answer.
pub async fn drop_older(tx: &mut Transaction, days_kept: u16) -> Result<(), PersistenceError> {
    for statement in [
        "DELETE FROM alert_messages WHERE coalesce(sent_at, given_up_at) < now() - make_interval(days => $1)",
        "DELETE FROM incidents WHERE told_end_at < now() - make_interval(days => $1)",
    ] {
        sql_query(statement).bind::<Integer, _>(i32::from(days_kept)).execute(&mut **tx).await?;
    }
    Ok(())
}
