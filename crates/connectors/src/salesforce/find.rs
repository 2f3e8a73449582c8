//! Looking for objects by our key, then by what identifies them.

use std::collections::BTreeMap;

use domain::field::FieldValue;
use domain::identity::Region;
use domain::kind::RecordKind;
use domain::link::RemoteObject;

use super::{BATCH, KEY, NOTE, api, fields, read, soql};
use crate::account::Account;
use crate::connector::{Found, Wanted};
use crate::error::ConnectorError;
use crate::mark::{self, Stretch};
use crate::names;

/// How many numbers one query looks for.
const NUMBERS: usize = 50;

/// In the order of `wanted`. An object that carries another record's key is nobody else's, whatever it holds besides.
pub(crate) async fn find(account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found {
    let mut found: Vec<Option<RemoteObject>> = vec![None; wanted.len()];
    let has_field = fields::knows_key(account, kind).await?;
    if has_field {
        let keys: Vec<String> = wanted.iter().map(|wanted| wanted.key.to_string()).collect();
        let by_key =
            by_value(account, (kind, KEY), &keys, fields, |object| object.key.map(|key| key.to_string())).await?;
        for (place, key) in found.iter_mut().zip(&keys) {
            *place = by_key.get(key).cloned();
        }
    }
    if fields::has_note(kind) {
        let stretches = mark::stretches(wanted, has_field);
        by_note(account, (kind, &stretches), wanted, fields, &mut found).await?;
    }
    let names = identifiers(wanted);
    // What speaks for one person may speak against another.
    let shown = [fields, names.as_slice()].concat();
    for name in names {
        let asked: Vec<String> = missing(&found, wanted).filter_map(|wanted| value(wanted, &name)).collect();
        if asked.is_empty() || !soql::is_field(&name) {
            continue;
        }
        let named = name.clone();
        let of = move |object: &RemoteObject| Some(object.fields.get(&named)?.to_plain_text().to_lowercase());
        let (numbers, texts): (Vec<String>, Vec<String>) =
            asked.into_iter().partition(|value| names::ending(value, account.region).is_some());
        let by_value = by_value(account, (kind, &name), &texts, &shown, of).await?;
        let with_number = with_numbers(account, (kind, &name), &numbers, &shown).await?;
        for (place, wanted) in found.iter_mut().zip(wanted).filter(|(place, _)| place.is_none()) {
            let Some(value) = value(wanted, &name) else { continue };
            let has_number = |object: &&RemoteObject| {
                let shown = object.fields.get(&name).map(FieldValue::to_plain_text);
                shown.is_some_and(|shown| names::is_same_number(&shown, &value, account.region))
            };
            let may_be = |object: &&RemoteObject| {
                object.key.is_none_or(|key| key == wanted.key)
                    && !is_somebody_else(object, wanted, (&name, account.region))
            };
            let candidate = by_value.get(&value.to_lowercase()).filter(may_be);
            *place = candidate.or_else(|| with_number.iter().filter(has_number).find(may_be)).cloned();
        }
    }
    Ok(found)
}

/// By our key in their texts, into which no query can look.
async fn by_note(
    account: &Account,
    (kind, stretches): (RecordKind, &[Stretch]),
    wanted: &[Wanted],
    fields: &[String],
    found: &mut [Option<RemoteObject>],
) -> Result<(), ConnectorError> {
    // Where there is a field for our key, nobody else asks for the text.
    let shown: Vec<String> = fields.iter().cloned().chain([NOTE.to_owned()]).collect();
    for stretch in stretches {
        let mut places = found.iter().zip(wanted);
        if places.all(|(place, wanted)| place.is_some() || !stretch.is_of(wanted)) {
            continue;
        }
        let since = format!("CreatedDate >= {}", soql::moment(stretch.from));
        let objects = match stretch.until {
            Some(until) => {
                let between = format!("{since} AND CreatedDate <= {}", soql::moment(until));
                read::matching(account, kind, &between, &shown).await?
            }
            None => read::newest(account, kind, &since, &shown).await?,
        };
        for mut object in objects {
            object.fields.retain(|name, _| fields.contains(name));
            let is_it = |(place, wanted): &(&mut Option<RemoteObject>, &Wanted)| {
                place.is_none() && object.key == Some(wanted.key)
            };
            if let Some((place, _)) = found.iter_mut().zip(wanted).find(is_it) {
                *place = Some(object);
            }
        }
    }
    Ok(())
}

/// The oldest object of each value.
async fn by_value(
    account: &Account,
    (kind, name): (RecordKind, &str),
    values: &[String],
    fields: &[String],
    of: impl Fn(&RemoteObject) -> Option<String>,
) -> Result<BTreeMap<String, RemoteObject>, ConnectorError> {
    let mut found = BTreeMap::new();
    for some in chunks(values) {
        let name = api::own_name(api::object_type(account, kind)?, name);
        let condition = format!("{name} IN {}", soql::list(some.iter().map(String::as_str)));
        for object in read::matching(account, kind, &condition, fields).await? {
            if let Some(value) = of(&object) {
                found.entry(value).or_insert(object);
            }
        }
    }
    Ok(found)
}

/// The objects with these telephone numbers, among others that end alike: people write them in every notation, and a query compares
/// what was written.
async fn with_numbers(
    account: &Account,
    (kind, name): (RecordKind, &str),
    numbers: &[String],
    fields: &[String],
) -> Result<Vec<RemoteObject>, ConnectorError> {
    let mut found = Vec::new();
    let name = api::own_name(api::object_type(account, kind)?, name);
    for some in numbers.chunks(NUMBERS) {
        let endings = some.iter().filter_map(|number| names::ending(number, account.region));
        let ends: Vec<String> = endings.map(|digits| format!("{name} LIKE {}", soql::ending(&digits))).collect();
        found.extend(read::matching(account, kind, &format!("({})", ends.join(" OR ")), fields).await?);
    }
    Ok(found)
}

/// As many values as one query takes.
fn chunks(values: &[String]) -> Vec<&[String]> {
    let longest = values.iter().map(String::len).max().unwrap_or(1);
    // Every character may become three in an address.
    let most = (soql::LONGEST / (3 * (longest + 3))).clamp(1, BATCH);
    values.chunks(most).collect()
}

fn missing<'a>(found: &'a [Option<RemoteObject>], wanted: &'a [Wanted]) -> impl Iterator<Item = &'a Wanted> {
    found.iter().zip(wanted).filter(|(place, _)| place.is_none()).map(|(_, wanted)| wanted)
}

/// The identifier fields in their order, each once.
fn identifiers(wanted: &[Wanted]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in wanted.iter().flat_map(|wanted| &wanted.identifiers) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// Whether something stronger than the field of that name, and no number, says that this is another person: several share one.
fn is_somebody_else(object: &RemoteObject, wanted: &Wanted, (name, region): (&str, Region)) -> bool {
    let stronger = wanted.identifiers.iter().take_while(|(known, _)| known != name);
    let mut texts = stronger.filter_map(|(known, _)| {
        let ours = value(wanted, known).filter(|ours| names::ending(ours, region).is_none())?;
        let theirs = object.fields.get(known).map(FieldValue::to_plain_text).filter(|theirs| !theirs.is_empty())?;
        Some((ours, theirs))
    });
    texts.any(|(ours, theirs)| ours.to_lowercase() != theirs.to_lowercase())
}

fn value(wanted: &Wanted, name: &str) -> Option<String> {
    let (_, value) = wanted.identifiers.iter().find(|(known, _)| known == name)?;
    Some(value.to_plain_text()).filter(|text| !text.is_empty())
}
