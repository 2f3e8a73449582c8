//! Pipedrive, as its API answers: `https://api.pipedrive.com` is `/pipedrive` here, and so is
//! `https://oauth.pipedrive.com`; a company's own address is `/pipedrive` as well.

mod bodies;
mod company;
mod errors;
mod fields;
mod gate;
mod hooks;
mod listing;
mod oauth;
mod objects;
mod recents;
mod routes;
mod search;
mod show;

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use company::Company;

use crate::{
    accounts::Accounts,
    desk::Desk,
    oauth::grants::Grants,
    people::Words,
    stand_in::{self, StandIn},
    tools::Tools,
};

pub(crate) const SLUG: &str = "pipedrive";

/// A company's objects.
pub(crate) type Account = Desk<Company>;

/// All companies.
#[derive(Debug)]
pub(crate) struct Pipedrive {
    accounts: Accounts<Account>,
    grants: Grants,
    tools: Arc<Tools>,
}

impl Pipedrive {
    pub(crate) fn open(tools: &Arc<Tools>) -> Arc<Self> {
        Arc::new(Self { accounts: Accounts::default(), grants: Grants::marked(oauth::MARKS), tools: Arc::clone(tools) })
    }

    fn company(&self, id: u64) -> Arc<Account> {
        let id = id.to_string();
        self.accounts.get_or_make(&id, || Desk::new(&id, &self.tools))
    }
}

impl StandIn for Pipedrive {
    fn slug(&self) -> &'static str {
        SLUG
    }

    fn name(&self) -> &'static str {
        "Pipedrive"
    }

    fn mount(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self)).configure(routes::configure);
    }

    fn accounts(&self) -> Vec<Arc<dyn stand_in::Account>> {
        self.accounts.all().into_iter().map(|account| -> Arc<dyn stand_in::Account> { account }).collect()
    }

    fn account(&self, id: &str) -> Option<Arc<dyn stand_in::Account>> {
        let id: u64 = id.parse().ok()?;
        Some(self.company(id))
    }

    fn clear(&self) {
        self.accounts.clear();
        self.grants.clear();
    }

    fn own_switches(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (company::BURST, "Requêtes / 2 s"),
            (company::SEARCHES, "Recherches / 2 s"),
            (company::DAILY, "Jetons par jour"),
            (company::NO_FIELDS, "sans droit de créer des champs"),
        ]
    }

    fn words(&self) -> Words {
        Words { kinds: &["persons"], emails: &["/emails/0/value"], phones: &["/phones/0/value"], keys: &[] }
    }
}
