//! Salesforce's calls for many rows at once, of which each succeeds or fails alone.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{BATCH, api, errors};
use crate::account::Account;
use crate::connector::Each;
use crate::error::ConnectorError;
use crate::http::Call;

/// A row that says what it is, as the collection asks of each.
pub(crate) fn with_type(object: &str, fields: Map<String, Value>) -> Map<String, Value> {
    let mut row = fields;
    row.insert("attributes".to_owned(), json!({"type": object}));
    row
}

/// Sends rows by the collection; what came of each, in their order.
///
/// # Errors
/// When the first call fails. Later ones fail only the rows that they concern, and those behind them.
pub(crate) async fn send(
    account: &Account,
    (method, path): (Method, &str),
    rows: &[Map<String, Value>],
) -> Result<Each<Value>, ConnectorError> {
    let mut each = Vec::with_capacity(rows.len());
    for some in rows.chunks(BATCH) {
        let body = json!({"allOrNone": false, "records": some});
        let call = Call { body: Some(body), ..Call::new(method.clone(), &[api::DATA, path]) };
        match api::send(account, call).await {
            Ok(answer) => each.extend(results(&answer, some.len())),
            Err(error) if each.is_empty() => return Err(error),
            Err(error) => {
                each.resize_with(rows.len(), || Err(error.clone()));
                break;
            }
        }
    }
    Ok(each)
}

/// What came of each row of an answer.
pub(crate) fn results(answer: &Value, asked: usize) -> Each<Value> {
    let rows = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    let result = |row: Option<&Value>| match row {
        Some(row) if row.get("success").and_then(Value::as_bool) == Some(true) => Ok(row.clone()),
        Some(row) => Err(errors::of_row(row)),
        None => Err(ConnectorError::unanswered()),
    };
    (0..asked).map(|at| result(rows.get(at))).collect()
}
