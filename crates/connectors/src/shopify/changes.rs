//! Listing what changed, in the order of the changes, and what was destroyed.
//!
//! A listing goes on behind the last row, which Shopify knows by its time and its id: rows that move meanwhile come later once
//! more, and no number of rows of one second is too many. The next one begins anew, a little before the last time seen.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{BATCH, Shopify, api, wire};
use crate::account::Account;
use crate::connector::{Changes, Cursor, DeletedPage, Page};
use crate::error::ConnectorError;

/// How far the next listing reaches back behind the last row of this one: the index lags the writes, and times have whole seconds.
const OVERLAP_MILLIS: i64 = 120_000;

/// Where a listing stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// What changed before this moment was shown, in milliseconds since 1970; 0 at the beginning.
    #[serde(default)]
    since: i64,
    /// Shopify's own mark behind the last row; good for this listing only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// The latest change seen in this listing.
    #[serde(default)]
    latest: i64,
}

#[async_trait]
impl Changes for Shopify {
    async fn list(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
        fields: &[String],
    ) -> Result<Page, ConnectorError> {
        let position: Position = Cursor::or_start(cursor)?;
        let (one, _) = api::names(kind)?;
        let is_first = position.after.is_none();
        let count = if is_first {
            format!("{one}sCount(query: $query, limit: null) {{ count precision }}")
        } else {
            String::new()
        };
        let document = format!(
            "query($query: String, $after: String) {{ {count} {one}s(first: {BATCH}, after: $after, query: $query, \
             sortKey: UPDATED_AT) {{ nodes {{ {} }} pageInfo {{ hasNextPage endCursor }} }} }}",
            wire::selection(kind, fields.iter())
        );
        let asked = async |position: &Position| {
            let variables = json!({"query": since(position), "after": position.after});
            api::ask(account, &document, variables).await
        };
        let data = match asked(&position).await {
            // A mark that is no longer known: the listing begins anew, and shows some rows twice.
            Err(error) if !is_first && is_about_mark(&error) => {
                asked(&Position { after: None, ..position.clone() }).await?
            }
            other => other?,
        };
        let rows = data.pointer(&format!("/{one}s/nodes")).and_then(Value::as_array).ok_or_else(api::not_shopify)?;
        let end = data.pointer(&format!("/{one}s/pageInfo/endCursor")).and_then(Value::as_str);
        let more = data.pointer(&format!("/{one}s/pageInfo/hasNextPage")) == Some(&Value::Bool(true));
        let latest = rows.iter().filter_map(wire::modified_at).map(Timestamp::as_millis).max();
        let is_exact = data.pointer(&format!("/{one}sCount/precision")).is_some_and(|precision| precision == "EXACT");
        let total = data.pointer(&format!("/{one}sCount/count")).and_then(Value::as_u64).filter(|_| is_exact);
        Ok(Page {
            objects: rows.iter().filter_map(|row| wire::to_remote(row, kind, fields)).collect(),
            next: Cursor::at(&advance(position, latest, end.filter(|_| more))),
            more,
            total,
        })
    }

    /// What the shop's own history says was destroyed.
    async fn list_deleted(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
    ) -> Result<DeletedPage, ConnectorError> {
        let position: Position = Cursor::or_start(cursor)?;
        let subject = api::names(kind)?.1.to_uppercase();
        let document = "query($query: String, $after: String) { events(first: 100, after: $after, query: $query, \
                        sortKey: ID) { nodes { ... on BasicEvent { subjectId createdAt } } \
                        pageInfo { hasNextPage endCursor } } }";
        let query = format!("subject_type:{subject} AND action:destroy");
        let data = api::ask(account, document, json!({"query": query, "after": position.after})).await?;
        let rows = data.pointer("/events/nodes").and_then(Value::as_array).into_iter().flatten();
        let named = |row: &Value| {
            let at = row.get("createdAt").and_then(Value::as_str).and_then(Timestamp::parse);
            Some((wire::short(row.get("subjectId")?.as_str()?)?, at))
        };
        let ids = rows.filter_map(named).collect();
        let more = data.pointer("/events/pageInfo/hasNextPage") == Some(&Value::Bool(true));
        let end = data.pointer("/events/pageInfo/endCursor").and_then(Value::as_str).filter(|_| more);
        let next = end.map(|end| Cursor::at(&Position { after: Some(end.to_owned()), ..position }));
        Ok(DeletedPage { ids, next })
    }
}

/// The search for what changed since.
fn since(position: &Position) -> Option<String> {
    let at = Timestamp::from_millis(position.since).filter(|_| position.since > 0)?;
    let second: String = at.to_string().chars().take(19).collect();
    Some(format!("updated_at:>='{second}Z'"))
}

/// Where to go on: behind this page, or at the end a little before the latest change seen.
fn advance(position: Position, latest: Option<i64>, end: Option<&str>) -> Position {
    let latest = position.latest.max(latest.unwrap_or_default());
    match end {
        Some(end) => Position { after: Some(end.to_owned()), latest, ..position },
        None => Position { since: position.since.max(latest - OVERLAP_MILLIS).max(0), after: None, latest: 0 },
    }
}

fn is_about_mark(error: &ConnectorError) -> bool {
    error.kind == FaultKind::Invalid && error.message.to_lowercase().contains("cursor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_goes_on_behind_the_last_row_and_the_next_reaches_back() {
        let first = advance(Position::default(), Some(500_000), Some("mark"));
        assert_eq!(first, Position { since: 0, after: Some("mark".to_owned()), latest: 500_000 });
        let last = advance(first, Some(400_000), None);
        assert_eq!(last, Position { since: 380_000, after: None, latest: 0 });
        assert_eq!(advance(last.clone(), None, None), last, "it never drifts");
        assert_eq!(since(&last).as_deref(), Some("updated_at:>='1970-01-01T00:06:20Z'"));
        assert_eq!(since(&Position::default()), None);
    }
}
