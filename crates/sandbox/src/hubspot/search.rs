//! The search endpoint. It looks at the objects as an index has them that lags the writes.

use std::cmp::Ordering;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ApiError, Record,
    account::Table,
    filters::{self, Group},
    gate::Caller,
    kinds::Kind,
    objects::ObjectPath,
    properties::Form,
};
use crate::clock::{self, Millis};

const LARGEST_PAGE: usize = 200;
/// No query shows more rows than these, on however many pages.
const MOST_ROWS: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchRequest {
    #[serde(default)]
    filter_groups: Vec<Group>,
    #[serde(default)]
    sorts: Vec<Sort>,
    #[serde(default)]
    properties: Vec<String>,
    limit: Option<usize>,
    after: Option<Value>,
    query: Option<String>,
}

/// `"createdate"`, `"-createdate"`, or spelled out.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Sort {
    Short(String),
    Long {
        #[serde(rename = "propertyName")]
        property_name: String,
        #[serde(default)]
        direction: Direction,
    },
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Direction {
    #[default]
    Ascending,
    Descending,
}

impl Sort {
    fn parts(&self) -> (&str, Direction) {
        match self {
            Self::Short(name) => match name.strip_prefix('-') {
                Some(name) => (name, Direction::Descending),
                None => (name, Direction::Ascending),
            },
            Self::Long { property_name, direction } => (property_name, *direction),
        }
    }
}

pub(crate) async fn search_objects(
    caller: Caller,
    path: web::Path<ObjectPath>,
    body: web::Json<SearchRequest>,
) -> Result<HttpResponse, ApiError> {
    let kind = path.kind()?;
    let (start, limit) = page(&body)?;
    if body.sorts.len() > 1 {
        return Err(ApiError::validation("Only one sort is allowed"));
    }
    let answer = caller.read(|state| {
        let table = state.table(kind);
        filters::check(table, &body.filter_groups)?;
        let as_of = clock::now().saturating_sub(state.faults.search_lag_ms);
        let found = find(table, kind, &body, as_of);
        let results: Vec<Value> =
            found.iter().skip(start).take(limit).map(|record| record.show_at(&body.properties, as_of)).collect();
        let mut answer = json!({"total": found.len(), "results": results});
        let end = start.saturating_add(limit);
        if let Some(fields) = answer.as_object_mut().filter(|_| end < found.len()) {
            fields.insert("paging".into(), json!({"next": {"after": end.to_string()}}));
        }
        Ok::<_, ApiError>(answer)
    })?;
    Ok(HttpResponse::Ok().json(answer))
}

fn page(body: &SearchRequest) -> Result<(usize, usize), ApiError> {
    let limit = body.limit.unwrap_or(10);
    if limit == 0 || limit > LARGEST_PAGE {
        return Err(ApiError::validation(format!("limit must be between 1 and {LARGEST_PAGE}")));
    }
    let start = match &body.after {
        None | Some(Value::Null) => 0,
        Some(Value::String(text)) if text.is_empty() => 0,
        Some(after) => {
            let read = after.as_str().map_or_else(|| after.to_string(), str::to_owned).parse::<usize>();
            read.ok().ok_or_else(|| ApiError::validation(format!("after is not a valid offset: {after}")))?
        }
    };
    if start.saturating_add(limit) > MOST_ROWS {
        let message = "There was a problem with the request: paging through more than 10,000 results is not supported";
        return Err(ApiError::validation(message));
    }
    Ok((start, limit))
}

fn find<'a>(table: &'a Table, kind: Kind, body: &SearchRequest, as_of: Millis) -> Vec<&'a Record> {
    let is_found = |record: &&Record| {
        record.archived_at.is_none()
            && record.created_at <= as_of
            && filters::pass(table, &body.filter_groups, &|name| record.value_at(name, as_of))
            && body.query.as_deref().is_none_or(|query| matches_query(record, kind, query, as_of))
    };
    let mut found: Vec<&Record> = table.records.values().filter(is_found).collect();
    if let Some((name, direction)) = body.sorts.first().map(Sort::parts) {
        let form = table.definitions.get(name).map_or(Form::Text, |definition| definition.form);
        found.sort_by_cached_key(|record| SortKey(form, record.value_at(name, as_of).unwrap_or_default()));
        if direction == Direction::Descending {
            found.reverse();
        }
    }
    found
}

fn matches_query(record: &Record, kind: Kind, query: &str, as_of: Millis) -> bool {
    let values: Vec<String> =
        kind.searched_properties().iter().filter_map(|name| record.value_at(name, as_of)).collect();
    let text = values.join(" ").to_lowercase();
    query.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// A value that orders by its property's form.
struct SortKey(Form, String);

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        filters::compare(self.0, &self.1, &other.1)
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}
