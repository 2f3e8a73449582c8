//! A stand-in with an account in it: what every behaviour test begins with.

use std::sync::Arc;
use std::time::Duration;

use connectors::account::{Account, Unlimited};
use connectors::connector::{Changes, Connector, Create, Probe, Reader, Wanted, Writer};
use connectors::descriptor::KeyShown;
use connectors::discovery::Discovery;
use connectors::http::{Client, Reach};
use connectors::registry::Platform;
use domain::credentials::Credentials;
use domain::field::{FieldValue, RemoteFields};
use domain::id::RecordId;
use sandbox::{Options, Running};
use serde_json::{Value, json};

/// HubSpot's stand-in, the account 4242 in it, and the connector.
pub(crate) struct Bench {
    running: Running,
    plain: reqwest::Client,
    pub(crate) account: Account,
}

impl Bench {
    /// An account that has been made ready, whose search shows everything at once.
    pub(crate) async fn ready() -> Self {
        let bench = Self::bare().await;
        bench.probe().prepare(&bench.account).await.unwrap();
        bench
    }

    /// An account as HubSpot hands it out: without our property.
    pub(crate) async fn bare() -> Self {
        let running = sandbox::start(Options::default()).unwrap();
        let http = Client::new(Duration::from_secs(5), Reach::Anywhere).unwrap();
        let account = Account {
            platform: "hubspot".parse().unwrap(),
            account_id: Some("4242".to_owned()),
            base_url: running.hubspot_url().parse().unwrap(),
            credentials: Credentials::ApiKey { key: "pat-eu1-4242-secret".to_owned().into(), secret: None },
            shown: KeyShown::AsBearer,
            http,
            budget: Arc::new(Unlimited),
        };
        let bench = Self { running, plain: reqwest::Client::builder().build().unwrap(), account };
        bench.faults(json!({"search_lag_ms": 0, "rate_limit_per_10s": 100_000})).await;
        bench
    }

    pub(crate) fn connector(&self) -> &'static dyn Connector {
        Platform::HubSpot.connector()
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
        let url = format!("{}/_sandbox/hubspot/4242/faults", self.running.url);
        self.plain.put(url).json(&faults).send().await.unwrap().error_for_status().unwrap();
    }

    /// Somebody imports contacts, all at one moment.
    pub(crate) async fn import_contacts(&self, rows: &[Value]) {
        let url = format!("{}/_sandbox/hubspot/4242/contacts/import", self.running.url);
        let import = json!({"rows": rows});
        self.plain.post(url).json(&import).send().await.unwrap().error_for_status().unwrap();
    }

    /// Asks the stand-in's HubSpot something that the connector does not.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("{}/{path}", self.running.hubspot_url());
        let request = self.plain.get(url).bearer_auth("pat-eu1-4242-secret");
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// What was written since the beginning, as (action, object type).
    pub(crate) async fn journal(&self) -> Vec<(String, String)> {
        let url = format!("{}/_sandbox/journal?platform=hubspot&account=4242&limit=1000", self.running.url);
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
    Wanted { key: key(n), identifiers: fields(pairs).into_iter().collect() }
}

/// Names as the connector takes them.
pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
