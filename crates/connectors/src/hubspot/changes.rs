//! Listing what changed, by a search ordered by the time of change, and what was archived.
//!
//! A search shows 10,000 rows at most, and rows move while it is paged. So no offset is used: each page is a search of its own
//! from the last time seen, and a time that fills a whole page is gone through by id.

use async_trait::async_trait;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{HubSpot, KEY, api, wire};
use crate::account::Account;
use crate::connector::{Changes, Cursor, DeletedPage, Page};
use crate::error::ConnectorError;
use crate::http::Call;

/// The largest page of a search.
const PAGE: usize = 200;
/// The largest page of a list.
const LIST_PAGE: usize = 100;
/// How far the next listing reaches back behind the last row of this one: the index lags the writes.
const OVERLAP_MILLIS: i64 = 60_000;

/// Where a listing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Position {
    /// Everything before this moment was shown, in milliseconds since 1970.
    since: i64,
    /// Of this very moment, everything up to this id was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<u64>,
    /// Where the listing began: the next one never begins before it.
    #[serde(default)]
    floor: i64,
}

#[async_trait]
impl Changes for HubSpot {
    async fn list(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
        fields: &[String],
    ) -> Result<Page, ConnectorError> {
        let position: Position = Cursor::or_start(cursor)?;
        let found = api::search(account, kind, &query(kind, position, fields)).await?;
        let rows = found.objects;
        let (next, more) = advance(position, &rows, kind);
        // A search at one moment by id counts only what changed at that moment.
        let total = found.total.filter(|_| position.after.is_none());
        Ok(Page {
            objects: rows.iter().map(|row| row.to_remote(fields)).collect(),
            next: Cursor::at(&next),
            more,
            total,
        })
    }

    async fn list_deleted(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
    ) -> Result<DeletedPage, ConnectorError> {
        let call = Call::get(&[&api::objects(kind, "")?]).with("archived", "true").with("limit", LIST_PAGE.to_string());
        let call = match cursor {
            Some(Cursor(after)) => call.with("after", after),
            None => call,
        };
        let body = api::send(account, call).await?;
        let ids = wire::objects(&body).into_iter().map(|row| (row.id.clone(), row.archived_at())).collect();
        Ok(DeletedPage { ids, next: wire::next_page(&body).map(Cursor) })
    }
}

/// The property that moves with every change. Contacts kept the older name.
fn modified(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Contact => "lastmodifieddate",
        RecordKind::Deal | RecordKind::Activity | RecordKind::Product | RecordKind::Order => "hs_lastmodifieddate",
    }
}

fn query(kind: RecordKind, position: Position, fields: &[String]) -> Value {
    let time = modified(kind);
    let filter =
        |name: &str, operator: &str, value: String| json!({"propertyName": name, "operator": operator, "value": value});
    let (filters, sorted_by) = match position.after {
        None => (vec![filter(time, "GTE", position.since.to_string())], time),
        Some(id) => {
            let at = filter(time, "EQ", position.since.to_string());
            (vec![at, filter("hs_object_id", "GT", id.to_string())], "hs_object_id")
        }
    };
    let asked: Vec<&str> = fields.iter().map(String::as_str).chain([time, KEY]).collect();
    json!({
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": sorted_by, "direction": "ASCENDING"}],
        "properties": asked,
        "limit": PAGE,
    })
}

/// Where to go on after these rows, and whether to do so now.
fn advance(position: Position, rows: &[wire::Object], kind: RecordKind) -> (Position, bool) {
    let is_full = rows.len() >= PAGE;
    if position.after.is_some() {
        let last = rows.iter().filter_map(|row| row.id.parse().ok()).max();
        return match last {
            Some(last) if is_full => (Position { after: Some(last), ..position }, true),
            Some(_) | None => (Position { since: position.since.saturating_add(1), after: None, ..position }, true),
        };
    }
    let latest = rows.iter().filter_map(|row| changed_at(row, kind)).max().unwrap_or(position.since);
    if !is_full {
        let since = position.floor.max(latest.saturating_sub(OVERLAP_MILLIS));
        return (Position { since, after: None, floor: since }, false);
    }
    if latest > position.since {
        (Position { since: latest, ..position }, true)
    } else {
        (Position { after: Some(0), ..position }, true)
    }
}

/// The value that the rows are ordered by; the object's own time may be finer.
fn changed_at(row: &wire::Object, kind: RecordKind) -> Option<i64> {
    let ordered_by = row.text(modified(kind)).and_then(Timestamp::parse);
    ordered_by.or_else(|| row.modified_at()).map(Timestamp::as_millis)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rows of (id, milliseconds), as a search in this position would show them.
    fn search(all: &[(u64, i64)], position: Position) -> Vec<wire::Object> {
        let mut hits: Vec<(u64, i64)> = match position.after {
            None => all.iter().copied().filter(|(_, at)| *at >= position.since).collect(),
            Some(id) => all.iter().copied().filter(|(i, at)| *at == position.since && *i > id).collect(),
        };
        match position.after {
            None => hits.sort_by_key(|(_, at)| *at),
            Some(_) => hits.sort_unstable(),
        }
        let row = |(id, at): &(u64, i64)| {
            let at = Timestamp::from_millis(*at).unwrap().to_string();
            json!({"id": id.to_string(), "properties": {"lastmodifieddate": at}})
        };
        wire::objects(&json!({"results": hits.iter().take(PAGE).map(row).collect::<Vec<_>>()}))
    }

    fn listed(all: &[(u64, i64)], from: Position) -> (Vec<u64>, Position) {
        let (mut position, mut ids) = (from, Vec::new());
        for _ in 0..1_000 {
            let rows = search(all, position);
            ids.extend(rows.iter().map(|row| row.id.parse::<u64>().unwrap()));
            let (next, more) = advance(position, &rows, RecordKind::Contact);
            position = next;
            if !more {
                ids.sort_unstable();
                ids.dedup();
                return (ids, position);
            }
        }
        panic!("the listing does not end");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_object_is_shown_however_many_changed_at_once(times in prop::collection::vec(0i64..6, 0..1_500)) {
            let all: Vec<(u64, i64)> = (1..).zip(times).collect();
            let (ids, _) = listed(&all, Position::default());
            prop_assert_eq!(ids, all.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_next_listing_reaches_back_for_what_the_index_had_not_shown_and_never_drifts() {
        let at = |minutes: i64| minutes * 60_000;
        let (_, first) = listed(&[(1, at(5)), (2, at(10))], Position::default());
        // Written before the last row that was seen, shown only now.
        let (ids, second) = listed(&[(1, at(5)), (2, at(10)), (3, at(10) - 1_000)], first);
        assert_eq!(ids, [2, 3]);
        let (_, third) = listed(&[(3, at(10) - 1_000)], second);
        assert_eq!(third, second);
    }
}
