//! Batches: each item gets its own answer, whatever happens to the others.

use std::collections::{HashMap, VecDeque};

use domain::fault::FaultKind;
use serde_json::{Map, Value, json};

use super::{KEY, api, errors, wire};
use crate::account::Account;
use crate::connector::Each;
use crate::error::ConnectorError;
use crate::http::Call;

/// A batch in which many items are refused is split again and again; after so many calls the rest has to wait.
const MOST_CALLS: usize = 60;

/// One item of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// What is sent.
    pub(crate) body: Value,
    /// By what its answer can be recognised.
    pub(crate) names: Vec<String>,
}

/// A batch endpoint and what is sent to it beside the items.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) path: String,
    pub(crate) common: Map<String, Value>,
    /// How many items one call may carry.
    pub(crate) limit: usize,
}

type Answers = Vec<Option<Result<wire::Object, ConnectorError>>>;

/// Sends the items, in as many calls as it takes. In the order of `inputs`; `None` was not spoken of at all.
///
/// # Errors
/// When the first call fails for a reason that is no item's. Later ones fail only the items that they concern.
pub(crate) async fn send(account: &Account, endpoint: &Endpoint, inputs: &[Input]) -> Result<Answers, ConnectorError> {
    let mut answers: Answers = vec![None; inputs.len()];
    let all: Vec<usize> = (0..inputs.len()).collect();
    let mut waiting: VecDeque<Vec<usize>> = all.chunks(endpoint.limit).map(<[usize]>::to_vec).collect();
    let mut calls = 0;
    while let Some(part) = waiting.pop_front() {
        if calls == MOST_CALLS {
            fill(&mut answers, &part, &not_tried());
            continue;
        }
        calls += 1;
        let items: Vec<(usize, &Input)> = part.iter().filter_map(|at| Some((*at, inputs.get(*at)?))).collect();
        match call(account, endpoint, &items).await {
            Ok(body) => waiting.extend(assign(&mut answers, &items, &body)),
            Err(error) if error.is_about_content() && !errors::lacks_key(&error) && part.len() > 1 => {
                let (left, right) = part.split_at(part.len() / 2);
                waiting.push_front(right.to_vec());
                waiting.push_front(left.to_vec());
            }
            Err(error) if calls > 1 => {
                fill(&mut answers, &part, &error);
                if !error.is_about_content() {
                    waiting.drain(..).for_each(|part| fill(&mut answers, &part, &error));
                }
            }
            Err(error) if error.is_about_content() && inputs.len() == 1 => fill(&mut answers, &part, &error),
            Err(error) => return Err(error),
        }
    }
    Ok(answers)
}

/// As [`send`], for writes: an item that was not spoken of has failed, with an outcome that nobody knows.
pub(crate) async fn write(
    account: &Account,
    endpoint: &Endpoint,
    inputs: &[Input],
) -> Result<Each<wire::Object>, ConnectorError> {
    let answers = send(account, endpoint, inputs).await?;
    Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(ConnectorError::unanswered()))).collect())
}

async fn call(account: &Account, endpoint: &Endpoint, items: &[(usize, &Input)]) -> Result<Value, ConnectorError> {
    let mut body = endpoint.common.clone();
    body.insert("inputs".to_owned(), items.iter().map(|(_, input)| input.body.clone()).collect());
    api::send(account, Call::post(&[&endpoint.path], Value::Object(body))).await
}

/// Gives each item its result or error. Returns, one by one, the items that an error may concern without naming them.
fn assign(answers: &mut Answers, items: &[(usize, &Input)], body: &Value) -> Vec<Vec<usize>> {
    // The same object may be asked for twice.
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, input) in items {
        for name in &input.names {
            places.entry(name.to_lowercase()).or_default().push(*at);
        }
    }
    let errors: Vec<&Value> = body.get("errors").and_then(Value::as_array).into_iter().flatten().collect();
    for error in &errors {
        // It may name all items.
        let refused = errors::of_item(error);
        for at in named_by(error).iter().filter_map(|name| places.get(name)).flatten() {
            put(answers, *at, Err(refused.clone()));
        }
    }
    for object in wire::objects(body) {
        let named = object.names().iter().find_map(|name| places.get(name));
        for at in named.into_iter().flatten() {
            put(answers, *at, Ok(object.clone()));
        }
    }
    let Some(nameless) = errors.into_iter().find(|error| named_by(error).is_empty()) else { return Vec::new() };
    let unanswered = items.iter().map(|(at, _)| *at).filter(|at| answers.get(*at).is_some_and(Option::is_none));
    let unanswered: Vec<usize> = unanswered.collect();
    match unanswered.as_slice() {
        [only] => {
            put(answers, *only, Err(errors::of_item(nameless)));
            Vec::new()
        }
        _ => unanswered.into_iter().map(|at| vec![at]).collect(),
    }
}

/// The ids that an item's error names, in lower case.
fn named_by(error: &Value) -> Vec<String> {
    let context = ["objectWriteTraceId", "ids", "id"].into_iter().filter_map(|name| error.get("context")?.get(name));
    let values = context.chain(error.get("id")).flat_map(|value| match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![value],
    });
    values.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).to_lowercase()).collect()
}

fn put(answers: &mut Answers, at: usize, answer: Result<wire::Object, ConnectorError>) {
    if let Some(place) = answers.get_mut(at) {
        *place = Some(answer);
    }
}

fn fill(answers: &mut Answers, part: &[usize], error: &ConnectorError) {
    for at in part {
        put(answers, *at, Err(error.clone()));
    }
}

fn not_tried() -> ConnectorError {
    ConnectorError::new(
        FaultKind::Unavailable,
        "not_tried",
        "too much else in the same batch was refused; this comes next",
    )
}

/// The part of a body that lists the properties to be shown: these, and our key.
pub(crate) fn asking_for(properties: &[String]) -> Map<String, Value> {
    let all: Vec<&str> = properties.iter().map(String::as_str).chain([KEY]).collect();
    [("properties".to_owned(), json!(all))].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(name: &str) -> Input {
        Input { body: json!({}), names: vec![name.to_owned()] }
    }

    /// The id or the class of error of each item; `None` where it was not spoken of.
    type Fates = Vec<Option<Result<String, FaultKind>>>;

    fn assigned(names: &[&str], body: &Value) -> (Fates, Vec<Vec<usize>>) {
        let inputs: Vec<Input> = names.iter().map(|name| input(name)).collect();
        let items: Vec<(usize, &Input)> = inputs.iter().enumerate().collect();
        let mut answers = vec![None; inputs.len()];
        let again = assign(&mut answers, &items, body);
        let plain = |answer: Result<wire::Object, ConnectorError>| answer.map(|o| o.id).map_err(|error| error.kind);
        (answers.into_iter().map(|answer| answer.map(plain)).collect(), again)
    }

    #[test]
    fn answers_are_matched_by_name_and_not_by_place() {
        let body = json!({
            "results": [{"id": "9", "properties": {"email": "B@x.fr"}}, {"id": "8", "properties": {"email": "a@x.fr"}}],
            "errors": [{"category": "VALIDATION_ERROR", "context": {"ids": ["c@x.fr"]}}],
        });
        let (answers, again) = assigned(&["a@x.fr", "b@x.fr", "C@x.fr", "d@x.fr"], &body);
        let (ok, err) = (|id: &str| Some(Ok(id.to_owned())), |kind| Some(Err(kind)));
        assert_eq!(answers, [ok("8"), ok("9"), err(FaultKind::Invalid), None]);
        assert!(again.is_empty());
    }

    #[test]
    fn an_error_that_names_nobody_sends_the_unanswered_out_one_by_one() {
        let body = json!({"results": [{"id": "1"}], "errors": [{"category": "VALIDATION_ERROR", "message": "no"}]});
        let (answers, again) = assigned(&["1", "2", "3"], &body);
        assert_eq!(answers, [Some(Ok("1".to_owned())), None, None]);
        assert_eq!(again, [vec![1], vec![2]]);
        let (answers, again) = assigned(&["1", "2"], &body);
        assert_eq!((answers[1].clone(), again.len()), (Some(Err(FaultKind::Invalid)), 0));
    }
}
