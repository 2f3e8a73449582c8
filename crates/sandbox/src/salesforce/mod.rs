//! Salesforce, as its API answers: `https://login.salesforce.com` is `/salesforce` here, and an organisation's own address is
//! `/salesforce/<organisation>`, by its id of 18 characters.

mod collections;
mod describe;
mod errors;
mod gate;
mod ids;
mod messages;
mod oauth;
mod org;
mod query;
mod routes;
mod schema;
mod setup;
mod sobjects;
mod soql;

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use org::Org;

use crate::{
    accounts::Accounts,
    desk::Desk,
    oauth::grants::Grants,
    people::Words,
    stand_in::{self, StandIn},
    tools::Tools,
};

pub(crate) const SLUG: &str = "salesforce";

/// An organisation's objects.
pub(crate) type Account = Desk<Org>;

/// All organisations.
#[derive(Debug)]
pub(crate) struct Salesforce {
    accounts: Accounts<Account>,
    grants: Grants,
    tools: Arc<Tools>,
}

impl Salesforce {
    pub(crate) fn open(tools: &Arc<Tools>) -> Arc<Self> {
        Arc::new(Self { accounts: Accounts::default(), grants: Grants::marked(oauth::MARKS), tools: Arc::clone(tools) })
    }

    /// The organisation of that id; `None` where none can have it.
    fn org(&self, id: &str) -> Option<Arc<Account>> {
        ids::is_organisation(id).then(|| self.accounts.get_or_make(id, || Desk::new(id, &self.tools)))
    }
}

impl StandIn for Salesforce {
    fn slug(&self) -> &'static str {
        SLUG
    }

    fn name(&self) -> &'static str {
        "Salesforce"
    }

    fn mount(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self)).configure(routes::configure);
    }

    fn accounts(&self) -> Vec<Arc<dyn stand_in::Account>> {
        self.accounts.all().into_iter().map(|account| -> Arc<dyn stand_in::Account> { account }).collect()
    }

    fn account(&self, id: &str) -> Option<Arc<dyn stand_in::Account>> {
        let account: Arc<dyn stand_in::Account> = self.org(id)?;
        Some(account)
    }

    fn clear(&self) {
        self.accounts.clear();
        self.grants.clear();
    }

    fn own_switches(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (org::DAILY, "Requêtes par jour"),
            (org::PAGE, "Lignes par page"),
            (org::NO_KEY, "sans champ Coccinelle_Id__c"),
            (org::NO_SIGHT, "sans droit de voir la configuration"),
            (org::NO_CHANGE, "sans droit de modifier la configuration"),
        ]
    }

    fn words(&self) -> Words {
        Words { kinds: &["Contact", "Lead"], emails: &["/Email"], phones: &["/Phone"], keys: &["/Coccinelle_Id__c"] }
    }
}
