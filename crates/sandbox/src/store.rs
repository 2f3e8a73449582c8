//! One account's objects as JSON: what each holds now, what it held a moment ago, which are gone. What a
//! platform makes of a write is decided before; here it is only kept.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};

use crate::{
    clock::Millis,
    journal::{Action, Entry},
};

/// How many versions back a lagging index can be told apart.
const VERSIONS: usize = 20;

/// An object of some kind.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) id: u64,
    pub(crate) created_at: Millis,
    pub(crate) removed_at: Option<Millis>,
    versions: VecDeque<(Millis, Map<String, Value>)>,
    none: Map<String, Value>,
}

impl Object {
    fn new(id: u64, at: Millis) -> Self {
        Self { id, created_at: at, removed_at: None, versions: VecDeque::new(), none: Map::new() }
    }

    /// Lays the fields over those that are there. What is to be merged deeper, the platform merges before.
    fn set(&mut self, fields: &Map<String, Value>, at: Millis) {
        let mut now = self.fields().clone();
        now.extend(fields.clone());
        self.versions.push_back((at, now));
        if self.versions.len() > VERSIONS {
            self.versions.pop_front();
        }
    }

    pub(crate) fn fields(&self) -> &Map<String, Value> {
        self.versions.back().map_or(&self.none, |(_, fields)| fields)
    }

    pub(crate) fn updated_at(&self) -> Millis {
        self.versions.back().map_or(self.created_at, |(at, _)| *at)
    }

    /// What it held at a time and since when; `None` where it was not there yet.
    pub(crate) fn at(&self, time: Millis) -> Option<(Millis, &Map<String, Value>)> {
        self.versions.iter().rev().find(|(at, _)| *at <= time).map(|(at, fields)| (*at, fields))
    }

    /// The value behind a JSON pointer.
    pub(crate) fn value(&self, pointer: &str) -> Option<&Value> {
        find(self.fields(), pointer)
    }

    /// The text behind a JSON pointer; "" where there is none.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.value(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

/// `Value::pointer` for the fields of an object.
pub(crate) fn find<'a>(fields: &'a Map<String, Value>, pointer: &str) -> Option<&'a Value> {
    let path = pointer.strip_prefix('/')?;
    let (first, rest) = path.find('/').map_or((path, ""), |end| path.split_at(end));
    fields.get(first)?.pointer(rest)
}

/// All objects of an account.
#[derive(Debug)]
pub(crate) struct Store {
    shelves: BTreeMap<String, BTreeMap<u64, Object>>,
    /// What the next object is to be called.
    pub(crate) next_id: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self { shelves: BTreeMap::new(), next_id: 101 }
    }
}

impl Store {
    /// Applies one write. Entries that make no sense change nothing: the journal is a file that people edit.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        let Ok(id) = entry.id.parse::<u64>() else { return };
        let shelf = self.shelves.entry(entry.object_type.clone()).or_default();
        match entry.action {
            Action::Created => {
                self.next_id = self.next_id.max(id.saturating_add(1));
                let mut object = Object::new(id, entry.at);
                object.set(&entry.fields, entry.at);
                shelf.insert(id, object);
            }
            Action::Updated => {
                if let Some(object) = shelf.get_mut(&id) {
                    object.set(&entry.fields, entry.at);
                }
            }
            Action::Archived => {
                if let Some(object) = shelf.get_mut(&id) {
                    object.removed_at = Some(entry.at);
                }
            }
            Action::Associated | Action::Disassociated | Action::PropertyCreated => {}
        }
    }

    /// An object, whether it is still there or not.
    pub(crate) fn any(&self, kind: &str, id: u64) -> Option<&Object> {
        self.shelves.get(kind)?.get(&id)
    }

    /// An object that is there.
    pub(crate) fn get(&self, kind: &str, id: u64) -> Option<&Object> {
        self.any(kind, id).filter(|object| object.removed_at.is_none())
    }

    /// All objects of a kind that were there once, by id.
    pub(crate) fn gone(&self, kind: &str) -> impl Iterator<Item = &Object> {
        let shelf = self.shelves.get(kind).into_iter().flat_map(BTreeMap::values);
        shelf.filter(|object| object.removed_at.is_some())
    }

    /// All objects of a kind that are there, by id.
    pub(crate) fn all(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Object> {
        let shelf = self.shelves.get(kind).into_iter().flat_map(BTreeMap::values);
        shelf.filter(|object| object.removed_at.is_none())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn an_object_shows_what_it_held_before_its_last_change() {
        let mut object = Object::new(7, 1_000);
        object.set(&fields(json!({"a": 1, "b": {"c": "x"}})), 1_000);
        object.set(&fields(json!({"a": 2})), 2_000);
        assert_eq!(object.value("/a"), Some(&json!(2)));
        assert_eq!((object.text("/b/c"), object.text("/b/d"), object.text("/z")), ("x", "", ""));
        assert_eq!(object.at(1_999).unwrap().1.get("a"), Some(&json!(1)));
        assert!(object.at(999).is_none());
        assert_eq!(object.updated_at(), 2_000);
    }
}
