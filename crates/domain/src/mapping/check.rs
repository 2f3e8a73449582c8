//! What a mapping may be, whatever the platform is. What a platform's own fields allow is asked where they are known.

use std::collections::{BTreeMap, BTreeSet};

use super::{FieldMapping, Transform};
use crate::event::InputFault;
use crate::field::FieldName;
use crate::kind::RecordKind;
use crate::schema::{self, FieldSpec, FieldType};

/// Fields of one mapping.
const FIELDS: usize = 200;

/// Characters of a remote name, or of a word.
const NAME: usize = 200;

/// Words of one translation.
const WORDS: usize = 500;

/// Everything that is wrong with the mapping of a kind, place by place below `path`.
#[must_use]
pub fn check(kind: RecordKind, fields: &[FieldMapping], path: &str) -> Vec<InputFault> {
    let mut check = Check { kind, path, faults: Vec::new() };
    if fields.len() > FIELDS {
        check.whole("must be at most 200 fields");
        return check.faults;
    }
    for (at, field) in fields.iter().enumerate() {
        check.names(at, field);
        match schema::find(kind, field.local.as_str()) {
            None => check.fault(at, "local", "is not a field of this kind of record"),
            Some(spec) => check.values(at, field, spec),
        }
        check.direction(at, field);
        check.identifier(at, field);
    }
    check.repetitions(fields);
    if kind == RecordKind::Contact && !fields.iter().any(|field| field.identifier) {
        check.whole("must hold an identifier, by which people are recognised");
    }
    check.faults
}

struct Check<'a> {
    kind: RecordKind,
    path: &'a str,
    faults: Vec<InputFault>,
}

impl Check<'_> {
    fn whole(&mut self, message: &str) {
        self.faults.push(InputFault { path: self.path.to_owned(), message: message.to_owned() });
    }

    fn fault(&mut self, at: usize, member: &str, message: &str) {
        self.faults.push(InputFault { path: format!("{}[{at}].{member}", self.path), message: message.to_owned() });
    }

    fn names(&mut self, at: usize, field: &FieldMapping) {
        if !is_name(&field.remote) {
            self.fault(at, "remote", "must be the platform's name of a field: 1 to 200 characters");
        }
    }

    /// Whether transform and default suit what our field holds.
    fn values(&mut self, at: usize, field: &FieldMapping, spec: &FieldSpec) {
        let suits = match (&field.transform, spec.field_type) {
            (Transform::None, _)
            | (Transform::NumberText | Transform::SecondsToMillis, FieldType::Number)
            | (Transform::EpochMillis, FieldType::DateTime)
            | (Transform::E164, FieldType::Phone)
            | (Transform::ValueMap { .. }, FieldType::Text(_) | FieldType::Choice(_)) => true,
            (
                Transform::NumberText
                | Transform::SecondsToMillis
                | Transform::EpochMillis
                | Transform::E164
                | Transform::ValueMap { .. },
                _,
            ) => false,
        };
        if !suits {
            self.fault(at, "transform", "does not suit what our field holds");
        } else if let Transform::ValueMap { values } = &field.transform {
            self.words(at, values, spec);
        }
        let Some(default) = &field.default else { return };
        let read = serde_json::to_value(default).map_err(|error| error.to_string()).and_then(|value| spec.read(&value));
        match read {
            Err(message) => self.fault(at, "default", &message),
            Ok(_) if !field.direction.writes() => {
                self.fault(at, "default", "is never sent: the field comes from the platform");
            }
            Ok(_) => {}
        }
    }

    fn words(&mut self, at: usize, values: &BTreeMap<String, String>, spec: &FieldSpec) {
        if values.is_empty() || values.len() > WORDS {
            self.fault(at, "transform.values", "must be 1 to 500 words");
        } else if !values.iter().all(|(ours, theirs)| is_name(ours) && is_name(theirs)) {
            self.fault(at, "transform.values", "must be words of 1 to 200 characters");
        } else if let FieldType::Choice(words) = spec.field_type
            && !values.keys().all(|ours| words.contains(&ours.as_str()))
        {
            self.fault(at, "transform.values", &format!("must translate only {}", words.join(", ")));
        }
    }

    /// What does not come back as the same value is only sent.
    fn direction(&mut self, at: usize, field: &FieldMapping) {
        if field.direction.reads() && !field.transform.comes_back() {
            self.fault(at, "direction", "must be `to_platform`: by this transform values do not come back");
        }
    }

    fn identifier(&mut self, at: usize, field: &FieldMapping) {
        let identifies = match self.kind {
            RecordKind::Contact => &["email", "phone"][..],
            RecordKind::Product => &["sku"],
            RecordKind::Order => &["number"],
            RecordKind::Deal | RecordKind::Activity => &[],
        };
        if field.identifier && !identifies.contains(&field.local.as_str()) {
            self.fault(at, "identifier", "must be false: by this field nothing is recognised");
        }
    }

    /// A remote field stands for one of ours, and one of ours is taken from one remote field.
    fn repetitions(&mut self, fields: &[FieldMapping]) {
        let (mut remote, mut read) = (BTreeSet::<&str>::new(), BTreeSet::<&FieldName>::new());
        for (at, field) in fields.iter().enumerate() {
            if !remote.insert(&field.remote) {
                self.fault(at, "remote", "is mapped already");
            }
            if field.direction.reads() && !read.insert(&field.local) {
                self.fault(at, "direction", "must be `to_platform`: this field is taken from another one already");
            }
        }
    }
}

/// Neither empty nor endless, and without what no name holds.
fn is_name(text: &str) -> bool {
    (1..=NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.trim() == text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn places(kind: RecordKind, fields: Value) -> Vec<String> {
        let fields: Vec<FieldMapping> = serde_json::from_value(fields).unwrap();
        check(kind, &fields, "fields").into_iter().map(|fault| fault.path).collect()
    }

    fn email() -> Value {
        json!({"local": "email", "remote": "email", "direction": "bidirectional", "identifier": true})
    }

    fn beside_email(field: Value) -> Vec<String> {
        places(RecordKind::Contact, json!([email(), field]))
    }

    #[test]
    fn a_mapping_names_fields_of_ours_and_each_remote_field_once() {
        let field = |local: &str, remote: &str| json!({"local": local, "remote": remote, "direction": "to_platform"});
        assert_eq!(beside_email(field("city", "city")), Vec::<String>::new());
        assert_eq!(beside_email(field("amount", "amount")), ["fields[1].local"]);
        assert_eq!(beside_email(field("deleted", "deleted")), ["fields[1].local"]);
        assert_eq!(beside_email(field("city", "email")), ["fields[1].remote"]);
        for bad in ["", " city", "ci\u{0}ty", &"c".repeat(201)] {
            assert_eq!(beside_email(field("city", bad)), ["fields[1].remote"], "{bad:?}");
        }
        let many: Vec<Value> = (0..201).map(|n| field("city", &format!("c{n}"))).collect();
        assert_eq!(places(RecordKind::Contact, json!(many)), ["fields"]);
    }

    #[test]
    fn people_are_recognised_by_address_or_number_and_by_one_at_least() {
        assert_eq!(places(RecordKind::Contact, json!([])), ["fields"]);
        assert_eq!(places(RecordKind::Deal, json!([])), Vec::<String>::new());
        let named =
            json!({"local": "last_name", "remote": "lastname", "direction": "bidirectional", "identifier": true});
        assert_eq!(beside_email(named), ["fields[1].identifier"]);
    }

    #[test]
    fn a_transform_suits_what_our_field_holds() {
        let deal = |local: &str, transform: Value| {
            let field = json!({"local": local, "remote": "x", "direction": "to_platform", "transform": transform});
            places(RecordKind::Deal, json!([field]))
        };
        assert_eq!(deal("amount", json!({"type": "number_text"})), Vec::<String>::new());
        assert_eq!(deal("title", json!({"type": "number_text"})), ["fields[0].transform"]);
        assert_eq!(deal("title", json!({"type": "epoch_millis"})), ["fields[0].transform"]);
        let words = |ours: &str, theirs: &str| json!({"type": "value_map", "values": {ours: theirs}});
        assert_eq!(deal("status", words("scheduled", "new")), Vec::<String>::new());
        assert_eq!(deal("status", words("planned", "new")), ["fields[0].transform.values"]);
        assert_eq!(deal("title", words("a", "")), ["fields[0].transform.values"]);
        assert_eq!(deal("title", json!({"type": "value_map", "values": {}})), ["fields[0].transform.values"]);
    }

    #[test]
    fn what_does_not_come_back_is_only_sent_and_what_comes_back_comes_from_one_field() {
        let phone = |direction: &str| {
            beside_email(
                json!({"local": "phone", "remote": "p", "direction": direction, "transform": {"type": "e164"}}),
            )
        };
        assert_eq!(phone("to_platform"), Vec::<String>::new());
        assert_eq!(phone("bidirectional"), ["fields[1].direction"]);
        let stages = json!({"type": "value_map", "values": {"cancelled": "lost", "no_show": "lost"}});
        let status = json!({"local": "status", "remote": "s", "direction": "from_platform", "transform": stages});
        assert_eq!(places(RecordKind::Deal, json!([status])), ["fields[0].direction"]);
        let again = json!({"local": "email", "remote": "other", "direction": "from_platform"});
        assert_eq!(beside_email(again), ["fields[1].direction"]);
    }

    #[test]
    fn a_default_is_a_value_of_the_field_and_is_sent() {
        let city = |direction: &str, default: Value| {
            beside_email(json!({"local": "city", "remote": "c", "direction": direction, "default": default}))
        };
        assert_eq!(city("to_platform", json!("Lyon")), Vec::<String>::new());
        assert_eq!(city("to_platform", json!(7)), ["fields[1].default"]);
        assert_eq!(city("from_platform", json!("Lyon")), ["fields[1].default"]);
    }
}
