//! The table `api_tokens`: what is known of the tokens that a tenant's admins made. The tokens themselves are kept nowhere;
//! signing and checking them is the gateway's.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::access::Role;
use domain::id::{TenantId, TokenId};
use domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::log_page::{LogCursor, LogPage, LogRow};
use crate::statement::sql_query;
use crate::text::{from_word, parse, to_word};
use crate::{PersistenceError, Transaction};

/// Tokens of a tenant that have not come to their end; revoked ones count, since each of them has to be remembered until then.
pub const LIMIT: i64 = 200;

/// A token that an admin made, as lists tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// What it is called.
    #[schema(example = "CRM export")]
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// Its last characters.
    #[schema(example = "••••x7Qa")]
    pub hint: String,
    /// Who made it.
    #[schema(example = "marie@cabinet.example")]
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, unless it is revoked before.
    pub expires_at: Timestamp,
    /// When it let somebody in last, to a minute or so; `null` where it never did.
    pub last_used_at: Option<Timestamp>,
    /// Who revoked it; `null` where nobody has.
    #[schema(example = "marie@cabinet.example")]
    pub revoked_by: Option<String>,
    /// When it was revoked; `null` where it is not.
    pub revoked_at: Option<Timestamp>,
}

impl LogRow for ApiToken {
    fn cursor(&self) -> LogCursor {
        LogCursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    hint: String,
    #[diesel(sql_type = Text)]
    created_by: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    expires_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_used_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    revoked_by: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    revoked_at: Option<DateTime<Utc>>,
}

impl Row {
    fn into_token(self) -> Result<ApiToken, PersistenceError> {
        Ok(ApiToken {
            id: parse("id", &self.id)?,
            name: self.name,
            role: from_word("role", self.role)?,
            hint: self.hint,
            created_by: self.created_by,
            created_at: self.created_at.into(),
            expires_at: self.expires_at.into(),
            last_used_at: self.last_used_at.map(Timestamp::from),
            revoked_by: self.revoked_by,
            revoked_at: self.revoked_at.map(Timestamp::from),
        })
    }
}

/// Lists a new token; returns whether the tenant had not too many.
///
/// # Errors
/// When the tenant is unknown (`Invalid`), or the database does not answer.
pub async fn create(tx: &mut Transaction, tenant: TenantId, token: &ApiToken) -> Result<bool, PersistenceError> {
    let listed = sql_query(
        "INSERT INTO api_tokens (id, tenant_id, name, role, hint, created_by, created_at, expires_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8
         WHERE (SELECT count(*) FROM api_tokens WHERE tenant_id = $2 AND expires_at > now()) < $9",
    )
    .bind::<Text, _>(token.id.to_string())
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(&token.name)
    .bind::<Text, _>(to_word(&token.role)?)
    .bind::<Text, _>(&token.hint)
    .bind::<Text, _>(&token.created_by)
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(token.created_at))
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(token.expires_at))
    .bind::<BigInt, _>(LIMIT)
    .execute(&mut **tx)
    .await?;
    Ok(listed == 1)
}

const LIST: &str = "
SELECT * FROM api_tokens
WHERE tenant_id = $1 AND ($2::timestamptz IS NULL OR (created_at <= $2 AND (created_at < $2 OR id > $3)))
ORDER BY created_at DESC, id LIMIT $4";

/// The tenant's tokens, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Transaction, tenant: TenantId, page: &LogPage) -> Result<Vec<ApiToken>, PersistenceError> {
    let after = page.after.as_ref();
    let rows: Vec<Row> = sql_query(LIST)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Nullable<Timestamptz>, _>(after.map(|after| DateTime::<Utc>::from(after.created_at)))
        .bind::<Text, _>(after.map_or("", |after| after.id.as_str()))
        .bind::<BigInt, _>(i64::from(page.limit))
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Row::into_token).collect()
}

/// The tenant's token of that id.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Transaction, tenant: TenantId, id: TokenId) -> Result<Option<ApiToken>, PersistenceError> {
    let rows: Vec<Row> = sql_query("SELECT * FROM api_tokens WHERE tenant_id = $1 AND id = $2")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(id.to_string())
        .load(&mut **tx)
        .await?;
    rows.into_iter().next().map(Row::into_token).transpose()
}

/// The tenant's token that was made then.
///
/// # Errors
/// When the database does not answer.
pub async fn made_at(
    tx: &mut Transaction,
    tenant: TenantId,
    made_at: Timestamp,
) -> Result<Option<ApiToken>, PersistenceError> {
    let rows: Vec<Row> = sql_query("SELECT * FROM api_tokens WHERE tenant_id = $1 AND created_at = $2")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Timestamptz, _>(DateTime::<Utc>::from(made_at))
        .load(&mut **tx)
        .await?;
    rows.into_iter().next().map(Row::into_token).transpose()
}

/// Revokes a token; returns whether it held until then.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke(tx: &mut Transaction, tenant: TenantId, id: TokenId, by: &str) -> Result<bool, PersistenceError> {
    let revoked = sql_query(
        "UPDATE api_tokens SET revoked_at = now(), revoked_by = $3
         WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > now()",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(id.to_string())
    .bind::<Text, _>(by)
    .execute(&mut **tx)
    .await?;
    Ok(revoked == 1)
}

/// The revoked tokens of all tenants that would still hold otherwise, each with its end.
///
/// # Errors
/// When the database does not answer.
pub async fn revoked(tx: &mut Transaction) -> Result<Vec<(TokenId, Timestamp)>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Ended {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = Timestamptz)]
        expires_at: DateTime<Utc>,
    }
    let rows: Vec<Ended> = sql_query("SELECT id, expires_at FROM revoked_tokens()").load(&mut **tx).await?;
    rows.into_iter().map(|row| Ok((parse("id", &row.id)?, row.expires_at.into()))).collect()
}

/// Notes that these tokens, of whichever tenants, let somebody in.
///
/// # Errors
/// When the database does not answer.
pub async fn note_used(tx: &mut Transaction, used: &BTreeSet<TokenId>) -> Result<(), PersistenceError> {
    sql_query("SELECT note_tokens_used($1)")
        .bind::<Array<Text>, _>(used.iter().map(ToString::to_string).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets all tokens that ended three months ago or before, of all tenants; returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(tx: &mut Transaction) -> Result<usize, PersistenceError> {
    let ended = "DELETE FROM api_tokens WHERE expires_at < now() - interval '90 days'";
    Ok(sql_query(ended).execute(&mut **tx).await?)
}
