//! Reading objects by id, by the batch.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::kind::RecordKind;
use domain::link::RemoteObject;

use super::{BATCH, KEY, NOTE, Salesforce, api, fields, find, soql, wire};
use crate::account::Account;
use crate::connector::{Found, Reader, Wanted};
use crate::error::ConnectorError;

/// How many of the newest objects are looked through for our keys.
const NEWEST: usize = 2_000;
/// No query of ours has more pages: they ask by name, for the newest alone, or for what was made in some minutes.
const PAGES: usize = 100;

#[async_trait]
impl Reader for Salesforce {
    async fn read(&self, account: &Account, kind: RecordKind, ids: &[String], fields: &[String]) -> Found {
        let mut found = BTreeMap::new();
        for some in ids.chunks(BATCH) {
            let named = some.iter().map(String::as_str);
            let condition = format!("Id IN {}", soql::list(named));
            for object in matching(account, kind, &condition, fields).await? {
                found.insert(short(&object.external_id).to_owned(), object);
            }
        }
        Ok(ids.iter().map(|id| found.get(short(id)).cloned()).collect())
    }

    async fn find(&self, account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found {
        find::find(account, kind, wanted, fields).await
    }
}

/// The objects that meet a condition, the oldest first.
pub(crate) async fn matching(
    account: &Account,
    kind: RecordKind,
    condition: &str,
    fields: &[String],
) -> Result<Vec<RemoteObject>, ConnectorError> {
    selected(account, kind, &format!("{condition} ORDER BY CreatedDate, Id"), fields).await
}

/// The newest objects that meet a condition.
pub(crate) async fn newest(
    account: &Account,
    kind: RecordKind,
    condition: &str,
    fields: &[String],
) -> Result<Vec<RemoteObject>, ConnectorError> {
    selected(account, kind, &format!("{condition} ORDER BY CreatedDate DESC, Id DESC LIMIT {NEWEST}"), fields).await
}

async fn selected(
    account: &Account,
    kind: RecordKind,
    which: &str,
    fields: &[String],
) -> Result<Vec<RemoteObject>, ConnectorError> {
    let columns = columns(account, kind, fields).await?;
    let object = api::object_type(account, kind)?;
    let there = api::there(kind).map(|there| format!("{there} AND ")).unwrap_or_default();
    let query = format!("SELECT {columns} FROM {object} WHERE {there}{which}");
    let mut body = api::query_of(account, kind, &query).await?;
    let mut found = Vec::new();
    for _ in 0..PAGES {
        found.extend(wire::rows(&body).filter_map(|row| row.to_remote(object, fields)));
        match wire::next(&body) {
            Some(next) => body = api::more(account, &next).await?,
            None => return Ok(found),
        }
    }
    Err(ConnectorError::endless())
}

/// What is asked for: what we always need, our key or the text that holds it, and the mapped fields that can be fields.
pub(crate) async fn columns(account: &Account, kind: RecordKind, fields: &[String]) -> Result<String, ConnectorError> {
    let is_known = fields::knows_key(account, kind).await?;
    let key = if is_known { Some(KEY) } else { Some(NOTE).filter(|_| fields::has_note(kind)) };
    let object = api::object_type(account, kind)?;
    let mapped = fields.iter().map(|name| api::own_name(object, name)).filter(|name| soql::is_field(name));
    let mut columns: Vec<&str> = wire::ALWAYS.into_iter().chain(key).chain(mapped).collect();
    columns.sort_unstable_by_key(|name| name.to_ascii_lowercase());
    columns.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    Ok(columns.join(", "))
}

/// The 15 characters that tell an object; the last three of 18 only say their case.
fn short(id: &str) -> &str {
    id.get(..15).unwrap_or(id)
}
