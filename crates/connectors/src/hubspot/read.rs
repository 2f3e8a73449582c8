//! Reading objects by id.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde_json::json;

use super::batch::{self, Endpoint, Input};
use super::{HubSpot, api, find};
use crate::account::Account;
use crate::connector::{Found, Reader, Wanted};
use crate::error::ConnectorError;

/// Histories, which tell when each value became so, are shown for so many objects at most.
const WITH_HISTORY: usize = 50;

#[async_trait]
impl Reader for HubSpot {
    async fn read(&self, account: &Account, kind: RecordKind, ids: &[String], fields: &[String]) -> Found {
        let mut common = batch::asking_for(fields);
        common.insert("propertiesWithHistory".to_owned(), json!(fields));
        let endpoint = Endpoint { path: api::objects(kind, "/batch/read")?, common, limit: WITH_HISTORY };
        let inputs: Vec<Input> = ids.iter().map(|id| input(id)).collect();
        let answers = batch::send(account, &endpoint, &inputs).await?;
        let as_found = |answer: Result<_, ConnectorError>| match answer {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind == FaultKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let found = answers.into_iter().map(|answer| answer.map_or(Ok(None), as_found));
        found.map(|object| Ok(object?.map(|object| object.to_remote(fields)))).collect()
    }

    async fn find(&self, account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found {
        find::find(account, kind, wanted, fields).await
    }
}

/// An object that is named by an id, or by a unique property's value.
pub(crate) fn input(id: &str) -> Input {
    Input { body: json!({"id": id}), names: vec![id.to_owned()] }
}
