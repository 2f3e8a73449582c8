//! Delivery by a real n8n: every workflow's actions, what goes wrong, n8n killed, n8n away. Run by `cargo xtask test --n8n`.

mod accounts;
mod actions;
mod deeds;
mod document;
mod door;
mod own;
mod pages;
mod shops;
mod trouble;

use std::time::Duration;

use reqwest::Method;
use reqwest::header::IF_MATCH;
use ring::hmac;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::wait;
use xtask::n8n::{N8n, Place};
use xtask::session::{Service, Workflows};
use xtask::workspace::root;

use crate::world::{World, variable};

/// A real n8n needs far longer than our own services where the machine has other work.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

/// A system whose writes are made by a real n8n, which runs.
pub(crate) struct System {
    pub(crate) world: World,
    pub(crate) place: Place,
}

/// The n8n that was made ready for these tests.
pub(crate) fn place() -> Place {
    let told: Value = serde_json::from_str(&variable("COCCINELLE_N8N")).unwrap();
    let text = |key: &str| told[key].as_str().unwrap().to_owned();
    Place {
        database: text("database").parse().unwrap(),
        home: text("home").into(),
        signing: text("signing").into(),
        key: text("key").into(),
    }
}

/// A platform's workflow as its file holds it.
pub(crate) fn workflow(slug: &str) -> Value {
    let file = std::fs::read(root().join(format!("n8n-workflows/{slug}-integration.json"))).unwrap();
    serde_json::from_slice(&file).unwrap()
}

/// A workflow's node of that name.
pub(crate) fn node<'a>(workflow: &'a mut Value, name: &str) -> &'a mut Value {
    let nodes = workflow["nodes"].as_array_mut().unwrap();
    nodes.iter_mut().find(|node| node["name"] == name).unwrap()
}

/// A client, whoever has made one before.
pub(crate) fn client() -> reqwest::Client {
    // Refused when a provider is installed already, which is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Posts this to a workflow of this n8n, signed where that is said so many seconds ago and over that text; what it answers.
pub(crate) async fn knock(n8n: &N8n, (slug, body): (&str, &str), signed: Option<(i64, &str)>) -> (u16, Value) {
    let request = client().post(format!("{}/webhook/coccinelle/{slug}", n8n.url()));
    let mut request = request.header("content-type", "application/json");
    if let Some((age, of)) = signed {
        let key = hmac::Key::new(hmac::HMAC_SHA256, n8n.place().signing.expose_secret().as_bytes());
        let timestamp = chrono::Utc::now().timestamp() - age;
        let tag = hmac::sign(&key, format!("{timestamp}.{of}").as_bytes());
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        request = request.header("x-coccinelle-timestamp", timestamp.to_string());
        request = request.header("x-coccinelle-signature", format!("sha256={hex}"));
    }
    let answer = request.body(body.to_owned()).send().await.unwrap();
    (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
}

impl System {
    pub(crate) async fn start(name: &str, base_port: u16) -> Self {
        // It takes its time where the machine has much else to do.
        let settings = [("N8N__ERRAND_LIFE", "25s"), ("N8N__PAUSE", "1s"), ("DISPATCHER__LEASE", "20s")];
        Self::start_with(name, base_port, &settings).await
    }

    /// The same with other settings.
    pub(crate) async fn start_with(name: &str, base_port: u16, settings: &[(&str, &str)]) -> Self {
        let mut system = Self::without_n8n(name, base_port, settings).await;
        system.start_n8n().await;
        system
    }

    /// The same before n8n is started, which may be given more until then.
    pub(crate) async fn without_n8n(name: &str, base_port: u16, settings: &[(&str, &str)]) -> Self {
        let place = place();
        let workflows = Workflows::Ready(place.clone());
        Self { world: World::with_workflows(name, base_port, (settings, workflows)).await, place }
    }

    /// Starts n8n, and waits until it takes what it is sent.
    pub(crate) async fn start_n8n(&mut self) {
        self.world.session.start_n8n().unwrap();
        self.world.session.n8n_ready().await.unwrap();
    }

    /// Posts this to a workflow, signed where that is said so many seconds ago and over that text; what it answers.
    pub(crate) async fn knock(&self, slug: &str, body: &str, signed: Option<(i64, &str)>) -> (u16, Value) {
        knock(self.world.session.n8n().unwrap(), (slug, body), signed).await
    }

    /// Gives the demo tenant's HubSpot to n8n.
    pub(crate) async fn by_n8n(&self) -> String {
        let id = self.world.tenant.integration.clone();
        self.edit(&id, json!({"delivery": "n8n"})).await;
        id
    }

    /// Changes an integration as it stands.
    pub(crate) async fn edit(&self, id: &str, change: Value) {
        let url = format!("{}/api/v1/integrations/{id}", self.world.session.url(Service::ApiGateway));
        let client = self.world.session.client();
        let token = self.world.tenant.admin_token.expose_secret();
        let shown = client.get(&url).bearer_auth(token).send().await.unwrap();
        let version = shown.headers()["etag"].to_str().unwrap().to_owned();
        let put = client.put(&url).bearer_auth(token).header(IF_MATCH, version).json(&change);
        let answer = put.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{:?}", answer.text().await);
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) =
            self.world.session.call(Method::POST, path, &self.world.tenant.admin_token, Some(&body)).await.unwrap();
        assert!(status.is_success(), "POST {path}: {status} {answer}");
        answer
    }

    pub(crate) async fn send(&self, event: &Value) {
        let answer = self.world.post_event(event).await;
        assert_eq!(answer.status().as_u16(), 202, "{:?}", answer.text().await);
    }

    /// Waits until the log of an integration has so many rows of this sort.
    pub(crate) async fn logged(&self, id: &str, query: &str, count: usize) -> Vec<Value> {
        wait::until(&format!("{count} rows of {query}"), PATIENCE, || async {
            let page = self.world.ask(&format!("/api/v1/integrations/{id}/logs?limit=100")).await;
            let rows = page["data"].as_array().unwrap().clone();
            let wanted: Vec<&str> = query.split(' ').collect();
            let is_wanted = |row: &Value| {
                let holds = |word: &&str| row.as_object().unwrap().values().any(|value| value == *word);
                wanted.iter().all(holds)
            };
            let found: Vec<Value> = rows.iter().filter(|row| is_wanted(row)).cloned().collect();
            if found.len() >= count { Ok(found) } else { Err(rows) }
        })
        .await
    }
}
