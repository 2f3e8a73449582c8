//! The accounts' switches and webhook targets, remembered in a file beside the journal so that a
//! restarted sandbox still knows whom to call.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{sender::Webhook, stand_in::Account, world::World};

/// What is remembered of one account besides its data.
#[derive(Debug, Deserialize, Serialize)]
struct AccountSettings {
    platform: String,
    account: String,
    faults: Map<String, Value>,
    webhook: Option<Webhook>,
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
    pub(crate) fn save(&self, world: &World) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut settings = Vec::new();
        for stand_in in &world.stand_ins {
            let of = |account: &dyn Account| AccountSettings {
                platform: stand_in.slug().to_owned(),
                account: account.id(),
                faults: account.faults().switches(),
                webhook: account.webhook(),
            };
            settings.extend(stand_in.accounts().iter().map(|account| of(account.as_ref())));
        }
        let draft = path.with_extension("draft");
        std::fs::write(&draft, serde_json::to_vec_pretty(&settings)?)?;
        std::fs::rename(draft, path)
    }

    /// Sets the accounts to what was saved. A file that cannot be read is left alone and reported:
    /// the data matter more than the switches.
    pub(crate) fn restore(&self, world: &World) {
        let Some(path) = self.path.as_ref().filter(|path| path.exists()) else { return };
        let read = std::fs::read(path);
        match read.and_then(|bytes| Ok(serde_json::from_slice::<Vec<AccountSettings>>(&bytes)?)) {
            Ok(settings) => settings.into_iter().for_each(|settings| lay(world, settings)),
            Err(error) => tracing::warn!(%error, path = %path.display(), "the saved settings were not read"),
        }
    }
}

fn lay(world: &World, settings: AccountSettings) {
    let Some(account) = world.account(&settings.platform, &settings.account) else { return };
    account.set_webhook(settings.webhook);
    let mut faults = account.faults();
    match faults.merge(settings.faults) {
        Ok(()) => account.set_faults(faults),
        Err(error) => tracing::warn!(%error, account = settings.account, "the saved switches were not read"),
    }
}
