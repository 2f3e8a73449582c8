//! Creating, changing and archiving objects. Ties that are made or taken away afterwards are `ties`'.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::field::{FieldValue, RemoteFields};
use domain::kind::RecordKind;
use domain::time::Timestamp;
use serde_json::{Map, Value, json};

use super::batch::{self, Endpoint, Input};
use super::{BATCH, HubSpot, KEY, api, errors, noted, read, ties, wire};
use crate::account::Account;
use crate::connector::{Create, Done, Each, Tie, Update, Writer, Written, Wrote};
use crate::error::ConnectorError;

/// The association of a deal with a contact, by the official client's list.
const DEAL_TO_CONTACT: u16 = 3;
/// The association of a call with a contact, by the official client's list.
const CALL_TO_CONTACT: u16 = 194;

#[async_trait]
impl Writer for HubSpot {
    async fn create(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        let all: Vec<&Create> = items.iter().collect();
        let first = if noted::is_lacking(account, kind) { Key::Noted } else { Key::Written };
        let mut each = match create_guarded(account, kind, &all, first).await {
            // Without our property an address still guards; else the look before, which finds our key in the text.
            Err(error) if errors::lacks_key(&error) => {
                noted::lacks(account, kind);
                create_guarded(account, kind, &all, Key::Noted).await?
            }
            other => other?,
        };
        let lacking =
            |(place, _): &(&mut Result<Written, ConnectorError>, &Create)| place.as_ref().is_err_and(errors::lacks_key);
        let (places, again): (Vec<_>, Vec<_>) = each.iter_mut().zip(items).filter(lacking).unzip();
        if !again.is_empty() {
            noted::lacks(account, kind);
            let second = match create_guarded(account, kind, &again, Key::Noted).await {
                Err(error) if again.len() == items.len() => return Err(error),
                // The others are made, whatever becomes of these.
                second => second.unwrap_or_else(|error| vec![Err(error); again.len()]),
            };
            for (place, result) in places.into_iter().zip(second) {
                *place = result;
            }
        }
        Ok(each)
    }

    async fn create_unguarded(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        let inputs = items.iter().map(|item| plain_input(kind, item, Key::Unknown)).collect::<Result<Vec<_>, _>>()?;
        let each = batch::write(account, &endpoint(kind, "/batch/create")?, &inputs).await?;
        Ok(each.into_iter().zip(items).map(|(result, item)| Ok(written(&result?, &item.fields, true))).collect())
    }

    async fn update(&self, account: &Account, kind: RecordKind, items: &[Update]) -> Wrote {
        let keys = noted::keys(account, kind, items).await?;
        let input = |item: &Update| {
            let mut properties = wire::properties(&item.fields);
            if let Some(key) = keys.get(&item.external_id) {
                noted::note(kind, &mut properties, *key);
            }
            Input {
                body: json!({"id": item.external_id, "properties": properties}),
                names: vec![item.external_id.clone()],
            }
        };
        let inputs: Vec<Input> = items.iter().map(input).collect();
        let each = batch::write(account, &endpoint(kind, "/batch/update")?, &inputs).await?;
        Ok(each.into_iter().zip(items).map(|(result, item)| Ok(written(&result?, &item.fields, false))).collect())
    }

    async fn delete(&self, account: &Account, kind: RecordKind, ids: &[String]) -> Done {
        let inputs: Vec<Input> = ids.iter().map(|id| read::input(id)).collect();
        let answers = batch::send(account, &endpoint(kind, "/batch/archive")?, &inputs).await?;
        let gone = |answer| match answer {
            Some(Err(error)) => Err(error),
            // Success is an answer without a body.
            Some(Ok(_)) | None => Ok(()),
        };
        let each = answers.into_iter().map(gone);
        Ok(each.map(|result: Result<(), ConnectorError>| result.or_else(ConnectorError::unless_gone)).collect())
    }

    async fn associate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        ties::associate(account, kind, ties).await
    }

    async fn dissociate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done {
        ties::dissociate(account, kind, ties).await
    }
}

/// Where a new object carries our key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// In our unique property.
    Written,
    /// In its text, where it has one: the account does not know our property.
    Noted,
    /// Nowhere.
    Unknown,
}

/// Creates what is to be tied to a contact together with the tie, so that neither is ever there without the other: our
/// unique property makes a second create a clash. Contacts are upserted, by their address where they have one.
async fn create_guarded(account: &Account, kind: RecordKind, items: &[&Create], key: Key) -> Wrote {
    let mut upserts = (Vec::new(), Vec::new());
    let mut creates = (Vec::new(), Vec::new());
    for (at, item) in items.iter().enumerate() {
        let (group, input) = match upsert_input(kind, item, key) {
            Some(input) => (&mut upserts, input),
            None => (&mut creates, plain_input(kind, item, key)?),
        };
        group.0.push(at);
        group.1.push(input);
    }
    let mut each: Each<Written> = vec![Err(not_sent()); items.len()];
    let mut failure = None;
    for (tail, (places, inputs)) in [("/batch/upsert", upserts), ("/batch/create", creates)] {
        if inputs.is_empty() {
            continue;
        }
        match batch::write(account, &endpoint(kind, tail)?, &inputs).await {
            Ok(results) => place(&mut each, items, places, results),
            Err(error) if places.len() == items.len() => return Err(error),
            Err(error) => {
                let results = vec![Err(error.clone()); places.len()];
                place(&mut each, items, places, results);
                failure = Some(error);
            }
        }
    }
    // What may have been made is not told by an error that says that nothing was.
    let hides = |error: &ConnectorError, own: &ConnectorError| own.outcome_is_unknown() && !error.outcome_is_unknown();
    match failure {
        Some(error) if each.iter().all(|result| result.as_ref().is_err_and(|own| !hides(&error, own))) => Err(error),
        Some(_) | None => Ok(each),
    }
}

fn place(each: &mut Each<Written>, items: &[&Create], places: Vec<usize>, results: Each<wire::Object>) {
    for (at, result) in places.into_iter().zip(results) {
        if let (Some(place), Some(item)) = (each.get_mut(at), items.get(at)) {
            *place = result.map(|object| written(&object, &item.fields, true));
        }
    }
}

/// A contact as an upsert; `None` for what has to be created.
fn upsert_input(kind: RecordKind, item: &Create, key: Key) -> Option<Input> {
    if kind != RecordKind::Contact {
        return None;
    }
    let email = item.fields.get("email").and_then(FieldValue::as_text);
    let (property, id) = match (email, key) {
        (Some(email), _) => ("email", email.trim().to_lowercase()),
        (None, Key::Written) => (KEY, item.key.to_string()),
        (None, Key::Noted | Key::Unknown) => return None,
    };
    let body = json!({
        "idProperty": property,
        "id": id,
        "properties": properties_of(kind, item, key),
        "objectWriteTraceId": item.key.to_string(),
    });
    Some(Input { body, names: vec![item.key.to_string(), id] })
}

/// What is created together with its tie.
pub(crate) fn plain_input(kind: RecordKind, item: &Create, key: Key) -> Result<Input, ConnectorError> {
    let association = match kind {
        RecordKind::Deal => Some(DEAL_TO_CONTACT),
        RecordKind::Activity => Some(CALL_TO_CONTACT),
        RecordKind::Contact | RecordKind::Product | RecordKind::Order => None,
    };
    let tie = |(contact, type_id): (&String, u16)| {
        let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]);
        json!({"to": {"id": contact}, "types": types})
    };
    let associations: Vec<Value> = item.contact.as_ref().zip(association).map(tie).into_iter().collect();
    api::object_type(kind)?;
    let body = json!({
        "properties": properties_of(kind, item, key),
        "associations": associations,
        "objectWriteTraceId": item.key.to_string(),
    });
    let email = item.fields.get("email").and_then(FieldValue::as_text).map(str::to_owned);
    Ok(Input { body, names: [item.key.to_string()].into_iter().chain(email).collect() })
}

fn properties_of(kind: RecordKind, item: &Create, key: Key) -> Map<String, Value> {
    let mut properties = new_properties(kind, &item.fields);
    match key {
        Key::Written => drop(properties.insert(KEY.to_owned(), json!(item.key.to_string()))),
        Key::Noted => noted::note(kind, &mut properties, item.key),
        Key::Unknown => {}
    }
    properties
}

/// The properties of a new object, but for our key.
fn new_properties(kind: RecordKind, fields: &RemoteFields) -> Map<String, Value> {
    let mut properties = wire::properties(fields);
    // A new object has nothing to clear, and one that an upsert meets must not lose what we do not have.
    properties.retain(|_, value| value.as_str() != Some(""));
    if kind == RecordKind::Activity {
        // HubSpot refuses a call without a time.
        properties.entry("hs_timestamp").or_insert_with(|| json!(Timestamp::now().as_millis().to_string()));
        // Only calls that took place reach us.
        properties.entry("hs_call_status").or_insert_with(|| json!("COMPLETED"));
    }
    properties
}

fn written(object: &wire::Object, fields: &RemoteFields, created: bool) -> Written {
    Written {
        external_id: object.id.clone(),
        shown: object.shown(fields.keys()),
        created: object.is_new().unwrap_or(created),
        modified_at: object.modified_at(),
    }
}

fn endpoint(kind: RecordKind, tail: &str) -> Result<Endpoint, ConnectorError> {
    Ok(Endpoint { path: api::objects(kind, tail)?, common: Map::new(), limit: BATCH })
}

fn not_sent() -> ConnectorError {
    ConnectorError::new(FaultKind::Internal, "not_sent", "this object was left out of its batch")
}
