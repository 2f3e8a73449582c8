//! Creating, changing and deleting objects, one call each: a shop has no batch of them.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::field::RemoteFields;
use domain::kind::RecordKind;
use serde_json::{Map, Value, json};

use super::change::{self, Change};
use super::pieces::Pieces;
use super::{Shopify, api, errors, find, probe, read, wire};
use crate::account::Account;
use crate::connector::{Create, Done, Tie, Update, Wanted, Writer, Written, Wrote};
use crate::error::ConnectorError;
use crate::singly;

/// What a new order is of, where nothing says so: an order without a line is none, and what it comes to is not ours to say.
const LINE: &str = "Coccinelle";

#[async_trait]
impl Writer for Shopify {
    /// As many as the smallest plan has room for in a few seconds.
    fn at_once(&self) -> usize {
        25
    }

    /// Our key, an address and a number are unique in a shop: what is there already by one of them is taken over.
    async fn create(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        api::names(kind)?;
        Ok(singly::each(items.iter().map(|item| create_once(account, kind, item)).collect()).await)
    }

    async fn create_unguarded(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        api::names(kind)?;
        Ok(singly::each(items.iter().map(|item| make(account, kind, item, None)).collect()).await)
    }

    async fn update(&self, account: &Account, kind: RecordKind, items: &[Update]) -> Wrote {
        api::names(kind)?;
        let calls = items.iter().map(|item| async move {
            let pieces = Pieces::of(kind, &item.fields);
            apply(account, kind, &item.external_id, pieces).await?;
            shown(account, kind, (&item.external_id, false), &item.fields).await
        });
        Ok(singly::each(calls.collect()).await)
    }

    async fn delete(&self, account: &Account, kind: RecordKind, ids: &[String]) -> Done {
        api::names(kind)?;
        let calls = ids.iter().map(|id| async move {
            let deleted = change::make(account, &Change::deleting(kind, id)?, "").await;
            deleted.map(drop).or_else(ConnectorError::unless_gone)
        });
        Ok(singly::each(calls.collect()).await)
    }

    /// An order belongs to one customer; a product to nobody.
    async fn associate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        let calls = ties.iter().map(|tie| async move {
            if kind != RecordKind::Order {
                return Ok(());
            }
            let document = "mutation($order: ID!, $customer: ID!) { orderCustomerSet(orderId: $order, \
                            customerId: $customer) { userErrors { field message code } } }";
            let order = api::gid(kind, &tie.external_id)?;
            let variables = json!({"order": order, "customer": api::gid(RecordKind::Contact, &tie.contact)?});
            api::change(account, "orderCustomerSet", document, variables).await.map(drop)
        });
        Ok(singly::each(calls.collect()).await)
    }

    async fn dissociate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        let calls = ties.iter().map(|tie| async move {
            if kind != RecordKind::Order {
                return Ok(());
            }
            let document = "mutation($order: ID!) { orderCustomerRemove(orderId: $order) \
                            { userErrors { field message code } } }";
            let variables = json!({"order": api::gid(kind, &tie.external_id)?});
            let removed = api::change(account, "orderCustomerRemove", document, variables).await;
            removed.map(drop).or_else(ConnectorError::unless_gone)
        });
        Ok(singly::each(calls.collect()).await)
    }
}

async fn create_once(account: &Account, kind: RecordKind, item: &Create) -> Result<Written, ConnectorError> {
    let key = item.key.to_string();
    let made = match make(account, kind, item, Some(&key)).await {
        Err(error) if errors::lacks_key(&error) => {
            probe::define_key(account, kind).await?;
            make(account, kind, item, Some(&key)).await
        }
        other => other,
    };
    match made {
        // Not every refusal of what is there already says so. One of a part of what was made is none.
        Err(error) if matches!(error.kind, FaultKind::Conflict | FaultKind::Invalid) && !error.outcome_is_unknown() => {
            match holder(account, kind, item).await? {
                Some(id) => take_over(account, kind, &id, item).await,
                None => Err(error),
            }
        }
        other => other,
    }
}

/// Who has what was to be unique.
async fn holder(account: &Account, kind: RecordKind, item: &Create) -> Result<Option<String>, ConnectorError> {
    let unique = item.fields.iter().filter(|(name, _)| ["email", "phone"].contains(&name.as_str()));
    let identifiers = unique.map(|(name, value)| (name.clone(), value.clone())).collect();
    let wanted = Wanted { key: item.key, identifiers, tried: None };
    let found = find::find(account, kind, &[wanted], &[]).await?;
    Ok(found.into_iter().flatten().next().map(|object| object.external_id))
}

/// What is there and we have nothing of stays.
async fn take_over(account: &Account, kind: RecordKind, id: &str, item: &Create) -> Result<Written, ConnectorError> {
    let key = item.key.to_string();
    apply(account, kind, id, Pieces::of_new(kind, &item.fields, Some(&key))).await?;
    shown(account, kind, (id, false), &item.fields).await
}

/// Makes an object with all that belongs to it.
async fn make(
    account: &Account,
    kind: RecordKind,
    item: &Create,
    key: Option<&str>,
) -> Result<Written, ConnectorError> {
    let mut pieces = Pieces::of_new(kind, &item.fields, key);
    let own = std::mem::take(&mut pieces.own);
    let (one, _) = api::names(kind)?;
    let payload = change::make(account, &Change::creating(kind, item, own)?, &format!("{one} {{ id }}")).await?;
    let id = payload.get(one).and_then(wire::id_of).ok_or_else(ConnectorError::unanswered)?;
    apply(account, kind, &id, pieces).await.map_err(ConnectorError::after_a_write)?;
    shown(account, kind, (&id, true), &item.fields).await
}

/// An order needs a line, and is its customer's from the beginning.
pub(crate) fn order(mut own: Map<String, Value>, item: &Create) -> Result<Map<String, Value>, ConnectorError> {
    own.insert("lineItems".to_owned(), json!([{"title": LINE, "quantity": 1}]));
    if let Some(contact) = &item.contact {
        let id = api::gid(RecordKind::Contact, contact)?;
        own.insert("customer".to_owned(), json!({"toAssociate": {"id": id}}));
    }
    Ok(own)
}

/// Makes the changes of an object that is there, each by its own call.
async fn apply(account: &Account, kind: RecordKind, id: &str, pieces: Pieces) -> Result<(), ConnectorError> {
    for (made, change) in change::of_pieces(account, kind, id, pieces).await?.iter().enumerate() {
        let result = change::make(account, change, "").await;
        result.map_err(|error| if made == 0 { error } else { error.after_a_write() })?;
    }
    Ok(())
}

/// What a write left behind, as the shop shows it now.
async fn shown(
    account: &Account,
    kind: RecordKind,
    (id, created): (&str, bool),
    fields: &RemoteFields,
) -> Result<Written, ConnectorError> {
    let names: Vec<String> = fields.keys().cloned().collect();
    let read = read::objects(account, kind, &[&id.to_owned()], &names).await;
    let object = read.and_then(|mut objects| objects.pop().ok_or_else(gone)).map_err(ConnectorError::after_a_write)?;
    Ok(Written {
        external_id: id.to_owned(),
        shown: wire::shown(&object, kind, names.iter()),
        created,
        modified_at: wire::modified_at(&object),
    })
}

pub(crate) fn gone() -> ConnectorError {
    let error = ConnectorError::new(FaultKind::NotFound, "not_found", "the shop no longer has this object");
    ConnectorError { status: Some(404), ..error }
}
