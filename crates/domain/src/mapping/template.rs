//! Text made of a record's fields by a tenant's own template: nothing but those fields can be reached, and every step counts.

use std::collections::BTreeMap;

use minijinja::{Environment, ErrorKind, Value};

use super::transform::title;
use crate::field::{FieldName, FieldValue};
use crate::identity::{self, Region};
use crate::record::Fields;

/// Characters of a template.
pub(super) const LENGTH: usize = 2_000;

/// What one rendering may cost: its steps, and the memory of all that it makes (64 bytes each).
const FUEL: u64 = 20_000;

/// The line's own field.
const VALUE: &str = "value";

/// A language without files, without other templates, and without an end of patience.
fn language<'a>(region: Region) -> Environment<'a> {
    let mut language = Environment::new();
    language.set_fuel(Some(FUEL));
    language.add_filter("title", |text: String| title(&text));
    language.add_filter("e164", move |text: String| identity::e164(&text, region).unwrap_or(text));
    language
}

/// What the platform should hold; `None` where nothing was said of any field that the template speaks of.
///
/// # Errors
/// Where it fails on these fields: what it makes of them is none, or takes too long.
pub(super) fn render(
    template: &str,
    local: &FieldName,
    fields: &Fields,
    region: Region,
) -> Result<Option<FieldValue>, minijinja::Error> {
    let language = language(region);
    let template = language.template_from_str(template)?;
    let spoken_of = template.undeclared_variables(false);
    let is_known = |name: &String| fields.value(if name == VALUE { local.as_str() } else { name }).is_some();
    if !spoken_of.is_empty() && !spoken_of.iter().any(is_known) {
        return Ok(None);
    }
    let own = fields.value(local.as_str()).map(|value| (VALUE, made(value)));
    let known = fields.iter().map(|(name, stamped)| (name.as_str(), made(&stamped.value)));
    let text = template.render(Value::from(known.chain(own).collect::<BTreeMap<_, _>>()))?;
    Ok(Some(FieldValue::text(text.trim())))
}

fn made(value: &FieldValue) -> Value {
    match value {
        // Printed, an empty field is empty.
        FieldValue::Null => Value::UNDEFINED,
        FieldValue::Bool(yes) => Value::from(*yes),
        FieldValue::Number(number) => {
            number.as_i64().map(Value::from).or_else(|| number.as_f64().map(Value::from)).unwrap_or_default()
        }
        FieldValue::Text(text) => Value::from(text.as_str()),
        FieldValue::List(items) => items.iter().map(String::as_str).map(Value::from).collect(),
    }
}

/// Why a template cannot be used where `is_ours` says which fields there are.
pub(super) fn fault(template: &str, is_ours: impl Fn(&str) -> bool) -> Option<String> {
    if template.chars().count() > LENGTH {
        return Some(format!("must be at most {LENGTH} characters"));
    }
    // Whether it is a template is the same everywhere.
    let language = language(identity::HOME);
    let parsed = match language.template_from_str(template) {
        Ok(parsed) => parsed,
        Err(error) => return Some(format!("is no template: {}", reason(&error))),
    };
    let mut spoken_of: Vec<String> = parsed.undeclared_variables(false).into_iter().collect();
    spoken_of.sort_unstable();
    if let Some(unknown) = spoken_of.iter().find(|name| *name != VALUE && !is_ours(name)) {
        return Some(format!("speaks of `{unknown}`, which is not a field of this kind of record"));
    }
    // On a record that says something everywhere.
    let all: BTreeMap<&str, Value> = spoken_of.iter().map(|name| (name.as_str(), Value::from("1"))).collect();
    match parsed.render(Value::from(all)) {
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::OutOfFuel => Some("does more than a template may".to_owned()),
        // What fails on a made-up value may do well on a real one, but what is not there never will.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::UnknownFilter | ErrorKind::UnknownFunction | ErrorKind::UnknownTest
            ) =>
        {
            Some(format!("is no template: {}", reason(&error)))
        }
        Err(_) => None,
    }
}

fn reason(error: &minijinja::Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("{what} (line {line})"),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::IntegrationId;
    use crate::record::Stamp;
    use crate::time::Timestamp;

    fn made_of(template: &str, values: &[(&str, &str)]) -> Option<FieldValue> {
        made_in(Region::FR, template, values)
    }

    fn made_in(region: Region, template: &str, values: &[(&str, &str)]) -> Option<FieldValue> {
        let mut fields = Fields::default();
        let stamp = Stamp { rank: 0, at: Timestamp::from_millis(0).unwrap(), origin: IntegrationId::new() };
        for (name, value) in values {
            fields.set(FieldName::new(name), FieldValue::text(*value), stamp);
        }
        render(template, &FieldName::new("city"), &fields, region).ok().flatten()
    }

    fn fault_of(template: &str) -> Option<String> {
        fault(template, |name| ["city", "first_name", "phone"].contains(&name))
    }

    #[test]
    fn text_is_made_of_our_fields() {
        let person = [("first_name", "zoé"), ("city", "Brest"), ("phone", "06 12 34 56 78")];
        let cases = [
            ("{{ first_name|title }} ({{ city|upper }})", "Zoé (BREST)"),
            ("{{ value }}{% if phone %}, {{ phone|e164 }}{% endif %}", "Brest, +33612345678"),
            ("{{ company|default('sans société') }}{{ city }}", "sans sociétéBrest"),
            ("Coccinelle", "Coccinelle"),
        ];
        for (template, text) in cases {
            assert_eq!(made_of(template, &person), Some(FieldValue::text(text)), "{template}");
        }
        assert_eq!(made_of("{{ phone }}", &[("city", "Brest")]), None, "nothing was said of it");
        assert_eq!(made_of("{{ phone }}", &[("phone", "")]), Some(FieldValue::Null), "it was cleared");
    }

    #[test]
    fn a_number_without_a_country_code_is_of_the_region() {
        let phone = [("phone", "0470 12 34 56")];
        let made = made_in(Region::BE, "{{ phone|e164 }}", &phone);
        assert_eq!(made, Some(FieldValue::text("+32470123456")));
        // In France, the same digits are another number.
        assert_eq!(made_of("{{ phone|e164 }}", &phone), Some(FieldValue::text("+33470123456")));
    }

    #[test]
    fn what_would_take_for_ever_or_all_memory_is_stopped() {
        let endless = "{% for a in range(100000) %}{% for b in range(100000) %}{{ city }}{% endfor %}{% endfor %}";
        let growing = "{{ ('x' * 50000000)|length }}";
        let doubling = format!("{{% set x = 'xxxxxxxx' %}}{}{{{{ x }}}}", "{% set x = x ~ x %}".repeat(60));
        for template in [endless, growing, &doubling] {
            assert_eq!(made_of(template, &[("city", "Brest")]), None, "{template}");
            assert!(fault_of(template).is_some(), "{template}");
        }
    }

    #[test]
    fn a_template_that_cannot_work_is_refused_with_the_reason() {
        assert_eq!(fault_of("{{ first_name }} {{ city|upper }} {{ value }}"), None);
        assert!(fault_of("{{ first_name ").unwrap().starts_with("is no template: "));
        assert!(fault_of("{{ city|rot13 }}").unwrap().contains("rot13"));
        assert!(fault_of("{% include 'other' %}").unwrap().starts_with("is no template: "));
        assert_eq!(
            fault_of("{{ amount }}").unwrap(),
            "speaks of `amount`, which is not a field of this kind of record"
        );
        assert_eq!(fault_of(&"x".repeat(LENGTH + 1)).unwrap(), "must be at most 2000 characters");
    }
}
