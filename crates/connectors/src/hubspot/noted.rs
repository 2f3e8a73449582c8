//! Our key in an object's own text, where the account lacks our property: a key without the scope for schemas makes none.

use std::collections::BTreeMap;

use domain::id::RecordId;
use domain::kind::RecordKind;
use serde_json::{Map, Value, json};

use super::find::{Rows, put, with};
use super::{api, wire};
use crate::account::Account;
use crate::connector::{Reader, Update, Wanted};
use crate::error::ConnectorError;
use crate::mark;

/// Rows of one page, and how many pages are looked through for our keys.
const PAGE: usize = 200;
const PAGES: usize = 5;

/// The property whose last line is our key, and the one that says when an object was made. People are known by their address.
pub(crate) fn place(kind: RecordKind) -> Option<(&'static str, &'static str)> {
    match kind {
        RecordKind::Deal => Some((wire::DEAL_NOTE, "createdate")),
        RecordKind::Activity => Some((wire::CALL_NOTE, "hs_createdate")),
        RecordKind::Contact | RecordKind::Product | RecordKind::Order => None,
    }
}

/// Whether the account is known to lack our property for this kind.
pub(crate) fn is_lacking(account: &Account, kind: RecordKind) -> bool {
    account.learnt.get(&learnt(kind)).is_some()
}

/// It said so.
pub(crate) fn lacks(account: &Account, kind: RecordKind) {
    account.learnt.put(&learnt(kind), "lacking");
}

/// It has it by now.
pub(crate) fn has(account: &Account, kind: RecordKind) {
    account.learnt.forget(&learnt(kind));
}

fn learnt(kind: RecordKind) -> String {
    format!("key.{}", kind.as_str())
}

/// Puts our key behind the text that is written.
pub(crate) fn note(kind: RecordKind, properties: &mut Map<String, Value>, key: RecordId) {
    if let Some((name, _)) = place(kind) {
        let marked = mark::put(properties.get(name).and_then(Value::as_str).unwrap_or_default(), key);
        properties.insert(name.to_owned(), json!(marked));
    }
}

/// The keys that stand in texts which are about to be written.
pub(crate) async fn keys(
    account: &Account,
    kind: RecordKind,
    items: &[Update],
) -> Result<BTreeMap<String, RecordId>, ConnectorError> {
    let Some((name, _)) = place(kind).filter(|_| is_lacking(account, kind)) else { return Ok(BTreeMap::new()) };
    let ids = items.iter().filter(|item| item.fields.contains_key(name)).map(|item| item.external_id.clone());
    let ids: Vec<String> = ids.collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let there = Reader::read(&super::HubSpot, account, kind, &ids, &[name.to_owned()]).await?;
    Ok(there.into_iter().flatten().filter_map(|object| Some((object.external_id, object.key?))).collect())
}

/// Looks for our keys in the newest objects: none was made before the record that it stands for.
pub(crate) async fn find(
    account: &Account,
    kind: RecordKind,
    wanted: &[Wanted],
    fields: &[String],
    found: &mut Rows,
) -> Result<(), ConnectorError> {
    let Some((name, made)) = place(kind) else { return Ok(()) };
    let Some(since) = mark::since(wanted.iter().map(|wanted| wanted.key)) else { return Ok(()) };
    let since = since.as_millis().max(0).to_string();
    let mut query = json!({
        "filterGroups": [{"filters": [{"propertyName": made, "operator": "GTE", "value": since}]}],
        "sorts": [{"propertyName": made, "direction": "DESCENDING"}],
        "properties": with(fields, &[name]),
        "limit": PAGE,
    });
    for page in 1..=PAGES {
        let rows = api::search(account, kind, &query).await?.objects;
        for object in &rows {
            let key = object.noted_key();
            let place = wanted.iter().position(|wanted| Some(wanted.key) == key);
            if let Some(at) = place {
                put(found, at, object);
            }
        }
        if rows.len() < PAGE {
            break;
        }
        if let Some(query) = query.as_object_mut() {
            query.insert("after".to_owned(), json!((page * PAGE).to_string()));
        }
    }
    Ok(())
}
