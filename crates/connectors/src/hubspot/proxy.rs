//! What a workflow may call of HubSpot: the one object of its action, by single calls.

use domain::fault::FaultKind;
use domain::field::RemoteFields;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::workflow::{Action, Verb};
use reqwest::Method;
use serde_json::{Value, json};

use super::{HubSpot, KEY, api, errors, wire, write};
use crate::error::ConnectorError;
use crate::http::RawAnswer;
use crate::proxy::{Effect, Proxy, ProxyRoute};

impl Proxy for HubSpot {
    fn routes(&self, action: Action) -> Vec<ProxyRoute> {
        let (Ok(all), Ok(own)) = (api::objects(action.kind, ""), api::objects(action.kind, "/{id}")) else {
            return Vec::new();
        };
        let read = ProxyRoute::new(Method::GET, own.clone(), Effect::Read);
        match action.verb {
            Verb::Create => vec![ProxyRoute::new(Method::POST, all, Effect::Create)],
            Verb::Update => vec![read, ProxyRoute::new(Method::PATCH, own, Effect::Write)],
            Verb::Delete => vec![read, ProxyRoute::new(Method::DELETE, own, Effect::Write)],
        }
    }

    fn remote(&self, kind: RecordKind, fields: &RemoteFields, is_new: bool) -> Value {
        let properties = if is_new { write::new_properties(kind, fields) } else { wire::properties(fields) };
        Value::Object(properties)
    }

    fn keyed(&self, mut body: Value, key: RecordId) -> Value {
        if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert(KEY.to_owned(), json!(key.to_string()));
        }
        body
    }

    fn lacks_key(&self, answer: &RawAnswer) -> bool {
        let bare = ConnectorError::new(FaultKind::Invalid, "http_400", "status 400");
        let body = Some(Box::new(answer.body.clone()));
        answer.status == 400 && errors::lacks_key(&errors::refine(ConnectorError { status: Some(400), body, ..bare }))
    }

    fn object_path(&self, kind: RecordKind, id: &str) -> String {
        api::objects(kind, &format!("/{id}")).unwrap_or_default()
    }

    fn id_of(&self, answer: &Value) -> Option<String> {
        answer.get("id").and_then(Value::as_str).map(str::to_owned)
    }
}
