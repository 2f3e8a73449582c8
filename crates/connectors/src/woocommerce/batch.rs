//! Batches: each item gets its own answer, in its place, whatever happens to the others.

use domain::kind::RecordKind;
use serde_json::{Map, Value};

use super::{BATCH, api, errors, wire};
use crate::account::Account;
use crate::connector::Each;
use crate::error::ConnectorError;
use crate::http::Call;

/// A shop may take fewer items in one request than most do; one that takes not even this many takes none.
const FEWEST: usize = 1;

/// Sends items under the name of what is done with them, in as many calls as it takes.
///
/// # Errors
/// When the first call fails for a reason that is no item's. Later ones fail only the items that they concern.
pub(crate) async fn send(
    account: &Account,
    kind: RecordKind,
    verb: &'static str,
    items: Vec<Value>,
) -> Result<Each<Value>, ConnectorError> {
    let path = api::objects(kind, "/batch")?;
    let mut each = Vec::with_capacity(items.len());
    let (mut rest, mut size) = (items.as_slice(), BATCH);
    while !rest.is_empty() {
        let (part, after) = rest.split_at(size.min(rest.len()));
        let body = Map::from_iter([(verb.to_owned(), Value::Array(part.to_vec()))]);
        match api::send(account, Call::post(&[&path], Value::Object(body))).await {
            Ok(answer) => {
                let answers = answer.body.get(verb).and_then(Value::as_array);
                each.extend((0..part.len()).map(|at| result(answers.and_then(|answers| answers.get(at)))));
                rest = after;
            }
            Err(error) if error.status == Some(413) && part.len() > FEWEST => size = part.len().div_ceil(2),
            Err(error) if each.is_empty() => return Err(error),
            Err(error) => {
                each.extend(rest.iter().map(|_| Err(error.clone())));
                rest = &[];
            }
        }
    }
    Ok(each)
}

fn result(answer: Option<&Value>) -> Result<Value, ConnectorError> {
    let answer = answer.ok_or_else(ConnectorError::unanswered)?;
    if answer.get("error").is_some() {
        return Err(errors::of_item(answer));
    }
    match wire::id_of(answer) {
        Some(_) => Ok(answer.clone()),
        None => Err(ConnectorError::unanswered()),
    }
}
