//! The append-only list of every write that was applied, and its file. It knows entries, not what
//! they mean to a platform: each platform replays its own.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::{self, Millis};

/// What was done.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Created,
    Updated,
    Archived,
    Associated,
    Disassociated,
    PropertyCreated,
}

/// Who did it: a program through the API, or a person in the platform's own pages.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    Api,
    User,
}

/// The other end of an association.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Target {
    pub(crate) object_type: String,
    pub(crate) id: String,
    pub(crate) type_id: u32,
}

/// One write, complete enough to be applied again to an empty account.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Entry {
    /// 1, 2, 3 … over all platforms and accounts; 0 until it is appended.
    pub(crate) seq: u64,
    #[serde(with = "iso_time")]
    pub(crate) at: Millis,
    /// The stand-in's slug.
    pub(crate) platform: String,
    pub(crate) account: String,
    pub(crate) object_type: String,
    pub(crate) action: Action,
    pub(crate) id: String,
    pub(crate) by: By,
    /// The values as they were written by the caller, where the platform keeps text only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) properties: BTreeMap<String, String>,
    /// Where the platform made something else of a written value: what it made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) stored: BTreeMap<String, String>,
    /// The values that were written, where the platform keeps JSON: they replace those of the same names.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) fields: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<Target>,
    /// A new property's definition, in the platform's own form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) definition: Option<Value>,
}

impl Entry {
    /// A write without values yet: at which platform's account, when, to which object, what and by whom.
    pub(crate) fn new(
        (platform, account): (&str, &str),
        at: Millis,
        (object_type, id): (&str, String),
        (action, by): (Action, By),
    ) -> Self {
        Self {
            seq: 0,
            at,
            platform: platform.to_owned(),
            account: account.to_owned(),
            object_type: object_type.to_owned(),
            action,
            id,
            by,
            properties: BTreeMap::new(),
            stored: BTreeMap::new(),
            fields: Map::new(),
            to: None,
            definition: None,
        }
    }

    /// The values as the platform keeps them.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (&String, &String)> {
        self.properties.iter().map(|(name, written)| (name, self.stored.get(name).unwrap_or(written)))
    }
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    pub(crate) platform: Option<String>,
    pub(crate) account: Option<String>,
    /// Only entries with a greater `seq`.
    #[serde(default)]
    pub(crate) after: u64,
    /// At most so many; 1,000 when nothing is said.
    pub(crate) limit: Option<usize>,
}

impl Selection {
    fn takes(&self, entry: &Entry) -> bool {
        self.platform.as_ref().is_none_or(|platform| *platform == entry.platform)
            && self.account.as_ref().is_none_or(|account| *account == entry.account)
    }
}

#[derive(Debug, Default)]
struct Book {
    entries: Vec<Arc<Entry>>,
    file: Option<File>,
}

/// The journal: in memory, and in a file where one was named.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    book: Mutex<Book>,
}

impl Journal {
    /// Opens the file, reading what it holds. A last line cut short by a crash is dropped: the write
    /// it stood for was never answered.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let whole = text.rfind('\n').map_or(0, |end| end.saturating_add(1));
        let entries = text
            .get(..whole)
            .unwrap_or_default()
            .lines()
            .map(|line| serde_json::from_str(line).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
        Ok(Self { book: Mutex::new(Book { entries, file: Some(file) }) })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers the entry and appends it. Called under the account's lock, so that the order here is
    /// the order in which the account changed.
    pub(crate) fn append(&self, mut entry: Entry) {
        let mut book = self.book();
        entry.seq = book.entries.last().map_or(1, |last| last.seq.saturating_add(1));
        if let Some(file) = book.file.as_mut()
            && let Err(error) = append_line(file, &entry)
        {
            tracing::error!(%error, "the journal's file could not be written");
        }
        book.entries.push(Arc::new(entry));
    }

    pub(crate) fn select(&self, selection: &Selection) -> Vec<Arc<Entry>> {
        let book = self.book();
        let start = book.entries.partition_point(|entry| entry.seq <= selection.after);
        let limit = selection.limit.unwrap_or(1_000);
        book.entries.iter().skip(start).filter(|entry| selection.takes(entry)).take(limit).cloned().collect()
    }

    /// The newest entries, newest first.
    pub(crate) fn latest(&self, count: usize) -> Vec<Arc<Entry>> {
        self.book().entries.iter().rev().take(count).cloned().collect()
    }

    /// Forgets everything, in the file too.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let mut book = self.book();
        book.entries.clear();
        book.file.as_ref().map_or(Ok(()), |file| file.set_len(0))
    }
}

fn append_line(file: &mut File, entry: &Entry) -> io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    file.write_all(&line)
}

mod iso_time {
    //! A time in the journal is ISO 8601 text, for whoever reads the file.

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{Millis, clock};

    pub(super) fn serialize<S: Serializer>(at: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&clock::iso(*at))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
        let text = String::deserialize(deserializer)?;
        clock::parse(&text).ok_or_else(|| D::Error::custom("not an ISO 8601 time"))
    }
}
