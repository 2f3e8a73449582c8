//! What the sandbox's journal of writes says of contacts and deals, read from where it was read last.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

use crate::session::{PORTAL, Service, Session};

/// The contacts that there are, by their ids, with their properties.
pub(super) type Contacts = BTreeMap<String, BTreeMap<String, String>>;

/// What may tell who a contact is: its address, its telephone number.
pub(super) fn identifiers(contact: &BTreeMap<String, String>) -> impl Iterator<Item = &String> {
    ["email", "phone"].into_iter().filter_map(move |property| contact.get(property))
}

/// What is there, as far as the journal was read.
#[derive(Debug, Default)]
pub(super) struct Journal {
    read: u64,
    pub(super) contacts: Contacts,
    /// The name of every deal that was ever created.
    pub(super) deals: Vec<String>,
}

#[derive(Deserialize)]
struct Entry {
    seq: u64,
    object_type: String,
    action: String,
    id: String,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

impl Journal {
    /// Reads on.
    ///
    /// # Errors
    /// Fails when the sandbox does not answer with a journal.
    pub(super) async fn go_on(&mut self, session: &Session) -> anyhow::Result<()> {
        let account = format!("platform=hubspot&account={PORTAL}&after={}&limit=100000000", self.read);
        let url = format!("{}/_sandbox/journal?{account}", session.url(Service::Sandbox));
        let answer = session.client().get(url).send().await?.error_for_status()?;
        let entries: Vec<Entry> = answer.json().await.context("the sandbox has no journal")?;
        for entry in entries {
            self.read = self.read.max(entry.seq);
            self.note(entry);
        }
        Ok(())
    }

    fn note(&mut self, mut entry: Entry) {
        match (entry.object_type.as_str(), entry.action.as_str()) {
            ("contacts", "created" | "updated") => {
                self.contacts.entry(entry.id).or_default().extend(entry.properties);
            }
            ("contacts", "archived") => drop(self.contacts.remove(&entry.id)),
            ("deals", "created") => self.deals.extend(entry.properties.remove("dealname")),
            _ => {}
        }
    }
}
