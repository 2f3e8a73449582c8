//! The accounts' switches and webhook targets, remembered in a file beside the journal so that a
//! restarted sandbox still knows whom to call.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{faults::Faults, hubspot::HubSpot, sender::Webhook};

/// What is remembered of one account besides its data.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct AccountSettings {
    pub(crate) faults: Faults,
    pub(crate) webhook: Option<Webhook>,
}

/// The file, where there is one.
#[derive(Debug, Default)]
pub(crate) struct SettingsFile {
    path: Option<PathBuf>,
}

impl SettingsFile {
    pub(crate) fn beside(journal: &Path) -> Self {
        let mut name = journal.as_os_str().to_owned();
        name.push(".settings.json");
        Self { path: Some(name.into()) }
    }

    /// Writes what the accounts are set to now.
    pub(crate) fn save(&self, hubspot: &HubSpot) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let settings: BTreeMap<u64, AccountSettings> =
            hubspot.accounts().iter().map(|account| (account.portal, account.settings())).collect();
        let draft = path.with_extension("draft");
        std::fs::write(&draft, serde_json::to_vec_pretty(&settings)?)?;
        std::fs::rename(draft, path)
    }

    /// Sets the accounts to what was saved. A file that cannot be read is left alone and reported:
    /// the data matter more than the switches.
    pub(crate) fn restore(&self, hubspot: &HubSpot) {
        let Some(path) = self.path.as_ref().filter(|path| path.exists()) else { return };
        let read = std::fs::read(path);
        match read.and_then(|bytes| Ok(serde_json::from_slice::<BTreeMap<u64, AccountSettings>>(&bytes)?)) {
            Ok(settings) => {
                for (portal, settings) in settings {
                    hubspot.account(portal).set(settings);
                }
            }
            Err(error) => tracing::warn!(%error, path = %path.display(), "the saved settings were not read"),
        }
    }
}
