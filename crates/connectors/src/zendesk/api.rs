//! Zendesk's paths, and the calls made by them. What their bodies hold is `wire`'s.

use std::time::Duration;

use domain::kind::RecordKind;
use reqwest::Method;
use serde_json::Value;

use super::{errors, wire};
use crate::account::{Account, Remaining};
use crate::error::ConnectorError;
use crate::http::{Answer, Call};

/// Below the account's address.
pub(crate) const V2: &str = "api/v2";

/// The window of the account's limit.
const WINDOW: Duration = Duration::from_secs(60);

/// No account has more pages of anything that is listed whole; an answer that leads in a circle ends here.
const PAGES: usize = 20;

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

/// Makes a call.
pub(crate) async fn ask(account: &Account, call: Call) -> Result<Answer, ConnectorError> {
    let answer = account.http.ask(account, call).await?;
    let left = answer.number("x-rate-limit-remaining").or_else(|| answer.number("ratelimit-remaining"));
    if let Some(requests) = left {
        account.budget.correct(Remaining { requests, per: Some(WINDOW) });
    }
    tracing::trace!(http.status = answer.status, "Zendesk answered");
    let answer = answer.or_refused().map_err(errors::refine);
    answer.inspect_err(|error| account.heed(error))
}

/// Makes a call; the answer's body.
pub(crate) async fn send(account: &Account, call: Call) -> Result<Value, ConnectorError> {
    ask(account, call).await.map(|answer| answer.body)
}

/// All pages of a list that is called by its path.
pub(crate) async fn all(account: &Account, path: &str) -> Result<Vec<Value>, ConnectorError> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let call = Call::get(&[V2, path]).with("page[size]", "100");
        let call = cursor.take().into_iter().fold(call, |call, cursor| call.with("page[after]", cursor));
        let body = send(account, call).await?;
        all.extend(body.get(path).and_then(Value::as_array).into_iter().flatten().cloned());
        cursor = wire::next(&body);
        if cursor.is_none() {
            break;
        }
    }
    Ok(all)
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
