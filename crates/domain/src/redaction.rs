//! What is taken out of logged bodies, and taking it out: what a tenant wants, and what nobody wants in a log. Our own secrets
//! never get as far as one.

mod built_in;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::event::InputFault;
use crate::field::FieldValue;
use crate::outcome::{FieldChanges, SyncError, SyncOutcome};

/// Field names at most, and the characters of one.
const FIELDS: (usize, usize) = (50, 100);

/// Patterns at most, and the characters of one.
const PATTERNS: (usize, usize) = (20, 200);

/// Bytes that one compiled pattern may take: a long repetition of a large class is refused.
const PATTERN_SIZE: usize = 256 * 1024;

/// What stands in place of what was taken out.
const INSTEAD: &str = "[redacted]";

/// What is taken out of bodies before they are logged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Redaction {
    /// Fields whose values are taken out wherever they stand, by name; upper and lower case are the same.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["iban"]))]
    pub fields: Vec<String>,
    /// What is taken out of every text: regular expressions without look-around and back-references, which take a time
    /// that grows with the text alone.
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["\\b\\d{13,19}\\b"]))]
    pub patterns: Vec<String>,
    /// Whether e-mail addresses are taken out of every text.
    #[serde(default)]
    pub emails: bool,
    /// Whether telephone numbers are taken out of every text.
    #[serde(default)]
    pub phones: bool,
}

impl Redaction {
    /// Everything in it that cannot be applied; `path` is where it stands in the request.
    #[must_use]
    pub fn faults(&self, path: &str) -> Vec<InputFault> {
        let mut faults = Vec::new();
        let mut fault = |place: String, message: String| {
            faults.push(InputFault { path: format!("{path}.{place}"), message });
        };
        for (name, texts, (count, length)) in [("fields", &self.fields, FIELDS), ("patterns", &self.patterns, PATTERNS)]
        {
            if texts.len() > count {
                fault(name.to_owned(), format!("must be {count} at most"));
            }
            for (index, text) in texts.iter().enumerate().take(count) {
                if text.is_empty() || text.chars().count() > length || text.contains('\0') {
                    fault(format!("{name}[{index}]"), format!("must be 1 to {length} characters"));
                }
            }
        }
        for (index, pattern) in self.patterns.iter().enumerate().take(PATTERNS.0) {
            if pattern.chars().count() <= PATTERNS.1 && compiled(pattern).is_none_or(|regex| regex.is_match("")) {
                let message = "must be a regular expression of moderate size that does not match nothing";
                fault(format!("patterns[{index}]"), message.to_owned());
            }
        }
        faults
    }

    /// Whether nothing is to be taken out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn compiled(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE).build().ok()
}

static EMAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r"(?i)[a-z0-9._%+'-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+"));

/// Eight digits or more, with what people put between them.
static PHONE: LazyLock<Option<Regex>> = LazyLock::new(|| compiled(r"(?:\+|\b)\d(?:[ .()/-]{0,3}\d){7,14}\b"));

/// Takes out what a tenant wants taken out, and secrets and card numbers whether it wants so or not.
#[derive(Debug, Default)]
pub struct Redactor {
    fields: BTreeSet<String>,
    patterns: Vec<Regex>,
}

impl Redactor {
    /// Of what was found to be without faults; a pattern that cannot be applied is left out.
    #[must_use]
    pub fn new(redaction: &Redaction) -> Self {
        let own = redaction.patterns.iter().filter_map(|pattern| compiled(pattern));
        let built_in = [(redaction.emails, &EMAIL), (redaction.phones, &PHONE)];
        let built_in = built_in.into_iter().filter(|(wanted, _)| *wanted).filter_map(|(_, regex)| (**regex).clone());
        Self {
            fields: redaction.fields.iter().map(|name| name.to_lowercase()).collect(),
            patterns: own.chain(built_in).collect(),
        }
    }

    /// What is noted of an attempt without what is to be taken out. Whoever does it once more changes nothing, so that an error
    /// has one fingerprint wherever it is noted.
    #[must_use]
    pub fn outcome(&self, outcome: SyncOutcome) -> SyncOutcome {
        SyncOutcome {
            request: outcome.request.map(|body| self.body(body)),
            response: outcome.response.map(|body| self.body(body)),
            changes: self.changes(outcome.changes),
            error: outcome.error.map(|error| self.error(error)),
            ..outcome
        }
    }

    /// The error without what is to be taken out.
    #[must_use]
    pub fn error(&self, error: SyncError) -> SyncError {
        SyncError { message: self.text(&error.message), ..error }
    }

    /// The body without what is to be taken out.
    #[must_use]
    pub fn body(&self, body: Value) -> Value {
        match body {
            Value::String(text) => Value::String(self.changed(&text).unwrap_or(text)),
            Value::Array(items) => items.into_iter().map(|item| self.body(item)).collect(),
            Value::Object(entries) => entries
                .into_iter()
                .map(|(name, value)| {
                    let value = if self.names(&name) && !value.is_null() { INSTEAD.into() } else { self.body(value) };
                    (name, value)
                })
                .collect(),
            Value::Number(number) if self.means(&number) => INSTEAD.into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => body,
        }
    }

    /// The changes without what is to be taken out; that a field changed is told all the same.
    #[must_use]
    pub fn changes(&self, mut changes: FieldChanges) -> FieldChanges {
        for (name, change) in &mut changes {
            for value in [&mut change.before, &mut change.after] {
                *value =
                    if self.names(name) && !value.is_null() { FieldValue::text(INSTEAD) } else { self.value(value) };
            }
        }
        changes
    }

    /// Whether the values of a field of this name are taken out, whatever they are.
    fn names(&self, name: &str) -> bool {
        built_in::is_secret_field(name) || self.fields.contains(&name.to_lowercase())
    }

    fn value(&self, value: &FieldValue) -> FieldValue {
        match value {
            FieldValue::Null | FieldValue::Bool(_) => value.clone(),
            FieldValue::Number(number) if self.means(number) => FieldValue::text(INSTEAD),
            FieldValue::Number(number) => FieldValue::Number(number.clone()),
            FieldValue::Text(text) => FieldValue::Text(self.text(text)),
            FieldValue::List(items) => FieldValue::List(items.iter().map(|item| self.text(item)).collect()),
        }
    }

    /// A number may be a telephone's or a card's as well as a text may.
    fn means(&self, number: &serde_json::Number) -> bool {
        let text = number.to_string();
        built_in::is_card(&text) || self.patterns.iter().any(|pattern| pattern.is_match(&text))
    }

    /// The text without what is to be taken out.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.changed(text).unwrap_or_else(|| text.to_owned())
    }

    /// The text without what is to be taken out; `None` where it holds nothing of it, as most do.
    fn changed(&self, text: &str) -> Option<String> {
        let mut changed = built_in::without(text);
        for pattern in &self.patterns {
            let present = changed.as_deref().unwrap_or(text);
            if pattern.is_match(present) {
                changed = Some(without(pattern, present));
            }
        }
        changed
    }
}

/// What stands in place of what was taken out is left alone: it may match itself.
fn without(pattern: &Regex, text: &str) -> String {
    let parts: Vec<_> = text.split(INSTEAD).map(|part| pattern.replace_all(part, INSTEAD)).collect();
    parts.join(INSTEAD)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redaction(json: Value) -> Redaction {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn takes_out_named_fields_patterns_and_what_is_built_in_wherever_it_stands() {
        let wanted =
            redaction(json!({ "fields": ["IBAN"], "patterns": ["secret-[0-9]+"], "emails": true, "phones": true }));
        assert_eq!(wanted.faults("redaction"), []);
        let body = json!({
            "iban": { "country": "FR" }, "n": 5, "note": "Zoé, zoe.d@example.fr, 06 12 34 56 78: secret-42!",
            "inner": [{ "Iban": "FR76", "phone": 33_612_345_678_u64, "none": null }],
        });
        let expected = json!({
            "iban": INSTEAD, "n": 5, "note": "Zoé, [redacted], [redacted]: [redacted]!",
            "inner": [{ "Iban": INSTEAD, "phone": INSTEAD, "none": null }],
        });
        assert_eq!(Redactor::new(&wanted).body(body), expected);
    }

    #[test]
    fn nothing_is_taken_out_unless_it_is_wished() {
        let body = json!({ "note": "zoe@example.fr, 06 12 34 56 78" });
        assert_eq!(Redactor::new(&Redaction::default()).body(body.clone()), body);
        assert!(Redaction::default().is_empty());
    }

    #[test]
    fn secrets_and_cards_are_taken_out_whoever_wants_it() {
        let body = json!({
            "Authorization": ["Bearer x"], "card": 4_242_424_242_424_242_u64, "id": 4_242_424_242_424_241_u64,
            "said": "key pat-eu1-4242aaaa-bbbb-cccc, card 4242 4242 4242 4242",
        });
        let expected = json!({
            "Authorization": INSTEAD, "card": INSTEAD, "id": 4_242_424_242_424_241_u64,
            "said": "key [redacted], card [redacted]",
        });
        assert_eq!(Redactor::default().body(body), expected);
    }

    #[test]
    fn what_is_taken_out_of_bodies_is_taken_out_of_changes_on_both_sides() {
        let wanted = Redactor::new(&redaction(json!({ "fields": ["IBAN"], "emails": true, "phones": true })));
        let changes = |json: Value| serde_json::from_value::<FieldChanges>(json).unwrap();
        let told = changes(json!({
            "iban": { "before": null, "after": "FR76" }, "email": { "before": "a@b.fr", "after": "Zoé <c@d.fr>" },
            "token": { "before": "x", "after": 5 }, "tags": { "before": ["06 12 34 56 78"], "after": ["vip"] },
            "tel": { "before": 33_612_345_678_u64, "after": null }, "city": { "before": "Lyon", "after": "Nîmes" },
        }));
        let expected = changes(json!({
            "iban": { "before": null, "after": INSTEAD }, "email": { "before": INSTEAD, "after": "Zoé <[redacted]>" },
            "token": { "before": INSTEAD, "after": INSTEAD }, "tags": { "before": [INSTEAD], "after": ["vip"] },
            "tel": { "before": INSTEAD, "after": null }, "city": { "before": "Lyon", "after": "Nîmes" },
        }));
        assert_eq!(wanted.changes(told), expected);
    }

    #[test]
    fn what_was_taken_out_once_is_the_same_when_it_is_taken_out_again() {
        let wanted = Redactor::new(&redaction(json!({ "patterns": ["[a-z]+", "[a-z]{3}"], "emails": true })));
        let error = SyncError {
            class: crate::fault::FaultKind::Invalid,
            code: "TAKEN".to_owned(),
            message: "zoe@exemple.fr: Pris, 42".to_owned(),
        };
        let once = wanted.error(error);
        assert!(once.message.contains(INSTEAD) && !once.message.contains("zoe"), "{once:?}");
        assert_eq!(wanted.error(once.clone()), once);
    }

    #[test]
    fn every_fault_is_named_by_its_path() {
        let wanted = redaction(json!({
            "fields": ["", "ok"], "patterns": ["(", "a*", "(?=x)", "[0-9]{1000}{1000}", "x".repeat(201), "ok"],
        }));
        let faults = wanted.faults("redaction");
        let paths: BTreeSet<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        let patterns = (0..5).map(|index| format!("redaction.patterns[{index}]"));
        let expected: Vec<_> = patterns.chain(["redaction.fields[0]".to_owned()]).collect();
        assert_eq!(paths, expected.iter().map(String::as_str).collect());
        let many = Redaction { fields: vec!["x".to_owned(); 51], ..Redaction::default() };
        assert_eq!(many.faults("r")[0].path, "r.fields");
    }
}
