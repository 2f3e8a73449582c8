//! Creating, changing and deleting objects, one call each. Ties that are made or taken away afterwards are `ties`'.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::field::RemoteFields;
use domain::kind::RecordKind;
use reqwest::Method;
use serde_json::{Map, Value};

use super::schema::{self, Schema};
use super::wire::{self, Object};
use super::{Pipedrive, api, body, errors, read, ties};
use crate::account::Account;
use crate::connector::{Create, Done, Tie, Update, Writer, Written, Wrote};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::{names, singly};

/// Each takes up to two searches and a call, and a search takes its time.
const AT_ONCE: usize = 25;

#[async_trait]
impl Writer for Pipedrive {
    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn inseparable(&self, kind: RecordKind) -> &'static [&'static str] {
        names::halves(kind)
    }

    async fn create(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        let schema = schema::of(account, kind).await?;
        let calls = items.iter().map(|item| create(account, kind, item, &schema));
        Ok(singly::each(calls.collect()).await)
    }

    async fn update(&self, account: &Account, kind: RecordKind, items: &[Update]) -> Wrote {
        let schema = schema::of(account, kind).await?;
        let needed = items.iter().filter(|item| body::needs_current(kind, &item.fields));
        let ids: Vec<String> = needed.map(|item| item.external_id.clone()).collect();
        let current = read::by_id(account, kind, &ids).await?;
        let calls = items.iter().map(|item| {
            let current = current.get(&item.external_id);
            update(account, (kind, item), &schema, current)
        });
        Ok(singly::each(calls.collect()).await)
    }

    async fn delete(&self, account: &Account, kind: RecordKind, ids: &[String]) -> Done {
        let path = api::objects(kind, "")?;
        let each = singly::each(ids.iter().map(|id| delete(account, &path, id)).collect()).await;
        Ok(each.into_iter().map(|result| result.or_else(ConnectorError::unless_gone)).collect())
    }

    async fn associate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        ties::set(account, kind, ties, ties::Wanted::Tied).await
    }

    async fn dissociate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        ties::set(account, kind, ties, ties::Wanted::Untied).await
    }
}

async fn create(
    account: &Account,
    kind: RecordKind,
    item: &Create,
    schema: &Schema,
) -> Result<Written, ConnectorError> {
    match post(account, kind, item, schema).await {
        Err(error) if schema.key.as_deref().is_some_and(|key| errors::lacks(&error, key)) => {
            schema::forget(account, kind);
            post(account, kind, item, &Schema { key: None, ..schema.clone() }).await
        }
        other => other,
    }
}

async fn post(account: &Account, kind: RecordKind, item: &Create, schema: &Schema) -> Result<Written, ConnectorError> {
    let mut body = body::new(kind, &item.fields, schema, item.key);
    if let Some(contact) = &item.contact {
        body.extend(ties::born(kind, contact));
    }
    let answer = api::send(account, Call::post(&[&api::objects(kind, "")?], Value::Object(body))).await?;
    written(kind, &answer, &item.fields, true)
}

async fn update(
    account: &Account,
    (kind, item): (RecordKind, &Update),
    schema: &Schema,
    current: Option<&Object>,
) -> Result<Written, ConnectorError> {
    if current.is_none() && body::needs_current(kind, &item.fields) {
        return Err(gone());
    }
    let body = body::change(kind, &item.fields, schema, current);
    let answer = patch(account, kind, &item.external_id, body).await?;
    written(kind, &answer, &item.fields, false)
}

/// Changes some of an object.
pub(crate) async fn patch(
    account: &Account,
    kind: RecordKind,
    id: &str,
    body: Map<String, Value>,
) -> Result<Value, ConnectorError> {
    let call = Call::new(Method::PATCH, &[&api::objects(kind, "")?, id]);
    api::send(account, Call { body: Some(Value::Object(body)), ..call }).await
}

async fn delete(account: &Account, path: &str, id: &str) -> Result<(), ConnectorError> {
    api::send(account, Call::new(Method::DELETE, &[path, id])).await.map(drop)
}

fn written(kind: RecordKind, answer: &Value, fields: &RemoteFields, created: bool) -> Result<Written, ConnectorError> {
    let object = wire::object(answer).ok_or_else(ConnectorError::unanswered)?;
    Ok(Written {
        shown: object.shown(kind, fields.keys()),
        modified_at: object.modified_at(),
        external_id: object.id,
        created,
    })
}

/// An object that a read before the write did not find.
pub(crate) fn gone() -> ConnectorError {
    ConnectorError::new(FaultKind::NotFound, "gone", "this object is not in Pipedrive any more")
}
