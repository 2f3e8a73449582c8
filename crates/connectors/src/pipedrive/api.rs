//! Pipedrive's paths, and the calls made by them. What their bodies hold is `wire`'s.

use std::time::Duration;

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde_json::Value;

use super::{errors, wire};
use crate::account::{Account, Remaining};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::singly;

/// Below the account's address; what version 2 lacks is still in the first.
pub(crate) const V1: &str = "api/v1";
pub(crate) const V2: &str = "api/v2";

/// Searches have a limit of their own, of so long a window.
const SEARCH_WINDOW: Duration = Duration::from_secs(2);

/// What a search takes of a day's tokens, which is the most that a call takes: with fewer left, calls are refused for it.
const DEAREST: u32 = 20;

/// A kind, as it stands in paths.
///
/// # Errors
/// `Invalid` for a kind that is not kept in step with Pipedrive.
pub(crate) fn plural(kind: RecordKind) -> Result<&'static str, ConnectorError> {
    match kind {
        RecordKind::Contact => Ok("persons"),
        RecordKind::Deal => Ok("deals"),
        RecordKind::Activity => Ok("activities"),
        RecordKind::Product | RecordKind::Order => Err(ConnectorError::unsupported("Pipedrive", kind)),
    }
}

/// The kind of which Pipedrive speaks; `None` for one that is not kept in step.
pub(crate) fn kind_of(singular: &str) -> Option<RecordKind> {
    match singular {
        "person" => Some(RecordKind::Contact),
        "deal" => Some(RecordKind::Deal),
        "activity" => Some(RecordKind::Activity),
        _ => None,
    }
}

/// The path of what is done with objects of a kind.
pub(crate) fn objects(kind: RecordKind, tail: &str) -> Result<String, ConnectorError> {
    Ok(format!("{V2}/{}{tail}", plural(kind)?))
}

/// Makes a call; the answer's body.
pub(crate) async fn send(account: &Account, call: Call) -> Result<Value, ConnectorError> {
    let answer = account.http.ask(account, call).await?;
    if let Some(requests) = answer.number("x-ratelimit-remaining") {
        let per = answer.number("x-ratelimit-reset").map(|seconds| Duration::from_secs(seconds.into()));
        account.budget.correct(Remaining { requests, per });
    }
    let is_day_spent = answer.number("x-daily-ratelimit-token-remaining").is_some_and(|left| left < DEAREST);
    tracing::trace!(http.status = answer.status, "Pipedrive answered");
    let body = answer.or_refused().map(|answer| answer.body).map_err(|error| errors::refine(error, is_day_spent));
    body.inspect_err(|error| account.heed(error))
}

/// Searches for a text in one sort of field; the ids of what has it, the oldest first. What was written in the last seconds
/// may not be found yet.
pub(crate) async fn search(
    account: &Account,
    kind: RecordKind,
    field: &'static str,
    text: &str,
) -> Result<Vec<String>, ConnectorError> {
    let path = objects(kind, "/search")?;
    let call = || Call::get(&[&path]).with("term", text).with("fields", field).with("exact_match", "true");
    let body = singly::patiently(SEARCH_WINDOW, || send(account, call().with("limit", "50"))).await?;
    let mut ids: Vec<u64> = wire::hits(&body);
    ids.sort_unstable();
    Ok(ids.into_iter().map(|id| id.to_string()).collect())
}

/// What answers here is not what it should be.
pub(crate) fn foreign() -> ConnectorError {
    ConnectorError::new(FaultKind::Invalid, "not_pipedrive", "what answers at this address is not Pipedrive")
}
