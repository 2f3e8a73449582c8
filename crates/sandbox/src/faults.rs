//! The switches that make a stand-in misbehave: their values, and how a request's fate follows from
//! them. Waiting and answering are done by each platform's gate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::{Error, Map, Value};

use crate::clock::Millis;

/// The next so many requests are refused with this status.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailNext {
    pub(crate) count: u32,
    pub(crate) status: u16,
}

/// How an answer gets lost after its write was applied.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Loss {
    /// Something in between answers 502.
    #[default]
    BadGateway,
    /// The connection breaks in the middle of the body.
    Dropped,
    /// Nothing comes back, ever.
    Silence,
}

/// All the switches of one account.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub(crate) struct Faults {
    /// Waited before each request is looked at.
    pub(crate) latency_ms: u64,
    /// How long a search goes on showing what was there before a write.
    pub(crate) search_lag_ms: Millis,
    pub(crate) fail_next: Option<FailNext>,
    pub(crate) fail_all_status: Option<u16>,
    /// Accept requests and never answer.
    pub(crate) hang: bool,
    /// So many of the next writes are applied and their answers lost.
    pub(crate) lost_answer_next: u32,
    pub(crate) lost_answer_as: Loss,
    /// The grant is gone: calls answer 401, and a refresh 400.
    pub(crate) token_revoked: bool,
    /// Life of an access token got by OAuth.
    pub(crate) access_token_seconds: i64,
    /// Show `+33 6 12 34 56 78` for what was written `0612345678`.
    pub(crate) reformat_phones: bool,
    /// Show `06 12 34 56 78` for what was written `+33612345678`.
    pub(crate) national_phones: bool,
    /// Keep only the first n characters of these properties.
    pub(crate) truncate: BTreeMap<String, usize>,
    /// Those that only this platform has. A number or `null` is a limit.
    #[serde(flatten)]
    pub(crate) own: BTreeMap<String, Value>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            search_lag_ms: 0,
            fail_next: None,
            fail_all_status: None,
            hang: false,
            lost_answer_next: 0,
            lost_answer_as: Loss::BadGateway,
            token_revoked: false,
            access_token_seconds: 3_600,
            reformat_phones: false,
            national_phones: false,
            truncate: BTreeMap::new(),
            own: BTreeMap::new(),
        }
    }
}

impl Faults {
    /// Every switch by its name.
    pub(crate) fn switches(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(switches)) => switches,
            Ok(_) | Err(_) => Map::new(),
        }
    }

    /// Lays the given keys over the present values.
    ///
    /// # Errors
    /// Where a key is unknown or a value has the wrong form; nothing is changed then.
    pub(crate) fn merge(&mut self, patch: Map<String, Value>) -> serde_json::Result<()> {
        let mut whole = self.switches();
        for (name, value) in patch {
            let before = whole.get(&name).ok_or_else(|| Error::custom(format!("unknown switch `{name}`")))?;
            if self.own.contains_key(&name) && !is_alike(before, &value) {
                return Err(Error::custom(format!("`{name}` cannot be {value}")));
            }
            whole.insert(name, value);
        }
        *self = serde_json::from_value(Value::Object(whole))?;
        Ok(())
    }

    /// A limit of the platform's own; `None` where it is lifted.
    pub(crate) fn limit(&self, name: &str) -> Option<u32> {
        self.own.get(name)?.as_u64().and_then(|most| u32::try_from(most).ok())
    }

    /// Whether a switch of the platform's own is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.own.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The status with which the coming request is to be refused, if any. Counts it down.
    pub(crate) fn take_failure(&mut self) -> Option<u16> {
        if let Some(next) = self.fail_next.as_mut().filter(|next| next.count > 0) {
            next.count = next.count.saturating_sub(1);
            return Some(next.status);
        }
        self.fail_all_status
    }

    /// Whether the answer to the write just applied is to be lost, and how. Counts it down.
    pub(crate) fn take_loss(&mut self) -> Option<Loss> {
        self.lost_answer_next = self.lost_answer_next.checked_sub(1)?;
        Some(self.lost_answer_as)
    }

    /// What is kept of a written value.
    pub(crate) fn distort(&self, property: &str, value: &str) -> String {
        let mut value = value.to_owned();
        if self.reformat_phones && matches!(property, "phone" | "mobilephone") {
            value = crate::people::phone::display(&value);
        }
        if self.national_phones && matches!(property, "phone" | "mobilephone") {
            value = crate::people::phone::national(&value);
        }
        if let Some(most) = self.truncate.get(property) {
            value = value.chars().take(*most).collect();
        }
        value
    }
}

/// A number may take the place of `null`, which is a limit lifted; any other value only that of its like.
fn is_alike(before: &Value, value: &Value) -> bool {
    let form = |value: &Value| match value {
        Value::Null | Value::Number(_) => 0,
        Value::Bool(_) => 1,
        Value::String(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
    };
    form(before) == form(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_change_keeps_the_rest_and_an_unknown_switch_changes_nothing() {
        let mut faults = Faults { own: BTreeMap::from([("most".to_owned(), 190.into())]), ..Faults::default() };
        let patch = |text: &str| serde_json::from_str(text).unwrap();
        faults.merge(patch(r#"{"latency_ms": 40, "fail_next": {"count": 1, "status": 503}}"#)).unwrap();
        assert_eq!((faults.latency_ms, faults.limit("most")), (40, Some(190)));
        let before = faults.clone();
        for bad in [r#"{"latency_ms": 1, "latnecy": 2}"#, r#"{"most": true}"#, r#"{"latency_ms": "1"}"#] {
            assert!(faults.merge(patch(bad)).is_err(), "{bad}");
        }
        assert_eq!(faults, before);
        assert_eq!(faults.take_failure(), Some(503));
        assert_eq!(faults.take_failure(), None);
        faults.merge(patch(r#"{"most": null}"#)).unwrap();
        assert_eq!(faults.limit("most"), None);
    }
}
