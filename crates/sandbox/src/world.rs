//! Everything a running sandbox holds: the journal, the platforms' accounts, the requests, the webhook sender.

use std::sync::Arc;

use crate::{
    hubspot::HubSpot,
    journal::{Journal, Platform, Selection},
    requests::Requests,
    sender::Sender,
    settings::SettingsFile,
};

/// Shared by all requests.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) journal: Arc<Journal>,
    pub(crate) hubspot: HubSpot,
    pub(crate) sender: Sender,
    pub(crate) settings: SettingsFile,
    pub(crate) requests: Requests,
}

impl World {
    /// Rebuilds every account from the journal and lays the remembered settings over them.
    pub(crate) fn rebuild(journal: Journal, settings: SettingsFile, sender: Sender) -> Self {
        let journal = Arc::new(journal);
        let hubspot = HubSpot::new(Arc::clone(&journal), sender.clone());
        let all = Selection { platform: Some(Platform::Hubspot), limit: Some(usize::MAX), ..Selection::default() };
        for entry in journal.select(&all) {
            hubspot.replay(&entry);
        }
        settings.restore(&hubspot);
        Self { journal, hubspot, sender, settings, requests: Requests::default() }
    }

    /// Back to an empty world, in the files too.
    pub(crate) fn reset(&self) -> std::io::Result<()> {
        self.hubspot.clear();
        self.requests.clear();
        self.settings.save(&self.hubspot)?;
        self.journal.clear()
    }
}
