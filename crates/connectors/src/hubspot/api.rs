//! HubSpot's paths, and the calls made by them. What their bodies hold is `wire`'s.

use std::time::Duration;

use domain::kind::RecordKind;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{errors, wire};
use crate::account::{Account, Remaining};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::singly;

/// The dated version of every path. The numbered ones (v1 to v4) end in 2027.
pub(crate) const VERSION: &str = "2026-03";

/// Searches are limited by the second, apart from everything else.
const SEARCH_WINDOW: Duration = Duration::from_secs(1);

/// The object type, as it stands in a path.
///
/// # Errors
/// `Invalid` for a kind that is not kept in step with HubSpot.
pub(crate) fn object_type(kind: RecordKind) -> Result<&'static str, ConnectorError> {
    match kind {
        RecordKind::Contact => Ok("contacts"),
        // The documented paths name deals by their type id only.
        RecordKind::Deal => Ok("0-3"),
        RecordKind::Activity => Ok("calls"),
        RecordKind::Product | RecordKind::Order => Err(ConnectorError::unsupported("HubSpot", kind)),
    }
}

/// The path of what is done with objects of a kind.
pub(crate) fn objects(kind: RecordKind, tail: &str) -> Result<String, ConnectorError> {
    Ok(format!("crm/objects/{VERSION}/{}{tail}", object_type(kind)?))
}

/// Makes a call.
pub(crate) async fn send(account: &Account, call: Call) -> Result<Value, ConnectorError> {
    let answer = account.http.send(account, call).await.map_err(errors::refine);
    let answer = answer.inspect_err(|error| account.heed(error))?;
    if let Some(remaining) = remaining(&answer.headers) {
        account.budget.correct(remaining);
    }
    tracing::trace!(http.status = answer.status, "HubSpot answered");
    Ok(answer.body)
}

/// Searches. What was written in the last seconds may not be found yet.
pub(crate) async fn search(account: &Account, kind: RecordKind, query: &Value) -> Result<wire::Found, ConnectorError> {
    let path = objects(kind, "/search")?;
    let call = || Call::post(&[&path], query.clone()).uncounted();
    let body = singly::patiently(SEARCH_WINDOW, || send(account, call())).await?;
    Ok(wire::found(&body))
}

fn remaining(headers: &HeaderMap) -> Option<Remaining> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u32>().ok();
    let requests = number("x-hubspot-ratelimit-remaining")?;
    let per = number("x-hubspot-ratelimit-interval-milliseconds").map(|millis| Duration::from_millis(millis.into()));
    Some(Remaining { requests, per })
}
