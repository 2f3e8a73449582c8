//! One object: its values with their history, and how it is shown, now or as a lagging index has it.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};

use super::kinds::Kind;
use crate::{
    clock::{self, Millis},
    journal::By,
};

/// HubSpot keeps about twenty versions of a value.
const VERSIONS: usize = 20;
/// How many changes back a lagging index can be told apart.
const TOUCHES: usize = 50;

#[derive(Clone, Debug)]
struct Version {
    value: String,
    at: Millis,
    by: By,
}

/// A contact, deal or call.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
    pub(crate) created_at: Millis,
    pub(crate) archived_at: Option<Millis>,
    touched: VecDeque<Millis>,
    properties: BTreeMap<String, VecDeque<Version>>,
}

/// What of a record is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// Empty: the default set.
    pub(crate) properties: Vec<String>,
    pub(crate) with_history: Vec<String>,
}

impl Record {
    pub(crate) fn new(kind: Kind, id: u64, at: Millis) -> Self {
        Self { kind, id, created_at: at, archived_at: None, touched: VecDeque::from([at]), properties: BTreeMap::new() }
    }

    /// Sets one value; says whether it differs from what was there.
    pub(crate) fn set(&mut self, name: &str, value: &str, at: Millis, by: By) -> bool {
        let versions = self.properties.entry(name.to_owned()).or_default();
        if versions.back().map_or("", |last| &last.value) == value {
            return false;
        }
        versions.push_back(Version { value: value.to_owned(), at, by });
        if versions.len() > VERSIONS {
            versions.pop_front();
        }
        true
    }

    pub(crate) fn touch(&mut self, at: Millis) {
        self.touched.push_back(at);
        if self.touched.len() > TOUCHES {
            self.touched.pop_front();
        }
    }

    pub(crate) fn updated_at(&self) -> Millis {
        self.touched.back().copied().unwrap_or(self.created_at)
    }

    /// The value of a property as it was at a time; `None` where it was never set.
    pub(crate) fn value_at(&self, name: &str, at: Millis) -> Option<String> {
        if name == "hs_object_id" {
            return Some(self.id.to_string());
        }
        if name == self.kind.modified_property() {
            let touched = self.touched.iter().rev().find(|touched| **touched <= at);
            return Some(clock::iso(touched.copied().unwrap_or(self.created_at)));
        }
        let set = self.properties.get(name).and_then(|versions| versions.iter().rev().find(|version| version.at <= at));
        match set {
            Some(version) => Some(version.value.clone()),
            None if name == self.kind.created_property() => Some(clock::iso(self.created_at)),
            None => None,
        }
    }

    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.value_at(name, Millis::MAX)
    }

    /// Every value that was set, the current one, "" where cleared.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&String, &String)> {
        self.properties.iter().filter_map(|(name, versions)| Some((name, &versions.back()?.value)))
    }

    /// As a read shows it.
    pub(crate) fn show(&self, shown: &Shown) -> Value {
        let mut body = self.show_at(&shown.properties, Millis::MAX);
        if let Some(fields) = body.as_object_mut().filter(|_| !shown.with_history.is_empty()) {
            let histories: Map<String, Value> =
                shown.with_history.iter().map(|name| (name.clone(), self.history(name))).collect();
            fields.insert("propertiesWithHistory".into(), Value::Object(histories));
        }
        body
    }

    /// As it was at a time: id, dates, and the named properties (`null` where never set).
    pub(crate) fn show_at(&self, names: &[String], at: Millis) -> Value {
        let always = [self.kind.created_property(), self.kind.modified_property(), "hs_object_id"];
        let defaults: &[&str] = if names.is_empty() { self.kind.default_properties() } else { &[] };
        let properties: Map<String, Value> = names
            .iter()
            .map(String::as_str)
            .chain(defaults.iter().copied())
            .chain(always)
            .map(|name| (name.to_owned(), json!(self.value_at(name, at))))
            .collect();
        let updated_at = self.touched.iter().rev().find(|touched| **touched <= at).copied().unwrap_or(self.created_at);
        let mut body = json!({
            "id": self.id.to_string(),
            "properties": properties,
            "createdAt": clock::iso(self.created_at),
            "updatedAt": clock::iso(updated_at),
            "archived": self.archived_at.is_some(),
        });
        if let (Some(archived_at), Some(fields)) = (self.archived_at, body.as_object_mut()) {
            fields.insert("archivedAt".into(), json!(clock::iso(archived_at)));
        }
        body
    }

    /// Newest first.
    fn history(&self, name: &str) -> Value {
        let versions = self.properties.get(name).into_iter().flatten().rev();
        versions
            .map(|version| {
                let source = match version.by {
                    By::Api => "INTEGRATION",
                    By::User => "CRM_UI",
                };
                json!({"value": version.value, "timestamp": clock::iso(version.at), "sourceType": source})
            })
            .collect()
    }
}
