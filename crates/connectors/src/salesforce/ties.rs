//! Ties to people: a task names its person itself, the contacts of an opportunity are rows of their own.

use domain::kind::RecordKind;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{BATCH, LEAD, Salesforce, api, collection, soql, wire};
use crate::account::Account;
use crate::connector::{Done, Tie, Writer};
use crate::error::ConnectorError;

/// Ties tasks to people, or unties them: a task names its person itself.
pub(crate) async fn tie_tasks(account: &Account, ties: &[Tie], is_tied: bool) -> Done {
    let row = |tie: &Tie| {
        let mut row = collection::with_type("Task", Map::new());
        row.insert("Id".to_owned(), json!(tie.external_id));
        row.insert("WhoId".to_owned(), if is_tied { json!(tie.contact) } else { Value::Null });
        row
    };
    let rows: Vec<_> = ties.iter().map(row).collect();
    let each = collection::send(account, (Method::PATCH, "composite/sobjects"), &rows).await?;
    let done = |result: Result<Value, ConnectorError>| result.map(drop);
    Ok(each
        .into_iter()
        .map(|result| if is_tied { done(result) } else { done(result).or_else(ConnectorError::unless_gone) })
        .collect())
}

/// Ties opportunities to contacts, by rows of their own; one that is there already is no failure.
pub(crate) async fn tie_deals(account: &Account, ties: &[Tie]) -> Done {
    if api::object_type(account, RecordKind::Contact)? == LEAD {
        // A lead becomes a contact, with an opportunity, when somebody there converts it; until then it has none.
        return Ok(ties.iter().map(|_| Ok(())).collect());
    }
    let there = roles(account, ties).await?;
    let is_there = |tie: &Tie| there.iter().any(|(_, known)| known == tie);
    let missing: Vec<&Tie> = ties.iter().filter(|tie| !is_there(tie)).collect();
    let row = |tie: &&Tie| {
        let mut row = collection::with_type("OpportunityContactRole", Map::new());
        row.insert("OpportunityId".to_owned(), json!(tie.external_id));
        row.insert("ContactId".to_owned(), json!(tie.contact));
        row
    };
    let rows: Vec<_> = missing.iter().map(row).collect();
    let mut made = collection::send(account, (Method::POST, "composite/sobjects"), &rows).await?.into_iter();
    Ok(ties
        .iter()
        .map(|tie| {
            if is_there(tie) {
                Ok(())
            } else {
                made.next().map_or(Err(ConnectorError::unanswered()), |made| made.map(drop))
            }
        })
        .collect())
}

/// Takes contacts from opportunities; one that is not there is no failure.
pub(crate) async fn untie_deals(account: &Account, ties: &[Tie]) -> Done {
    let ids: Vec<String> =
        roles(account, ties).await?.into_iter().filter(|(_, tie)| ties.contains(tie)).map(|(id, _)| id).collect();
    let each = Writer::delete(&Salesforce, account, RecordKind::Deal, &ids).await?;
    match each.into_iter().find_map(Result::err) {
        Some(error) => Ok(ties.iter().map(|_| Err(error.clone())).collect()),
        None => Ok(ties.iter().map(|_| Ok(())).collect()),
    }
}

/// The rows that tie these opportunities to people, by their ids.
async fn roles(account: &Account, ties: &[Tie]) -> Result<Vec<(String, Tie)>, ConnectorError> {
    let mut found = Vec::new();
    for some in ties.chunks(BATCH) {
        let named = soql::list(some.iter().map(|tie| tie.external_id.as_str()));
        let query =
            format!("SELECT Id, OpportunityId, ContactId FROM OpportunityContactRole WHERE OpportunityId IN {named}");
        let body = api::query(account, &query).await?;
        found.extend(wire::rows(&body).filter_map(|row| {
            let tie =
                Tie { external_id: row.text("OpportunityId")?.to_owned(), contact: row.text("ContactId")?.to_owned() };
            Some((row.id()?.to_owned(), tie))
        }));
    }
    Ok(found)
}
