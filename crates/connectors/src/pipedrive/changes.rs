//! Listing what changed, in the order of change, and what was deleted.

use std::time::Duration;

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::find::seconds;
use super::wire;
use super::{Pipedrive, api, schema};
use crate::account::Account;
use crate::connector::{Changes, Cursor, DeletedPage, Page};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::values::id_of;

/// The largest page of a list.
const PAGE: &str = "500";
/// How far the next listing reaches back behind the last row of this one.
const OVERLAP: Duration = Duration::from_secs(60);
/// For so long what was deleted is kept there.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Where a listing stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Position {
    /// Where it began; `None` at the beginning of everything.
    since: Option<Timestamp>,
    /// The page that comes next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// The newest change that was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<Timestamp>,
}

/// Where a listing of what was deleted stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct DeletedPosition {
    since: Timestamp,
    page: Option<String>,
}

#[async_trait]
impl Changes for Pipedrive {
    async fn list(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
        fields: &[String],
    ) -> Result<Page, ConnectorError> {
        let position: Position = Cursor::or_start(cursor)?;
        let schema = schema::of(account, kind).await?;
        let call = Call::get(&[&api::objects(kind, "")?]).with("limit", PAGE);
        let call = call.with("sort_by", "update_time").with("sort_direction", "asc");
        let call = position.since.iter().fold(call, |call, since| call.with("updated_since", seconds(*since)));
        let call = position.page.iter().fold(call, |call, page| call.with("cursor", page.clone()));
        let body = api::send(account, call).await?;
        let objects: Vec<_> = wire::objects(&body).into_iter().filter(wire::Object::is_there).collect();
        let latest = objects.iter().filter_map(wire::Object::modified_at).max().max(position.latest);
        let next = wire::next(&body);
        let more = next.is_some();
        let position = match next {
            Some(page) => Position { page: Some(page), latest, ..position },
            None => Position {
                since: latest.map(|latest| latest.minus(OVERLAP)).max(position.since),
                ..Position::default()
            },
        };
        let objects = objects.iter().map(|object| object.to_remote(kind, &schema, fields)).collect();
        Ok(Page { objects, next: Cursor::at(&position), more, total: None })
    }

    async fn list_deleted(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
    ) -> Result<DeletedPage, ConnectorError> {
        let start = DeletedPosition { since: Timestamp::now().minus(KEPT), page: None };
        let position: DeletedPosition = cursor.map_or(Ok(start), |cursor| cursor.position())?;
        let call = match kind {
            RecordKind::Deal => deleted_deals(&position),
            RecordKind::Contact => recent("person", &position),
            RecordKind::Activity => recent("activity", &position),
            RecordKind::Product | RecordKind::Order => return Err(ConnectorError::unsupported("Pipedrive", kind)),
        };
        match api::send(account, call).await {
            Ok(body) => Ok(page_of(kind, &body, &position)),
            // What was granted may not hold this list; what is gone is then missed by a walk.
            Err(error) if error.kind == FaultKind::Forbidden => Ok(DeletedPage { ids: Vec::new(), next: None }),
            Err(error) => Err(error),
        }
    }
}

fn deleted_deals(position: &DeletedPosition) -> Call {
    let call = Call::get(&[api::V2, "deals"]).with("status", "deleted").with("limit", PAGE);
    let call = call.with("updated_since", seconds(position.since));
    position.page.iter().fold(call, |call, page| call.with("cursor", page.clone()))
}

/// Version 2 lists no deleted persons and activities; the list of what happened lately does.
fn recent(item: &'static str, position: &DeletedPosition) -> Call {
    let since = seconds(position.since).replace('T', " ").replace('Z', "");
    let call = Call::get(&[api::V1, "recents"]).with("since_timestamp", since).with("items", item).with("limit", PAGE);
    position.page.iter().fold(call, |call, page| call.with("start", page.clone()))
}

fn page_of(kind: RecordKind, body: &Value, position: &DeletedPosition) -> DeletedPage {
    let is_gone = |row: &&Value| {
        let data = row.get("data").unwrap_or(row);
        let flag = |name: &str| data.get(name).and_then(Value::as_bool);
        kind == RecordKind::Deal
            || data.is_null()
            || flag("active_flag") == Some(false)
            || flag("is_deleted") == Some(true)
    };
    let row = |row: &Value| {
        let data = row.get("data").unwrap_or(row);
        Some((id_of(row.get("id")?)?, data.get("update_time").and_then(Value::as_str).and_then(moment)))
    };
    let more = body.pointer("/additional_data/pagination/more_items_in_collection") == Some(&Value::Bool(true));
    let start = body.pointer("/additional_data/pagination/next_start").and_then(Value::as_u64).filter(|_| more);
    let page = wire::next(body).or_else(|| start.map(|start| start.to_string()));
    DeletedPage {
        ids: wire::rows(body).iter().filter(is_gone).filter_map(row).collect(),
        next: page.map(|page| Cursor::at(&DeletedPosition { page: Some(page), ..position.clone() })),
    }
}

/// The first version writes times without a zone.
fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{}Z", text.replace(' ', "T"))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_gone_is_listed_as_deleted() {
        let body = json!({
            "data": [
                {"item": "person", "id": 1, "data": {"id": 1, "active_flag": true}},
                {"item": "person", "id": 2, "data": {"id": 2, "active_flag": false, "update_time": "2026-11-27 09:30:00"}},
                {"item": "person", "id": 3, "data": null},
            ],
            "additional_data": {"pagination": {"more_items_in_collection": true, "next_start": 500}},
        });
        let position = DeletedPosition { since: Timestamp::now(), page: None };
        let page = page_of(RecordKind::Contact, &body, &position);
        let at = Timestamp::parse("2026-11-27T09:30:00Z");
        assert_eq!(page.ids, [("2".to_owned(), at), ("3".to_owned(), None)]);
        let next: DeletedPosition = page.next.unwrap().position().unwrap();
        assert_eq!(next.page.as_deref(), Some("500"));
    }
}
