//! What a workflow may call of Salesforce: the one object of its action, by single calls. Contacts of opportunities are tied by us.

use async_trait::async_trait;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::workflow::Action;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{KEY, NOTE, Salesforce, api, errors, fields, wire, write};
use crate::account::Account;
use crate::error::ConnectorError;
use crate::http::RawAnswer;
use crate::proxy::{self, Effect, Forward, Intended, Proxy};

/// What a read may ask for.
const ASKED: &[&str] = &["fields"];

#[async_trait]
impl Proxy for Salesforce {
    fn admit(&self, account: &Account, action: Action, call: &Forward, own: Option<&str>) -> Option<Effect> {
        let mut routes = proxy::routes(action.verb, &objects(account, action.kind).ok()?, Method::PATCH);
        for read in routes.iter_mut().filter(|route| route.effect == Effect::Read) {
            read.query = ASKED;
        }
        let names_id = |fields: &Map<String, Value>| fields.keys().any(|name| name.eq_ignore_ascii_case("id"));
        let is_named = call.at("").as_object().is_some_and(names_id);
        proxy::effect(&routes, call, own).filter(|_| !is_named)
    }

    async fn request(
        &self,
        account: &Account,
        kind: RecordKind,
        write: Intended<'_>,
    ) -> Result<Forward, ConnectorError> {
        let (object, path) = (api::object_type(account, kind)?, objects(account, kind)?);
        let one = |id: &str| format!("{path}/{id}");
        Ok(match write {
            Intended::Create(create) => {
                let form = fields::forms(account, kind).await?;
                Forward::new(Method::POST, path.clone()).with(write::new_fields((object, kind), create, form))
            }
            Intended::Update(update) => {
                let form = fields::forms(account, kind).await?;
                Forward::new(Method::PATCH, one(&update.external_id)).with(wire::fields(object, &update.fields, form))
            }
            Intended::Delete(id) => Forward::new(Method::DELETE, one(id)),
        })
    }

    fn show(&self, account: &Account, kind: RecordKind, id: &str) -> Result<Forward, ConnectorError> {
        Ok(Forward::new(Method::GET, format!("{}/{id}", objects(account, kind)?)))
    }

    async fn keyed(
        &self,
        account: &Account,
        kind: RecordKind,
        create: Forward,
        key: RecordId,
    ) -> Result<Forward, ConnectorError> {
        if fields::knows_key(account, kind).await? {
            return Ok(create.adding("", KEY, json!(key.to_string())));
        }
        Ok(self.noted(kind, create, key))
    }

    fn noted(&self, kind: RecordKind, create: Forward, key: RecordId) -> Forward {
        let Some(mut row) = create.at("").as_object().cloned().filter(|_| fields::has_note(kind)) else {
            return create;
        };
        write::note_key(&mut row, key);
        let marked = row.remove(NOTE).unwrap_or_default();
        create.adding("", NOTE, marked)
    }

    fn refusal(&self, answer: &RawAnswer) -> Option<ConnectorError> {
        answer.refused().map(errors::refine)
    }

    fn lacks_key(&self, _account: &Account, _kind: RecordKind, error: &ConnectorError) -> bool {
        error.code == "INVALID_FIELD" && error.message.contains(KEY)
    }

    /// What is made is told in small letters, what is read in its own.
    fn id_of(&self, answer: &Value) -> Option<String> {
        let id = answer.get("id").or_else(|| answer.get("Id"))?;
        id.as_str().map(str::to_owned)
    }
}

fn objects(account: &Account, kind: RecordKind) -> Result<String, ConnectorError> {
    Ok(format!("{}/sobjects/{}", api::DATA, api::object_type(account, kind)?))
}
