//! Salesforce's paths, and the calls made by them. What their bodies hold is `wire`'s.

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{LEAD, LEADS, PEOPLE, errors};
use crate::account::{Account, Remaining};
use crate::error::ConnectorError;
use crate::http::Call;

/// Winter '27.
pub(crate) const DATA: &str = "services/data/v68.0";

/// The same, where it is said as a number.
pub(crate) const VERSION: u32 = 68;

/// The object's type, as it stands in paths and queries. People are contacts unless the tenant keeps them as leads.
///
/// # Errors
/// `Invalid` for a kind that is not kept in step with Salesforce.
pub(crate) fn object_type(account: &Account, kind: RecordKind) -> Result<&'static str, ConnectorError> {
    match kind {
        RecordKind::Contact if account.option(PEOPLE) == Some(LEADS) => Ok(LEAD),
        RecordKind::Contact => Ok("Contact"),
        RecordKind::Deal => Ok("Opportunity"),
        RecordKind::Activity => Ok("Task"),
        RecordKind::Product | RecordKind::Order => Err(ConnectorError::unsupported("Salesforce", kind)),
    }
}

/// The name by which an object calls a field of a mapping: a lead's address has no prefix.
pub(crate) fn own_name<'a>(object: &str, name: &'a str) -> &'a str {
    if object == LEAD { name.strip_prefix("Mailing").unwrap_or(name) } else { name }
}

/// Makes a call; the answer's body.
pub(crate) async fn send(account: &Account, call: Call) -> Result<Value, ConnectorError> {
    let answer = account.http.ask(account, call).await?;
    if let Some(remaining) = remaining(&answer.headers) {
        account.budget.correct(remaining);
    }
    tracing::trace!(http.status = answer.status, "Salesforce answered");
    let body = answer.or_refused().map(|answer| answer.body).map_err(errors::refine);
    body.inspect_err(|error| account.heed(error))
}

/// Asks by SOQL for one page.
pub(crate) async fn query(account: &Account, soql: &str) -> Result<Value, ConnectorError> {
    send(account, Call::get(&[DATA, "query"]).with("q", soql)).await
}

/// Asks by SOQL for one page of a kind, by a query that says [`there`] of it.
///
/// A call that is over is archived after a year, and is as if it were gone to all queries but those of everything.
pub(crate) async fn query_of(account: &Account, kind: RecordKind, soql: &str) -> Result<Value, ConnectorError> {
    let resource = if kind == RecordKind::Activity { "queryAll" } else { "query" };
    send(account, Call::get(&[DATA, resource]).with("q", soql)).await
}

/// What a query of a kind must ask for, so that what was deleted is left out.
pub(crate) fn there(kind: RecordKind) -> Option<&'static str> {
    (kind == RecordKind::Activity).then_some("IsDeleted = FALSE")
}

/// The next page of a query, by the path that the last one told.
///
/// # Errors
/// `Invalid` for a path that is not of a query.
pub(crate) async fn more(account: &Account, path: &str) -> Result<Value, ConnectorError> {
    let is_of_one = ["/query/", "/queryAll/"].iter().any(|resource| path.contains(resource));
    let is_query = path.starts_with("/services/data/") && is_of_one && !path.contains("..");
    if !is_query {
        return Err(ConnectorError::new(FaultKind::Invalid, "bad_cursor", "this is not where a query goes on"));
    }
    send(account, Call::get(&[path.trim_start_matches('/')])).await
}

/// `Sforce-Limit-Info: api-usage=25/15000`: of a whole day.
fn remaining(headers: &HeaderMap) -> Option<Remaining> {
    let usage = headers.get("sforce-limit-info")?.to_str().ok()?.split("api-usage=").nth(1)?;
    let (used, most) = usage.split([';', ',']).next()?.split_once('/')?;
    let (used, most): (u32, u32) = (used.trim().parse().ok()?, most.trim().parse().ok()?);
    Some(Remaining { requests: most.saturating_sub(used), per: None })
}
