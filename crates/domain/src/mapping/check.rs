//! What a mapping may be, whatever the platform is. What a platform's own fields allow is asked where they are known.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, FieldMapping, Transform, dates, template};
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

/// Fields that are joined to one.
const JOINED: usize = 5;

/// Characters between two parts of a text.
const SEPARATOR: usize = 10;

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
        let suits = match &field.transform {
            Transform::None | Transform::Constant { .. } | Transform::Template { .. } => true,
            Transform::NumberText | Transform::SecondsToMillis => spec.field_type == FieldType::Number,
            Transform::EpochMillis | Transform::Date { .. } => spec.field_type == FieldType::DateTime,
            Transform::E164 => spec.field_type == FieldType::Phone,
            Transform::ValueMap { .. } => matches!(spec.field_type, FieldType::Text(_) | FieldType::Choice(_)),
            Transform::Text { .. } => {
                matches!(spec.field_type, FieldType::Text(_) | FieldType::Email | FieldType::Phone)
            }
            Transform::Join { .. } | Transform::Split { .. } => matches!(spec.field_type, FieldType::Text(_)),
        };
        if !suits {
            self.fault(at, "transform", "does not suit what our field holds");
        } else {
            self.shape(at, &field.transform, spec);
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

    /// What a transform says of itself.
    fn shape(&mut self, at: usize, transform: &Transform, spec: &FieldSpec) {
        match transform {
            Transform::ValueMap { values } => self.words(at, values, spec),
            Transform::Text { trim: false, case: Case::Kept } => {
                self.fault(at, "transform", "must trim, or say a case");
            }
            Transform::Date { format, .. } if format.is_empty() || !dates::is_format(format) => {
                self.fault(at, "transform.format", "must be a format as `strftime` knows it, such as %d/%m/%Y");
            }
            Transform::Constant { value } if value.is_null() => {
                self.fault(at, "transform.value", "must be what is sent");
            }
            Transform::Join { with, separator } => self.joined(at, with, separator),
            Transform::Split { separator, .. } if !is_separator(separator) => {
                self.fault(at, "transform.separator", "must be 1 to 10 characters");
            }
            Transform::Template { template } => {
                let is_ours = |name: &str| schema::find(self.kind, name).is_some();
                if let Some(message) = template::fault(template, is_ours) {
                    self.fault(at, "transform.template", &message);
                }
            }
            Transform::None
            | Transform::NumberText
            | Transform::SecondsToMillis
            | Transform::EpochMillis
            | Transform::E164
            | Transform::Text { .. }
            | Transform::Date { .. }
            | Transform::Constant { .. }
            | Transform::Split { .. } => {}
        }
    }

    fn joined(&mut self, at: usize, with: &[FieldName], separator: &str) {
        let is_text = |name: &FieldName| {
            schema::find(self.kind, name.as_str()).is_some_and(|spec| matches!(spec.field_type, FieldType::Text(_)))
        };
        if with.is_empty() || with.len() > JOINED || !with.iter().all(is_text) {
            self.fault(at, "transform.with", "must be 1 to 5 fields of this kind of record that hold text");
        }
        if separator.chars().count() > SEPARATOR {
            self.fault(at, "transform.separator", "must be at most 10 characters");
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

    /// What does not come back as the same value is only sent, and a part of something is only taken.
    fn direction(&mut self, at: usize, field: &FieldMapping) {
        if field.direction.writes() && matches!(field.transform, Transform::Split { .. }) {
            self.fault(at, "direction", "must be `from_platform`: a part is not the whole that is written");
        }
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
            let is_part = matches!(field.transform, Transform::Split { .. });
            if !is_part && !remote.insert(&field.remote) {
                self.fault(at, "remote", "is mapped already");
            }
            if field.direction.reads() && !read.insert(&field.local) {
                self.fault(at, "direction", "must be `to_platform`: this field is taken from another one already");
            }
        }
    }
}

fn is_separator(text: &str) -> bool {
    (1..=SEPARATOR).contains(&text.chars().count())
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
    fn rule_04_what_does_not_come_back_is_only_sent_and_what_comes_back_comes_from_one_field() {
        let phone = |direction: &str| {
            beside_email(
                json!({"local": "phone", "remote": "p", "direction": direction, "transform": {"type": "e164"}}),
            )
        };
        assert_eq!(phone("to_platform"), Vec::<String>::new());
        assert_eq!(phone("bidirectional"), Vec::<String>::new());
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

    #[test]
    fn a_name_is_split_into_fields_of_its_own_and_joined_from_fields_that_hold_text() {
        let part = |local: &str, part: &str, direction: &str| {
            let split = json!({"type": "split", "part": part});
            json!({"local": local, "remote": "name", "direction": direction, "transform": split})
        };
        let join = |with: Value| {
            let join = json!({"type": "join", "with": with});
            json!({"local": "first_name", "remote": "name", "direction": "to_platform", "transform": join})
        };
        let (first, rest) = (part("first_name", "first", "from_platform"), part("last_name", "rest", "from_platform"));
        let all = json!([email(), join(json!(["last_name"])), first, rest]);
        assert_eq!(places(RecordKind::Contact, all), Vec::<String>::new());
        assert_eq!(beside_email(part("first_name", "first", "bidirectional")), ["fields[1].direction"]);
        assert_eq!(beside_email(part("phone", "first", "from_platform")), ["fields[1].transform"]);
        for with in [json!([]), json!(["phone"]), json!(["amount"])] {
            assert_eq!(beside_email(join(with)), ["fields[1].transform.with"]);
        }
    }

    #[test]
    fn a_transform_says_what_it_needs() {
        let city = |direction: &str, transform: Value| {
            beside_email(json!({"local": "city", "remote": "c", "direction": direction, "transform": transform}))
        };
        let template = json!({"type": "template", "template": "{{ city }} {{ planet }}"});
        assert_eq!(city("to_platform", template), ["fields[1].transform.template"]);
        let template = json!({"type": "template", "template": "{{ city|upper }}"});
        assert_eq!(city("to_platform", template.clone()), Vec::<String>::new());
        assert_eq!(city("bidirectional", template), ["fields[1].direction"]);
        assert_eq!(city("bidirectional", json!({"type": "text", "case": "upper"})), Vec::<String>::new());
        assert_eq!(city("bidirectional", json!({"type": "text"})), ["fields[1].transform"]);
        assert_eq!(city("bidirectional", json!({"type": "constant", "value": "Sara"})), ["fields[1].direction"]);
        assert_eq!(city("to_platform", json!({"type": "constant", "value": null})), ["fields[1].transform.value"]);
        let starts = |direction: &str, format: &str| {
            let date = json!({"type": "date", "format": format});
            let field = json!({"local": "starts_at", "remote": "x", "direction": direction, "transform": date});
            places(RecordKind::Deal, json!([field]))
        };
        assert_eq!(starts("bidirectional", "%Y-%m-%d %H:%M:%S"), Vec::<String>::new());
        assert_eq!(starts("bidirectional", "%d/%m/%Y"), ["fields[0].direction"], "it leaves the hour out");
        assert_eq!(starts("to_platform", "%d/%m/%Y"), Vec::<String>::new());
        assert_eq!(starts("to_platform", "%Q"), ["fields[0].transform.format"]);
    }
}
