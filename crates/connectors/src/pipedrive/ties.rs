//! Ties of deals and activities to their persons. A deal has one person, an activity may have several participants.

use domain::kind::RecordKind;
use serde_json::{Map, Value, json};

use super::wire::Object;
use super::{read, write};
use crate::account::Account;
use crate::connector::{Done, Tie};
use crate::singly;
use crate::values::id_of;

/// Whether a tie is to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Tied,
    Untied,
}

/// The part of a create that ties it to its person.
pub(crate) fn born(kind: RecordKind, contact: &str) -> Map<String, Value> {
    tied(kind, contact, &[])
}

/// Makes ties, or takes them away. An object that is gone has none.
pub(crate) async fn set(account: &Account, kind: RecordKind, ties: &[Tie], wanted: Wanted) -> Done {
    let ids: Vec<String> = ties.iter().map(|tie| tie.external_id.clone()).collect();
    let current = read::by_id(account, kind, &ids).await?;
    let calls = ties.iter().map(|tie| {
        let current = current.get(&tie.external_id);
        async move {
            match (current, wanted) {
                (None, Wanted::Untied) => Ok(()),
                (None, Wanted::Tied) => Err(write::gone()),
                (Some(object), _) => match change(kind, object, &tie.contact, wanted) {
                    None => Ok(()),
                    Some(body) => write::patch(account, kind, &tie.external_id, body).await.map(drop),
                },
            }
        }
    });
    Ok(singly::each(calls.collect()).await)
}

/// What has to be written; `None` where it is so already.
fn change(kind: RecordKind, object: &Object, contact: &str, wanted: Wanted) -> Option<Map<String, Value>> {
    let person = object.body.get("person_id").and_then(id_of);
    let participants: Vec<String> = match object.body.get("participants").and_then(Value::as_array) {
        Some(participants) => participants.iter().filter_map(|one| id_of(one.get("person_id")?)).collect(),
        None => person.clone().into_iter().collect(),
    };
    let is_tied = match kind {
        RecordKind::Activity => participants.iter().any(|id| id == contact),
        RecordKind::Contact | RecordKind::Deal | RecordKind::Product | RecordKind::Order => {
            person.as_deref() == Some(contact)
        }
    };
    let others: Vec<&str> = participants.iter().map(String::as_str).filter(|id| *id != contact).collect();
    match (wanted, is_tied) {
        (Wanted::Tied, true) | (Wanted::Untied, false) => None,
        (Wanted::Tied, false) => Some(tied(kind, contact, &others)),
        (Wanted::Untied, true) if kind == RecordKind::Activity => Some(participating(&others)),
        (Wanted::Untied, true) => Some([("person_id".to_owned(), Value::Null)].into_iter().collect()),
    }
}

fn tied(kind: RecordKind, contact: &str, others: &[&str]) -> Map<String, Value> {
    match kind {
        RecordKind::Activity => participating(&[&[contact], others].concat()),
        RecordKind::Deal => [("person_id".to_owned(), number(contact))].into_iter().collect(),
        RecordKind::Contact | RecordKind::Product | RecordKind::Order => Map::new(),
    }
}

/// The first is the one whose activity it is.
fn participating(persons: &[&str]) -> Map<String, Value> {
    let all = persons.iter().enumerate().map(|(at, id)| json!({"person_id": number(id), "primary": at == 0}));
    [("participants".to_owned(), all.collect())].into_iter().collect()
}

fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| json!(id), |id| json!(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipedrive::wire;

    #[test]
    fn a_tie_is_made_beside_the_others_and_once() {
        let activity =
            wire::object(&json!({"data": {"id": 1, "participants": [{"person_id": 7, "primary": true}]}})).unwrap();
        let changed =
            |contact: &str, wanted| change(RecordKind::Activity, &activity, contact, wanted).map(Value::Object);
        assert_eq!(changed("7", Wanted::Tied), None);
        let both = json!([{"person_id": 8, "primary": true}, {"person_id": 7, "primary": false}]);
        assert_eq!(changed("8", Wanted::Tied), Some(json!({"participants": both})));
        assert_eq!(changed("7", Wanted::Untied), Some(json!({"participants": []})));
        let deal = wire::object(&json!({"data": {"id": 1, "person_id": 7}})).unwrap();
        let changed = |contact: &str, wanted| change(RecordKind::Deal, &deal, contact, wanted).map(Value::Object);
        assert_eq!(changed("8", Wanted::Untied), None);
        assert_eq!(changed("7", Wanted::Untied), Some(json!({"person_id": null})));
        assert_eq!(changed("8", Wanted::Tied), Some(json!({"person_id": 8})));
    }
}
