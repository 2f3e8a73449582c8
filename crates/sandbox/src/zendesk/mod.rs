//! Zendesk, as its API answers: `https://acme.zendesk.com` is `/zendesk/acme` here.

mod errors;
mod export;
mod fields;
mod gate;
mod hooks;
mod oauth;
mod routes;
mod search;
mod show;
mod site;
mod tickets;
mod users;

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use site::Site;

use crate::{
    accounts::Accounts,
    desk::Desk,
    oauth::grants::Grants,
    people::Words,
    stand_in::{self, StandIn},
    tools::Tools,
};

pub(crate) const SLUG: &str = "zendesk";

/// A site's objects.
pub(crate) type Account = Desk<Site>;

/// All sites.
#[derive(Debug)]
pub(crate) struct Zendesk {
    accounts: Accounts<Account>,
    grants: Grants,
    tools: Arc<Tools>,
}

impl Zendesk {
    pub(crate) fn open(tools: &Arc<Tools>) -> Arc<Self> {
        Arc::new(Self { accounts: Accounts::default(), grants: Grants::marked(oauth::MARKS), tools: Arc::clone(tools) })
    }

    /// The site of that name; `None` where none can have it.
    fn site(&self, name: &str) -> Option<Arc<Account>> {
        let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (2..=63).contains(&name.len()) && name.bytes().all(is_sign) && !name.starts_with('-');
        is_name.then(|| self.accounts.get_or_make(name, || Desk::new(name, &self.tools)))
    }
}

impl StandIn for Zendesk {
    fn slug(&self) -> &'static str {
        SLUG
    }

    fn name(&self) -> &'static str {
        "Zendesk"
    }

    fn mount(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self)).configure(routes::configure);
    }

    fn accounts(&self) -> Vec<Arc<dyn stand_in::Account>> {
        self.accounts.all().into_iter().map(|account| -> Arc<dyn stand_in::Account> { account }).collect()
    }

    fn account(&self, id: &str) -> Option<Arc<dyn stand_in::Account>> {
        let account: Arc<dyn stand_in::Account> = self.site(id)?;
        Some(account)
    }

    fn clear(&self) {
        self.accounts.clear();
        self.grants.clear();
    }

    fn own_switches(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (site::LIMIT, "Requêtes / min"),
            (site::EXPORT_LAG, "Retard de l'export (ms)"),
            (site::AS_END_USER, "Consentement d'un utilisateur final"),
        ]
    }

    fn words(&self) -> Words {
        Words { kinds: &["users"], emails: &["/email"], phones: &["/phone"], keys: &["/external_id"] }
    }
}
