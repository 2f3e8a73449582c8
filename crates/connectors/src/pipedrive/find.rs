//! Looking for what may be there already: by our key, by e-mail address, by telephone number.

use std::collections::BTreeMap;

use domain::id::RecordId;
use domain::identity::Region;
use domain::kind::RecordKind;
use domain::time::Timestamp;

use super::schema::{self, Schema};
use super::wire::{self, Object};
use super::{api, body, person, read};
use crate::account::Account;
use crate::connector::{Found, Wanted};
use crate::error::ConnectorError;
use crate::http::Call;
use crate::mark::{self, Stretch};
use crate::names::{is_same_number, notations};

/// How many pages are looked through for our keys where a create of ours is unaccounted for.
const PAGES: usize = 20;
/// And how many of the newest objects.
const NEWEST: usize = 4;
/// The largest page of a list.
const PAGE: &str = "500";

pub(crate) async fn find(account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found {
    let schema = schema::of(account, kind).await?;
    let is_noted = body::is_noted(kind, &schema);
    let mut found = if is_noted { vec![None; wanted.len()] } else { searched(account, kind, wanted, &schema).await? };
    // Whoever knew of no field has left our key in the text, whatever the account has by now.
    if body::is_noted(kind, &Schema::default()) {
        noted(account, kind, wanted, is_noted, &mut found).await?;
    }
    Ok(found.into_iter().map(|object| object.map(|object| object.to_remote(kind, &schema, fields))).collect())
}

/// By our key in the account's field for it, and by what identifies people.
async fn searched(
    account: &Account,
    kind: RecordKind,
    wanted: &[Wanted],
    schema: &Schema,
) -> Result<Vec<Option<Object>>, ConnectorError> {
    let mut candidates = Vec::new();
    for wanted in wanted {
        candidates.push(search(account, kind, wanted, schema.key.is_some()).await?);
    }
    let ids: Vec<String> = candidates.iter().flatten().cloned().collect();
    let objects = read::by_id(account, kind, &ids).await?;
    let fitting = |(wanted, ids): (&Wanted, Vec<String>)| {
        let objects = || ids.iter().filter_map(|id| objects.get(id));
        let by_key = objects().find(|object| object.key(kind, schema) == Some(wanted.key));
        by_key.or_else(|| objects().find(|object| is_it(object, wanted, kind, (schema, account.region)))).cloned()
    };
    Ok(wanted.iter().zip(candidates).map(fitting).collect())
}

/// The ids of what may be the one that is wanted.
async fn search(
    account: &Account,
    kind: RecordKind,
    wanted: &Wanted,
    has_key: bool,
) -> Result<Vec<String>, ConnectorError> {
    if has_key {
        let found = api::search(account, kind, "custom_fields", &wanted.key.to_string()).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    if kind != RecordKind::Contact {
        return Ok(Vec::new());
    }
    if let Some(email) = text_of(wanted, person::EMAIL) {
        return api::search(account, kind, "email", &email.to_lowercase()).await;
    }
    let mut found = Vec::new();
    for notation in text_of(wanted, person::PHONE).map(|number| notations(number, account.region)).unwrap_or_default() {
        found.extend(api::search(account, kind, "phone", &notation).await?);
        if !found.is_empty() {
            break;
        }
    }
    Ok(found)
}

fn text_of<'a>(wanted: &'a Wanted, name: &str) -> Option<&'a str> {
    let value = wanted.identifiers.iter().find(|(known, _)| known == name).map(|(_, value)| value)?;
    value.as_text().map(str::trim).filter(|text| !text.is_empty())
}

/// Whether a person has what is wanted, and nothing speaks against its being the same one.
fn is_it(object: &Object, wanted: &Wanted, kind: RecordKind, (schema, region): (&Schema, Region)) -> bool {
    let is_others = object.key(kind, schema).is_some_and(|key| key != wanted.key);
    if is_others || kind != RecordKind::Contact {
        return false;
    }
    let mut emails = person::values(&object.body, "emails");
    match (text_of(wanted, person::EMAIL), text_of(wanted, person::PHONE)) {
        (Some(email), _) => emails.any(|theirs| theirs.trim().to_lowercase() == email.to_lowercase()),
        (None, Some(phone)) => {
            person::values(&object.body, "phones").any(|theirs| is_same_number(theirs, phone, region))
        }
        (None, None) => false,
    }
}

/// By our key in their texts; `is_noted` where it stands in nothing else. Nothing searches activities, and a search of titles lags; the
/// list does not.
async fn noted(
    account: &Account,
    kind: RecordKind,
    wanted: &[Wanted],
    is_noted: bool,
    found: &mut [Option<Object>],
) -> Result<(), ConnectorError> {
    for stretch in mark::stretches(wanted, !is_noted) {
        let missing = wanted.iter().zip(&*found).filter(|(one, place)| place.is_none() && stretch.is_of(one));
        let sought: Vec<RecordId> = missing.map(|(one, _)| one.key).collect();
        let mut by_key = BTreeMap::<RecordId, Object>::new();
        let is_through = sought.is_empty() || look_through(account, kind, stretch, &sought, &mut by_key).await?;
        // Where our field says that it is not there, what is unlikely besides may not keep it from ever being made.
        if !is_through && stretch.until.is_some() && is_noted {
            return Err(ConnectorError::unfinished_search());
        }
        for (place, one) in found.iter_mut().zip(wanted).filter(|(place, _)| place.is_none()) {
            *place = by_key.remove(&one.key);
        }
    }
    Ok(())
}

/// Goes from the newest object back to the beginning of a stretch, or until all is found that may be in it. Whether it came so far.
///
/// No list begins where a stretch ends: one by the time of change is of what was changed since, too.
async fn look_through(
    account: &Account,
    kind: RecordKind,
    stretch: Stretch,
    sought: &[RecordId],
    by_key: &mut BTreeMap<RecordId, Object>,
) -> Result<bool, ConnectorError> {
    let pages = if stretch.until.is_some() { PAGES } else { NEWEST };
    let mut cursor = None::<String>;
    for _ in 0..pages {
        let call = Call::get(&[&api::objects(kind, "")?]).with("updated_since", seconds(stretch.from));
        let call = call.with("sort_by", "add_time").with("sort_direction", "desc").with("limit", PAGE);
        let call = cursor.take().into_iter().fold(call, |call, cursor| call.with("cursor", cursor));
        let body = api::send(account, call).await?;
        let objects = wire::objects(&body);
        let is_before = objects.last().and_then(Object::made_at).is_some_and(|made| made < stretch.from);
        for object in objects.into_iter().filter(Object::is_there) {
            if let Some(key) = object.key(kind, &Schema::default()) {
                by_key.insert(key, object);
            }
        }
        cursor = wire::next(&body);
        if cursor.is_none() || is_before || sought.iter().all(|key| by_key.contains_key(key)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A time as Pipedrive takes it: fractions of a second are refused.
pub(crate) fn seconds(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.').map_or(text.clone(), |(whole, _)| format!("{whole}Z"))
}

#[cfg(test)]
mod tests {
    use domain::field::FieldValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn no_fraction_of_a_second_is_sent() {
        let at = Timestamp::parse("2026-11-27T09:30:59.123456Z").unwrap();
        assert_eq!(seconds(at), "2026-11-27T09:30:59Z");
    }

    #[test]
    fn a_person_of_another_record_is_nobody_that_is_looked_for() {
        let code = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12";
        let schema = Schema { key: Some(code.to_owned()), ..Schema::default() };
        let person = |key: Option<&str>| {
            let body = json!({"data": {"id": 7, "emails": [{"value": "Zoe@x.fr", "primary": true}], "custom_fields": {code: key}}});
            wire::object(&body).unwrap()
        };
        let identifiers = vec![("email".to_owned(), FieldValue::text("zoe@X.fr"))];
        let wanted = Wanted { key: "rec_01jd0000000000000000000000".parse().unwrap(), identifiers, tried: None };
        assert!(is_it(&person(None), &wanted, RecordKind::Contact, (&schema, Region::FR)));
        let other = "rec_01jd0000000000000000000001";
        assert!(!is_it(&person(Some(other)), &wanted, RecordKind::Contact, (&schema, Region::FR)));
    }
}
