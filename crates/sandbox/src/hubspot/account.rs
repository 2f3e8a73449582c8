//! One portal: its tables, its switches, and the lock around them. Applying a journal entry is the
//! only way in which data change, live and when the journal is read again.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;

use super::{App, Record, changes::Changes, kinds::Kind, properties::Definition, seed, webhooks::AppWebhook};
use crate::{
    faults::Faults,
    journal::{Action, By, Entry},
    limits::Window,
    oauth::SINGLE_USE,
    sender::Carrier,
    tools::Tools,
};

/// One object type's objects and properties.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) records: BTreeMap<u64, Record>,
    pub(crate) definitions: BTreeMap<String, Definition>,
    /// (property, value in lower case) of unique properties, to the object that has it.
    pub(crate) unique: HashMap<(String, String), u64>,
}

impl Table {
    fn seeded(kind: Kind) -> Self {
        let definitions =
            seed::properties(kind).into_iter().map(|definition| (definition.name.clone(), definition)).collect();
        Self { records: BTreeMap::new(), definitions, unique: HashMap::new() }
    }

    /// Which object holds this value of a unique property.
    pub(crate) fn holder(&self, property: &str, value: &str) -> Option<u64> {
        self.unique.get(&(property.to_owned(), value.trim().to_lowercase())).copied()
    }

    fn is_unique(&self, property: &str) -> bool {
        self.definitions.get(property).is_some_and(|definition| definition.unique)
    }

    fn forget(&mut self, property: &str, value: &str, id: u64) {
        let key = (property.to_owned(), value.to_lowercase());
        if self.unique.get(&key) == Some(&id) {
            self.unique.remove(&key);
        }
    }

    /// Sets an object's values and returns those that changed.
    fn set(&mut self, id: u64, entry: &Entry) -> Vec<(String, String)> {
        let mut changed = Vec::new();
        for (name, value) in entry.kept() {
            let Some(record) = self.records.get_mut(&id) else { break };
            let before = record.value(name).unwrap_or_default();
            if record.set(name, value, entry.at, entry.by) {
                changed.push((name.clone(), value.clone()));
                if self.is_unique(name) {
                    self.forget(name, &before, id);
                    if !value.is_empty() {
                        self.unique.insert((name.clone(), value.to_lowercase()), id);
                    }
                }
            }
        }
        changed
    }

    fn archive(&mut self, id: u64, entry: &Entry) {
        let Some(record) = self.records.get_mut(&id) else { return };
        record.archived_at = Some(entry.at);
        record.touch(entry.at);
        let values: Vec<(String, String)> =
            record.values().map(|(name, value)| (name.clone(), value.clone())).collect();
        for (name, value) in values {
            self.forget(&name, &value, id);
        }
    }
}

/// Everything behind the lock.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) faults: Faults,
    /// Where all changes are told, whatever the app is subscribed to.
    pub(crate) webhook: Option<Arc<AppWebhook>>,
    /// Whether our app was let in, by a grant that was used since the sandbox began.
    pub(crate) lets_app_in: bool,
    pub(crate) requests: Window,
    pub(crate) searches: Window,
    pub(crate) served: u64,
    pub(crate) next_id: u64,
    /// Both directions of every association.
    pub(crate) ties: BTreeSet<(Kind, u64, Kind, u64)>,
    contacts: Table,
    deals: Table,
    calls: Table,
}

impl State {
    fn new() -> Self {
        Self {
            faults: default_faults(),
            webhook: None,
            lets_app_in: false,
            requests: Window::of(Duration::from_secs(10)),
            searches: Window::of(Duration::from_secs(1)),
            served: 0,
            next_id: 101,
            ties: BTreeSet::new(),
            contacts: Table::seeded(Kind::Contact),
            deals: Table::seeded(Kind::Deal),
            calls: Table::seeded(Kind::Call),
        }
    }

    pub(crate) const fn table(&self, kind: Kind) -> &Table {
        match kind {
            Kind::Contact => &self.contacts,
            Kind::Deal => &self.deals,
            Kind::Call => &self.calls,
        }
    }

    const fn table_mut(&mut self, kind: Kind) -> &mut Table {
        match kind {
            Kind::Contact => &mut self.contacts,
            Kind::Deal => &mut self.deals,
            Kind::Call => &mut self.calls,
        }
    }

    /// An object that is there and not archived.
    pub(crate) fn live(&self, kind: Kind, id: u64) -> Option<&Record> {
        self.table(kind).records.get(&id).filter(|record| record.archived_at.is_none())
    }

    /// The objects of a kind that are there and not archived, by id.
    pub(crate) fn lives(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Record> {
        self.table(kind).records.values().filter(|record| record.archived_at.is_none())
    }

    /// The objects of one kind tied to this one.
    pub(crate) fn tied(&self, (kind, id): (Kind, u64), to: Kind) -> impl Iterator<Item = u64> {
        self.ties.range((kind, id, to, 0)..=(kind, id, to, u64::MAX)).map(|(_, _, _, other)| *other)
    }

    /// Applies one write and returns the values that it changed. Entries that make no sense change
    /// nothing: the journal is a file that people edit.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Vec<(String, String)> {
        let Ok(kind) = Kind::parse(&entry.object_type) else { return Vec::new() };
        if entry.action == Action::PropertyCreated {
            let read = entry.definition.clone().map(serde_json::from_value::<Definition>);
            if let Some(Ok(definition)) = read {
                self.table_mut(kind).definitions.insert(definition.name.clone(), definition);
            }
            return Vec::new();
        }
        let Ok(id) = entry.id.parse::<u64>() else { return Vec::new() };
        match entry.action {
            Action::Created => {
                self.next_id = self.next_id.max(id.saturating_add(1));
                self.table_mut(kind).records.insert(id, Record::new(kind, id, entry.at));
                self.table_mut(kind).set(id, entry)
            }
            Action::Updated => {
                if let Some(record) = self.table_mut(kind).records.get_mut(&id) {
                    record.touch(entry.at);
                }
                self.table_mut(kind).set(id, entry)
            }
            Action::Archived => {
                self.table_mut(kind).archive(id, entry);
                Vec::new()
            }
            Action::Associated | Action::Disassociated => {
                self.tie((kind, id), entry);
                Vec::new()
            }
            Action::PropertyCreated => Vec::new(),
        }
    }

    fn tie(&mut self, (kind, id): (Kind, u64), entry: &Entry) {
        let Some(to) = &entry.to else { return };
        let (Ok(to_kind), Ok(to_id)) = (Kind::parse(&to.object_type), to.id.parse::<u64>()) else { return };
        for tie in [(kind, id, to_kind, to_id), (to_kind, to_id, kind, id)] {
            if entry.action == Action::Associated {
                self.ties.insert(tie);
            } else {
                self.ties.remove(&tie);
            }
        }
    }
}

/// How many unique properties of its own an object type may have; 0 leaves no room for anybody's key.
pub(crate) const UNIQUE_PROPERTIES: &str = "unique_properties";

/// A professional account's limits, and the usual lag of its index.
fn default_faults() -> Faults {
    let limits = [("rate_limit_per_10s", 190), ("search_limit_per_s", 5), (UNIQUE_PROPERTIES, 10)];
    let limits = limits.map(|(name, most)| (name, most.into()));
    let own = limits.into_iter().chain([(SINGLE_USE, false.into())]);
    Faults {
        search_lag_ms: 2_000,
        access_token_seconds: 1_800,
        own: own.map(|(name, value)| (name.to_owned(), value)).collect(),
        ..Faults::default()
    }
}

/// A portal.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) portal: u64,
    pub(crate) tools: Arc<Tools>,
    app: Arc<App>,
    state: Mutex<State>,
}

impl Account {
    pub(crate) fn new(portal: u64, tools: Arc<Tools>, app: Arc<App>) -> Self {
        Self { portal, tools, app, state: Mutex::new(State::new()) }
    }

    /// Never held across an await.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// Changes switches, windows and counters: what is not journalled.
    pub(crate) fn adjust<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.lock())
    }

    /// Changes data: journalled, and told by webhook.
    pub(crate) fn write<T>(&self, by: By, work: impl FnOnce(&mut Changes<'_>) -> T) -> T {
        let mut state = self.lock();
        let mut changes = Changes::new(self, &mut state, by);
        let outcome = work(&mut changes);
        let events = changes.finish();
        let app = if state.lets_app_in { self.app.told(&events) } else { None };
        // Whoever is told of everything is told of the types that have events of their own.
        let own = |event: &Value| event.get("objectTypeId").is_none();
        let all = state.webhook.as_ref().map(|webhook| (Arc::clone(webhook), events.into_iter().filter(own).collect()));
        for (webhook, events) in app.into_iter().chain(all) {
            let carrier: Arc<dyn Carrier> = webhook;
            self.tools.sender.send((super::SLUG, &self.portal.to_string()), &carrier, events);
        }
        outcome
    }
}
