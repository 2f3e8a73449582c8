//! How many people the journal says a platform holds, and how many were created twice. Counted from
//! the journal alone, so that no table of anybody's has a say in it.

pub(crate) mod phone;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde::Serialize;

use serde_json::{Map, Value};

use crate::{
    journal::{Action, By, Entry},
    store,
};

/// Where a platform's journal says who somebody is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    /// The kinds of objects that are people.
    pub(crate) kinds: &'static [&'static str],
    /// JSON pointers into what was written.
    pub(crate) emails: &'static [&'static str],
    pub(crate) phones: &'static [&'static str],
    /// Anything else that two objects of one person share.
    pub(crate) keys: &'static [&'static str],
}

/// The count.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub(crate) struct People {
    /// Distinct people with a contact that is there now.
    pub(crate) in_crm: usize,
    /// Distinct people who ever had a contact.
    pub(crate) people: usize,
    /// Contacts created by the API while the same person had one already.
    pub(crate) duplicates: usize,
    /// Contacts that are there now.
    pub(crate) contacts: usize,
}

#[derive(Default)]
struct Contact {
    values: Map<String, Value>,
    created_at: u64,
    by_api: bool,
    archived_at: Option<u64>,
}

impl Contact {
    fn is_there_at(&self, seq: u64) -> bool {
        self.created_at < seq && self.archived_at.is_none_or(|archived| archived > seq)
    }

    /// What says who this is. Two contacts that share any of these are one person.
    fn keys(&self, words: &Words) -> Vec<(&'static str, String)> {
        let get = |pointer: &str| store::find(&self.values, pointer).and_then(Value::as_str).unwrap_or_default().trim();
        let emails = words.emails.iter().map(|pointer| ("email", get(pointer).to_lowercase()));
        let phones = words.phones.iter().map(|pointer| ("phone", phone::key(get(pointer))));
        let others = words.keys.iter().map(|pointer| (*pointer, get(pointer).to_owned()));
        let mut keys: Vec<_> = emails.chain(phones).chain(others).collect();
        keys.retain(|(_, value)| !value.is_empty());
        keys
    }
}

/// Counts the people in these entries, which are one account's, in order.
pub(crate) fn count(entries: &[Arc<Entry>], words: &Words) -> People {
    let contacts = contacts(entries, words);
    let roots = group(&contacts, words);
    let mut people: HashMap<usize, Vec<&Contact>> = HashMap::new();
    for (contact, root) in contacts.iter().zip(roots) {
        people.entry(root).or_default().push(contact);
    }
    let there = |contact: &&&Contact| contact.archived_at.is_none();
    People {
        in_crm: people.values().filter(|group| group.iter().any(|contact| there(&contact))).count(),
        people: people.len(),
        duplicates: people.values().map(|group| created_again(group)).sum(),
        contacts: contacts.iter().filter(|contact| contact.archived_at.is_none()).count(),
    }
}

/// A contact created after the person's former one was archived is no duplicate; one archived later
/// still is.
fn created_again(group: &[&Contact]) -> usize {
    let again = |contact: &&&Contact| contact.by_api && group.iter().any(|other| other.is_there_at(contact.created_at));
    group.iter().filter(again).count()
}

fn contacts(entries: &[Arc<Entry>], words: &Words) -> Vec<Contact> {
    let mut order = Vec::new();
    let mut by_id: HashMap<(&str, &str), Contact> = HashMap::new();
    for entry in entries.iter().filter(|entry| words.kinds.contains(&entry.object_type.as_str())) {
        let contact = by_id.entry((&entry.object_type, &entry.id)).or_default();
        match entry.action {
            Action::Created => {
                order.push((entry.object_type.as_str(), entry.id.as_str()));
                contact.created_at = entry.seq;
                contact.by_api = entry.by == By::Api;
            }
            Action::Archived => contact.archived_at = Some(entry.seq),
            Action::Updated | Action::Associated | Action::Disassociated | Action::PropertyCreated => {}
        }
        let texts = entry.properties.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str())));
        contact.values.extend(texts.chain(entry.fields.clone()));
    }
    let mut seen = HashSet::new();
    order.retain(|id| seen.insert(*id));
    order.into_iter().filter_map(|id| by_id.remove(&id)).collect()
}

/// For each contact the index of one that stands for its person: union-find over the shared keys.
fn group(contacts: &[Contact], words: &Words) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..contacts.len()).collect();
    let mut first_with: HashMap<(&'static str, String), usize> = HashMap::new();
    for (index, contact) in contacts.iter().enumerate() {
        for key in contact.keys(words) {
            let other = *first_with.entry(key).or_insert(index);
            let (root, other_root) = (find(&mut parents, index), find(&mut parents, other));
            if let Some(parent) = parents.get_mut(root) {
                *parent = other_root;
            }
        }
    }
    (0..contacts.len()).map(|index| find(&mut parents, index)).collect()
}

fn find(parents: &mut [usize], mut index: usize) -> usize {
    while let Some(parent) = parents.get(index).copied().filter(|parent| *parent != index) {
        let above = parents.get(parent).copied().unwrap_or(parent);
        if let Some(slot) = parents.get_mut(index) {
            *slot = above;
        }
        index = parent;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::{Action, Arc, By, Entry, People, Words};

    fn entry(seq: u64, id: &str, action: Action, properties: &[(&str, &str)]) -> Arc<Entry> {
        let properties = properties.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let entry = Entry::new(("hubspot", "1"), 0, ("contacts", id.into()), (action, By::Api));
        Arc::new(Entry { seq, properties, ..entry })
    }

    fn count(entries: &[Arc<Entry>]) -> People {
        let words = Words { kinds: &["contacts"], emails: &["/email"], phones: &["/phone", "/mobilephone"], keys: &[] };
        super::count(entries, &words)
    }

    #[test]
    fn a_third_contact_can_show_that_two_strangers_are_one() {
        let two = [
            entry(1, "a", Action::Created, &[("email", "Zoé@x.fr")]),
            entry(2, "b", Action::Created, &[("phone", "06 12 34 56 78")]),
        ];
        assert_eq!(count(&two), People { in_crm: 2, people: 2, duplicates: 0, contacts: 2 });
        let mut three = two.to_vec();
        three.push(entry(3, "c", Action::Created, &[("email", "zoé@X.FR"), ("mobilephone", "+33612345678")]));
        assert_eq!(count(&three), People { in_crm: 1, people: 1, duplicates: 2, contacts: 3 });
    }

    #[test]
    fn creating_anew_after_a_deletion_is_no_duplicate_but_deleting_one_afterwards_hides_none() {
        let anew = [
            entry(1, "a", Action::Created, &[("email", "a@x.fr")]),
            entry(2, "a", Action::Archived, &[]),
            entry(3, "b", Action::Created, &[("email", "a@x.fr")]),
        ];
        assert_eq!(count(&anew), People { in_crm: 1, people: 1, duplicates: 0, contacts: 1 });
        let hidden = [
            entry(1, "a", Action::Created, &[("email", "a@x.fr")]),
            entry(2, "b", Action::Created, &[("email", "a@x.fr")]),
            entry(3, "b", Action::Archived, &[]),
        ];
        assert_eq!(count(&hidden).duplicates, 1);
    }

    #[test]
    fn a_contact_is_who_its_last_values_say() {
        let moved = [
            entry(1, "a", Action::Created, &[("email", "a@x.fr")]),
            entry(2, "a", Action::Updated, &[("email", "b@x.fr")]),
            entry(3, "b", Action::Created, &[("email", "a@x.fr")]),
        ];
        assert_eq!(count(&moved).people, 2);
    }
}
