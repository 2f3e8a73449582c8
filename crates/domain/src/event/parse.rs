//! The door for events: JSON in, checked events or every fault with its path out.

use serde_json::{Map, Value};

use super::{Event, EventType};
use crate::field::FieldValue;
use crate::kind::RecordKind;
use crate::time::Timestamp;

/// The longest id of an event or a subject, in bytes.
const ID_LIMIT: usize = 200;

/// What is wrong with one place of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFault {
    /// Where, as in `events[3].data.email`.
    pub path: String,
    /// What, as a sentence without a subject: `must be text or null`.
    pub message: String,
}

/// Reads one event from JSON; `path` is where it stands in the request, empty for the whole body.
///
/// # Errors
/// Every fault that was found, each with its path.
pub fn parse(value: &Value, path: &str) -> Result<Event, Vec<InputFault>> {
    let mut reader = Reader { path, faults: Vec::new() };
    let event = reader.event(value);
    match event {
        Some(event) if reader.faults.is_empty() => Ok(event),
        Some(_) | None => Err(reader.faults),
    }
}

struct Reader<'a> {
    path: &'a str,
    faults: Vec<InputFault>,
}

impl Reader<'_> {
    fn event(&mut self, value: &Value) -> Option<Event> {
        let Some(object) = value.as_object() else {
            self.fault("", "must be an object");
            return None;
        };
        const KNOWN: [&str; 6] = ["event_id", "type", "subject_id", "occurred_at", "data", "changed"];
        for name in object.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
            self.fault(name, "is not a field of an event");
        }
        let event_id = self.id(object, "event_id", "");
        let subject_id = self.id(object, "subject_id", "");
        let occurred_at = self.occurred_at(object);
        let event_type = self.event_type(object)?;
        let (data, prospect_id) = self.data(object, event_type);
        let changed = self.changed(object, event_type);
        Some(Event {
            event_id: event_id?,
            event_type,
            subject_id: subject_id?,
            occurred_at: occurred_at?,
            data,
            prospect_id,
            changed,
            acceptance: None,
        })
    }

    fn fault(&mut self, name: &str, message: impl Into<String>) {
        let path = match (self.path, name) {
            ("", name) => name.to_owned(),
            (path, "") => path.to_owned(),
            (path, name) => format!("{path}.{name}"),
        };
        self.faults.push(InputFault { path, message: message.into() });
    }

    fn id(&mut self, object: &Map<String, Value>, name: &str, place: &str) -> Option<String> {
        let path = format!("{place}{name}");
        match object.get(name) {
            Some(Value::String(text)) if is_id(text) => return Some(text.clone()),
            Some(_) => self.fault(&path, format!("must be text of 1 to {ID_LIMIT} bytes without control characters")),
            None => self.fault(&path, "is missing"),
        }
        None
    }

    fn occurred_at(&mut self, object: &Map<String, Value>) -> Option<Timestamp> {
        let Some(value) = object.get("occurred_at") else {
            self.fault("occurred_at", "is missing");
            return None;
        };
        let at = value.as_str().and_then(Timestamp::parse);
        if at.is_none() {
            self.fault("occurred_at", "must be a date and time as in 2026-11-22T18:04:00Z");
        }
        at
    }

    fn event_type(&mut self, object: &Map<String, Value>) -> Option<EventType> {
        let Some(value) = object.get("type") else {
            self.fault("type", "is missing");
            return None;
        };
        let found = EventType::ALL.into_iter().find(|event_type| value.as_str() == Some(event_type.as_str()));
        if found.is_none() {
            let names = EventType::ALL.map(EventType::as_str).join(", ");
            self.fault("type", format!("must be one of {names}"));
        }
        found
    }

    fn data(
        &mut self,
        object: &Map<String, Value>,
        event_type: EventType,
    ) -> (std::collections::BTreeMap<String, FieldValue>, Option<String>) {
        let mut data = std::collections::BTreeMap::new();
        let mut prospect_id = None;
        let fields = match object.get("data") {
            None | Some(Value::Null) => return (data, prospect_id),
            Some(Value::Object(fields)) => fields,
            Some(_) => {
                self.fault("data", "must be an object");
                return (data, prospect_id);
            }
        };
        for (name, value) in fields {
            if name == "prospect_id" && event_type.kind() != RecordKind::Contact {
                if !value.is_null() {
                    prospect_id = self.id(fields, "prospect_id", "data.");
                }
                continue;
            }
            match Event::spec(event_type, name).map(|spec| spec.read(value)) {
                Some(Ok(value)) => {
                    data.insert(name.clone(), value);
                }
                Some(Err(message)) => self.fault(&format!("data.{name}"), message),
                None => self.fault(&format!("data.{name}"), format!("is not a field of a {}", event_type.kind())),
            }
        }
        (data, prospect_id)
    }

    fn changed(&mut self, object: &Map<String, Value>, event_type: EventType) -> Option<Vec<String>> {
        let names = match object.get("changed") {
            None | Some(Value::Null) => return None,
            Some(Value::Array(names)) => names,
            Some(_) => {
                self.fault("changed", "must be a list of field names");
                return None;
            }
        };
        let mut changed = Vec::new();
        for (index, name) in names.iter().enumerate() {
            match name.as_str() {
                Some(name) if name == "prospect_id" || Event::spec(event_type, name).is_some() => {
                    changed.push(name.to_owned())
                }
                Some(_) | None => {
                    self.fault(&format!("changed[{index}]"), format!("is not a field of a {}", event_type.kind()))
                }
            }
        }
        Some(changed)
    }
}

fn is_id(text: &str) -> bool {
    (1..=ID_LIMIT).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn paths(value: &Value, path: &str) -> Vec<String> {
        parse(value, path).unwrap_err().into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn reads_a_prospect() {
        let event = parse(
            &json!({"event_id": "e1", "type": "prospect.created", "subject_id": "p1", "occurred_at": "2026-11-22T10:00:00+01:00",
                    "data": {"first_name": "Zoé", "email": "zoe@example.fr", "phone": null, "company": ""}}),
            "",
        )
        .unwrap();
        assert_eq!(event.occurred_at.to_string(), "2026-11-22T09:00:00.000000Z");
        assert_eq!(event.data["first_name"], FieldValue::text("Zoé"));
        assert_eq!(event.data["phone"], FieldValue::Null);
        assert_eq!(event.data["company"], FieldValue::Null);
        assert!(!event.data.contains_key("last_name"));
    }

    #[test]
    fn names_the_path_of_every_fault() {
        let event = json!({"event_id": "", "type": "prospect.created", "occurred_at": "yesterday", "colour": 1,
                           "data": {"emial": "x", "email": "not one", "first_name": 3}, "changed": ["email", "nope"]});
        assert_eq!(
            paths(&event, "events[3]"),
            [
                "events[3].colour",
                "events[3].event_id",
                "events[3].subject_id",
                "events[3].occurred_at",
                "events[3].data.email",
                "events[3].data.emial",
                "events[3].data.first_name",
                "events[3].changed[1]"
            ]
        );
    }

    #[test]
    fn refuses_what_postgresql_cannot_store() {
        let event = json!({"event_id": "e", "type": "prospect.updated", "subject_id": "p", "occurred_at": "2026-11-22T10:00:00Z",
                           "data": {"last_name": "a\u{0}b"}});
        assert_eq!(paths(&event, ""), ["data.last_name"]);
    }

    #[test]
    fn ties_an_appointment_to_its_prospect() {
        let event = json!({"event_id": "e", "type": "appointment.created", "subject_id": "a", "occurred_at": "2026-11-22T10:00:00Z",
                           "data": {"prospect_id": "p1", "title": "Visite", "amount": 120.5}});
        assert_eq!(parse(&event, "").unwrap().prospect_id.as_deref(), Some("p1"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        let keys = prop_oneof![
            Just("event_id"),
            Just("type"),
            Just("subject_id"),
            Just("occurred_at"),
            Just("data"),
            Just("changed"),
            Just("email")
        ];
        leaf.prop_recursive(3, 24, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((keys.clone().prop_map(str::to_owned), inner), 0..6)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn never_panics_and_never_refuses_without_a_reason(value in any_json()) {
            if let Err(faults) = parse(&value, "x") {
                prop_assert!(!faults.is_empty());
            }
        }
    }
}
