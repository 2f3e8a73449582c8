//! Reading objects by id.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;

use super::wire::{self, Object};
use super::{BATCH, Pipedrive, api, find, schema};
use crate::account::Account;
use crate::connector::{Found, Reader, Wanted};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::{singly, values};

#[async_trait]
impl Reader for Pipedrive {
    async fn read(&self, account: &Account, kind: RecordKind, ids: &[String], fields: &[String]) -> Found {
        let schema = schema::of(account, kind).await?;
        let found = by_id(account, kind, ids).await?;
        Ok(ids.iter().map(|id| found.get(id).map(|object| object.to_remote(kind, &schema, fields))).collect())
    }

    async fn find(&self, account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found {
        find::find(account, kind, wanted, fields).await
    }
}

/// The objects with these ids that are there.
pub(crate) async fn by_id(
    account: &Account,
    kind: RecordKind,
    ids: &[String],
) -> Result<BTreeMap<String, Object>, ConnectorError> {
    let asked: BTreeSet<&str> = ids.iter().map(String::as_str).filter(|id| values::is_id(id)).collect();
    let asked: Vec<&str> = asked.into_iter().collect();
    let mut found = BTreeMap::new();
    for part in asked.chunks(BATCH) {
        let call = Call::get(&[&api::objects(kind, "")?]).with("ids", part.join(",")).with("limit", BATCH.to_string());
        let objects = wire::objects(&api::send(account, call).await?);
        found.extend(objects.into_iter().map(|object| (object.id.clone(), object)));
    }
    // A list leaves out what is archived, and what its reader may not see: only the object itself says that it is gone.
    let missing = asked.iter().filter(|id| !found.contains_key(**id)).map(|id| one(account, kind, id));
    let missing: Vec<Option<Object>> = singly::all(missing.collect()).await?;
    found.extend(missing.into_iter().flatten().map(|object| (object.id.clone(), object)));
    found.retain(|_, object| object.is_there());
    Ok(found)
}

async fn one(account: &Account, kind: RecordKind, id: &str) -> Result<Option<Object>, ConnectorError> {
    match api::send(account, Call::get(&[&api::objects(kind, "")?, id])).await {
        Ok(body) => Ok(wire::object(&body)),
        Err(error) if error.kind == FaultKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
