//! Batches: each item gets its own answer, in its place, whatever happens to the others.

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use reqwest::Method;
use serde_json::{Map, Value};

use super::{BATCH, api, errors, wire};
use crate::account::Account;
use crate::connector::Each;
use crate::error::ConnectorError;
use crate::http::Call;
use crate::singly;

/// A shop may take fewer items in one request than most do; one that takes not even this many takes none.
const FEWEST: usize = 1;

/// What is learnt of a path of batches that the key may not use.
const CLOSED: &str = "closed";

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
    if account.learnt.get(&path).is_some() {
        return Ok(one_by_one(account, kind, verb, &items).await);
    }
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
            Err(error) if errors::is_of_batch(&error) => {
                account.learnt.put(&path, CLOSED);
                each.extend(one_by_one(account, kind, verb, rest).await);
                rest = &[];
            }
            Err(error) if each.is_empty() => return Err(error),
            Err(error) => {
                each.extend(rest.iter().map(|_| Err(error.clone())));
                rest = &[];
            }
        }
    }
    Ok(each)
}

/// Whoever manages a shop may write its customers, but not many in one call.
async fn one_by_one(account: &Account, kind: RecordKind, verb: &'static str, items: &[Value]) -> Each<Value> {
    let calls = items.iter().map(|item| async move {
        match api::send(account, single(kind, verb, item)?).await {
            // Somebody of the shop's own people is not this key's to write; the others are.
            Err(error) if error.kind == FaultKind::Forbidden => Ok(Err(error)),
            other => other.map(|answer| result(Some(&answer.body))),
        }
    });
    singly::each(calls.collect()).await.into_iter().map(Result::flatten).collect()
}

fn single(kind: RecordKind, verb: &str, item: &Value) -> Result<Call, ConnectorError> {
    // What is to go is named by its id alone.
    let id = item.get("id").unwrap_or(item).as_u64().unwrap_or_default();
    let path = api::objects(kind, &format!("/{id}"))?;
    Ok(match verb {
        "create" => Call::post(&[&api::objects(kind, "")?], item.clone()),
        "delete" => Call::new(Method::DELETE, &[&path]).with("force", "true"),
        _ => Call { body: Some(item.clone()), ..Call::new(Method::PUT, &[&path]) },
    })
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
