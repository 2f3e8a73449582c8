//! The rows of the mapping editor: a mapping as fields of a form, and back as the API takes it. Whether it is a good one is the
//! API's to say.

use domain::field::FieldValue;
use domain::kind::RecordKind;
use domain::mapping::{Case, FieldMapping, Part, Transform};
use domain::schema::{self, FieldType};
use serde_json::{Map, Value, json};

use super::super::fields::Fields;
use super::super::form::word;

/// Rows in one form at most; a mapping has no more.
const ROWS: usize = 202;

/// What stands between two settings of a transform.
const BREAK: char = '\n';

/// A row as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) local: String,
    pub(super) remote: String,
    pub(super) direction: String,
    pub(super) transform: String,
    /// What the transform needs besides, a line each.
    pub(super) detail: String,
    pub(super) identifier: bool,
    pub(super) default: String,
}

impl Row {
    /// The row of a field of a mapping.
    pub(super) fn of(field: &FieldMapping) -> Self {
        Self {
            local: field.local.to_string(),
            remote: field.remote.clone(),
            direction: word(field.direction),
            transform: name_of(&field.transform),
            detail: detail_of(&field.transform),
            identifier: field.identifier,
            default: field.default.as_ref().map(FieldValue::to_plain_text).unwrap_or_default(),
        }
    }

    /// The rows that were typed, without those that are empty or were taken out.
    pub(super) fn typed(fields: &Fields) -> Vec<Self> {
        let row = |at: usize| {
            let of = |name: &str| fields.get(&format!("f.{at}.{name}")).replace('\r', "");
            let row = Self {
                local: of("local"),
                remote: of("remote").trim().to_owned(),
                direction: of("direction"),
                transform: of("transform"),
                detail: of("detail"),
                identifier: fields.has(&format!("f.{at}.identifier")),
                default: of("default").trim().to_owned(),
            };
            let is_there = !row.local.is_empty() || !row.remote.is_empty();
            (is_there && !fields.has(&format!("f.{at}.remove"))).then_some(row)
        };
        (0..ROWS).filter_map(row).collect()
    }

    /// The row as the API takes a field of a mapping.
    pub(super) fn to_json(&self, kind: RecordKind) -> Value {
        let mut field = Map::new();
        field.insert("local".to_owned(), json!(self.local));
        field.insert("remote".to_owned(), json!(self.remote));
        field.insert("direction".to_owned(), json!(self.direction));
        field.insert("transform".to_owned(), transform(&self.transform, &self.detail));
        field.insert("identifier".to_owned(), json!(self.identifier));
        if !self.default.is_empty() {
            field.insert("default".to_owned(), typed(kind, &self.local, &self.default));
        }
        Value::Object(field)
    }
}

/// Whether the rows of a form are fields of a mapping, as the API takes them: for `crate::fuzzing`.
#[cfg(fuzzing)]
pub(crate) fn are_rows(form: &[u8]) -> bool {
    let rows = Row::typed(&Fields::read(form));
    let is_field = |row: &Row| serde_json::from_value::<FieldMapping>(row.to_json(RecordKind::Contact)).is_ok();
    !rows.is_empty() && rows.iter().all(is_field)
}

/// What was typed, as our field takes it.
pub(super) fn typed(kind: RecordKind, local: &str, typed: &str) -> Value {
    let is_number = schema::find(kind, local).is_some_and(|spec| spec.field_type == FieldType::Number);
    let number = typed.parse().ok().filter(|_| is_number).map(Value::Number);
    number.unwrap_or_else(|| json!(typed))
}

fn name_of(transform: &Transform) -> String {
    let json = serde_json::to_value(transform).unwrap_or_default();
    json.get("type").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The settings of a transform, a line each.
fn detail_of(transform: &Transform) -> String {
    let lines = |one: String, other: &str| if other.is_empty() { one } else { format!("{one}{BREAK}{other}") };
    match transform {
        Transform::None
        | Transform::NumberText
        | Transform::SecondsToMillis
        | Transform::EpochMillis
        | Transform::E164 => String::new(),
        Transform::ValueMap { values } => {
            let pairs = values.iter().map(|(ours, theirs)| format!("{ours} = {theirs}"));
            pairs.collect::<Vec<_>>().join("\n")
        }
        Transform::Text { trim, case } => {
            let case = if *case == Case::Kept { String::new() } else { word(*case) };
            let words = [if *trim { "trim" } else { "" }, &case];
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        }
        Transform::Date { format, zone } => lines(format.clone(), &word(*zone)),
        Transform::Constant { value } => value.to_plain_text(),
        Transform::Join { with, separator } => {
            let names: Vec<&str> = with.iter().map(domain::field::FieldName::as_str).collect();
            lines(names.join(", "), separator)
        }
        Transform::Split { part: Part::First, separator } => lines("first".to_owned(), separator),
        Transform::Split { part: Part::Rest, separator } => lines("rest".to_owned(), separator),
        Transform::Template { template } => template.clone(),
    }
}

/// A transform as the API takes it; what was typed wrongly is left for it to refuse.
fn transform(name: &str, detail: &str) -> Value {
    let (first, second) = detail.split_once(BREAK).unwrap_or((detail, ""));
    let mut transform = Map::new();
    let name = if name.is_empty() { "none" } else { name };
    transform.insert("type".to_owned(), json!(name));
    let mut put = |member: &str, value: Value| transform.insert(member.to_owned(), value);
    match name {
        "value_map" => {
            let pairs = detail.lines().filter_map(|line| line.split_once('='));
            let values: Map<_, _> =
                pairs.map(|(ours, theirs)| (ours.trim().to_owned(), json!(theirs.trim()))).collect();
            put("values", Value::Object(values));
        }
        "text" => {
            let words: Vec<&str> = detail.split_whitespace().collect();
            put("trim", json!(words.contains(&"trim")));
            if let Some(case) = words.into_iter().find(|word| *word != "trim") {
                put("case", json!(case));
            }
        }
        "date" => {
            put("format", json!(first.trim()));
            if !second.trim().is_empty() {
                put("zone", json!(second.trim()));
            }
        }
        "constant" => {
            put("value", json!(detail));
        }
        "join" => {
            let names = first.split(',').map(str::trim).filter(|name| !name.is_empty());
            put("with", json!(names.collect::<Vec<_>>()));
            if !second.is_empty() {
                put("separator", json!(second));
            }
        }
        "split" => {
            put("part", json!(first.trim()));
            if !second.is_empty() {
                put("separator", json!(second));
            }
        }
        "template" => {
            put("template", json!(detail));
        }
        _ => {}
    }
    Value::Object(transform)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transform_comes_back_from_its_row_as_it_was() {
        for transform in [
            json!({ "type": "none" }),
            json!({ "type": "e164" }),
            json!({ "type": "value_map", "values": { "scheduled": "open", "no_show": "lost" } }),
            json!({ "type": "text", "trim": true, "case": "title" }),
            json!({ "type": "date", "format": "%d/%m/%Y", "zone": "Europe/Paris" }),
            json!({ "type": "constant", "value": "Sara" }),
            json!({ "type": "join", "with": ["last_name", "city"], "separator": ", " }),
            json!({ "type": "split", "part": "rest", "separator": " " }),
            json!({ "type": "template", "template": "{{ first_name|title }}\n({{ city }})" }),
        ] {
            let field = json!({ "local": "city", "remote": "x", "direction": "to_platform", "transform": transform });
            let field: FieldMapping = serde_json::from_value(field).unwrap();
            let back: FieldMapping = serde_json::from_value(Row::of(&field).to_json(RecordKind::Contact)).unwrap();
            assert_eq!(back, field);
        }
    }

    #[test]
    fn rows_that_are_empty_or_taken_out_are_none() {
        let form = b"f.0.local=city&f.0.remote=town&f.1.local=&f.1.remote=+&f.2.local=email&f.2.remove=1&f.7.remote=x";
        let rows = Row::typed(&Fields::read(form));
        assert_eq!(rows.iter().map(|row| row.remote.as_str()).collect::<Vec<_>>(), ["town", "x"]);
    }
}
