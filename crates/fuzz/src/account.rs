//! An account of a platform, as a connector is given one.

use std::collections::BTreeMap;
use std::sync::Arc;

use connectors::account::{Account, Learnt, Unlimited};
use connectors::connector::Connector;
use connectors::http::Client;
use domain::credentials::Credentials;

/// One of which nothing is known yet.
pub(crate) fn open(connector: &dyn Connector, http: Client) -> Account {
    let credentials = Credentials::Bearer { access_token: "token".into() };
    Account {
        platform: connector.descriptor().slug.parse().expect("a connector's slug is one"),
        account_id: Some("4242".to_owned()),
        base_url: "https://api.example.com/".parse().expect("an address is one"),
        shown: connector.shown(&credentials),
        credentials,
        http,
        budget: Arc::new(Unlimited),
        learnt: Learnt::default(),
        options: BTreeMap::new(),
        region: domain::identity::HOME,
    }
}
