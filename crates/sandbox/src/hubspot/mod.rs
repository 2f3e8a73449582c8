//! HubSpot, as its API answers: `https://api.hubapi.com` is `/hubspot` here, and so is
//! `https://app.hubspot.com` for the consent page.

mod account;
mod app;
mod associations;
mod batch;
mod changes;
mod errors;
mod filters;
mod gate;
mod hand;
mod kinds;
mod oauth;
mod objects;
mod properties;
mod record;
mod routes;
mod search;
mod seed;
mod subscriptions;
mod validation;
mod webhooks;

use std::sync::Arc;

use account::Account;
use actix_web::web::{Data, ServiceConfig};
use app::App;
use errors::ApiError;
use record::Record;

use crate::{
    accounts::Accounts,
    oauth::grants::Grants,
    people::Words,
    stand_in::{self, StandIn},
    tools::Tools,
};

pub(crate) const SLUG: &str = "hubspot";

/// All accounts ("portals"), and who was let in.
#[derive(Debug)]
pub(crate) struct HubSpot {
    accounts: Accounts<Account>,
    app: Arc<App>,
    grants: Grants,
    tools: Arc<Tools>,
}

impl HubSpot {
    pub(crate) fn open(tools: &Arc<Tools>) -> Arc<Self> {
        let grants = Grants::marked(oauth::MARKS);
        Arc::new(Self { accounts: Accounts::default(), app: Arc::default(), grants, tools: Arc::clone(tools) })
    }

    fn portal(&self, portal: u64) -> Arc<Account> {
        let make = || Account::new(portal, Arc::clone(&self.tools), Arc::clone(&self.app));
        self.accounts.get_or_make(&portal.to_string(), make)
    }
}

impl StandIn for HubSpot {
    fn slug(&self) -> &'static str {
        SLUG
    }

    fn name(&self) -> &'static str {
        "HubSpot"
    }

    fn mount(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self)).configure(routes::configure);
    }

    fn accounts(&self) -> Vec<Arc<dyn stand_in::Account>> {
        self.accounts.all().into_iter().map(|account| -> Arc<dyn stand_in::Account> { account }).collect()
    }

    fn account(&self, id: &str) -> Option<Arc<dyn stand_in::Account>> {
        let portal: u64 = id.parse().ok()?;
        Some(self.portal(portal))
    }

    fn clear(&self) {
        self.accounts.clear();
        self.app.clear();
        self.grants.clear();
    }

    fn own_switches(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("rate_limit_per_10s", "Requêtes / 10 s"),
            ("search_limit_per_s", "Recherches / s"),
            (account::UNIQUE_PROPERTIES, "Propriétés uniques"),
        ]
    }

    fn words(&self) -> Words {
        Words {
            kinds: &["contacts"],
            emails: &["/email"],
            phones: &["/phone", "/mobilephone"],
            keys: &["/coccinelle_id"],
        }
    }
}
