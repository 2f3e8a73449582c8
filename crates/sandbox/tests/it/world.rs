//! A sandbox of a test's own, and short ways to call it.

use reqwest::{Method, StatusCode};
use sandbox::{Options, Running};
use serde_json::{Value, json};

pub(crate) struct World {
    pub(crate) running: Running,
    pub(crate) client: reqwest::Client,
    pub(crate) token: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let running = sandbox::start(options).unwrap();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { running, client, token: "pat-eu1-4242-test".into() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.running.hubspot_url())).bearer_auth(&self.token)
    }

    /// Calls HubSpot; `Value::Null` is no body.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.request(method, path);
        answer(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.call(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.client.request(method, format!("{}/_sandbox{path}", self.running.url));
        answer(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub(crate) async fn faults(&self, patch: Value) {
        let (status, body) = self.control(Method::PUT, "/hubspot/4242/faults", patch).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Creates a contact and returns its id.
    pub(crate) async fn contact(&self, properties: Value) -> String {
        let (status, body) = self.post("/crm/objects/2026-03/contacts", json!({"properties": properties})).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn journal(&self) -> Vec<Value> {
        let (_, body) = self.control(Method::GET, "/journal?platform=hubspot&account=4242", Value::Null).await;
        body.as_array().unwrap().clone()
    }

    pub(crate) async fn people(&self) -> Value {
        self.control(Method::GET, "/people?platform=hubspot&account=4242", Value::Null).await.1
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
