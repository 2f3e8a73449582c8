//! A search's filters: their operators, and whether an object's values pass.

use serde::Deserialize;

use super::{ApiError, account::Table, properties::Form};
use crate::clock;

/// HubSpot's limits: five groups, six filters each, eighteen in all.
const MOST_GROUPS: usize = 5;
const MOST_IN_GROUP: usize = 6;
const MOST_FILTERS: usize = 18;

/// The filters of a group must all pass.
#[derive(Debug, Deserialize)]
pub(crate) struct Group {
    filters: Vec<Filter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    property_name: String,
    operator: Operator,
    #[serde(default, deserialize_with = "text")]
    value: Option<String>,
    #[serde(default, deserialize_with = "text")]
    high_value: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    HasProperty,
    NotHasProperty,
    ContainsToken,
    NotContainsToken,
}

/// Clients send times as numbers too.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<serde_json::Value>::deserialize(deserializer)? {
        None => None,
        Some(serde_json::Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
    })
}

/// # Errors
/// Where there are too many, a property is unknown, or an operator lacks its value.
pub(crate) fn check(table: &Table, groups: &[Group]) -> Result<(), ApiError> {
    let all: usize = groups.iter().map(|group| group.filters.len()).sum();
    if groups.len() > MOST_GROUPS
        || all > MOST_FILTERS
        || groups.iter().any(|group| group.filters.len() > MOST_IN_GROUP)
    {
        return Err(ApiError::validation("Too many filters: at most 5 groups of at most 6 filters, 18 in all"));
    }
    for filter in groups.iter().flat_map(|group| &group.filters) {
        if !table.definitions.contains_key(&filter.property_name) {
            let message =
                format!("There was a problem with the request: property {} does not exist", filter.property_name);
            return Err(ApiError::validation(message));
        }
        let complete = match filter.operator {
            Operator::HasProperty | Operator::NotHasProperty => true,
            Operator::In | Operator::NotIn => !filter.values.is_empty(),
            Operator::Between => filter.value.is_some() && filter.high_value.is_some(),
            Operator::Eq | Operator::Neq | Operator::Lt | Operator::Lte | Operator::Gt | Operator::Gte => {
                filter.value.is_some()
            }
            Operator::ContainsToken | Operator::NotContainsToken => filter.value.is_some(),
        };
        if !complete {
            let message = format!("operator {:?} on {} requires a value", filter.operator, filter.property_name);
            return Err(ApiError::validation(message));
        }
    }
    Ok(())
}

/// Whether any group passes; no groups pass everything.
pub(crate) fn pass(table: &Table, groups: &[Group], value_of: &impl Fn(&str) -> Option<String>) -> bool {
    groups.is_empty() || groups.iter().any(|group| group.filters.iter().all(|filter| filter.passes(table, value_of)))
}

impl Filter {
    fn passes(&self, table: &Table, value_of: &impl Fn(&str) -> Option<String>) -> bool {
        let form = table.definitions.get(&self.property_name).map_or(Form::Text, |definition| definition.form);
        let value = value_of(&self.property_name).filter(|value| !value.is_empty());
        let Some(value) = value else {
            return match self.operator {
                Operator::NotHasProperty | Operator::Neq | Operator::NotIn | Operator::NotContainsToken => true,
                Operator::Eq | Operator::Lt | Operator::Lte | Operator::Gt | Operator::Gte | Operator::Between => false,
                Operator::In | Operator::HasProperty | Operator::ContainsToken => false,
            };
        };
        let compare = |other: &Option<String>| other.as_ref().map(|other| compare(form, &value, other));
        let order = compare(&self.value);
        let among = || self.values.iter().any(|other| self::compare(form, &value, other).is_eq());
        let token = || self.value.as_ref().is_some_and(|token| contains_token(&value, token));
        match self.operator {
            Operator::HasProperty => true,
            Operator::NotHasProperty => false,
            Operator::Eq => order.is_some_and(std::cmp::Ordering::is_eq),
            Operator::Neq => order.is_some_and(std::cmp::Ordering::is_ne),
            Operator::Lt => order.is_some_and(std::cmp::Ordering::is_lt),
            Operator::Lte => order.is_some_and(std::cmp::Ordering::is_le),
            Operator::Gt => order.is_some_and(std::cmp::Ordering::is_gt),
            Operator::Gte => order.is_some_and(std::cmp::Ordering::is_ge),
            Operator::Between => {
                order.is_some_and(std::cmp::Ordering::is_ge)
                    && compare(&self.high_value).is_some_and(std::cmp::Ordering::is_le)
            }
            Operator::In => among(),
            Operator::NotIn => !among(),
            Operator::ContainsToken => token(),
            Operator::NotContainsToken => !token(),
        }
    }
}

/// Orders two values as their property's form demands; text without regard to case.
pub(crate) fn compare(form: Form, left: &str, right: &str) -> std::cmp::Ordering {
    let numbers = || Some(left.parse::<f64>().ok()?.total_cmp(&right.parse::<f64>().ok()?));
    let instants = || Some(clock::parse(left)?.cmp(&clock::parse(right)?));
    let special = match form {
        Form::Number => numbers(),
        Form::Date | Form::DateTime => instants(),
        Form::Text | Form::Bool | Form::Enumeration | Form::Phone => None,
    };
    special.unwrap_or_else(|| left.to_lowercase().cmp(&right.to_lowercase()))
}

/// Every word of the token is a word of the value; `*` at an end stands for the rest of a word.
fn contains_token(value: &str, token: &str) -> bool {
    let value = value.to_lowercase();
    let words: Vec<&str> = value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let token = token.to_lowercase();
    let mut wanted = token.split(|c: char| !c.is_alphanumeric() && c != '*').filter(|word| !word.is_empty());
    wanted.all(|wanted| {
        let bare = wanted.trim_matches('*');
        words.iter().any(|word| match (wanted.starts_with('*'), wanted.ends_with('*')) {
            (true, true) => word.contains(bare),
            (true, false) => word.ends_with(bare),
            (false, true) => word.starts_with(bare),
            (false, false) => *word == bare,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_compare_by_their_form() {
        assert!(compare(Form::Number, "9", "10").is_lt());
        assert!(compare(Form::Text, "9", "10").is_gt());
        assert!(compare(Form::DateTime, "2026-01-02T05:20:00.000Z", "1767331200000").is_eq());
        assert!(compare(Form::Text, "Zoé", "zoé").is_eq());
    }

    #[test]
    fn a_token_is_a_word_of_the_value() {
        assert!(contains_token("zoe.martin@exemple.fr", "exemple.fr"));
        assert!(contains_token("zoe.martin@exemple.fr", "*@exempl*"));
        assert!(!contains_token("zoe.martin@exemple.fr", "exempl"));
    }
}
