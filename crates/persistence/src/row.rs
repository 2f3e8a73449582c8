//! Rows that answer many statements alike: a number, an id. Those that answer one stand beside it.

use std::error::Error;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use domain::id::TenantId;
use domain::time::Timestamp;

use crate::PersistenceError;
use crate::text::parse;

/// How many there are.
#[derive(QueryableByName)]
pub(crate) struct Count {
    #[diesel(sql_type = BigInt)]
    pub(crate) count: i64,
}

/// The id of something.
#[derive(QueryableByName)]
pub(crate) struct Id {
    #[diesel(sql_type = Text)]
    pub(crate) id: String,
}

/// The id of something, and whose it is.
#[derive(QueryableByName)]
pub(crate) struct OwnedId {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    id: String,
}

impl OwnedId {
    /// Both as what they are.
    pub(crate) fn into_ids<T>(self) -> Result<(TenantId, T), PersistenceError>
    where
        T: FromStr,
        T::Err: Error + Send + Sync + 'static,
    {
        Ok((parse("tenant_id", &self.tenant_id)?, parse("id", &self.id)?))
    }
}

/// The id of something that waits, and whose it is.
#[derive(QueryableByName)]
pub(crate) struct WaitingId {
    #[diesel(embed)]
    owned: OwnedId,
    #[diesel(sql_type = Timestamptz)]
    since: DateTime<Utc>,
}

impl WaitingId {
    /// Since when it waits, and both as what they are.
    pub(crate) fn into_ids<T>(self) -> Result<(Timestamp, TenantId, T), PersistenceError>
    where
        T: FromStr,
        T::Err: Error + Send + Sync + 'static,
    {
        let (tenant, id) = self.owned.into_ids()?;
        Ok((self.since.into(), tenant, id))
    }
}
