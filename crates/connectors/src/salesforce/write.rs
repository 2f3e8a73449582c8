//! Creating, changing and deleting objects by the collection, and what Salesforce shows for them then.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::wire::{self, Form};
use super::{BATCH, KEY, LEAD, NOTE, Salesforce, api, collection, fields, ties};
use crate::account::Account;
use crate::connector::{Create, Done, Reader, Tie, Update, Writer, Written, Wrote};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::mark;

/// When an opportunity is expected to close of which nothing is known.
const IN_A_MONTH: Duration = Duration::from_secs(30 * 86_400);

#[async_trait]
impl Writer for Salesforce {
    /// The contacts of an opportunity are rows of their own.
    fn ties_new(&self, kind: RecordKind) -> bool {
        kind != RecordKind::Deal
    }

    async fn create(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        let guard = if fields::knows_key(account, kind).await? {
            Guard::Key
        } else if fields::has_note(kind) {
            Guard::Note
        } else {
            Guard::None
        };
        write(account, kind, items, guard).await
    }

    async fn create_unguarded(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        write(account, kind, items, Guard::None).await
    }

    async fn update(&self, account: &Account, kind: RecordKind, items: &[Update]) -> Wrote {
        let (object, form) = (api::object_type(account, kind)?, fields::forms(account, kind).await?);
        let keys = noted_keys(account, kind, items).await?;
        let row = |item: &Update| {
            let mut row = collection::with_type(object, wire::fields(object, &item.fields, &form));
            if let Some(key) = keys.get(&item.external_id) {
                note_key(&mut row, *key);
            }
            row.insert("Id".to_owned(), json!(item.external_id));
            row
        };
        let rows: Vec<_> = items.iter().map(row).collect();
        let answers = collection::send(account, (Method::PATCH, "composite/sobjects"), &rows).await?;
        let written: Vec<_> =
            answers.into_iter().zip(items).map(|(answer, item)| answer.map(|_| item.external_id.clone())).collect();
        let asked: Vec<&domain::field::RemoteFields> = items.iter().map(|item| &item.fields).collect();
        shown(account, kind, written.into_iter().map(|id| id.map(|id| (id, false))).collect(), &asked).await
    }

    async fn delete(&self, account: &Account, _kind: RecordKind, ids: &[String]) -> Done {
        let mut each = Vec::with_capacity(ids.len());
        for some in ids.chunks(BATCH) {
            let call = Call::new(Method::DELETE, &[api::DATA, "composite/sobjects"]).with("ids", some.join(","));
            let answer = api::send(account, call.with("allOrNone", "false")).await?;
            each.extend(
                collection::results(&answer, some.len())
                    .into_iter()
                    .map(|result| result.map(drop).or_else(ConnectorError::unless_gone)),
            );
        }
        Ok(each)
    }

    async fn associate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        match kind {
            RecordKind::Activity => ties::tie_tasks(account, ties, true).await,
            RecordKind::Deal => ties::tie_deals(account, ties).await,
            RecordKind::Contact | RecordKind::Product | RecordKind::Order => {
                Err(ConnectorError::unsupported("Salesforce", kind))
            }
        }
    }

    async fn dissociate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        match kind {
            RecordKind::Activity => ties::tie_tasks(account, ties, false).await,
            RecordKind::Deal => ties::untie_deals(account, ties).await,
            RecordKind::Contact | RecordKind::Product | RecordKind::Order => {
                Err(ConnectorError::unsupported("Salesforce", kind))
            }
        }
    }
}

/// What keeps a second create from making a second object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guard {
    /// Our unique field.
    Key,
    /// The look before it, which finds our key in the text.
    Note,
    /// The look before it, by what identifies people.
    None,
}

/// The keys that stand in texts which are about to be written.
async fn noted_keys(
    account: &Account,
    kind: RecordKind,
    items: &[Update],
) -> Result<BTreeMap<String, RecordId>, ConnectorError> {
    let is_written = |item: &&Update| item.fields.contains_key(NOTE);
    let ids: Vec<String> = items.iter().filter(is_written).map(|item| item.external_id.clone()).collect();
    if ids.is_empty() || !fields::has_note(kind) || fields::knows_key(account, kind).await? {
        return Ok(BTreeMap::new());
    }
    let there = Reader::read(&Salesforce, account, kind, &ids, &[]).await?;
    let keys = ids.into_iter().zip(there);
    Ok(keys.filter_map(|(id, object)| Some((id, object?.key?))).collect())
}

/// Puts our key behind the text that is written.
pub(crate) fn note_key(row: &mut Map<String, Value>, key: RecordId) {
    let marked = mark::put(row.get(NOTE).and_then(Value::as_str).unwrap_or_default(), key);
    row.insert(NOTE.to_owned(), json!(marked));
}

async fn write(account: &Account, kind: RecordKind, items: &[Create], guard: Guard) -> Wrote {
    let (object, form) = (api::object_type(account, kind)?, fields::forms(account, kind).await?);
    let rows: Vec<_> = items.iter().map(|item| new_row((object, kind), item, guard, &form)).collect();
    let by_key = format!("composite/sobjects/{object}/{KEY}");
    let answers = match guard {
        Guard::Key => collection::send(account, (Method::PATCH, &by_key), &rows).await?,
        Guard::Note | Guard::None => collection::send(account, (Method::POST, "composite/sobjects"), &rows).await?,
    };
    let made = |answer: Value| {
        let id = answer.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let id = id.ok_or_else(ConnectorError::unanswered)?.to_owned();
        Ok((id, answer.get("created").and_then(Value::as_bool).unwrap_or(true)))
    };
    let made = answers.into_iter().map(|answer| answer.and_then(made)).collect();
    let asked: Vec<&domain::field::RemoteFields> = items.iter().map(|item| &item.fields).collect();
    shown(account, kind, made, &asked).await
}

fn new_row(
    (object, kind): (&str, RecordKind),
    item: &Create,
    guard: Guard,
    form: impl Fn(&str) -> Form,
) -> Map<String, Value> {
    let mut row = collection::with_type(object, new_fields((object, kind), item, form));
    match guard {
        Guard::Key => drop(row.insert(KEY.to_owned(), json!(item.key.to_string()))),
        Guard::Note => note_key(&mut row, item.key),
        Guard::None => {}
    }
    row
}

/// What a new object holds, but for our key: Salesforce takes some only with what nothing is known of.
pub(crate) fn new_fields(
    (object, kind): (&str, RecordKind),
    item: &Create,
    form: impl Fn(&str) -> Form,
) -> Map<String, Value> {
    let mut row = wire::fields(object, &item.fields, form);
    let mut unless_there = |name: &str, value: Value| {
        row.entry(name.to_owned()).or_insert(value);
    };
    match kind {
        RecordKind::Activity => {
            unless_there("TaskSubtype", json!("Call"));
            unless_there("Status", json!("Completed"));
            if let Some(contact) = &item.contact {
                unless_there("WhoId", json!(contact));
            }
        }
        RecordKind::Deal => {
            // Salesforce takes none without a day of closing.
            let day: String = Timestamp::now().plus(IN_A_MONTH).to_string().chars().take(10).collect();
            unless_there("CloseDate", json!(day));
        }
        RecordKind::Contact if object == LEAD => unless_there("Company", json!("-")),
        RecordKind::Contact | RecordKind::Product | RecordKind::Order => {}
    }
    row
}

/// What Salesforce shows for what was written: an answer says no more than that it was taken.
async fn shown(
    account: &Account,
    kind: RecordKind,
    made: Vec<Result<(String, bool), ConnectorError>>,
    asked: &[&domain::field::RemoteFields],
) -> Wrote {
    let ids: Vec<String> = made.iter().filter_map(|made| Some(made.as_ref().ok()?.0.clone())).collect();
    let mut names: Vec<String> = asked.iter().flat_map(|fields| fields.keys().cloned()).collect();
    names.sort_unstable();
    names.dedup();
    let read = Reader::read(&Salesforce, account, kind, &ids, &names).await;
    // Written it is; what became of it is seen by the next read.
    let read = read.unwrap_or_else(|_error| vec![None; ids.len()]);
    let mut read = read.into_iter();
    let written = made.into_iter().zip(asked).map(|(made, asked)| {
        let (external_id, created) = made?;
        let object = read.next().flatten();
        let modified_at = object.as_ref().and_then(|object| object.modified_at);
        let all = object.map(|object| object.fields).unwrap_or_default();
        let shown = all.into_iter().filter(|(name, _)| asked.contains_key(name)).collect();
        Ok(Written { external_id, shown, created, modified_at })
    });
    Ok(written.collect())
}
