//! What a workflow may call of HubSpot: the one object of its action, by single calls.

use async_trait::async_trait;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::workflow::Action;
use reqwest::Method;
use serde_json::{Value, json};

use super::{HubSpot, KEY, api, errors, noted, wire, write};
use crate::account::Account;
use crate::error::ConnectorError;
use crate::http::RawAnswer;
use crate::proxy::{self, Effect, Forward, Intended, Proxy};

/// What a read may ask for.
const ASKED: &[&str] = &["associations", "properties", "propertiesWithHistory"];

#[async_trait]
impl Proxy for HubSpot {
    fn admit(&self, _account: &Account, action: Action, call: &Forward, own: Option<&str>) -> Option<Effect> {
        let mut routes = proxy::routes(action.verb, &api::objects(action.kind, "").ok()?, Method::PATCH);
        for read in routes.iter_mut().filter(|route| route.effect == Effect::Read) {
            read.query = ASKED;
        }
        proxy::effect(&routes, call, own)
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
                let body = write::plain_input(kind, create, write::Key::Unknown)?.body;
                Forward::new(Method::POST, api::objects(kind, "")?).with(body)
            }
            Intended::Update(update) => {
                let body = json!({"properties": wire::properties(&update.fields)});
                Forward::new(Method::PATCH, one(&update.external_id)?).with(body)
            }
            Intended::Delete(id) => Forward::new(Method::DELETE, one(id)?),
        })
    }

    fn remote(&self, body: &Value) -> Value {
        body.get("properties").cloned().unwrap_or_default()
    }

    fn show(&self, _account: &Account, kind: RecordKind, id: &str) -> Result<Forward, ConnectorError> {
        Ok(Forward::new(Method::GET, api::objects(kind, &format!("/{id}"))?))
    }

    async fn keyed(
        &self,
        _account: &Account,
        _kind: RecordKind,
        create: Forward,
        key: RecordId,
    ) -> Result<Forward, ConnectorError> {
        Ok(create.adding("/properties", KEY, json!(key.to_string())))
    }

    fn noted(&self, kind: RecordKind, create: Forward, key: RecordId) -> Forward {
        let Some(mut properties) = create.at("/properties").as_object().cloned() else { return create };
        noted::note(kind, &mut properties, key);
        create.adding("", "properties", Value::Object(properties))
    }

    fn refusal(&self, answer: &RawAnswer) -> Option<ConnectorError> {
        answer.refused().map(errors::refine)
    }

    fn lacks_key(&self, _account: &Account, _kind: RecordKind, error: &ConnectorError) -> bool {
        errors::lacks_key(error)
    }

    fn id_of(&self, answer: &Value) -> Option<String> {
        answer.get("id").and_then(Value::as_str).map(str::to_owned)
    }
}
