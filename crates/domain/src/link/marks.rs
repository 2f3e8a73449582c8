//! What `sent` remembers of a counterpart beside its fields: under names that no field has.

use std::time::Duration;

use super::LinkState;
use crate::field::FieldValue;
use crate::time::Timestamp;

/// Where `sent` remembers when the counterpart was made again; no platform has a field of this name.
const MADE_AGAIN: &str = "→made-again";

/// Where `sent` remembers that a counterpart which vanished is to stay away.
const UNLINKED: &str = "→unlinked";

/// Where `sent` remembers by which version of the mapping the object was read when that had fields that were taken anew.
const READ_BY: &str = "→read-by";

/// Where `sent` remembers the contact that the object names there, as long as no record stands for it.
pub const NAMED: &str = "→named";

impl LinkState {
    /// Forgets a counterpart that vanished, and remembers when that was.
    pub fn forget_vanished(&mut self, now: Timestamp) {
        self.forget();
        self.sent.insert(MADE_AGAIN.to_owned(), FieldValue::text(now.to_string()));
    }

    /// Whether a counterpart before this one had vanished less than `ago` before `now`.
    #[must_use]
    pub fn was_made_again(&self, now: Timestamp, ago: Duration) -> bool {
        let at = self.sent.get(MADE_AGAIN).and_then(FieldValue::as_text).and_then(Timestamp::parse);
        at.is_some_and(|at| at.until(now) < ago)
    }

    /// Notes that fields which are taken anew were taken by this version of the mapping, whatever becomes of the link.
    pub fn note_read_by(&mut self, version: i64) {
        self.sent.insert(READ_BY.to_owned(), FieldValue::text(version.to_string()));
    }

    /// The newest version of the mapping that was noted so; 0 where none was.
    #[must_use]
    pub fn read_by(&self) -> i64 {
        let noted = self.sent.get(READ_BY).and_then(FieldValue::as_text);
        noted.and_then(|version| version.parse().ok()).unwrap_or_default()
    }

    /// Remembers the contact that the object names and for which no record stands, or that there is none.
    pub fn note_named(&mut self, contact: Option<&str>) {
        match contact {
            Some(contact) => self.sent.insert(NAMED.to_owned(), FieldValue::text(contact)),
            None => self.sent.remove(NAMED),
        };
    }

    /// The contact that was remembered so.
    #[must_use]
    pub fn named(&self) -> Option<&str> {
        self.sent.get(NAMED).and_then(FieldValue::as_text)
    }

    /// Leaves the counterpart as it is, gone, for good.
    pub fn unlink(&mut self) {
        self.sent.insert(UNLINKED.to_owned(), FieldValue::Bool(true));
    }

    /// Takes that back.
    pub fn relink(&mut self) {
        self.sent.remove(UNLINKED);
    }

    /// Whether nothing more is written for it.
    #[must_use]
    pub fn is_unlinked(&self) -> bool {
        self.sent.contains_key(UNLINKED)
    }
}
