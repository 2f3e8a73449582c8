//! Listing what changed, by the incremental export, and what was deleted.

use async_trait::async_trait;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{self, Object};
use super::{Zendesk, api};
use crate::account::Account;
use crate::connector::{Changes, Cursor, DeletedPage, Page};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::values::id_of;

/// The largest page of an export.
const PAGE: &str = "1000";

/// Where a listing stands: an export goes on where it ended, so that nothing has to be read twice.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Position {
    after: Option<String>,
}

#[async_trait]
impl Changes for Zendesk {
    async fn list(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
        fields: &[String],
    ) -> Result<Page, ConnectorError> {
        let (plural, _) = api::names(kind)?;
        let position: Position = Cursor::or_start(cursor)?;
        let call = Call::get(&[api::V2, "incremental", plural, "cursor"]).with("per_page", PAGE);
        let call = match &position.after {
            Some(after) => call.with("cursor", after.clone()),
            // From the beginning; zero is no time there.
            None => call.with("start_time", "1"),
        };
        let body = api::send(account, call).await?;
        let is_ours = |object: &Object| kind == RecordKind::Contact || object.key().is_some();
        let objects = wire::objects(&body, plural).into_iter().filter(|object| object.is_there() && is_ours(object));
        let after = body.get("after_cursor").and_then(Value::as_str).map(str::to_owned).or(position.after);
        let more = body.get("end_of_stream") == Some(&Value::Bool(false));
        Ok(Page {
            objects: objects.map(|object| object.to_remote(kind, fields)).collect(),
            next: Cursor::at(&Position { after }),
            more,
            total: None,
        })
    }

    async fn list_deleted(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
    ) -> Result<DeletedPage, ConnectorError> {
        let (plural, _) = api::names(kind)?;
        let name = format!("deleted_{plural}");
        let position: Position = Cursor::or_start(cursor)?;
        let call = Call::get(&[api::V2, &name]).with("page[size]", "100");
        let call = position.after.into_iter().fold(call, |call, after| call.with("page[after]", after));
        let body = api::send(account, call).await?;
        let time = |row: &Value| {
            ["deleted_at", "updated_at"].into_iter().find_map(|name| Timestamp::parse(row.get(name)?.as_str()?))
        };
        let rows = body.get(&name).and_then(Value::as_array).into_iter().flatten();
        let ids = rows.filter_map(|row| Some((id_of(row.get("id")?)?, time(row)))).collect();
        Ok(DeletedPage { ids, next: wire::next(&body).map(|after| Cursor::at(&Position { after: Some(after) })) })
    }
}
