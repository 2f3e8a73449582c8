//! Zendesk's paths, and the calls made by them. What their bodies hold is `wire`'s.

use std::time::Duration;

use domain::kind::RecordKind;
use reqwest::Method;
use serde_json::Value;

use super::errors;
use crate::account::{Account, Remaining};
use crate::error::ConnectorError;
use crate::http::Call;

/// Below the account's address.
pub(crate) const V2: &str = "api/v2";

/// The window of the account's limit.
const WINDOW: Duration = Duration::from_secs(60);

/// A kind, as it stands in paths and bodies: several, and one.
///
/// # Errors
/// `Invalid` for a kind that is not kept in step with Zendesk.
pub(crate) fn names(kind: RecordKind) -> Result<(&'static str, &'static str), ConnectorError> {
    match kind {
        RecordKind::Contact => Ok(("users", "user")),
        RecordKind::Activity => Ok(("tickets", "ticket")),
        RecordKind::Deal | RecordKind::Product | RecordKind::Order => Err(ConnectorError::unsupported("Zendesk", kind)),
    }
}

/// Makes a call; the answer's body.
pub(crate) async fn send(account: &Account, call: Call) -> Result<Value, ConnectorError> {
    let answer = account.http.ask(account, call).await?;
    let left = answer.number("x-rate-limit-remaining").or_else(|| answer.number("ratelimit-remaining"));
    if let Some(requests) = left {
        account.budget.correct(Remaining { requests, per: Some(WINDOW) });
    }
    tracing::trace!(http.status = answer.status, "Zendesk answered");
    let body = answer.or_refused().map(|answer| answer.body).map_err(errors::refine);
    body.inspect_err(|error| account.heed(error))
}

/// Reads what is at a path.
pub(crate) async fn get(account: &Account, path: &[&str]) -> Result<Value, ConnectorError> {
    send(account, Call::get(&[&[V2], path].concat())).await
}

/// Changes what is at a path.
pub(crate) async fn put(account: &Account, path: &[&str], body: Value) -> Result<Value, ConnectorError> {
    let call = Call::new(Method::PUT, &[&[V2], path].concat());
    send(account, Call { body: Some(body), ..call }).await
}

/// Takes away what is at a path.
pub(crate) async fn delete(account: &Account, path: &[&str]) -> Result<(), ConnectorError> {
    send(account, Call::new(Method::DELETE, &[&[V2], path].concat())).await.map(drop)
}
