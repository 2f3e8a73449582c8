//! Ties of deals and calls to contacts, apart from the objects themselves. A create brings its own, in `write`.

use domain::kind::RecordKind;
use serde_json::{Map, Value, json};

use super::batch::{self, Endpoint, Input};
use super::{BATCH, api};
use crate::account::Account;
use crate::connector::{Done, Tie};
use crate::error::ConnectorError;

/// Makes ties; one that is there already is no failure.
pub(crate) async fn associate(account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
    let input = |tie: &Tie| json!({"from": {"id": tie.external_id}, "to": {"id": tie.contact}});
    send(account, kind, "batch/associate/default", (ties, input)).await
}

/// Takes ties away, of every label; one that is not there is no failure, nor is one of an object that is gone.
pub(crate) async fn dissociate(account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
    let input = |tie: &Tie| json!({"from": {"id": tie.external_id}, "to": [{"id": tie.contact}]});
    let each = send(account, kind, "batch/archive", (ties, input)).await?;
    Ok(each.into_iter().map(|result| result.or_else(ConnectorError::unless_gone)).collect())
}

async fn send(account: &Account, kind: RecordKind, tail: &str, (ties, body): (&[Tie], impl Fn(&Tie) -> Value)) -> Done {
    let (from, to) = (api::object_type(kind)?, api::object_type(RecordKind::Contact)?);
    let path = format!("crm/associations/{}/{from}/{to}/{tail}", api::VERSION);
    let input = |tie: &Tie| Input { body: body(tie), names: vec![tie.external_id.clone()] };
    let inputs: Vec<Input> = ties.iter().map(input).collect();
    let answers = batch::send(account, &Endpoint { path, common: Map::new(), limit: BATCH }, &inputs).await?;
    // Only a failure is told by the object's id.
    Ok(answers.into_iter().map(|answer| answer.map_or(Ok(()), |answer| answer.map(drop))).collect())
}
