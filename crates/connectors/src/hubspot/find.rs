//! Looking for what may be there already: by our key, by e-mail address, by telephone number.

use std::collections::HashMap;

use domain::fault::FaultKind;
use domain::identity::Region;
use domain::kind::RecordKind;
use serde_json::json;

use super::batch::{self, Endpoint, Input};
use super::{BATCH, KEY, api, errors, noted, read, wire};
use crate::account::Account;
use crate::connector::{Found, Wanted};
use crate::error::ConnectorError;
use crate::names::{NOTATIONS, is_same_number, notations};

/// How many values one filter may list.
const VALUES: usize = 100;
/// The largest page of a search.
const PAGE: usize = 200;
/// Where a contact's numbers are.
const NUMBERS: [&str; 2] = ["phone", "mobilephone"];

/// What was found, by its place in `wanted`.
pub(crate) type Rows = Vec<Option<wire::Object>>;

pub(crate) async fn find(account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found {
    let mut found: Rows = vec![None; wanted.len()];
    if !noted::is_lacking(account, kind) {
        let keys = wanted.iter().map(|wanted| wanted.key.to_string()).enumerate().collect();
        match by_unique(account, kind, Unique { property: KEY, values: keys }, fields, &mut found).await {
            // Nothing of ours can be there by a key that the account does not know.
            Err(error) if errors::lacks_key(&error) => noted::lacks(account, kind),
            other => other?,
        }
    }
    noted::find(account, kind, wanted, fields, &mut found).await?;
    if kind == RecordKind::Contact {
        let values = missing(wanted, &found, email_of);
        by_unique(account, kind, Unique { property: "email", values }, fields, &mut found).await?;
        let numbers = missing(wanted, &found, number_of);
        by_number(account, wanted, &numbers, fields, &mut found).await?;
    }
    Ok(found.into_iter().map(|object| object.map(|object| object.to_remote(fields))).collect())
}

fn missing(wanted: &[Wanted], found: &Rows, value: fn(&Wanted) -> Option<String>) -> Vec<(usize, String)> {
    let places = wanted.iter().zip(found).enumerate().filter(|(_, (_, found))| found.is_none());
    places.filter_map(|(at, (wanted, _))| Some((at, value(wanted)?))).collect()
}

fn email_of(wanted: &Wanted) -> Option<String> {
    text_of(wanted, |name| name == "email").map(|text| text.trim().to_lowercase())
}

fn number_of(wanted: &Wanted) -> Option<String> {
    text_of(wanted, |name| NUMBERS.contains(&name))
}

fn text_of(wanted: &Wanted, is_it: impl Fn(&str) -> bool) -> Option<String> {
    let value = wanted.identifiers.iter().find(|(name, _)| is_it(name)).map(|(_, value)| value)?;
    value.as_text().map(str::to_owned)
}

/// A unique property, and the values that are looked for, with their places.
struct Unique {
    property: &'static str,
    values: Vec<(usize, String)>,
}

/// Reads by a unique property: what was written a moment ago is there already, unlike in a search.
async fn by_unique(
    account: &Account,
    kind: RecordKind,
    unique: Unique,
    fields: &[String],
    found: &mut Rows,
) -> Result<(), ConnectorError> {
    // A batch that names an object twice is refused.
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, value) in unique.values {
        places.entry(value).or_default().push(at);
    }
    let (values, places): (Vec<String>, Vec<Vec<usize>>) = places.into_iter().unzip();
    let inputs: Vec<Input> = values.iter().map(|value| read::input(value)).collect();
    let mut common = batch::asking_for(&with(fields, &["email", "hs_additional_emails"]));
    common.insert("idProperty".to_owned(), json!(unique.property));
    let endpoint = Endpoint { path: api::objects(kind, "/batch/read")?, common, limit: BATCH };
    for (answer, places) in batch::send(account, &endpoint, &inputs).await?.into_iter().zip(places) {
        match answer {
            Some(Ok(object)) => places.iter().for_each(|at| put(found, *at, &object)),
            // What cannot be an identifier identifies nothing; the write will say what is wrong with it.
            Some(Err(error))
                if matches!(error.kind, FaultKind::NotFound | FaultKind::Invalid) && !errors::lacks_key(&error) => {}
            Some(Err(error)) => return Err(error),
            None => {}
        }
    }
    Ok(())
}

/// Searches by telephone number, in the notations in which people write it.
async fn by_number(
    account: &Account,
    wanted: &[Wanted],
    numbers: &[(usize, String)],
    fields: &[String],
    found: &mut Rows,
) -> Result<(), ConnectorError> {
    for numbers in groups(numbers) {
        let values: Vec<String> = numbers.iter().flat_map(|(_, number)| notations(number, account.region)).collect();
        let filter = |name: &str| json!({"filters": [{"propertyName": name, "operator": "IN", "values": values}]});
        let query = json!({
            "filterGroups": NUMBERS.map(filter),
            // The oldest first: where several share a number, it is the one that people know.
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": with(fields, &[KEY, "email", "phone", "mobilephone"]),
            "limit": PAGE,
        });
        let candidates = api::search(account, RecordKind::Contact, &query).await?.objects;
        for (at, number) in numbers {
            let Some(wanted) = wanted.get(*at) else { continue };
            let fits =
                |candidate: &&wire::Object| has_number(candidate, number, account.region) && may_be(candidate, wanted);
            if let Some(object) = candidates.iter().find(fits) {
                put(found, *at, object);
            }
        }
    }
    Ok(())
}

/// Whether a contact with the same number may be the same person: nothing stronger speaks against it.
fn may_be(candidate: &wire::Object, wanted: &Wanted) -> bool {
    let other_key = candidate.text(KEY).is_some_and(|key| key != wanted.key.to_string());
    let other_email = match (candidate.text("email"), email_of(wanted)) {
        (Some(theirs), Some(ours)) => theirs.to_lowercase() != ours,
        (Some(_) | None, _) => false,
    };
    !other_key && !other_email
}

fn has_number(candidate: &wire::Object, number: &str, region: Region) -> bool {
    NUMBERS.iter().filter_map(|name| candidate.text(name)).any(|theirs| is_same_number(theirs, number, region))
}

/// As many numbers at a time as one filter can list in all their notations.
fn groups(numbers: &[(usize, String)]) -> impl Iterator<Item = &[(usize, String)]> {
    numbers.chunks(VALUES / NOTATIONS)
}

pub(crate) fn with(fields: &[String], more: &[&str]) -> Vec<String> {
    let more = more.iter().map(|name| (*name).to_owned()).filter(|name| !fields.contains(name));
    fields.iter().cloned().chain(more).collect()
}

pub(crate) fn put(found: &mut Rows, at: usize, object: &wire::Object) {
    if let Some(place) = found.get_mut(at) {
        *place = Some(object.clone());
    }
}

#[cfg(test)]
mod tests {
    use domain::field::FieldValue;
    use serde_json::Value;

    use super::*;

    fn contact(properties: Value) -> wire::Object {
        let body = json!({"results": [{"id": "1", "properties": properties}]});
        wire::objects(&body).remove(0)
    }

    #[test]
    fn a_shared_number_does_not_make_two_people_one() {
        let identifiers = vec![("email".to_owned(), FieldValue::text("zoe@x.fr"))];
        let wanted = Wanted { key: "rec_01jd0000000000000000000000".parse().unwrap(), identifiers, tried: None };
        assert!(may_be(&contact(json!({"email": null})), &wanted));
        assert!(may_be(&contact(json!({"email": "Zoe@X.fr"})), &wanted));
        assert!(!may_be(&contact(json!({"email": "paul@x.fr"})), &wanted));
        assert!(!may_be(&contact(json!({"coccinelle_id": "rec_01jd0000000000000000000001"})), &wanted));
    }
}
