//! Calls that workflows ask for: none is let through whose path leads elsewhere than it says.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use connectors::account::Account;
use connectors::connector::Connector;
use connectors::http::{Client, Method, Reach};
use connectors::proxy::Forward;
use connectors::registry;
use domain::workflow::Action;
use serde::Deserialize;
use serde_json::Value;

use crate::account;

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
    connectors.map(|connector| (connector, account::open(connector, http.clone()))).collect()
}
