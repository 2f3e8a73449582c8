//! Calls that workflows ask for: none is let through whose path leads elsewhere than it says.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use connectors::account::{Account, Learnt, Unlimited};
use connectors::connector::Connector;
use connectors::http::{Client, Method, Reach};
use connectors::proxy::Forward;
use connectors::registry;
use domain::credentials::Credentials;
use domain::workflow::Action;
use serde::Deserialize;
use serde_json::Value;

static ACCOUNTS: LazyLock<Vec<(&'static dyn Connector, Account)>> = LazyLock::new(accounts);

/// What a workflow asks for, and the object that it is about.
#[derive(Deserialize)]
struct Asked {
    action: Action,
    method: String,
    path: String,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    own: Option<String>,
}

pub(crate) fn run(data: &[u8]) {
    let Ok(Asked { action, method, path, query, body, own }) = serde_json::from_slice(data) else { return };
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    // The platform's, not the workflow's: what platforms number their objects with.
    let own = own.filter(|own| !own.is_empty() && own.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let call = Forward { method, path, query, body };
    for (connector, account) in ACCOUNTS.iter() {
        let Some(proxy) = connector.proxy() else { continue };
        if proxy.admit(account, action, &call, own.as_deref()).is_some() {
            let strays = call.path.split('/').any(|part| matches!(part, "" | "." | ".."));
            assert!(!strays, "{}: {call:?}", account.platform);
        }
    }
}

fn accounts() -> Vec<(&'static dyn Connector, Account)> {
    let http = Client::new(Duration::from_secs(1), Reach::Anywhere).expect("a client can be set up");
    let connectors = registry::all().iter().map(|platform| platform.connector());
    connectors.map(|connector| (connector, account(connector, http.clone()))).collect()
}

fn account(connector: &'static dyn Connector, http: Client) -> Account {
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
