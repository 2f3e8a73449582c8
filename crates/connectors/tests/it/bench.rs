//! A stand-in with an account in it: what every behaviour test begins with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connectors::account::{Account, Learnt, Unlimited};
use connectors::connector::{Changes, Connector, Create, Probe, Reader, Wanted, Writer};
use connectors::discovery::Discovery;
use connectors::http::{Client, Reach};
use connectors::registry::Platform;
use connectors::subscriptions::{self, Mended, Target};
use domain::credentials::Credentials;
use domain::field::{FieldValue, RemoteFields};
use domain::id::RecordId;
use domain::time::Timestamp;
use sandbox::{Options, Running};
use serde_json::{Value, json};
use url::Url;

/// An account at a platform's stand-in.
#[derive(Clone, Copy)]
pub(crate) struct Stand {
    pub(crate) platform: Platform,
    pub(crate) account: &'static str,
    pub(crate) key: &'static str,
    /// The other half of the key, where there is one.
    pub(crate) secret: Option<&'static str>,
    /// Where the account is below the stand-in.
    pub(crate) path: &'static str,
    /// Where its consent page is below the stand-in.
    pub(crate) door: &'static str,
    /// Switches that lift every limit and lag.
    pub(crate) calm: fn() -> Value,
    /// What people are there, and somebody with that address as it is typed there.
    pub(crate) people: (&'static str, fn(&str) -> Value),
}

pub(crate) const HUBSPOT: Stand = Stand {
    platform: Platform::HubSpot,
    account: "4242",
    key: "pat-eu1-4242-secret",
    secret: None,
    path: "",
    door: "",
    calm: || json!({"search_lag_ms": 0, "rate_limit_per_10s": 100_000}),
    people: ("contacts", |email| json!({ "email": email })),
};

pub(crate) const PIPEDRIVE: Stand = Stand {
    platform: Platform::Pipedrive,
    account: "900",
    key: "pd-900-secret",
    secret: None,
    path: "",
    door: "",
    calm: || json!({"search_lag_ms": 0, "rate_limit_per_2s": null, "search_limit_per_2s": null}),
    people: ("persons", |email| json!({"name": "Anne Petit", "email": email})),
};

pub(crate) const SALESFORCE: Stand = Stand {
    platform: Platform::Salesforce,
    account: "00D000000000001EAA",
    key: "00D000000000001EAA!secret",
    secret: None,
    path: "/00D000000000001EAA",
    door: "",
    calm: || json!({}),
    people: ("Contact", |email| json!({"LastName": "Petit", "Email": email})),
};

pub(crate) const SHOPIFY: Stand = Stand {
    platform: Platform::Shopify,
    account: "acme",
    key: "shpat_acme_secret",
    secret: None,
    path: "/acme",
    door: "/acme",
    calm: || json!({"search_lag_ms": 0, "restore_rate": 100_000, "bucket_size": 100_000}),
    people: ("customers", |email| json!({ "email": email })),
};

pub(crate) const WOOCOMMERCE: Stand = Stand {
    platform: Platform::WooCommerce,
    account: "demo",
    key: "ck_1111111111111111111111111111111111111111",
    secret: Some("cs_1111111111111111111111111111111111111111"),
    path: "/demo",
    door: "",
    calm: || json!({}),
    people: ("customers", |email| json!({ "email": email })),
};

pub(crate) const ZENDESK: Stand = Stand {
    platform: Platform::Zendesk,
    account: "acme",
    key: "zd-acme-secret",
    secret: None,
    path: "/acme",
    door: "/acme",
    calm: || json!({"search_lag_ms": 0, "rate_limit_per_minute": null, "export_lag_ms": 0}),
    people: ("users", |email| json!({"name": "Anne Petit", "email": email})),
};

/// One account at every platform's stand-in.
const STANDS: [Stand; 6] = [HUBSPOT, PIPEDRIVE, SALESFORCE, SHOPIFY, WOOCOMMERCE, ZENDESK];

/// The account at a platform's stand-in; a platform without one cannot be tried.
pub(crate) fn stand_of(platform: Platform) -> Stand {
    STANDS
        .into_iter()
        .find(|stand| stand.platform == platform)
        .unwrap_or_else(|| panic!("{platform:?} has no stand-in"))
}

/// A platform's stand-in, an account in it, and the connector.
pub(crate) struct Bench {
    running: Running,
    plain: reqwest::Client,
    stand: Stand,
    pub(crate) account: Account,
}

impl Bench {
    /// An account of HubSpot that has been made ready, whose search shows everything at once.
    pub(crate) async fn ready() -> Self {
        Self::ready_at(HUBSPOT).await
    }

    /// An account as HubSpot hands it out: without our property.
    pub(crate) async fn bare() -> Self {
        Self::bare_at(HUBSPOT).await
    }

    /// An account that has been made ready, whose search shows everything at once.
    pub(crate) async fn ready_at(stand: Stand) -> Self {
        let bench = Self::bare_at(stand).await;
        bench.probe().prepare(&bench.account).await.unwrap();
        bench
    }

    /// An account as the platform hands it out.
    pub(crate) async fn bare_at(stand: Stand) -> Self {
        let running = sandbox::start(Options::default()).unwrap();
        let http = Client::new(Duration::from_secs(5), Reach::Anywhere).unwrap();
        let connector = stand.platform.connector();
        let (descriptor, key) = (connector.descriptor(), stand.key.to_owned().into());
        let credentials = if descriptor.key_fields().is_some() {
            Credentials::ApiKey { key, secret: stand.secret.map(|secret| secret.to_owned().into()) }
        } else {
            Credentials::Bearer { access_token: key }
        };
        let account = Account {
            platform: descriptor.slug.parse().unwrap(),
            account_id: Some(stand.account.to_owned()),
            base_url: format!("{}{}", running.platform_url(descriptor.slug), stand.path).parse().unwrap(),
            shown: connector.shown(&credentials),
            credentials,
            http,
            budget: Arc::new(Unlimited),
            learnt: Learnt::default(),
            options: BTreeMap::new(),
            region: domain::identity::HOME,
        };
        let bench = Self { running, plain: reqwest::Client::builder().build().unwrap(), stand, account };
        bench.faults((stand.calm)()).await;
        bench
    }

    /// An address below the platform's stand-in.
    pub(crate) fn below(&self, tail: &str) -> Url {
        format!("{}{tail}", self.running.platform_url(self.account.platform.as_str())).parse().unwrap()
    }

    /// A path of the sandbox's own that is about this account.
    fn own(&self, tail: &str) -> String {
        format!("{}/_sandbox/{}/{}/{tail}", self.running.url, self.account.platform, self.stand.account)
    }

    /// Somebody does something in the platform's own pages.
    pub(crate) async fn by_hand(&self, method: reqwest::Method, tail: &str, fields: Value) -> Value {
        let request = self.plain.request(method, self.own(tail)).json(&fields);
        let text = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(crate) fn connector(&self) -> &'static dyn Connector {
        self.stand.platform.connector()
    }

    pub(crate) fn probe(&self) -> &'static dyn Probe {
        self.connector().probe()
    }

    pub(crate) fn reader(&self) -> &'static dyn Reader {
        self.connector().reader().unwrap()
    }

    pub(crate) fn writer(&self) -> &'static dyn Writer {
        self.connector().writer().unwrap()
    }

    pub(crate) fn changes(&self) -> &'static dyn Changes {
        self.connector().changes().unwrap()
    }

    pub(crate) fn discovery(&self) -> &'static dyn Discovery {
        self.connector().discovery().unwrap()
    }

    /// Sets the stand-in's switches.
    pub(crate) async fn faults(&self, faults: Value) {
        self.faults_of(self.stand.account, faults).await;
    }

    /// Sets the switches of another account.
    pub(crate) async fn faults_of(&self, account: &str, faults: Value) {
        let url = format!("{}/_sandbox/{}/{account}/faults", self.running.url, self.account.platform);
        self.plain.put(url).json(&faults).send().await.unwrap().error_for_status().unwrap();
    }

    /// How many requests an account has had.
    pub(crate) async fn requests_of(&self, account: &str) -> usize {
        let whose = format!("platform={}&account={account}", self.account.platform);
        let url = format!("{}/_sandbox/requests?{whose}", self.running.url);
        let asked: Vec<Value> = self.plain.get(url).send().await.unwrap().json().await.unwrap();
        asked.len()
    }

    /// Asks the stand-in something with what the query shows alone; `Value::Null` is no body.
    pub(crate) async fn as_developer(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let url = format!("{}/{path}", self.running.platform_url(self.account.platform.as_str()));
        let request = self.plain.request(method, url);
        let request = if body.is_null() { request } else { request.json(&body) };
        let text = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Somebody imports contacts, all at one moment.
    pub(crate) async fn import_contacts(&self, rows: &[Value]) {
        self.by_hand(reqwest::Method::POST, "contacts/import", json!({"rows": rows})).await;
    }

    /// Makes sure that the account calls the target.
    pub(crate) async fn is_made_to_call(&self, target: &Target) -> Mended {
        let subscribed = self.connector().subscriptions().unwrap();
        let found = subscriptions::look(subscribed, &self.account, target).await.unwrap();
        subscriptions::mend(subscribed, &self.account, target, found).await.unwrap()
    }

    /// Asks the stand-in something that the connector does not.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("{}/{path}", self.running.platform_url(self.account.platform.as_str()));
        let request = self.plain.get(url).bearer_auth(self.stand.key).header("x-api-token", self.stand.key);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// Somebody changes something by the platform's interface that the connector does not.
    pub(crate) async fn patch(&self, path: &str, body: Value) {
        self.write(reqwest::Method::PATCH, path, body).await;
    }

    /// Somebody makes something by the platform's interface that the connector does not.
    pub(crate) async fn post(&self, path: &str, body: Value) {
        self.write(reqwest::Method::POST, path, body).await;
    }

    async fn write(&self, method: reqwest::Method, path: &str, body: Value) {
        let url = format!("{}/{path}", self.running.platform_url(self.account.platform.as_str()));
        let request = self.plain.request(method, url).bearer_auth(self.stand.key).json(&body);
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// What was written since the beginning, as (action, object type).
    pub(crate) async fn journal(&self) -> Vec<(String, String)> {
        let whose = format!("platform={}&account={}", self.account.platform, self.stand.account);
        let url = format!("{}/_sandbox/journal?{whose}&limit=1000", self.running.url);
        let body: Value = self.plain.get(url).send().await.unwrap().json().await.unwrap();
        let entries = body.get("entries").unwrap_or(&body).as_array().unwrap().clone();
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        entries.iter().map(|entry| (text(entry, "action"), text(entry, "object_type"))).collect()
    }

    /// How many objects of a type were created.
    pub(crate) async fn created(&self, object_type: &str) -> usize {
        let of_type = |(action, of): &(String, String)| action == "created" && of.starts_with(object_type);
        self.journal().await.iter().filter(|entry| of_type(entry)).count()
    }
}

/// The n-th record.
pub(crate) fn key(n: u32) -> RecordId {
    format!("rec_{n:026}").parse().unwrap()
}

/// Fields with these values.
pub(crate) fn fields(pairs: &[(&str, &str)]) -> RemoteFields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), FieldValue::text(*value))).collect()
}

/// The create of the n-th record.
pub(crate) fn create(n: u32, pairs: &[(&str, &str)]) -> Create {
    Create { key: key(n), fields: fields(pairs), contact: None }
}

/// The n-th record, looked for by these identifiers.
pub(crate) fn wanted(n: u32, pairs: &[(&str, &str)]) -> Wanted {
    Wanted { key: key(n), identifiers: fields(pairs).into_iter().collect(), tried: None }
}

/// The n-th record, of which a create was under way in the last minute, and nobody knows what came of it.
pub(crate) fn tried(n: u32) -> Wanted {
    let now = Timestamp::now();
    Wanted { tried: Some(now.minus(Duration::from_secs(60))..=now), ..wanted(n, &[]) }
}

/// Names as the connector takes them.
pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
