//! What a workflow may call of a platform for one action, and how such a call is made. Whether it may call at all is the gateway's to say.

use std::collections::BTreeMap;

use domain::fault::FaultKind;
use domain::field::RemoteFields;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::workflow::Action;
use reqwest::Method;
use serde_json::Value;

use crate::account::Account;
use crate::connector::Connector;
use crate::error::ConnectorError;
use crate::http::{Call, RawAnswer};

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
}

impl ProxyRoute {
    /// The route of this method and path.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>, effect: Effect) -> Self {
        Self { method, path: path.into(), effect }
    }

    /// Whether a call is this one; `own` is the platform's id of the action's object.
    #[must_use]
    pub fn admits(&self, method: &str, path: &str, own: Option<&str>) -> bool {
        let (template, asked) = (self.path.split('/'), path.split('/'));
        let is_same = |(part, one): (&str, &str)| if part == "{id}" { own == Some(one) } else { part == one };
        let as_long = template.clone().count() == asked.clone().count();
        self.method.as_str() == method && as_long && template.zip(asked).all(is_same)
    }
}

/// What a platform lets a workflow do through us.
pub trait Proxy: Send + Sync {
    /// The calls that an action may need, and no others.
    fn routes(&self, action: Action) -> Vec<ProxyRoute>;

    /// Fields as the platform's API takes them: all of a new object's, or only those of one that are to change.
    fn remote(&self, kind: RecordKind, fields: &RemoteFields, is_new: bool) -> Value;

    /// The body of a create with our key in it, by which it is found later.
    fn keyed(&self, body: Value, key: RecordId) -> Value;

    /// Whether a refusal says that the account does not know our key.
    fn lacks_key(&self, answer: &RawAnswer) -> bool;

    /// Where an object is read.
    fn object_path(&self, kind: RecordKind, id: &str) -> String;

    /// The platform's id of the object that a successful create answers.
    fn id_of(&self, answer: &Value) -> Option<String>;
}

/// A call of a workflow.
#[derive(Clone, Debug)]
pub struct Forward {
    /// By which method.
    pub method: Method,
    /// Below the base URL.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// The JSON body.
    pub body: Option<Value>,
}

/// Makes a call with the account's credentials, within its budget; any answer of the platform is passed on.
///
/// # Errors
/// When the platform does not answer, or there is no room in the budget.
pub async fn forward(account: &Account, call: Forward) -> Result<RawAnswer, ConnectorError> {
    account.http.forward(account, call.into()).await
}

impl From<Forward> for Call {
    fn from(call: Forward) -> Self {
        let query = call.query.into_iter().collect();
        Self { body: call.body, query, ..Self::new(call.method, &[&call.path]) }
    }
}

/// What a platform lets workflows do; an error for one that has no such capability.
///
/// # Errors
/// `Invalid` for such a platform.
pub fn of(connector: &dyn Connector) -> Result<&dyn Proxy, ConnectorError> {
    let missing = || ConnectorError::new(FaultKind::Invalid, "no_proxy", "workflows cannot call this platform by us");
    connector.proxy().ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_admits_its_own_object_only() {
        let route = ProxyRoute::new(Method::PATCH, "crm/objects/contacts/{id}", Effect::Write);
        assert!(route.admits("PATCH", "crm/objects/contacts/7", Some("7")));
        for (method, path, own) in [
            ("PATCH", "crm/objects/contacts/8", Some("7")),
            ("PATCH", "crm/objects/contacts/7", None),
            ("PATCH", "crm/objects/contacts/{id}", None),
            ("DELETE", "crm/objects/contacts/7", Some("7")),
            ("PATCH", "crm/objects/contacts", Some("7")),
            ("PATCH", "crm/objects/contacts/7/", Some("7")),
            ("PATCH", "crm/objects/contacts/7/associations", Some("7")),
            ("PATCH", "/crm/objects/contacts/7", Some("7")),
            ("PATCH", "crm/objects/../contacts/7", Some("7")),
        ] {
            assert!(!route.admits(method, path, own), "{method} {path}");
        }
    }
}
