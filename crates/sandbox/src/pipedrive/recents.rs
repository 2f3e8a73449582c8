//! What happened lately, in the form of version 1: the only list in which deleted persons and activities stand.

use actix_web::{HttpResponse, web::Query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    company::{ACTIVITIES, DEALS, PERSONS},
    errors::ApiError,
    gate::Caller,
    show,
};
use crate::{clock, store::Object};

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    since_timestamp: String,
    #[serde(default)]
    items: String,
    #[serde(default)]
    start: usize,
    limit: Option<usize>,
}

pub(crate) async fn list(caller: Caller, asked: Query<Asked>) -> Result<HttpResponse, ApiError> {
    let wrong = || ApiError::invalid("since_timestamp", "must be in the format YYYY-MM-DD HH:MM:SS");
    let (day, hour) = asked.since_timestamp.split_once(' ').ok_or_else(wrong)?;
    let since = clock::parse(&format!("{day}T{hour}Z")).ok_or_else(wrong)?;
    let kinds = [("person", PERSONS), ("deal", DEALS), ("activity", ACTIVITIES)];
    let kinds =
        kinds.into_iter().filter(|(item, _)| asked.items.is_empty() || asked.items.split(',').any(|one| one == *item));
    let mut rows: Vec<(i64, Value)> = caller.read(|state| {
        let mut rows = Vec::new();
        for (item, kind) in kinds {
            let changed = state.store.all(kind).chain(state.store.gone(kind)).filter(|object| at(object) >= since);
            rows.extend(changed.map(|object| (at(object), row(item, object))));
        }
        rows
    });
    rows.sort_by_key(|(at, _)| *at);
    let limit = asked.limit.unwrap_or(100);
    let all = rows.len();
    let page: Vec<Value> = rows.into_iter().skip(asked.start).take(limit).map(|(_, row)| row).collect();
    let next = asked.start.saturating_add(page.len());
    let pagination =
        json!({"start": asked.start, "limit": limit, "more_items_in_collection": next < all, "next_start": next});
    Ok(HttpResponse::Ok().json(json!({"success": true, "data": page, "additional_data": {"pagination": pagination}})))
}

fn at(object: &Object) -> i64 {
    object.removed_at.unwrap_or(object.updated_at())
}

fn row(item: &str, object: &Object) -> Value {
    let update_time = show::seconds(at(object)).replace('T', " ").replace('Z', "");
    let data = json!({"id": object.id, "active_flag": object.removed_at.is_none(), "update_time": update_time});
    json!({"item": item, "id": object.id, "data": data})
}
