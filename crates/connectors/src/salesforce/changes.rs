//! Listing what changed by SOQL, in the order of time and id; and what was deleted by `getDeleted`.

use std::time::Duration;

use async_trait::async_trait;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Salesforce, api, read, soql, wire};
use crate::account::Account;
use crate::connector::{Changes, Cursor, DeletedPage, Page};
use crate::error::ConnectorError;
use crate::http::Call;

/// Rows of one page.
const PAGE: usize = 500;
/// How far the next listing reaches back: a long transaction shows its rows with the time at which it began.
const OVERLAP: Duration = Duration::from_secs(300);
/// For so long deletions are told; a day less than Salesforce keeps them.
const KEPT: Duration = Duration::from_secs(14 * 86_400);

/// Where a listing stands: behind the row of that time and id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Position {
    since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct DeletedPosition {
    since: Timestamp,
}

#[async_trait]
impl Changes for Salesforce {
    async fn list(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
        fields: &[String],
    ) -> Result<Page, ConnectorError> {
        let position: Position = Cursor::or_start(cursor)?;
        let columns = read::columns(account, kind, fields).await?;
        let object = api::object_type(account, kind)?;
        let of_kind = [api::there(kind), of_ours(kind)].into_iter().flatten().map(str::to_owned);
        let conditions: Vec<String> = of_kind.chain(behind(&position)).collect();
        let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        let query = format!("SELECT {columns} FROM {object}{filter} ORDER BY SystemModstamp, Id LIMIT {PAGE}");
        let body = api::query_of(account, kind, &query).await?;
        let rows: Vec<wire::Row<'_>> = wire::rows(&body).collect();
        let more = rows.len() == PAGE;
        let last = rows.last().and_then(|row| Some((row.modified_at()?, row.id()?.to_owned())));
        let next = match (last, more) {
            (Some((at, id)), true) => Position { since: Some(at), id: Some(id) },
            (Some((at, _)), false) => Position { since: Some(at.minus(OVERLAP)), id: None },
            (None, _) => Position { id: None, ..position },
        };
        let objects = rows.iter().filter_map(|row| row.to_remote(object, fields)).collect();
        Ok(Page { objects, next: Cursor::at(&next), more, total: None })
    }

    async fn list_deleted(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
    ) -> Result<DeletedPage, ConnectorError> {
        let now = Timestamp::now();
        let earliest = now.minus(KEPT);
        let position: DeletedPosition =
            cursor.map_or(Ok(DeletedPosition { since: earliest }), |cursor| cursor.position())?;
        let path = format!("sobjects/{}/deleted/", api::object_type(account, kind)?);
        let call = Call::get(&[api::DATA, &path]).with("start", offset(position.since.max(earliest)));
        let body = api::send(account, call.with("end", offset(now))).await?;
        let rows = body.get("deletedRecords").and_then(Value::as_array).into_iter().flatten();
        let id = |row: &Value| {
            let at = row.get("deletedDate").and_then(Value::as_str).and_then(wire::moment);
            Some((row.get("id")?.as_str()?.to_owned(), at))
        };
        Ok(DeletedPage { ids: rows.filter_map(id).collect(), next: None })
    }
}

/// A task may be anything that somebody has to do; only calls are ours.
fn of_ours(kind: RecordKind) -> Option<&'static str> {
    (kind == RecordKind::Activity).then_some("TaskSubtype = 'Call'")
}

/// What stands behind a position in the order of the listing.
fn behind(position: &Position) -> Option<String> {
    let at = soql::moment(position.since?);
    Some(match &position.id {
        Some(id) => format!("(SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > {}))", soql::text(id)),
        None => format!("SystemModstamp >= {at}"),
    })
}

/// A moment as `getDeleted` takes it: with an offset, not with a letter.
fn offset(at: Timestamp) -> String {
    format!("{}+00:00", soql::moment(at).trim_end_matches('Z'))
}
