//! How far one system is in step with a record: what differs, which way it travels, and what it changes. Pure rules only.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Event;
use crate::field::{FieldName, FieldValue, RemoteFields};
use crate::id::{IntegrationId, RecordId};
use crate::identity::Region;
use crate::kind::RecordKind;
use crate::mapping::{FieldMapping, Mapping};
use crate::policy::Ranks;
use crate::record::{Fields, Merged, Stamp};
use crate::schema;
use crate::time::Timestamp;

/// No field.
static NONE: BTreeSet<FieldName> = BTreeSet::new();

mod marks;
mod told;

pub use marks::NAMED;

#[cfg(test)]
mod tests;

/// What a link remembers of a system, in that system's own terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkState {
    /// The system's id of the object; `None` before the first contact.
    pub external_id: Option<String>,
    /// What we last wrote, or agreed that it holds.
    pub sent: RemoteFields,
    /// What it last showed.
    pub seen: RemoteFields,
    /// The time of the newest state that it showed.
    pub seen_at: Option<Timestamp>,
    /// When Coccinelle's backend last took what it was told; `None` for every other system.
    pub told_at: Option<Timestamp>,
}

/// An object as a platform shows it. A field that was not asked for, or not answered, is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteObject {
    /// The platform's id.
    pub external_id: String,
    /// Our key, where a write of ours left it there.
    pub key: Option<RecordId>,
    /// The platform's id of the contact that it belongs to, where it says so.
    pub contact: Option<String>,
    /// Its fields.
    pub fields: RemoteFields,
    /// When the platform says the object last changed.
    pub modified_at: Option<Timestamp>,
    /// When single fields changed, where the platform says so.
    pub field_times: BTreeMap<String, Timestamp>,
}

impl RemoteObject {
    fn time_of(&self, name: &str, read_at: Timestamp) -> Timestamp {
        let said = self.field_times.get(name).copied().or(self.modified_at);
        // No time may lie ahead of the moment at which we learnt of it.
        said.map_or(read_at, |at| at.min(read_at))
    }
}

/// Where and when a system's values reach us.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The integration they come by.
    pub origin: IntegrationId,
    /// What they are values of.
    pub kind: RecordKind,
    /// How much each of its fields is believed under the tenant's policy.
    pub ranks: &'a Ranks,
    /// When we read or accepted them.
    pub at: Timestamp,
    /// Fields of ours that came into the mapping since the link was in step: for these it is the first contact.
    pub anew: &'a BTreeSet<FieldName>,
}

impl<'a> Arrival<'a> {
    /// Values of fields that were all mapped before.
    #[must_use]
    pub fn new(origin: IntegrationId, kind: RecordKind, ranks: &'a Ranks, at: Timestamp) -> Self {
        Self { origin, kind, ranks, at, anew: &NONE }
    }

    /// Whether what is shown is nothing that our field may hold: text where there is a number, a word that is none of its words.
    /// It is left where it is, neither taken nor written over.
    fn leaves(&self, field: &FieldMapping, shown: &FieldValue, region: Region) -> bool {
        let spec = schema::find(self.kind, field.local.as_str());
        spec.zip(field.inverse(shown, region)).is_some_and(|(spec, ours)| !spec.may_hold(&ours))
    }

    /// The stamp of a field that became so at `at`.
    #[must_use]
    pub fn stamp(&self, field: &str, at: Timestamp) -> Stamp {
        Stamp { rank: self.ranks.of(field), at, origin: self.origin }
    }
}

/// What has to be written so that the platform holds `mapped`: only what differs from what was `sent`.
#[must_use]
pub fn outbound_difference(mapped: &RemoteFields, sent: &RemoteFields) -> RemoteFields {
    let differs = |(name, value): &(&String, &FieldValue)| sent.get(*name).unwrap_or(&FieldValue::Null) != *value;
    mapped.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Whether a field holds what it does before anybody has written it: nothing, or naught.
fn is_untouched(value: &FieldValue) -> bool {
    match value {
        FieldValue::Null => true,
        FieldValue::Number(number) => number.as_f64() == Some(0.0),
        FieldValue::List(items) => items.is_empty(),
        FieldValue::Bool(_) | FieldValue::Text(_) => false,
    }
}

impl LinkState {
    /// Takes an event of Coccinelle's backend: returns the stamped change, and remembers what was shown.
    ///
    /// Only fields that differ from what the backend last showed take the event's time, so that a whole object sent
    /// again does not re-stamp what nobody changed. Where the event says itself what changed, that is believed instead; what is
    /// news and was not changed by it became so at a time that another event may tell, or nobody: after it was told otherwise.
    pub fn take_event(&mut self, event: &Event, contact: Option<RecordId>, arrival: Arrival<'_>) -> Fields {
        let at = event.occurred_at.min(arrival.at);
        let is_newest = self.seen_at.is_none_or(|seen_at| at >= seen_at);
        let mut change = Fields::default();
        if let Some(deleted) = event.deleted() {
            let stamp = arrival.stamp(FieldName::DELETED, at);
            change.set(FieldName::new(FieldName::DELETED), FieldValue::Bool(deleted), stamp);
            if is_newest {
                self.show(FieldName::new(FieldName::DELETED), FieldValue::Bool(deleted), at);
            }
        }
        let contact = contact.map(|id| (FieldName::new(FieldName::CONTACT), FieldValue::text(id.to_string())));
        for (name, value) in event.values().into_iter().chain(contact) {
            let is_known = self.seen.contains_key(name.as_str());
            let said = event.says_changed(&name);
            if self.is_news(&name, &value, at, said) {
                let became_so = match said {
                    // At the earliest: another event changed it.
                    Some(false) => self.told_before(&name, at).map_or(Timestamp::UNIX_EPOCH, Timestamp::next),
                    Some(true) | None => at,
                };
                change.set(name.clone(), value.clone(), arrival.stamp(name.as_str(), became_so));
            }
            if is_newest || !is_known {
                self.show(name, value, at);
            }
        }
        if is_newest {
            self.seen_at = Some(at);
        }
        change
    }

    /// Takes what a platform shows: merges what is news into `record`, and remembers what was shown.
    ///
    /// At the first contact (no external id yet, or a field that is read anew) the platform's non-empty values stand and ours fill
    /// the gaps, unless the tenant believes somebody else more.
    pub fn take_remote(
        &mut self,
        record: &mut Fields,
        mapping: &Mapping,
        remote: &RemoteObject,
        arrival: Arrival<'_>,
    ) -> Merged {
        let is_first = self.external_id.is_none();
        let change = self.inbound_change(record, mapping, remote, arrival);
        let merged = record.merge(&change);
        for field in &mapping.fields {
            let Some(shown) = remote.fields.get(&field.remote) else { continue };
            let is_news = self.seen.get(&field.remote) != Some(shown);
            let adopting = is_first || arrival.anew.contains(&field.local);
            let ours = record.value(field.local.as_str());
            if arrival.leaves(field, shown, mapping.region) {
                if let Some(mapped) = field.forward(record, mapping.region).filter(|_| adopting) {
                    self.sent.insert(field.remote.clone(), mapped);
                }
                continue;
            }
            // Whatever the merge decided: where the record now stands for what is shown, nothing is owed; where ours
            // won, or fills a gap, it has to be written.
            if field.inverse(shown, mapping.region).as_ref() == Some(ours.unwrap_or(&FieldValue::Null)) {
                if let Some(mapped) = field.forward(record, mapping.region) {
                    self.sent.insert(field.remote.clone(), mapped);
                }
            } else if adopting || (is_news && field.direction.reads()) {
                self.sent.insert(field.remote.clone(), shown.clone());
            } else if is_news
                && field.direction.writes()
                && field.forward(record, mapping.region).as_ref() == Some(shown)
            {
                // It shows what we would write: parts of it were taken by other fields of ours.
                self.sent.insert(field.remote.clone(), shown.clone());
            }
        }
        // Only now: several fields of ours may be parts of one of theirs.
        let shown = mapping.fields.iter().filter_map(|field| remote.fields.get_key_value(&field.remote));
        self.seen.extend(shown.map(|(name, value)| (name.clone(), value.clone())));
        self.external_id = Some(remote.external_id.clone());
        self.seen_at = remote.modified_at.max(self.seen_at);
        merged
    }

    /// Of a kind that only goes out: what is shown otherwise than it was seen has been changed there, and is ours to write again.
    pub fn insist(&mut self, remote: &RemoteObject) {
        for (name, shown) in &remote.fields {
            let was_changed = self.seen.get(name).is_some_and(|seen| seen != shown);
            if let Some(sent) = self.sent.get_mut(name).filter(|_| was_changed) {
                sent.clone_from(shown);
            }
        }
    }

    /// The stamped change that `remote` means: the fields that are shown otherwise than they were seen.
    fn inbound_change(
        &self,
        record: &Fields,
        mapping: &Mapping,
        remote: &RemoteObject,
        arrival: Arrival<'_>,
    ) -> Fields {
        let is_first = self.external_id.is_none();
        let mut change = Fields::default();
        for field in &mapping.fields {
            let Some(shown) = remote.fields.get(&field.remote) else { continue };
            let is_anew = arrival.anew.contains(&field.local);
            let (adopting, seen) = (is_first || is_anew, self.seen.get(&field.remote).filter(|_| !is_anew));
            let is_gap = shown.is_null() && (adopting || seen.is_none());
            if seen == Some(shown) || is_gap || arrival.leaves(field, shown, mapping.region) {
                continue;
            }
            let Some(value) = field.inverse(shown, mapping.region) else { continue };
            let present = record.get(field.local.as_str());
            let stood_for = |value: &FieldValue| {
                // What it was made of, or what it says itself.
                self.still_holds(field, record, mapping.region)
                    || seen.and_then(|seen| field.inverse(seen, mapping.region)).as_ref() == Some(value)
            };
            let follows = present.is_some_and(|present| adopting || (seen.is_some() && stood_for(&present.value)));
            let said = remote.time_of(&field.remote, arrival.at);
            let at = match present {
                // It was made out of what the record held, so it comes after it, whatever the clocks say.
                Some(present) if follows => said.max(present.stamp.at.next()),
                Some(_) | None => said,
            };
            change.set(field.local.clone(), value, arrival.stamp(field.local.as_str(), at));
        }
        change
    }

    /// The fields of which this system knew what the record holds: what it says otherwise is a change of that, not a
    /// disagreement. The backend speaks in our terms, so it needs no mapping.
    #[must_use]
    pub fn knows(&self, record: &Fields, mapping: Option<&Mapping>) -> BTreeSet<FieldName> {
        let holds = |name: &FieldName, value: &FieldValue| match mapping {
            None => self.seen.get(name.as_str()) == Some(value),
            Some(mapping) => mapping.fields.iter().filter(|field| field.local == *name).any(|field| {
                let shown = self.seen.get(&field.remote).and_then(|seen| field.inverse(seen, mapping.region));
                self.still_holds(field, record, mapping.region) || shown.as_ref() == Some(value)
            }),
        };
        let known = record.iter().filter(|(name, stamped)| holds(name, &stamped.value));
        known.map(|(name, _)| name.clone()).collect()
    }

    /// Whether the record holds of a field what was last written of it. What the platform made of that may look otherwise; it is
    /// what it made of that value.
    fn still_holds(&self, field: &FieldMapping, record: &Fields, region: Region) -> bool {
        let sent = self.sent.get(&field.remote);
        sent.is_some() && field.forward(record, region).as_ref() == sent
    }

    /// Remembers a write: what was sent, and what the platform made of it. That is not news, and never changes the record.
    pub fn wrote(&mut self, external_id: &str, written: RemoteFields, shown: &RemoteFields) {
        self.external_id = Some(external_id.to_owned());
        for (name, value) in written {
            let shown = shown.get(&name).unwrap_or(&value).clone();
            self.seen.insert(name.clone(), shown);
            self.sent.insert(name, value);
        }
    }

    /// Takes up a write of ours whose outcome nobody knew, now that the object was read: what the platform shows for the
    /// fields that we meant to write is what it made of them, not news.
    ///
    /// Of an object that was there before, which was seen if it was not linked, only fields that show what was meant, or something
    /// else than they did: the rest was not written. Of one that was made then, a field in which nothing is was left to a call that was
    /// not made any more; it is still to be written, and that nothing is in it is not news. One that is never shown says nothing.
    pub fn take_up(&mut self, intended: &RemoteFields, remote: &RemoteObject) {
        let was_there = self.external_id.is_some() || !self.seen.is_empty();
        // What was never shown is as empty as what is shown to be.
        let value = |fields: &RemoteFields, name: &String| fields.get(name).filter(|value| !value.is_null()).cloned();
        let landed = |name: &String, meant: &FieldValue| {
            let is_meant = remote.fields.get(name) == Some(meant);
            // Of what is known to have been written, whatever is shown otherwise came afterwards.
            let is_known = self.sent.get(name) == Some(meant);
            !was_there || is_meant || (!is_known && value(&remote.fields, name) != value(&self.seen, name))
        };
        let written = intended.iter().filter(|(name, meant)| landed(name, meant));
        let mut written: RemoteFields = written.map(|(name, value)| (name.clone(), value.clone())).collect();
        for (name, shown) in remote.fields.iter().filter(|(_, shown)| !was_there && is_untouched(shown)) {
            if written.get(name).is_some_and(|meant| meant != shown) {
                written.remove(name);
                self.seen.insert(name.clone(), shown.clone());
            }
        }
        self.wrote(&remote.external_id, written, &remote.fields);
    }

    /// The same of an object that a create of ours may have made, or somebody else: it does not bear our key. What it shows as it was
    /// meant is not news, whoever wrote it; the rest is that of a first contact.
    pub fn recognize(&mut self, intended: &RemoteFields, remote: &RemoteObject) {
        let as_meant = remote.fields.iter().filter(|(name, shown)| intended.get(*name) == Some(*shown));
        self.seen.extend(as_meant.map(|(name, shown)| (name.clone(), shown.clone())));
    }

    /// Forgets the counterpart: it is gone, and what follows is a first contact again.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}
