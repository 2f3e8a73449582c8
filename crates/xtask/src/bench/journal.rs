//! What the sandbox's journal says of contacts that were created, and when. How many there should be is not known here.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use reqwest::Url;
use serde::Deserialize;

use crate::session::{Service, Session};

/// Reads the journal from where it was read last.
#[derive(Debug)]
pub(super) struct Journal {
    client: reqwest::Client,
    url: Url,
    read: u64,
}

/// A contact that was created on the platform.
#[derive(Debug)]
pub(super) struct Created {
    /// By the sandbox's clock, which is this machine's, in whole milliseconds.
    pub(super) at: DateTime<Utc>,
    /// Empty where the contact was created without one.
    pub(super) email: String,
    /// The id of our record, where whoever created the contact wrote it there.
    pub(super) record: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    seq: u64,
    at: DateTime<Utc>,
    object_type: String,
    action: String,
    #[serde(default)]
    properties: Properties,
}

#[derive(Default, Deserialize)]
struct Properties {
    #[serde(default)]
    email: String,
    coccinelle_id: Option<String>,
}

impl Journal {
    /// Everything that is in the journal by now counts as read.
    ///
    /// # Errors
    /// Fails when the sandbox does not answer.
    pub(super) async fn from_now(session: &Session) -> anyhow::Result<Self> {
        Self::reading(session, "").await
    }

    /// The same of one account alone.
    ///
    /// # Errors
    /// Fails when the sandbox does not answer.
    pub(super) async fn of(session: &Session, portal: &str) -> anyhow::Result<Self> {
        Self::reading(session, &format!("?platform=hubspot&account={portal}")).await
    }

    async fn reading(session: &Session, selection: &str) -> anyhow::Result<Self> {
        let url = Url::parse(&format!("{}/_sandbox/journal{selection}", session.url(Service::Sandbox)))?;
        let mut journal = Self { client: session.client().clone(), url, read: 0 };
        journal.news().await?;
        Ok(journal)
    }

    /// The contacts that were created since.
    ///
    /// # Errors
    /// Fails when the sandbox does not answer with a journal.
    pub(super) async fn news(&mut self) -> anyhow::Result<Vec<Created>> {
        let mut created = Vec::new();
        loop {
            let request = self.client.get(self.url.clone()).query(&[("after", self.read)]);
            let response = request.send().await?.error_for_status()?;
            let entries: Vec<Entry> = response.json().await.context("the sandbox shows no journal")?;
            let Some(last) = entries.last() else { return Ok(created) };
            self.read = last.seq;
            let contacts =
                entries.into_iter().filter(|entry| entry.object_type == "contacts" && entry.action == "created");
            created.extend(contacts.map(
                |Entry { at, properties: Properties { email, coccinelle_id: record }, .. }| Created {
                    at,
                    email,
                    record,
                },
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_entry_as_the_sandbox_writes_it() {
        let text = r#"{"seq":7,"at":"2026-11-22T10:00:00.123Z","platform":"hubspot","account":"4242",
            "object_type":"contacts","action":"created","id":"1","by":"api","properties":{"email":"a@example.fr","coccinelle_id":"rec_1"}}"#;
        let entry: Entry = serde_json::from_str(text).unwrap();
        assert_eq!((entry.seq, entry.at.timestamp_subsec_millis()), (7, 123));
        assert_eq!(entry.properties.email, "a@example.fr");
        assert_eq!(entry.properties.coccinelle_id.as_deref(), Some("rec_1"));
    }
}
