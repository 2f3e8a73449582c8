//! What a workflow may call of Pipedrive: the one object of its action, by single calls.

use async_trait::async_trait;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::workflow::Action;
use reqwest::Method;
use serde_json::{Map, Value};

use super::{Pipedrive, api, body, errors, read, schema, ties, write};
use crate::account::Account;
use crate::connector::Update;
use crate::error::ConnectorError;
use crate::http::RawAnswer;
use crate::proxy::{self, Effect, Forward, Intended, Proxy};
use crate::values::id_of;

/// What a read may ask for.
const ASKED: &[&str] = &["custom_fields", "include_fields"];

#[async_trait]
impl Proxy for Pipedrive {
    fn admit(&self, _account: &Account, action: Action, call: &Forward, own: Option<&str>) -> Option<Effect> {
        let mut routes = proxy::routes(action.verb, &api::objects(action.kind, "").ok()?, Method::PATCH);
        for read in routes.iter_mut().filter(|route| route.effect == Effect::Read) {
            read.query = ASKED;
        }
        proxy::effect(&routes, call, own).filter(|_| call.at("/id").is_null())
    }

    async fn request(
        &self,
        account: &Account,
        kind: RecordKind,
        write: Intended<'_>,
    ) -> Result<Forward, ConnectorError> {
        let one = |id: &str| api::objects(kind, &format!("/{id}"));
        Ok(match write {
            Intended::Create(create) => {
                let schema = schema::of(account, kind).await?;
                // Into the account's own field, our key is put on the way.
                let mut body = if body::is_noted(kind, &schema) {
                    body::new(kind, &create.fields, &schema, create.key)
                } else {
                    body::unkeyed(kind, &create.fields, &schema)
                };
                if let Some(contact) = &create.contact {
                    body.extend(ties::born(kind, contact));
                }
                Forward::new(Method::POST, api::objects(kind, "")?).with(body)
            }
            Intended::Update(update) => {
                Forward::new(Method::PATCH, one(&update.external_id)?).with(changed(account, kind, update).await?)
            }
            Intended::Delete(id) => Forward::new(Method::DELETE, one(id)?),
        })
    }

    fn show(&self, _account: &Account, kind: RecordKind, id: &str) -> Result<Forward, ConnectorError> {
        Ok(Forward::new(Method::GET, api::objects(kind, &format!("/{id}"))?))
    }

    async fn keyed(
        &self,
        account: &Account,
        kind: RecordKind,
        mut create: Forward,
        key: RecordId,
    ) -> Result<Forward, ConnectorError> {
        let code = schema::of(account, kind).await?.key;
        if let Some(Value::Object(body)) = &mut create.body {
            body::put_key(kind, code.as_deref(), key, body);
        }
        Ok(create)
    }

    fn noted(&self, kind: RecordKind, mut create: Forward, key: RecordId) -> Forward {
        if let Some(Value::Object(body)) = &mut create.body {
            body::put_key(kind, None, key, body);
        }
        create
    }

    fn refusal(&self, answer: &RawAnswer) -> Option<ConnectorError> {
        answer.refused().map(|error| errors::refine(error, false))
    }

    fn lacks_key(&self, account: &Account, kind: RecordKind, error: &ConnectorError) -> bool {
        let is_lacking = schema::known_key(account, kind).is_some_and(|key| errors::lacks(error, &key));
        if is_lacking {
            // Somebody took the field away.
            schema::forget(account, kind);
        }
        is_lacking
    }

    fn id_of(&self, answer: &Value) -> Option<String> {
        id_of(answer.pointer("/data/id")?)
    }
}

async fn changed(account: &Account, kind: RecordKind, update: &Update) -> Result<Map<String, Value>, ConnectorError> {
    let schema = schema::of(account, kind).await?;
    let mut current = None;
    if body::needs_current(kind, &update.fields) {
        let there = read::by_id(account, kind, std::slice::from_ref(&update.external_id)).await?;
        current = Some(there.get(&update.external_id).cloned().ok_or_else(write::gone)?);
    }
    Ok(body::change(kind, &update.fields, &schema, current.as_ref()))
}
