//! HubSpot, as its API answers: `https://api.hubapi.com` is `/hubspot` here, and so is
//! `https://app.hubspot.com` for the consent page.

mod account;
mod associations;
mod batch;
mod changes;
mod errors;
mod filters;
mod gate;
pub(crate) mod grants;
pub(crate) mod kinds;
mod limits;
mod oauth;
mod objects;
mod properties;
mod record;
mod routes;
mod search;
mod seed;
mod validation;
pub(crate) mod webhooks;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

pub(crate) use account::Account;
pub(crate) use errors::ApiError;
pub(crate) use record::Record;
pub(crate) use routes::configure;
pub(crate) use validation::read_values;

use crate::{
    journal::{Entry, Journal},
    sender::Sender,
};

/// All accounts ("portals"), each made when it is first spoken of.
#[derive(Debug)]
pub(crate) struct HubSpot {
    accounts: RwLock<BTreeMap<u64, Arc<Account>>>,
    pub(crate) grants: grants::Grants,
    journal: Arc<Journal>,
    sender: Sender,
}

impl HubSpot {
    pub(crate) fn new(journal: Arc<Journal>, sender: Sender) -> Self {
        Self { accounts: RwLock::default(), grants: grants::Grants::default(), journal, sender }
    }

    pub(crate) fn account(&self, portal: u64) -> Arc<Account> {
        if let Some(account) = self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(&portal) {
            return Arc::clone(account);
        }
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Account::new(portal, Arc::clone(&self.journal), self.sender.clone()));
        Arc::clone(accounts.entry(portal).or_insert_with(make))
    }

    pub(crate) fn accounts(&self) -> Vec<Arc<Account>> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Applies a write from the journal without telling anybody.
    pub(crate) fn replay(&self, entry: &Entry) {
        match entry.account.parse() {
            Ok(portal) => self.account(portal).replay(entry),
            Err(_) => tracing::warn!(account = entry.account, "the journal names an account that is no portal"),
        }
    }

    pub(crate) fn clear(&self) {
        self.accounts.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.grants.clear();
    }
}
