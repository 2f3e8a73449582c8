//! Pages of a list: where one ends, the next begins, whatever changed meanwhile.

use actix_web::HttpResponse;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::ApiError;

const USUAL: usize = 100;
const MOST: usize = 500;

/// What a list may be asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    pub(crate) limit: Option<usize>,
    pub(crate) cursor: Option<String>,
    pub(crate) ids: Option<String>,
    pub(crate) updated_since: Option<String>,
    pub(crate) sort_by: Option<String>,
    pub(crate) sort_direction: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) person_id: Option<u64>,
}

/// By what rows are in order: the value, and the id where that is the same.
pub(crate) type Key = (i64, u64);

/// One page of these rows, which are in no order yet.
pub(crate) fn page(mut rows: Vec<(Key, Value)>, asked: &Asked) -> Result<HttpResponse, ApiError> {
    let limit = asked.limit.unwrap_or(USUAL);
    if limit == 0 || limit > MOST {
        return Err(ApiError::invalid("limit", "must be between 1 and 500"));
    }
    let is_down = match asked.sort_direction.as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(ApiError::invalid("sort_direction", "must be asc or desc")),
    };
    rows.sort_by_key(|(key, _)| *key);
    if is_down {
        rows.reverse();
    }
    if let Some(cursor) = &asked.cursor {
        let after = read(cursor).ok_or_else(|| ApiError::invalid("cursor", "is invalid"))?;
        rows.retain(|(key, _)| if is_down { *key < after } else { *key > after });
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(key, _)| write(*key));
    let data: Vec<Value> = rows.into_iter().map(|(_, row)| row).collect();
    Ok(HttpResponse::Ok().json(json!({"success": true, "data": data, "additional_data": {"next_cursor": next}})))
}

fn write((value, id): Key) -> String {
    URL_SAFE_NO_PAD.encode(format!("{value}/{id}"))
}

fn read(cursor: &str) -> Option<Key> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (value, id) = text.split_once('/')?;
    Some((value.parse().ok()?, id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is_one() {
        assert_eq!(read(&write((-5, 7))), Some((-5, 7)));
        assert_eq!(read("demain"), None);
    }
}
