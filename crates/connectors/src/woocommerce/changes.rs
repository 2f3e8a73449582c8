//! Listing what changed.
//!
//! Times have whole seconds and are compared strictly, so each listing reaches back behind what was seen. Rows move while they
//! are paged: a page is asked for anew from the last second seen, and only a second that fills a whole page is gone through by
//! number. Of customers a shop does not say which have changed; they are gone through from the first to the last, and whoever
//! lists compares them with what was seen.

use async_trait::async_trait;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BATCH, WooCommerce, api, read, wire};
use crate::account::Account;
use crate::connector::{Changes, Cursor, DeletedPage, Page};
use crate::error::ConnectorError;
use crate::http::Call;

/// How far the next listing reaches back behind the last row of this one: two rows of one second, or a clock that is set.
const OVERLAP_SECONDS: i64 = 10;

/// Where a listing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Position {
    /// Everything that changed before this second was shown, in seconds since 1970; 0 at the beginning.
    #[serde(default)]
    since: i64,
    /// Pages gone through since then.
    #[serde(default)]
    pages: u64,
}

#[async_trait]
impl Changes for WooCommerce {
    async fn list(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
        fields: &[String],
    ) -> Result<Page, ConnectorError> {
        let position: Position = Cursor::or_start(cursor)?;
        let (rows, total) = api::list(account, query(kind, position, fields)?).await?;
        let (next, more) = if kind == RecordKind::Contact {
            walk(position, rows.len())
        } else {
            advance(position, rows.len(), rows.iter().filter_map(changed_at).max())
        };
        Ok(Page {
            objects: rows.iter().filter_map(|row| wire::to_remote(row, kind, fields)).collect(),
            next: Cursor::at(&next),
            more,
            total: total.filter(|_| position.pages == 0),
        })
    }

    /// What lies in the trash. What was taken from there is listed nowhere; a walk through all finds it missing.
    async fn list_deleted(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
    ) -> Result<DeletedPage, ConnectorError> {
        if kind == RecordKind::Contact {
            return Ok(DeletedPage { ids: Vec::new(), next: None });
        }
        let position: Position = Cursor::or_start(cursor)?;
        let call = Call::get(&[&api::objects(kind, "")?])
            .with("status", "trash")
            .with("orderby", "id")
            .with("order", "asc")
            .with("per_page", BATCH.to_string())
            .with("page", (position.pages + 1).to_string())
            .with("_fields", "id,date_modified_gmt");
        let (rows, _) = api::list(account, call).await?;
        let next = (rows.len() >= BATCH).then(|| Cursor::at(&Position { pages: position.pages + 1, ..position }));
        let ids = rows.iter().filter_map(|row| Some((wire::id_of(row)?, wire::modified_at(row)))).collect();
        Ok(DeletedPage { ids, next })
    }
}

fn query(kind: RecordKind, position: Position, fields: &[String]) -> Result<Call, ConnectorError> {
    let call = if kind == RecordKind::Contact {
        // Those who run the shop are no customers.
        let call = Call::get(&[&api::objects(kind, "")?]).with("_fields", wire::asking_for(fields));
        call.with("orderby", "id")
    } else {
        read::listing(kind, fields)?.with("orderby", "modified")
    };
    let call =
        call.with("order", "asc").with("per_page", BATCH.to_string()).with("page", (position.pages + 1).to_string());
    // Strictly after: a second earlier, so that its own rows are shown.
    let since = Timestamp::from_millis((position.since - 1).saturating_mul(1_000)).map(|at| at.to_string());
    Ok(match since.filter(|_| kind != RecordKind::Contact && position.since > 0) {
        Some(since) => {
            call.with("modified_after", since.chars().take(19).collect::<String>()).with("dates_are_gmt", "true")
        }
        None => call,
    })
}

fn changed_at(row: &Value) -> Option<i64> {
    wire::modified_at(row).map(|at| at.as_millis().div_euclid(1_000))
}

/// From page to page; after the last, from the first again.
fn walk(position: Position, rows: usize) -> (Position, bool) {
    if rows < BATCH { (Position::default(), false) } else { (Position { pages: position.pages + 1, ..position }, true) }
}

/// Where to go on after so many rows of which the last changed then, and whether to do so now.
fn advance(position: Position, rows: usize, latest: Option<i64>) -> (Position, bool) {
    let latest = latest.unwrap_or(position.since);
    if rows < BATCH {
        let since = position.since.max(latest - OVERLAP_SECONDS);
        return (Position { since: since.max(0), pages: 0 }, false);
    }
    if latest > position.since {
        (Position { since: latest, pages: 0 }, true)
    } else {
        (Position { pages: position.pages + 1, ..position }, true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rows of (id, second) that a shop shows in this position.
    fn shop(all: &[(u64, i64)], position: Position) -> Vec<(u64, i64)> {
        let mut hits: Vec<_> = all.iter().copied().filter(|(_, at)| *at > position.since - 1).collect();
        hits.sort_by_key(|(id, at)| (*at, *id));
        let skip = usize::try_from(position.pages).unwrap() * BATCH;
        hits.into_iter().skip(skip).take(BATCH).collect()
    }

    fn listed(all: &[(u64, i64)], from: Position) -> (Vec<u64>, Position) {
        let (mut position, mut ids) = (from, Vec::new());
        for _ in 0..1_000 {
            let rows = shop(all, position);
            ids.extend(rows.iter().map(|(id, _)| *id));
            let (next, more) = advance(position, rows.len(), rows.iter().map(|(_, at)| *at).max());
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
        fn every_object_is_shown_however_many_changed_in_one_second(times in prop::collection::vec(1i64..6, 0..900)) {
            let all: Vec<(u64, i64)> = (1..).zip(times).collect();
            let (ids, _) = listed(&all, Position::default());
            prop_assert_eq!(ids, all.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_next_listing_reaches_back_and_never_drifts() {
        let (_, first) = listed(&[(1, 1_000), (2, 2_000)], Position::default());
        let (ids, second) = listed(&[(1, 1_000), (2, 2_000), (3, 2_000)], first);
        assert_eq!(ids, [2, 3]);
        assert_eq!(second, first);
    }

    #[test]
    fn customers_are_gone_through_from_the_first_to_the_last_every_time() {
        assert_eq!(walk(Position::default(), BATCH), (Position { since: 0, pages: 1 }, true));
        assert_eq!(walk(Position { since: 0, pages: 3 }, 7), (Position::default(), false));
    }
}
