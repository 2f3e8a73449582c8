//! Everything a running sandbox holds: the tools, the stand-ins with their accounts, the remembered settings.

use std::sync::Arc;

use crate::{
    journal::Selection,
    settings::SettingsFile,
    stand_in::{self, Account, StandIn},
    tools::Tools,
};

/// Shared by all requests.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) tools: Arc<Tools>,
    pub(crate) stand_ins: Vec<Arc<dyn StandIn>>,
    pub(crate) settings: SettingsFile,
}

impl World {
    /// Rebuilds every account from the journal and lays the remembered settings over them.
    pub(crate) fn rebuild(tools: Tools, settings: SettingsFile) -> Self {
        let tools = Arc::new(tools);
        let world = Self { stand_ins: stand_in::all(&tools), tools, settings };
        for entry in world.tools.journal.select(&Selection { limit: Some(usize::MAX), ..Selection::default() }) {
            match world.account(&entry.platform, &entry.account) {
                Some(account) => account.replay(&entry),
                None => tracing::warn!(seq = entry.seq, "the journal names an account that cannot be"),
            }
        }
        world.settings.restore(&world);
        world
    }

    pub(crate) fn stand_in(&self, slug: &str) -> Option<&Arc<dyn StandIn>> {
        self.stand_ins.iter().find(|stand_in| stand_in.slug() == slug)
    }

    pub(crate) fn account(&self, slug: &str, id: &str) -> Option<Arc<dyn Account>> {
        self.stand_in(slug)?.account(id)
    }

    /// Back to an empty world, in the files too.
    pub(crate) fn reset(&self) -> std::io::Result<()> {
        for stand_in in &self.stand_ins {
            stand_in.clear();
        }
        self.tools.requests.clear();
        self.settings.save(self)?;
        self.tools.journal.clear()
    }
}
