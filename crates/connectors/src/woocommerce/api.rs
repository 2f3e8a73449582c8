//! WooCommerce's paths, and the calls made by them. What their bodies hold is `wire`'s.

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use reqwest::Method;
use serde_json::Value;

use super::errors;
use crate::account::Account;
use crate::error::ConnectorError;
use crate::http::{Answer, Call};

/// Below the site's address.
pub(crate) const ROOT: &str = "wp-json/wc/v3";

/// The resource, as it stands in a path.
///
/// # Errors
/// `Invalid` for a kind that a shop does not have.
pub(crate) fn resource(kind: RecordKind) -> Result<&'static str, ConnectorError> {
    match kind {
        RecordKind::Contact => Ok("customers"),
        RecordKind::Product => Ok("products"),
        RecordKind::Order => Ok("orders"),
        RecordKind::Deal | RecordKind::Activity => Err(ConnectorError::unsupported("WooCommerce", kind)),
    }
}

/// The path of what is done with objects of a kind.
pub(crate) fn objects(kind: RecordKind, tail: &str) -> Result<String, ConnectorError> {
    Ok(format!("{ROOT}/{}{tail}", resource(kind)?))
}

/// Makes a call. A key that may only read is refused a write by the status and the code of a wrong one, and by words of the
/// shop's own language: which it is, a read tells.
pub(crate) async fn send(account: &Account, call: Call) -> Result<Answer, ConnectorError> {
    let is_write = ![Method::GET, Method::OPTIONS].contains(&call.method);
    let mut answer = account.http.send(account, call).await.map_err(errors::refine);
    if let Err(error) = &mut answer
        && is_write
        && error.kind == FaultKind::Unauthorized
        && account.http.send(account, look(RecordKind::Contact)?).await.is_ok()
    {
        error.kind = FaultKind::Forbidden;
    }
    answer.inspect_err(|error| account.heed(error))
}

/// The least that can be read of a kind.
///
/// # Errors
/// As [`resource`].
pub(crate) fn look(kind: RecordKind) -> Result<Call, ConnectorError> {
    Ok(Call::get(&[&objects(kind, "")?]).with("per_page", "1").with("_fields", "id"))
}

/// The objects of a listing, and how many there are on all its pages.
pub(crate) async fn list(account: &Account, call: Call) -> Result<(Vec<Value>, Option<u64>), ConnectorError> {
    let answer = send(account, call).await?;
    let total = answer.headers.get("x-wp-total").and_then(|total| total.to_str().ok()?.parse().ok());
    match answer.body {
        Value::Array(objects) => Ok((objects, total)),
        // A page of the theme, or of something that stands before the shop.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Err(not_a_shop()),
    }
}

pub(crate) fn not_a_shop() -> ConnectorError {
    let message = "what answers at this address is no WooCommerce: give the address of the shop's home page";
    ConnectorError::new(FaultKind::Invalid, "not_a_shop", message)
}
