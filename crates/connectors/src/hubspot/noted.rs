//! Our key in an object's own text, where the account lacks our property: a key without the scope for schemas makes none.

use std::collections::BTreeMap;

use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use serde_json::{Map, Value, json};

use super::find::{Rows, put, with};
use super::{api, wire};
use crate::account::Account;
use crate::connector::{Reader, Update, Wanted};
use crate::error::ConnectorError;
use crate::mark::{self, Stretch};

/// Rows of one page, and how many rows of one query can be paged through: the largest that HubSpot's guide to its search allows.
const PAGE: usize = 200;
const MOST: usize = 10_000;
/// How many pages one look goes through where creates of ours are unaccounted for. They come one after another, five a second at most:
/// so many end well within the time that the calls of a batch have (four fifths of `dispatcher.lease`), also where each takes longer.
const PAGES: usize = 100;
/// And how many of the newest objects.
const NEWEST: usize = 5;

/// The property whose last line is our key, and the one that says when an object was made. People are known by their address.
pub(crate) fn place(kind: RecordKind) -> Option<(&'static str, &'static str)> {
    match kind {
        RecordKind::Deal => Some((wire::DEAL_NOTE, "createdate")),
        RecordKind::Activity => Some((wire::CALL_NOTE, "hs_createdate")),
        RecordKind::Contact | RecordKind::Product | RecordKind::Order => None,
    }
}

/// Whether the account is known to lack our property for this kind.
pub(crate) fn is_lacking(account: &Account, kind: RecordKind) -> bool {
    account.learnt.get(&learnt(kind)).is_some()
}

/// It said so.
pub(crate) fn lacks(account: &Account, kind: RecordKind) {
    account.learnt.put(&learnt(kind), "lacking");
}

/// It has it by now.
pub(crate) fn has(account: &Account, kind: RecordKind) {
    account.learnt.forget(&learnt(kind));
}

fn learnt(kind: RecordKind) -> String {
    format!("key.{}", kind.as_str())
}

/// Puts our key behind the text that is written.
pub(crate) fn note(kind: RecordKind, properties: &mut Map<String, Value>, key: RecordId) {
    if let Some((name, _)) = place(kind) {
        let marked = mark::put(properties.get(name).and_then(Value::as_str).unwrap_or_default(), key);
        properties.insert(name.to_owned(), json!(marked));
    }
}

/// The keys that stand in texts which are about to be written.
pub(crate) async fn keys(
    account: &Account,
    kind: RecordKind,
    items: &[Update],
) -> Result<BTreeMap<String, RecordId>, ConnectorError> {
    let Some((name, _)) = place(kind).filter(|_| is_lacking(account, kind)) else { return Ok(BTreeMap::new()) };
    let ids = items.iter().filter(|item| item.fields.contains_key(name)).map(|item| item.external_id.clone());
    let ids: Vec<String> = ids.collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let there = Reader::read(&super::HubSpot, account, kind, &ids, &[name.to_owned()]).await?;
    Ok(there.into_iter().flatten().filter_map(|object| Some((object.external_id, object.key?))).collect())
}

/// Looks for our keys in the texts of all that was made while a create of ours was under way and, where the account lacks our property,
/// of the newest objects.
///
/// # Errors
/// When HubSpot does not answer; and, where the account lacks our property, when more was made in that time than can be looked through.
pub(crate) async fn find(
    account: &Account,
    kind: RecordKind,
    wanted: &[Wanted],
    fields: &[String],
    found: &mut Rows,
) -> Result<(), ConnectorError> {
    let Some((name, made)) = place(kind) else { return Ok(()) };
    let look = Look { kind, wanted, made, asked: with(fields, &[name, made]) };
    let (mut left, is_lacking) = (PAGES, is_lacking(account, kind));
    for stretch in mark::stretches(wanted, !is_lacking) {
        let is_through = !look.lacks(stretch, found) || look.through(account, stretch, &mut left, found).await?;
        // Where our property says that it is not there, what is unlikely besides may not keep it from ever being made.
        if !is_through && stretch.until.is_some() && is_lacking {
            return Err(ConnectorError::unfinished_search());
        }
    }
    Ok(())
}

/// What is looked for, and by which properties.
struct Look<'a> {
    kind: RecordKind,
    wanted: &'a [Wanted],
    /// The property that says when an object was made.
    made: &'static str,
    asked: Vec<String>,
}

impl Look<'_> {
    /// Goes through a stretch until its end, or until all that may be in it is found. Whether it came so far with the pages that are left.
    async fn through(
        &self,
        account: &Account,
        stretch: Stretch,
        left: &mut usize,
        found: &mut Rows,
    ) -> Result<bool, ConnectorError> {
        let pages = if stretch.until.is_some() { *left } else { NEWEST };
        let (mut from, mut after) = (stretch.from, None::<String>);
        for _ in 0..pages {
            *left = left.saturating_sub(1);
            let query = self.query(Stretch { from, ..stretch }, after.as_deref());
            let page = api::search(account, self.kind, &query).await?;
            self.take(&page.objects, found);
            let Some(next) = page.next.filter(|_| self.lacks(stretch, found)) else { return Ok(true) };
            if next.parse::<usize>().is_ok_and(|next| next + PAGE > MOST) {
                // So many are all that a query shows. The next one begins where this one ends.
                let made = page.objects.last().and_then(|object| Timestamp::parse(object.text(self.made)?));
                let Some(made) = made else { return Ok(false) };
                (from, after) = (made, None);
            } else {
                after = Some(next);
            }
        }
        Ok(false)
    }

    /// One page. What was made while a create of ours was under way has its place in a list that begins with the oldest, however much
    /// is made meanwhile.
    fn query(&self, stretch: Stretch, after: Option<&str>) -> Value {
        let millis = |at: Timestamp| at.as_millis().max(0).to_string();
        let since = millis(stretch.from);
        let (filter, direction) = match stretch.until.map(millis) {
            Some(until) => {
                let between =
                    json!({"propertyName": self.made, "operator": "BETWEEN", "value": since, "highValue": until});
                (between, "ASCENDING")
            }
            None => (json!({"propertyName": self.made, "operator": "GTE", "value": since}), "DESCENDING"),
        };
        let mut query = json!({
            "filterGroups": [{"filters": [filter]}],
            "sorts": [{"propertyName": self.made, "direction": direction}],
            "properties": self.asked,
            "limit": PAGE,
        });
        if let (Some(after), Some(query)) = (after, query.as_object_mut()) {
            query.insert("after".to_owned(), json!(after));
        }
        query
    }

    fn take(&self, objects: &[wire::Object], found: &mut Rows) {
        for object in objects {
            let key = object.noted_key();
            let place = self.wanted.iter().position(|wanted| Some(wanted.key) == key);
            if let Some(at) = place.filter(|at| found.get(*at).is_some_and(Option::is_none)) {
                put(found, at, object);
            }
        }
    }

    /// Whether something is not found yet that may be in this stretch.
    fn lacks(&self, stretch: Stretch, found: &Rows) -> bool {
        let mut places = self.wanted.iter().zip(found);
        places.any(|(wanted, place)| place.is_none() && stretch.is_of(wanted))
    }
}
