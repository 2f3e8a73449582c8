//! An organisation's own setup, by the Tooling API: what of it is asked for, made, switched and taken away. What for is
//! `subscriptions`'.

use std::collections::BTreeSet;

use domain::fault::FaultKind;
use reqwest::Method;
use serde_json::{Value, json};

use super::{api, soql, wire};
use crate::account::Account;
use crate::error::ConnectorError;
use crate::http::Call;
use crate::subscriptions::BY_HAND;

pub(crate) const MESSAGE: &str = "WorkflowOutboundMessage";
pub(crate) const FLOW: &str = "Flow";
const DEFINITION: &str = "FlowDefinition";

/// The number of no version: who makes it the active one switches a flow off.
const OFF: u64 = 0;

/// An outbound message.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    /// The name behind its type's.
    pub(crate) name: String,
    /// The type of objects of which it tells.
    pub(crate) object: String,
    /// Where it goes, with all that stands in the address.
    pub(crate) endpoint: String,
}

/// A call of it. Once when an account is connected and once a day a few dozen of them are made, in an organisation that takes a
/// hundred thousand a day: neither need they wait behind what happens now, nor that behind them.
async fn send(account: &Account, call: Call) -> Result<Value, ConnectorError> {
    api::send(account, call.uncounted()).await.map_err(for_want_of_a_right)
}

/// The name of the account's user, in which messages are sent.
pub(crate) async fn user(account: &Account) -> Result<String, ConnectorError> {
    let me = send(account, Call::get(&["services/oauth2/userinfo"])).await?;
    text(&me, "preferred_username").ok_or_else(ConnectorError::unanswered)
}

/// The rows of a query; what is asked for here is never more than a page.
async fn query(account: &Account, soql: &str) -> Result<Vec<Value>, ConnectorError> {
    let body = send(account, Call::get(&[api::DATA, "tooling/query"]).with("q", soql)).await?;
    Ok(wire::rows(&body).map(|row| row.0.clone()).collect())
}

fn path(kind: &str) -> String {
    format!("{}/tooling/sobjects/{kind}", api::DATA)
}

/// Makes one under this whole name; its id.
pub(crate) async fn create(
    account: &Account,
    kind: &str,
    (full_name, metadata): (&str, Value),
) -> Result<String, ConnectorError> {
    let call = Call::post(&[&path(kind)], json!({"FullName": full_name, "Metadata": metadata}));
    let made = send(account, call).await.map_err(|error| {
        // There is nothing in it that could be missing but the path.
        if error.kind == FaultKind::NotFound { by_hand(error) } else { error }
    })?;
    made.get("id").and_then(Value::as_str).map(str::to_owned).ok_or_else(ConnectorError::unanswered)
}

async fn delete(account: &Account, kind: &str, id: &str) -> Result<(), ConnectorError> {
    let call = Call::new(Method::DELETE, &[&path(kind), id]);
    send(account, call).await.map(drop).or_else(ConnectorError::unless_gone)
}

/// The outbound messages whose names begin so. The whole name and what a message holds can only be asked for one by one.
pub(crate) async fn messages(account: &Account, prefix: &str) -> Result<Vec<Message>, ConnectorError> {
    let soql = format!("SELECT Id, Name FROM {MESSAGE} WHERE Name LIKE {}", soql::text(&format!("{prefix}%")));
    let mut all = Vec::new();
    for row in query(account, &soql).await? {
        if let Some(id) = text(&row, "Id") {
            all.extend(message(account, &id).await?);
        }
    }
    // For SOQL, a name's underscore is any character.
    all.retain(|message| message.name.starts_with(prefix));
    Ok(all)
}

/// The outbound message of that id; `None` where it is gone.
async fn message(account: &Account, id: &str) -> Result<Option<Message>, ConnectorError> {
    let body = match send(account, Call::get(&[&path(MESSAGE), id])).await {
        Err(error) if error.kind == FaultKind::NotFound => return Ok(None),
        answer => answer?,
    };
    let read = || {
        let (object, name) = body.get("FullName")?.as_str()?.split_once('.')?;
        let endpoint = body.pointer("/Metadata/endpointUrl")?.as_str()?.to_owned();
        Some(Message { id: id.to_owned(), name: name.to_owned(), object: object.to_owned(), endpoint })
    };
    Ok(read())
}

/// The names, which begin so, of the flows that are switched on.
pub(crate) async fn active_flows(account: &Account, prefix: &str) -> Result<Vec<String>, ConnectorError> {
    let like = soql::text(&format!("{prefix}%"));
    let soql = format!("SELECT DeveloperName, ActiveVersionId FROM {DEFINITION} WHERE DeveloperName LIKE {like}");
    let rows = query(account, &soql).await?;
    let name = |row: &Value| text(row, "ActiveVersionId").and_then(|_| text(row, "DeveloperName"));
    Ok(rows.iter().filter_map(name).collect())
}

/// Switches on the version of a flow that was just made: the first under its name.
///
/// A version is made as a draft and switched on by its definition, since an organisation for production may take nothing that is
/// active from the start.
pub(crate) async fn switch_on(account: &Account, version: &str) -> Result<(), ConnectorError> {
    let soql = format!("SELECT DefinitionId, VersionNumber FROM {FLOW} WHERE Id = {}", soql::text(version));
    let rows = query(account, &soql).await?;
    let row = rows.first().ok_or_else(ConnectorError::unanswered)?;
    let definition = text(row, "DefinitionId").ok_or_else(ConnectorError::unanswered)?;
    let number = row.get("VersionNumber").and_then(Value::as_u64).unwrap_or(1);
    switch(account, &definition, number).await
}

async fn switch(account: &Account, definition: &str, number: u64) -> Result<(), ConnectorError> {
    let body = json!({"Metadata": {"activeVersionNumber": number}});
    let call = Call { body: Some(body), ..Call::new(Method::PATCH, &[&path(DEFINITION), definition]) };
    send(account, call).await.map(drop)
}

/// Takes away an outbound message and the flow of its name, which must go first, and be switched off before that: all of it that
/// is still there.
pub(crate) async fn take_away(account: &Account, message_id: &str) -> Result<(), ConnectorError> {
    if let Some(message) = message(account, message_id).await? {
        take_flow_away(account, &message.name).await?;
    }
    delete(account, MESSAGE, message_id).await
}

/// The names, which begin so, of the flows whose messages somebody deleted.
///
/// A message is made before its flow and taken away behind it, so the flows are asked for first: one that another process makes
/// or takes away meanwhile is not taken for an orphan.
pub(crate) async fn orphans(account: &Account, prefix: &str) -> Result<Vec<String>, ConnectorError> {
    let flows = names(account, (DEFINITION, "DeveloperName"), prefix).await?;
    if flows.is_empty() {
        return Ok(Vec::new());
    }
    let messages = names(account, (MESSAGE, "Name"), prefix).await?;
    Ok(flows.difference(&messages).cloned().collect())
}

/// The names that begin so, of all that there are of a type.
async fn names(
    account: &Account,
    (kind, column): (&str, &str),
    prefix: &str,
) -> Result<BTreeSet<String>, ConnectorError> {
    let like = soql::text(&format!("{prefix}%"));
    let rows = query(account, &format!("SELECT {column} FROM {kind} WHERE {column} LIKE {like}")).await?;
    // For SOQL, a name's underscore is any character.
    Ok(rows.iter().filter_map(|row| text(row, column)).filter(|name| name.starts_with(prefix)).collect())
}

/// Takes away the flow of that name. Its definition goes with the last of its versions.
pub(crate) async fn take_flow_away(account: &Account, name: &str) -> Result<(), ConnectorError> {
    let name = soql::text(name);
    let versions =
        query(account, &format!("SELECT Id, DefinitionId FROM {FLOW} WHERE Definition.DeveloperName = {name}")).await?;
    if let Some(definition) = versions.first().and_then(|row| text(row, "DefinitionId")) {
        switch(account, &definition, OFF).await.or_else(ConnectorError::unless_gone)?;
    }
    for id in versions.iter().filter_map(|row| text(row, "Id")) {
        delete(account, FLOW, &id).await?;
    }
    Ok(())
}

fn text(row: &Value, name: &str) -> Option<String> {
    wire::Row(row).text(name).map(str::to_owned)
}

/// To a user who may not see the setup, its types do not exist; who may see but not change it is refused by name. By which, is
/// from memory: so whatever is refused for want of a right counts.
fn for_want_of_a_right(error: ConnectorError) -> ConnectorError {
    let is_missing = matches!(error.code.as_str(), "INVALID_TYPE" | "FUNCTIONALITY_NOT_ENABLED");
    if is_missing || error.kind == FaultKind::Forbidden { by_hand(error) } else { error }
}

fn by_hand(error: ConnectorError) -> ConnectorError {
    tracing::info!(error.code = error.code, "the user of an account may not change its organisation's setup");
    ConnectorError { kind: FaultKind::Forbidden, code: "by_hand".to_owned(), message: BY_HAND.to_owned(), ..error }
}
