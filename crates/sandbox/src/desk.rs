//! An account whose objects are JSON: its lock, its switches, its ledger. What a platform accepts, shows and
//! tells is its own part, given by [`Trade`]; a platform that keeps other things has an account of its own.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Value};

use crate::{
    clock::{self, Millis},
    faults::Faults,
    journal::{Action, By, Entry},
    sender::{Carrier, Webhook},
    stand_in::{Account, Refused, Row, Sheet},
    store::{Object, Store},
    tools::Tools,
};

/// A kind of objects, and what of them the page shows: a name and a JSON pointer for each column.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) kind: &'static str,
    pub(crate) columns: &'static [(&'static str, &'static str)],
}

/// What a person does in the platform's own pages.
#[derive(Debug)]
pub(crate) enum Hand {
    Create(Map<String, Value>),
    Update(u64, Map<String, Value>),
    Remove(u64),
}

/// What makes one platform's accounts different from another's.
pub(crate) trait Trade: Debug + Sized + 'static {
    const SLUG: &'static str;
    const SHELVES: &'static [Shelf];

    /// What is passed on to the app because the law lets people ask for it: its topics, with their names for people.
    const COMPLIANCE: &'static [(&'static str, &'static str)] = &[];

    /// What an account holds besides its objects and is not journalled: windows, counters.
    type Own: Debug + Default + Send;

    /// The switches as they stand at first.
    fn faults() -> Faults;

    /// Does what the hand does, by the platform's own rules, and returns the object's id.
    fn do_by_hand(ledger: &mut Ledger<'_, Self>, kind: &'static str, hand: Hand) -> Result<u64, Refused>;

    /// Passes on to the app a request of one of the topics of [`Self::COMPLIANCE`], about an object where it is about one.
    fn request_compliance(_ledger: &mut Ledger<'_, Self>, topic: &str, _about: Option<u64>) -> Result<(), Refused> {
        Err(Refused::new(404, format!("nobody can ask for {topic} here")))
    }
}

/// Everything behind the lock.
#[derive(Debug)]
pub(crate) struct State<T: Trade> {
    pub(crate) faults: Faults,
    pub(crate) webhook: Option<Arc<Webhook>>,
    pub(crate) store: Store,
    pub(crate) own: T::Own,
}

/// One account.
#[derive(Debug)]
pub(crate) struct Desk<T: Trade> {
    pub(crate) id: String,
    pub(crate) tools: Arc<Tools>,
    state: Mutex<State<T>>,
}

impl<T: Trade> Desk<T> {
    pub(crate) fn new(id: &str, tools: &Arc<Tools>) -> Self {
        let state = State { faults: T::faults(), webhook: None, store: Store::default(), own: T::Own::default() };
        Self { id: id.to_owned(), tools: Arc::clone(tools), state: Mutex::new(state) }
    }

    /// Never held across an await.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read<R>(&self, look: impl FnOnce(&State<T>) -> R) -> R {
        look(&self.lock())
    }

    /// Changes switches, windows and counters: what is not journalled.
    pub(crate) fn adjust<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        change(&mut self.lock())
    }

    /// Changes data: journalled, and told to whom the work says.
    pub(crate) fn write<R>(&self, by: By, work: impl FnOnce(&mut Ledger<'_, T>) -> R) -> R {
        let mut state = self.lock();
        let mut ledger = Ledger { desk: self, state: &mut state, by, now: clock::now(), letters: Vec::new() };
        let outcome = work(&mut ledger);
        for (carrier, events) in ledger.letters {
            self.tools.sender.send((T::SLUG, &self.id), &carrier, events);
        }
        outcome
    }
}

/// The writes of one request, made under the account's lock.
pub(crate) struct Ledger<'a, T: Trade> {
    pub(crate) desk: &'a Desk<T>,
    pub(crate) state: &'a mut State<T>,
    pub(crate) by: By,
    pub(crate) now: Millis,
    letters: Vec<(Arc<dyn Carrier>, Vec<Value>)>,
}

impl<T: Trade> Ledger<'_, T> {
    pub(crate) fn create(&mut self, kind: &'static str, fields: Map<String, Value>) -> u64 {
        let id = self.state.store.next_id;
        self.enter(kind, Action::Created, id, fields);
        id
    }

    /// Lays these fields over the object's.
    pub(crate) fn update(&mut self, kind: &'static str, id: u64, fields: Map<String, Value>) {
        self.enter(kind, Action::Updated, id, fields);
    }

    pub(crate) fn remove(&mut self, kind: &'static str, id: u64) {
        self.enter(kind, Action::Archived, id, Map::new());
    }

    /// Sent once the work is done.
    pub(crate) fn tell(&mut self, carrier: Arc<dyn Carrier>, events: Vec<Value>) {
        self.letters.push((carrier, events));
    }

    fn enter(&mut self, kind: &'static str, action: Action, id: u64, fields: Map<String, Value>) {
        let about = (T::SLUG, self.desk.id.as_str());
        let entry = Entry { fields, ..Entry::new(about, self.now, (kind, id.to_string()), (action, self.by)) };
        self.state.store.apply(&entry);
        self.desk.tools.journal.append(entry);
    }
}

fn shelf<T: Trade>(kind: &str) -> Option<&'static Shelf> {
    T::SHELVES.iter().find(|shelf| shelf.kind == kind)
}

fn known<T: Trade>(kind: &str) -> Result<&'static str, Refused> {
    shelf::<T>(kind).map(|shelf| shelf.kind).ok_or_else(|| Refused::new(404, format!("no objects are called {kind}")))
}

fn number(id: &str) -> Result<u64, Refused> {
    id.parse().ok().ok_or_else(|| Refused::new(404, format!("{id} is no object's id")))
}

fn row(shelf: &Shelf, object: &Object) -> Row {
    let shown = |pointer: &str| match object.value(pointer) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => other.to_string(),
    };
    Row {
        id: object.id.to_string(),
        values: shelf.columns.iter().map(|(_, pointer)| shown(pointer)).collect(),
        updated_at: clock::iso(object.updated_at()),
    }
}

impl<T: Trade> Account for Desk<T>
where
    Self: Send + Sync,
{
    fn id(&self) -> String {
        self.id.clone()
    }

    fn replay(&self, entry: &Entry) {
        self.lock().store.apply(entry);
    }

    fn faults(&self) -> Faults {
        self.read(|state| state.faults.clone())
    }

    fn set_faults(&self, faults: Faults) {
        self.adjust(|state| state.faults = faults);
    }

    fn adjust_faults(&self, change: &mut dyn FnMut(&mut Faults)) {
        self.adjust(|state| change(&mut state.faults));
    }

    fn webhook(&self) -> Option<Webhook> {
        self.read(|state| state.webhook.as_deref().cloned())
    }

    fn set_webhook(&self, webhook: Option<Webhook>) {
        self.adjust(|state| state.webhook = webhook.map(Arc::new));
    }

    fn shelves(&self) -> Vec<(&'static str, usize)> {
        self.read(|state| T::SHELVES.iter().map(|shelf| (shelf.kind, state.store.all(shelf.kind).count())).collect())
    }

    fn sheet(&self, kind: &str, skip: usize, take: usize) -> Option<Sheet> {
        let shelf = shelf::<T>(kind)?;
        let rows = self.read(|state| {
            state.store.all(shelf.kind).rev().skip(skip).take(take).map(|object| row(shelf, object)).collect()
        });
        Some(Sheet { kind: shelf.kind, columns: shelf.columns.iter().map(|(name, _)| *name).collect(), rows })
    }

    fn create(&self, kind: &str, rows: Vec<Map<String, Value>>) -> Result<Vec<String>, Refused> {
        let kind = known::<T>(kind)?;
        self.write(By::User, |ledger| {
            let created = rows.into_iter().map(|fields| T::do_by_hand(ledger, kind, Hand::Create(fields)));
            created.map(|made| made.map(|id| id.to_string())).collect()
        })
    }

    fn update(&self, kind: &str, id: &str, fields: Map<String, Value>) -> Result<(), Refused> {
        let hand = Hand::Update(number(id)?, fields);
        let kind = known::<T>(kind)?;
        self.write(By::User, |ledger| T::do_by_hand(ledger, kind, hand)).map(|_| ())
    }

    fn remove(&self, kind: &str, id: &str) -> Result<(), Refused> {
        let hand = Hand::Remove(number(id)?);
        let kind = known::<T>(kind)?;
        self.write(By::User, |ledger| T::do_by_hand(ledger, kind, hand)).map(|_| ())
    }

    fn compliance(&self) -> &'static [(&'static str, &'static str)] {
        T::COMPLIANCE
    }

    fn request_compliance(&self, topic: &str, about: Option<&str>) -> Result<(), Refused> {
        let about = about.map(number).transpose()?;
        self.write(By::User, |ledger| T::request_compliance(ledger, topic, about))
    }
}
