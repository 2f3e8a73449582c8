//! What a workflow may call of a platform for one action, and how such a call is made. Whether it may call at all is the gateway's to say.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::workflow::{Action, Verb};
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use crate::account::Account;
use crate::connector::{Create, Update};
use crate::error::ConnectorError;
use crate::http::{Call, RawAnswer};
use crate::registry::Platform;

/// What a call does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Read,
    /// An object is made: it is looked for first.
    Create,
    /// The action's own object changes or goes; repeating it does no harm.
    Write,
}

/// A call that an action may need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyRoute {
    /// By which method.
    pub method: Method,
    /// Below the platform's base URL; `{id}` stands for the action's own object and for nothing else.
    pub path: String,
    /// What it does.
    pub effect: Effect,
    /// The names that its query may hold: by any other, a call could mean another object, or another method, than its path says.
    pub query: &'static [&'static str],
}

impl ProxyRoute {
    /// The route of this method and path, without a query.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>, effect: Effect) -> Self {
        Self { method, path: path.into(), effect, query: &[] }
    }

    /// The same route, whose query may hold these names.
    #[must_use]
    pub fn taking(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    /// Whether a call is this one; `own` is the platform's id of the action's object.
    #[must_use]
    pub fn admits(&self, call: &Forward, own: Option<&str>) -> bool {
        let (template, asked) = (self.path.split('/'), call.path.split('/'));
        let is_same = |(part, one): (&str, &str)| if part == "{id}" { own == Some(one) } else { part == one };
        let is_as_long = template.clone().count() == asked.clone().count();
        let is_plain = call.query.keys().all(|name| self.query.contains(&name.as_str()));
        self.method == call.method && is_plain && is_as_long && template.zip(asked).all(is_same)
    }
}

/// The routes of a platform that has one path for its objects of a kind, and below it one for each of them.
#[must_use]
pub(crate) fn routes(verb: Verb, objects: &str, change: Method) -> Vec<ProxyRoute> {
    let own = || format!("{objects}/{{id}}");
    let read = ProxyRoute::new(Method::GET, own(), Effect::Read);
    match verb {
        Verb::Create => vec![ProxyRoute::new(Method::POST, objects, Effect::Create)],
        Verb::Update => vec![read, ProxyRoute::new(change, own(), Effect::Write)],
        Verb::Delete => vec![read, ProxyRoute::new(Method::DELETE, own(), Effect::Write)],
    }
}

/// What the first of these routes says of a call; `None` where none of them is of it.
#[must_use]
pub(crate) fn effect(routes: &[ProxyRoute], call: &Forward, own: Option<&str>) -> Option<Effect> {
    routes.iter().find(|route| route.admits(call, own)).map(|route| route.effect)
}

/// A write that a workflow is to make.
#[derive(Clone, Copy, Debug)]
pub enum Intended<'a> {
    /// A new object.
    Create(&'a Create),
    /// A change of one that is there.
    Update(&'a Update),
    /// That the object of this id is to go.
    Delete(&'a str),
}

/// What a platform lets a workflow do through us.
#[async_trait]
pub trait Proxy: Send + Sync {
    /// What a call does, where the action may need it; `None` for every other. `own` is the platform's id of the action's object.
    ///
    /// A body can name another object than the path does, on some platforms. Such a call is none that the action needs.
    fn admit(&self, account: &Account, action: Action, call: &Forward, own: Option<&str>) -> Option<Effect>;

    /// The one call that makes a write.
    ///
    /// # Errors
    /// Where it takes a look at what is there, and the platform does not answer.
    async fn request(
        &self,
        account: &Account,
        kind: RecordKind,
        write: Intended<'_>,
    ) -> Result<Forward, ConnectorError>;

    /// Of such a call's body, what holds the fields: all of it, where the platform has no place of its own for them.
    fn remote(&self, body: &Value) -> Value {
        body.clone()
    }

    /// How an object is read.
    ///
    /// # Errors
    /// `Invalid` for a kind that the platform does not hold.
    fn show(&self, account: &Account, kind: RecordKind, id: &str) -> Result<Forward, ConnectorError>;

    /// The same create with our key in its body, by which the object is found later.
    ///
    /// # Errors
    /// Where it takes a look at what the account knows, and the platform does not answer.
    async fn keyed(
        &self,
        account: &Account,
        kind: RecordKind,
        create: Forward,
        key: RecordId,
    ) -> Result<Forward, ConnectorError>;

    /// The same create with our key in the object's own text, for an account that does not know it.
    fn noted(&self, _kind: RecordKind, create: Forward, _key: RecordId) -> Forward {
        create
    }

    /// What an answer refuses; `None` where it says that the call was done.
    fn refusal(&self, answer: &RawAnswer) -> Option<ConnectorError>;

    /// Whether a refusal says that the account does not know our key.
    fn lacks_key(&self, account: &Account, kind: RecordKind, error: &ConnectorError) -> bool;

    /// The platform's id of the object that an answer shows.
    fn id_of(&self, answer: &Value) -> Option<String>;

    /// Does what a change that was done leaves open there, where one call cannot do it all; the answer to give.
    ///
    /// # Errors
    /// When the platform does not answer, or refuses.
    async fn settle(
        &self,
        _account: &Account,
        _call: &Forward,
        answer: RawAnswer,
    ) -> Result<RawAnswer, ConnectorError> {
        Ok(answer)
    }
}

/// A call of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forward {
    /// By which method.
    #[serde(serialize_with = "as_text")]
    pub method: Method,
    /// Below the base URL.
    pub path: String,
    /// The query, decoded.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// The JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

fn as_text<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

impl Forward {
    /// A call without query and body.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: BTreeMap::new(), body: None }
    }

    /// The same call with a body.
    #[must_use]
    pub fn with(self, body: impl Into<Value>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// What the body holds at a place; `Null` where there is nothing.
    #[must_use]
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.body.as_ref().and_then(|body| body.pointer(pointer)).unwrap_or(&Value::Null)
    }

    /// The same call, with one more in the object at a place of its body.
    #[must_use]
    pub(crate) fn adding(mut self, pointer: &str, name: &str, value: Value) -> Self {
        if let Some(Value::Object(held)) = self.body.as_mut().and_then(|body| body.pointer_mut(pointer)) {
            held.insert(name.to_owned(), value);
        }
        self
    }
}

/// Makes a call with the account's credentials, within its budget; any answer of the platform is passed on.
///
/// # Errors
/// When the platform does not answer, or there is no room in the budget.
pub async fn forward(account: &Account, call: Forward) -> Result<RawAnswer, ConnectorError> {
    let answer = account.http.forward(account, call.into()).await?;
    // A limit that a workflow has met is everybody's.
    let proxy = Platform::from_slug(&account.platform).and_then(|platform| platform.connector().proxy());
    if let Some(refused) = proxy.and_then(|proxy| proxy.refusal(&answer)) {
        account.heed(&refused);
    }
    Ok(answer)
}

impl From<Forward> for Call {
    fn from(call: Forward) -> Self {
        let query = call.query.into_iter().collect();
        Self { body: call.body, query, ..Self::new(call.method, &[&call.path]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_admits_its_own_object_and_its_own_query_only() {
        let route = ProxyRoute::new(Method::PATCH, "crm/objects/contacts/{id}", Effect::Write).taking(&["force"]);
        let call = |method: Method, path: &str| Forward::new(method, path);
        let asking = |name: &str| Forward {
            query: BTreeMap::from([(name.to_owned(), "x".to_owned())]),
            ..call(Method::PATCH, "crm/objects/contacts/7")
        };
        assert!(route.admits(&call(Method::PATCH, "crm/objects/contacts/7"), Some("7")));
        assert!(route.admits(&asking("force"), Some("7")));
        assert!(!route.admits(&asking("_method"), Some("7")));
        for (method, path, own) in [
            (Method::PATCH, "crm/objects/contacts/8", Some("7")),
            (Method::PATCH, "crm/objects/contacts/7", None),
            (Method::PATCH, "crm/objects/contacts/{id}", None),
            (Method::DELETE, "crm/objects/contacts/7", Some("7")),
            (Method::PATCH, "crm/objects/contacts", Some("7")),
            (Method::PATCH, "crm/objects/contacts/7/", Some("7")),
            (Method::PATCH, "crm/objects/contacts/7/associations", Some("7")),
            (Method::PATCH, "/crm/objects/contacts/7", Some("7")),
            (Method::PATCH, "crm/objects/../contacts/7", Some("7")),
        ] {
            assert!(!route.admits(&call(method.clone(), path), own), "{method} {path}");
        }
    }

    #[test]
    fn a_call_is_told_as_method_path_and_body() {
        let call = Forward::new(Method::PUT, "a/b").with(serde_json::json!({"x": 1}));
        let told = serde_json::to_value(call).unwrap();
        assert_eq!(told, serde_json::json!({"method": "PUT", "path": "a/b", "body": {"x": 1}}));
    }
}
