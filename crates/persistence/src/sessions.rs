//! The table `sessions`: browsers that are let in by a cookie. Cookies and their secrets are the gateway's.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, QueryableByName};
use diesel_async::RunQueryDsl;
use domain::access::Role;
use domain::id::{TenantId, TokenId};
use domain::time::Timestamp;

use crate::statement::sql_query;
use crate::text::{from_word, parse, to_word};
use crate::{PersistenceError, Transaction};

/// How many sessions a person keeps; the oldest makes room for the next.
pub const LIMIT: i64 = 50;

/// Who is let in, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who it is.
    pub sub: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The listed token that began it, with which it ends; `None` where another token did.
    pub token: Option<TokenId>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    sub: String,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Timestamptz)]
    expires_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    token_id: Option<String>,
}

/// Begins a session; `id_hash` is what is kept of its secret.
///
/// # Errors
/// When the tenant is unknown (`Invalid`), or the database does not answer.
pub async fn begin(
    tx: &mut Transaction,
    tenant: TenantId,
    id_hash: &str,
    session: &Session,
) -> Result<(), PersistenceError> {
    let roles = session.roles.iter().map(to_word).collect::<Result<Vec<_>, _>>()?;
    let statement = "INSERT INTO sessions (tenant_id, id_hash, sub, roles, expires_at, token_id)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(id_hash)
        .bind::<Text, _>(&session.sub)
        .bind::<Array<Text>, _>(roles)
        .bind::<Timestamptz, _>(DateTime::from(session.expires_at))
        .bind::<Nullable<Text>, _>(session.token.map(|token| token.to_string()))
        .execute(&mut **tx)
        .await?;
    let surplus = "DELETE FROM sessions WHERE tenant_id = $1 AND id_hash IN (
        SELECT id_hash FROM sessions WHERE tenant_id = $1 AND sub = $2
        ORDER BY created_at DESC, id_hash OFFSET $3)";
    sql_query(surplus)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(&session.sub)
        .bind::<BigInt, _>(LIMIT)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The tenant's session of that hash; `None` where there is none, or it has ended by itself or with its token.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tx: &mut Transaction, tenant: TenantId, id_hash: &str) -> Result<Option<Session>, PersistenceError> {
    let statement = "SELECT sub, roles, expires_at, token_id FROM sessions
        WHERE tenant_id = $1 AND id_hash = $2 AND expires_at > now() AND NOT EXISTS (
            SELECT FROM api_tokens WHERE api_tokens.tenant_id = $1 AND id = token_id AND revoked_at IS NOT NULL)";
    let row: Option<Row> = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(id_hash)
        .get_result(&mut **tx)
        .await
        .optional()?;
    let Some(Row { sub, roles, expires_at, token_id }) = row else { return Ok(None) };
    let roles = roles.into_iter().map(|role| from_word("roles", role)).collect::<Result<_, _>>()?;
    let token = token_id.map(|id| parse("token_id", &id)).transpose()?;
    Ok(Some(Session { sub, roles, expires_at: expires_at.into(), token }))
}

/// Ends a session; one that has ended already is no error.
///
/// # Errors
/// When the database does not answer.
pub async fn end(tx: &mut Transaction, tenant: TenantId, id_hash: &str) -> Result<(), PersistenceError> {
    sql_query("DELETE FROM sessions WHERE tenant_id = $1 AND id_hash = $2")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(id_hash)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets all sessions that have ended, of all tenants; returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(tx: &mut Transaction) -> Result<usize, PersistenceError> {
    Ok(sql_query("DELETE FROM sessions WHERE expires_at <= now()").execute(&mut **tx).await?)
}
