//! Calls of Shopify's GraphQL interface, and what their answers say of its cost. What documents ask for is their callers'.

use std::time::Duration;

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde_json::{Map, Value, json};

use super::errors;
use crate::account::{Account, Remaining};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::singly;

/// The version whose documents these are; one lives for a year at least.
const VERSION: &str = "2026-10";

/// What a write costs, in points of the shop's bucket.
const WRITE: u64 = 10;

/// A call that the bucket has no room for is made again after so long, where that is enough.
const PAUSE: Duration = Duration::from_secs(2);

/// A kind, as documents name it: one, and the type.
///
/// # Errors
/// `Invalid` for a kind that a shop does not have.
pub(crate) fn names(kind: RecordKind) -> Result<(&'static str, &'static str), ConnectorError> {
    match kind {
        RecordKind::Contact => Ok(("customer", "Customer")),
        RecordKind::Product => Ok(("product", "Product")),
        RecordKind::Order => Ok(("order", "Order")),
        RecordKind::Deal | RecordKind::Activity => Err(ConnectorError::unsupported("Shopify", kind)),
    }
}

/// The global id of an object.
///
/// # Errors
/// As [`names`].
pub(crate) fn gid(kind: RecordKind, id: &str) -> Result<String, ConnectorError> {
    Ok(format!("gid://shopify/{}/{id}", names(kind)?.1))
}

/// A text as it stands in a document.
pub(crate) fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// Where all documents go.
pub(crate) fn path() -> String {
    format!("admin/api/{VERSION}/graphql.json")
}

/// Asks by a document; what it answers under `data`.
pub(crate) async fn ask(account: &Account, document: &str, variables: Value) -> Result<Value, ConnectorError> {
    let body = json!({"query": document, "variables": variables});
    let path = path();
    singly::patiently(PAUSE, || async {
        let answer = account.http.ask(account, Call::post(&[&path], body.clone())).await?;
        warn_of_version(answer.headers.get("x-shopify-api-version").and_then(|version| version.to_str().ok()));
        let body = answer.or_refused().map_err(errors::refine).inspect_err(|error| account.heed(error))?.body;
        let left = body.pointer("/extensions/cost/throttleStatus/currentlyAvailable").and_then(Value::as_f64);
        if let Some(requests) = left.and_then(whole).map(|points| points / WRITE) {
            account.budget.correct(Remaining { requests: u32::try_from(requests).unwrap_or(u32::MAX), per: None });
        }
        match (errors::of_answer(&body), body) {
            (Some(error), _) => {
                account.heed(&error);
                Err(error)
            }
            (None, Value::Object(mut body)) => body.remove("data").ok_or_else(not_shopify),
            (None, _) => Err(not_shopify()),
        }
    })
    .await
}

/// Makes one change; what its field answers, where nothing was found fault with.
pub(crate) async fn change(
    account: &Account,
    field: &str,
    document: &str,
    variables: Value,
) -> Result<Map<String, Value>, ConnectorError> {
    let mut data = ask(account, document, variables).await?;
    let payload = data.get_mut(field).map(Value::take).unwrap_or_default();
    if let Some(error) = errors::of_change(&payload) {
        return Err(error);
    }
    match payload {
        Value::Object(payload) => Ok(payload),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(ConnectorError::unanswered())
        }
    }
}

pub(crate) fn not_shopify() -> ConnectorError {
    ConnectorError::new(FaultKind::Invalid, "not_a_shop", "what answers at this address is no shop of Shopify's")
}

/// A version that is no more is answered by the oldest that lives; then it is time for a look at what changed.
fn warn_of_version(answered: Option<&str>) {
    if let Some(version) = answered.filter(|version| *version != VERSION) {
        tracing::warn!(version, expected = VERSION, "Shopify answered by another version of its interface");
    }
}

fn whole(points: f64) -> Option<u64> {
    format!("{:.0}", points.max(0.0).floor()).parse().ok()
}
