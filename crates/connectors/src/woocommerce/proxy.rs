//! What a workflow may call of a shop: the one object of its action, by single calls.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::workflow::{Action, Verb};
use reqwest::Method;
use serde_json::{Value, json};

use super::{KEY, WooCommerce, api, errors, wire, write};
use crate::account::Account;
use crate::error::ConnectorError;
use crate::http::RawAnswer;
use crate::proxy::{self, Effect, Forward, Intended, Proxy};

/// Without it, a customer cannot be deleted: a shop has no trash for people.
const FOR_GOOD: &str = "force";

#[async_trait]
impl Proxy for WooCommerce {
    /// WordPress believes an id in the body, or in the query, more than the one in the path, and takes the method from the query as
    /// well. Stock and totals are the shop's own.
    fn admit(&self, _account: &Account, action: Action, call: &Forward, own: Option<&str>) -> Option<Effect> {
        let mut routes = proxy::routes(action.verb, &api::objects(action.kind, "").ok()?, Method::PUT);
        if (action.verb, action.kind) == (Verb::Delete, RecordKind::Contact) {
            routes.iter_mut().filter(|route| route.effect == Effect::Write).for_each(|route| route.query = &[FOR_GOOD]);
        }
        let is_plain = match &call.body {
            None => true,
            Some(Value::Object(fields)) => !fields.keys().any(|name| wire::is_read_only(name)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => false,
        };
        proxy::effect(&routes, call, own).filter(|_| is_plain)
    }

    async fn request(
        &self,
        _account: &Account,
        kind: RecordKind,
        write: Intended<'_>,
    ) -> Result<Forward, ConnectorError> {
        let one = |id: &str| api::objects(kind, &format!("/{id}"));
        Ok(match write {
            Intended::Create(create) => {
                let mut body = write::new_body(kind, create);
                // It is added on the way.
                write::without_key(&mut body);
                Forward::new(Method::POST, api::objects(kind, "")?).with(body)
            }
            Intended::Update(update) => {
                Forward::new(Method::PUT, one(&update.external_id)?).with(wire::body(&update.fields))
            }
            Intended::Delete(id) => {
                let mut call = Forward::new(Method::DELETE, one(id)?);
                if kind == RecordKind::Contact {
                    call.query.insert(FOR_GOOD.to_owned(), "true".to_owned());
                }
                call
            }
        })
    }

    fn show(&self, _account: &Account, kind: RecordKind, id: &str) -> Result<Forward, ConnectorError> {
        Ok(Forward::new(Method::GET, api::objects(kind, &format!("/{id}"))?))
    }

    async fn keyed(
        &self,
        _account: &Account,
        _kind: RecordKind,
        mut create: Forward,
        key: RecordId,
    ) -> Result<Forward, ConnectorError> {
        if let Some(Value::Object(body)) = &mut create.body {
            write::without_key(body);
            write::put_key(body, json!({"key": KEY, "value": key.to_string()}));
        }
        Ok(create)
    }

    /// What a theme or a wall before the shop answers is no answer of a shop's, whatever its status.
    fn refusal(&self, answer: &RawAnswer) -> Option<ConnectorError> {
        let foreign = || ConnectorError { kind: FaultKind::Unavailable, ..api::not_a_shop() };
        let is_foreign = !answer.body.is_object();
        answer.refused().map(errors::refine).or_else(|| is_foreign.then(foreign))
    }

    /// Custom fields need no definition.
    fn lacks_key(&self, _account: &Account, _kind: RecordKind, _error: &ConnectorError) -> bool {
        false
    }

    fn id_of(&self, answer: &Value) -> Option<String> {
        wire::id_of(answer)
    }
}
