//! Reading objects by id.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use domain::link::RemoteObject;

use super::wire::{self, Object};
use super::{BATCH, Zendesk, api, find};
use crate::account::Account;
use crate::connector::{Found, Reader, Wanted};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::{singly, values};

#[async_trait]
impl Reader for Zendesk {
    async fn read(&self, account: &Account, kind: RecordKind, ids: &[String], fields: &[String]) -> Found {
        let found = by_id(account, kind, ids).await?;
        let read = |id: &String| {
            let object = found.get(ticket_of(id))?;
            // A note in a ticket is there as long as the ticket is.
            Some(RemoteObject { external_id: id.clone(), ..object.to_remote(kind, fields) })
        };
        Ok(ids.iter().map(read).collect())
    }

    async fn find(&self, account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found {
        find::find(account, kind, wanted, fields).await
    }
}

/// The ticket in which a note is, by the note's id in our links: `ticket-note`. Any other id is that of the object itself.
pub(crate) fn ticket_of(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}

/// Whether an id of our links is that of a note in a ticket.
pub(crate) fn is_note(id: &str) -> bool {
    id.contains('-')
}

/// The objects with these ids that are there.
pub(crate) async fn by_id(
    account: &Account,
    kind: RecordKind,
    ids: &[String],
) -> Result<BTreeMap<String, Object>, ConnectorError> {
    let (plural, singular) = api::names(kind)?;
    let asked: BTreeSet<&str> = ids.iter().map(|id| ticket_of(id)).filter(|id| values::is_id(id)).collect();
    let asked: Vec<&str> = asked.into_iter().collect();
    let mut found = BTreeMap::new();
    for part in asked.chunks(BATCH) {
        let call = Call::get(&[api::V2, plural, "show_many"]).with("ids", part.join(","));
        let objects = wire::objects(&api::send(account, call).await?, plural);
        found.extend(objects.into_iter().map(|object| (object.id.clone(), object)));
    }
    let missing = asked.iter().filter(|id| !found.contains_key(**id));
    let missing = missing.map(|id| one(account, (plural, singular), id));
    let missing: Vec<Option<Object>> = singly::all(missing.collect()).await?;
    found.extend(missing.into_iter().flatten().map(|object| (object.id.clone(), object)));
    found.retain(|_, object| object.is_there());
    Ok(found)
}

/// Only the object itself says that it is gone.
async fn one(account: &Account, (plural, singular): (&str, &str), id: &str) -> Result<Option<Object>, ConnectorError> {
    match api::get(account, &[plural, id]).await {
        Ok(body) => Ok(wire::object(&body, singular)),
        Err(error) if error.kind == FaultKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
