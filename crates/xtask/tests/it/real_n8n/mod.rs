//! Delivery by a real n8n: every workflow's actions, what goes wrong, n8n killed, n8n away. Run by `cargo xtask test --n8n`.

mod accounts;
mod deeds;
mod door;
mod trouble;

use reqwest::Method;
use reqwest::header::IF_MATCH;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::wait;
use xtask::n8n::Place;
use xtask::session::{Service, Workflows};

use crate::world::{DEADLINE, World, variable};

/// A system whose writes are made by a real n8n, which runs.
pub(crate) struct System {
    pub(crate) world: World,
    pub(crate) place: Place,
}

impl System {
    pub(crate) async fn start(name: &str, base_port: u16) -> Self {
        let told: Value = serde_json::from_str(&variable("COCCINELLE_N8N")).unwrap();
        let text = |key: &str| told[key].as_str().unwrap().to_owned();
        let place = Place {
            database: text("database").parse().unwrap(),
            home: text("home").into(),
            signing: text("signing").into(),
            key: text("key").into(),
        };
        let settings = [("N8N__ERRAND_LIFE", "25s"), ("N8N__PAUSE", "1s")];
        let workflows = Workflows::Ready(place.clone());
        let mut world = World::with_workflows(name, base_port, (&settings, workflows)).await;
        world.session.start_n8n().unwrap();
        world.session.n8n_ready().await.unwrap();
        Self { world, place }
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
        wait::until(&format!("{count} rows of {query}"), DEADLINE, || async {
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
