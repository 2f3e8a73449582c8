//! What both logs have in common: a place in their lists, what a trace led to, and the cut of what is too large.

use std::fmt;
use std::str::FromStr;

use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use domain::field::FieldValue;
use domain::id::TenantId;
use domain::outcome::{FieldChanges, ValueChange};
use domain::time::Timestamp;
use serde_json::{Value, json};

use crate::statement::{self, sql_query};
use crate::text::{Json, storable, storable_json, to_storable_json};
use crate::{PersistenceError, Transaction};

/// Bytes of a body that a log row keeps.
const BODY_LIMIT: usize = 32 * 1024;

/// Characters of a changed field's value that a log row keeps.
const VALUE_LIMIT: usize = 300;

/// A place in a log, which lists the newest first: behind the row of that time and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogCursor {
    /// The row's time.
    pub created_at: Timestamp,
    /// The row's id.
    pub id: String,
}

impl fmt::Display for LogCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.created_at, self.id)
    }
}

/// What is listed by time and id.
pub trait LogRow {
    /// The place behind this row.
    fn cursor(&self) -> LogCursor;
}

/// The text is no cursor.
#[derive(Debug, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidCursor;

impl FromStr for LogCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (time, id) = text.split_once('~').ok_or(InvalidCursor)?;
        let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let created_at = Timestamp::parse(time).filter(|_| is_id).ok_or(InvalidCursor)?;
        Ok(Self { created_at, id: id.to_owned() })
    }
}

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// Behind which row; from the newest where it is `None`.
    pub after: Option<LogCursor>,
    /// How many rows at most.
    pub limit: u32,
}

/// What a tenant's log has of one trace, the oldest first: these columns of that table.
pub(crate) async fn of_trace<R>(
    tx: &mut Transaction,
    (table, columns): (&str, &str),
    tenant: TenantId,
    correlation_id: &str,
    limit: u32,
) -> Result<Vec<R>, PersistenceError>
where
    R: QueryableByName<Pg> + Send + 'static,
{
    statement::plan_once(tx).await?;
    let statement = format!(
        "SELECT {columns} FROM {table} WHERE tenant_id = $1 AND correlation_id = $2 ORDER BY created_at, id LIMIT $3"
    );
    let rows = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(storable(correlation_id))
        .bind::<BigInt, _>(i64::from(limit))
        .load(&mut **tx)
        .await?;
    Ok(rows)
}

/// Lets what follows be planned once where its time is open, since all partitions would be planned for at each use; and for its own
/// values where its time has two ends, since a plan for all does not know how few partitions lie between them.
pub(crate) async fn plan(
    tx: &mut Transaction,
    (since, until): (Option<Timestamp>, Option<Timestamp>),
) -> Result<(), PersistenceError> {
    if since.is_some() && until.is_some() { statement::plan_anew(tx).await } else { statement::plan_once(tx).await }
}

/// A body as a log row keeps it: in full, or its beginning with a note where it is too large.
///
/// # Errors
/// When it cannot be written down.
pub(crate) fn kept_body(body: Option<&Value>) -> Result<Option<Json>, PersistenceError> {
    let Some(body) = body else { return Ok(None) };
    let text = body.to_string();
    if text.len() <= BODY_LIMIT {
        return Json::storable(text).map(Some).map_err(PersistenceError::Unwritable);
    }
    let beginning: String = text
        .chars()
        .scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= BODY_LIMIT).then_some(c)
        })
        .collect();
    let note = format!("cut: {} bytes, of which the first {} are kept", text.len(), beginning.len());
    to_storable_json(&json!({ "note": note, "beginning": beginning })).map(Some)
}

/// Changes as a log row keeps them: long values cut, and as many fields as there is room for; nothing where there are none. With
/// it, how many fields there was no room for.
pub(crate) fn kept_changes(changes: &FieldChanges) -> (Option<Value>, i64) {
    let mut room = BODY_LIMIT;
    let kept = changes.iter().map_while(|(name, ValueChange { before, after })| {
        let change = storable_json(json!({ "before": cut(before), "after": cut(after) }));
        room = room.checked_sub(name.len() + change.to_string().len())?;
        Some((storable(name), change))
    });
    let kept: Vec<_> = kept.collect();
    let left_out = changes.len() - kept.len();
    let kept = (!kept.is_empty()).then(|| Value::Object(kept.into_iter().collect()));
    (kept, i64::try_from(left_out).unwrap_or(i64::MAX))
}

fn cut(value: &FieldValue) -> FieldValue {
    let text = value.to_plain_text();
    match text.char_indices().nth(VALUE_LIMIT) {
        Some(_) => FieldValue::Text(text.chars().take(VALUE_LIMIT).chain(['…']).collect()),
        None => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::from_json;

    #[test]
    fn reads_its_own_cursors_and_nothing_else() {
        let cursor = LogCursor { created_at: Timestamp::now(), id: "log_01jd".to_owned() };
        assert_eq!(cursor.to_string().parse::<LogCursor>().unwrap(), cursor);
        for text in ["", "~", "2026-11-22T18:04:00Z~", "2026-11-22T18:04:00Z~a b", "yesterday~log_1", "log_1"] {
            assert!(text.parse::<LogCursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_large_body_is_cut_with_a_note_and_a_small_one_is_not() {
        let kept = |body: Value| from_json::<Value>("body", kept_body(Some(&body)).unwrap().unwrap()).unwrap();
        let small = json!({"a": "é"});
        assert_eq!(kept(small.clone()), small);
        let cut = kept(json!({"a": "é".repeat(BODY_LIMIT)}));
        assert!(cut["note"].as_str().unwrap().starts_with("cut: 65544 bytes"), "{}", cut["note"]);
        assert!(cut["beginning"].as_str().unwrap().len() <= BODY_LIMIT);
    }

    #[test]
    fn long_values_of_changes_are_cut_and_fields_end_where_the_room_does() {
        let change = |after: FieldValue| ValueChange { before: FieldValue::Null, after };
        assert_eq!(kept_changes(&FieldChanges::new()), (None, 0));
        let short = FieldValue::List(vec!["vip".to_owned()]);
        let few = [("a\0", FieldValue::text("é".repeat(301))), ("b", short.clone())];
        let few = few.map(|(name, after)| (name.to_owned(), change(after)));
        let expected = json!({
            "a": { "before": null, "after": format!("{}…", "é".repeat(300)) }, "b": { "before": null, "after": ["vip"] },
        });
        assert_eq!(kept_changes(&few.into()), (Some(expected), 0));
        let many = (0..1_000).map(|n| (format!("field_{n:04}"), change(FieldValue::text("x".repeat(300)))));
        let (kept, left_out) = kept_changes(&many.collect());
        let kept = kept.unwrap();
        let fields = kept.as_object().unwrap().len();
        assert!(kept.to_string().len() <= BODY_LIMIT + 4 * fields, "{}", kept.to_string().len());
        assert_eq!(i64::try_from(1_000 - fields).unwrap(), left_out);
        assert!(kept.get("field_0050").is_some() && kept.get("field_0999").is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_a_cursor_or_none_and_what_is_one_leads_to_the_same_place(
            text in ".{0,60}", near in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:00:00Z~[a-z0-9_é~]{0,10}",
        ) {
            for text in [text, near] {
                if let Ok(cursor) = text.parse::<LogCursor>() {
                    prop_assert_eq!(cursor.to_string().parse::<LogCursor>().ok(), Some(cursor));
                }
            }
        }
    }
}
