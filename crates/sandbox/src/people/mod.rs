//! How many people the journal says a platform holds, and how many were created twice. Counted from
//! the journal alone, so that no table of anybody's has a say in it.

pub(crate) mod phone;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use serde::Serialize;

use crate::journal::{Action, By, Entry};

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
    properties: BTreeMap<String, String>,
    created_at: u64,
    by_api: bool,
    archived_at: Option<u64>,
}

impl Contact {
    fn is_there_at(&self, seq: u64) -> bool {
        self.created_at < seq && self.archived_at.is_none_or(|archived| archived > seq)
    }

    /// What says who this is. Two contacts that share any of these are one person.
    fn keys(&self) -> Vec<(&'static str, String)> {
        let get = |name: &str| self.properties.get(name).map_or("", |value| value.trim());
        let mut keys = vec![
            ("email", get("email").to_lowercase()),
            ("phone", phone::key(get("phone"))),
            ("phone", phone::key(get("mobilephone"))),
            ("coccinelle_id", get("coccinelle_id").to_owned()),
        ];
        keys.retain(|(_, value)| !value.is_empty());
        keys
    }
}

/// Counts the people in these entries, which are one account's, in order.
pub(crate) fn count(entries: &[Arc<Entry>]) -> People {
    let contacts = contacts(entries);
    let roots = group(&contacts);
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

fn contacts(entries: &[Arc<Entry>]) -> Vec<Contact> {
    let mut order = Vec::new();
    let mut by_id: HashMap<&str, Contact> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.object_type == "contacts") {
        let contact = by_id.entry(&entry.id).or_default();
        match entry.action {
            Action::Created => {
                order.push(entry.id.as_str());
                contact.created_at = entry.seq;
                contact.by_api = entry.by == By::Api;
            }
            Action::Archived => contact.archived_at = Some(entry.seq),
            Action::Updated | Action::Associated | Action::Disassociated | Action::PropertyCreated => {}
        }
        contact.properties.extend(entry.properties.clone());
    }
    let mut seen = HashSet::new();
    order.retain(|id| seen.insert(*id));
    order.into_iter().filter_map(|id| by_id.remove(id)).collect()
}

/// For each contact the index of one that stands for its person: union-find over the shared keys.
fn group(contacts: &[Contact]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..contacts.len()).collect();
    let mut first_with: HashMap<(&'static str, String), usize> = HashMap::new();
    for (index, contact) in contacts.iter().enumerate() {
        for key in contact.keys() {
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
    use super::*;
    use crate::journal::Platform;

    fn entry(seq: u64, id: &str, action: Action, properties: &[(&str, &str)]) -> Arc<Entry> {
        Arc::new(Entry {
            seq,
            at: 0,
            platform: Platform::Hubspot,
            account: "1".into(),
            object_type: "contacts".into(),
            action,
            id: id.into(),
            by: By::Api,
            properties: properties.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            stored: BTreeMap::new(),
            to: None,
            definition: None,
        })
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
