//! Reading objects by id.
//!
//! Of orders, a shop shows an app those of the last sixty days alone, unless Shopify permits it all of them. One that is not shown
//! may be too old for that, and is gone only where the shop's own history says that it was destroyed.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use serde_json::{Value, json};

use super::{BATCH, Shopify, api, find, wire};
use crate::account::Account;
use crate::connector::{Changes, Cursor, Found, Reader, Wanted};
use crate::error::ConnectorError;
use crate::values::is_id;

#[async_trait]
impl Reader for Shopify {
    async fn read(&self, account: &Account, kind: RecordKind, ids: &[String], fields: &[String]) -> Found {
        let mut found = HashMap::new();
        // What is no number is no id of a shop's, and the whole list would be refused for it.
        let numbers: Vec<&String> = ids.iter().filter(|id| is_id(id)).collect();
        for part in numbers.chunks(BATCH) {
            for object in objects(account, kind, part, fields).await? {
                if let Some(object) = wire::to_remote(&object, kind, fields) {
                    found.insert(object.external_id.clone(), object);
                }
            }
        }
        if kind == RecordKind::Order {
            let hidden = numbers.into_iter().filter(|id| !found.contains_key(*id)).cloned().collect();
            for external_id in undestroyed(account, hidden).await? {
                // It is there, and says nothing.
                let object = RemoteObject { external_id: external_id.clone(), ..RemoteObject::default() };
                found.insert(external_id, object);
            }
        }
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn find(&self, account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found {
        find::find(account, kind, wanted, fields).await
    }
}

/// Those orders of which the shop's history does not say that they were destroyed.
async fn undestroyed(account: &Account, mut ids: BTreeSet<String>) -> Result<BTreeSet<String>, ConnectorError> {
    let mut cursor = None::<Cursor>;
    while !ids.is_empty() {
        let page = Shopify.list_deleted(account, RecordKind::Order, cursor.clone()).await?;
        for (id, _) in &page.ids {
            ids.remove(id);
        }
        let Some(next) = page.next else { break };
        next.leads_on(cursor.as_ref())?;
        cursor = Some(next);
    }
    Ok(ids)
}

/// The objects of these ids that are there.
pub(crate) async fn objects(
    account: &Account,
    kind: RecordKind,
    ids: &[&String],
    fields: &[String],
) -> Result<Vec<Value>, ConnectorError> {
    let (_, name) = api::names(kind)?;
    let selection = wire::selection(kind, fields.iter());
    let document = format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {name} {{ {selection} }} }} }}");
    let ids: Result<Vec<String>, ConnectorError> = ids.iter().map(|id| api::gid(kind, id)).collect();
    let mut data = api::ask(account, &document, json!({"ids": ids?})).await?;
    match data.get_mut("nodes").map(Value::take) {
        Some(Value::Array(nodes)) => Ok(nodes.into_iter().filter(Value::is_object).collect()),
        Some(_) | None => Err(api::not_shopify()),
    }
}
