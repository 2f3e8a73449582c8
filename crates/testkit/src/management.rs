//! What tests ask of `RabbitMQ`'s management API. What the services use of the broker is `messaging`'s.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(60);

/// A message as it lies in a queue.
#[derive(Clone, Debug, Deserialize)]
pub struct QueuedMessage {
    /// Its body; base64 where it is not UTF-8.
    pub payload: String,
    /// `message_id`, `type`, `delivery_mode`, `headers` and so on, where set.
    pub properties: Value,
    /// Its routing key.
    pub routing_key: String,
}

/// The management API at one address.
#[derive(Clone, Debug)]
pub(crate) struct Management {
    http: Client,
    base: Url,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// One that is deleted while they are listed has figures and no name any more.
#[derive(Deserialize)]
struct Listed {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Declared {
    arguments: Value,
}

#[derive(Deserialize)]
struct Routed {
    routed: bool,
}

impl Management {
    pub(crate) fn new(base: Url) -> Self {
        // Whoever came first has installed the same provider.
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = Client::builder().timeout(TIMEOUT).no_proxy().build().expect("an HTTP client");
        Self { http, base }
    }

    pub(crate) async fn vhosts(&self) -> anyhow::Result<Vec<String>> {
        let vhosts: Vec<Listed> = self.ask(Method::GET, &["vhosts"], None).await?;
        Ok(vhosts.into_iter().filter_map(|vhost| vhost.name).collect())
    }

    pub(crate) async fn make_vhost(&self, name: &str) -> anyhow::Result<()> {
        self.tell(Method::PUT, &["vhosts", name], None).await?;
        let everything = json!({"configure": ".*", "write": ".*", "read": ".*"});
        self.tell(Method::PUT, &["permissions", name, self.base.username()], Some(everything)).await
    }

    pub(crate) async fn delete_vhost(&self, name: &str) -> anyhow::Result<()> {
        self.tell(Method::DELETE, &["vhosts", name], None).await
    }

    pub(crate) async fn delete_queue(&self, vhost: &str, queue: &str) -> anyhow::Result<()> {
        self.tell(Method::DELETE, &["queues", vhost, queue], None).await
    }

    pub(crate) async fn purge(&self, vhost: &str, queue: &str) -> anyhow::Result<()> {
        self.tell(Method::DELETE, &["queues", vhost, queue, "contents"], None).await
    }

    pub(crate) async fn bind(
        &self,
        vhost: &str,
        (queue, arguments): (&str, Value),
        (exchange, pattern): (&str, &str),
    ) -> anyhow::Result<()> {
        let durable = json!({"durable": true, "arguments": arguments});
        self.tell(Method::PUT, &["queues", vhost, queue], Some(durable)).await?;
        let topic = json!({"type": "topic", "durable": true});
        self.tell(Method::PUT, &["exchanges", vhost, exchange], Some(topic)).await?;
        let path = ["bindings", vhost, "e", exchange, "q", queue];
        self.tell(Method::POST, &path, Some(json!({"routing_key": pattern}))).await
    }

    pub(crate) async fn queues(&self, vhost: &str) -> anyhow::Result<Vec<String>> {
        let queues: Vec<Named> = self.ask(Method::GET, &["queues", vhost], None).await?;
        Ok(queues.into_iter().map(|queue| queue.name).collect())
    }

    pub(crate) async fn queue_type(&self, vhost: &str, queue: &str) -> anyhow::Result<String> {
        let declared: Declared = self.ask(Method::GET, &["queues", vhost, queue], None).await?;
        let said = declared.arguments.get("x-queue-type").and_then(Value::as_str);
        Ok(said.unwrap_or("classic").to_owned())
    }

    /// The first messages of a queue, which stay in it.
    pub(crate) async fn peek(&self, vhost: &str, queue: &str) -> anyhow::Result<Vec<QueuedMessage>> {
        let how = json!({"count": 10_000, "ackmode": "ack_requeue_true", "encoding": "auto"});
        self.ask(Method::POST, &["queues", vhost, queue, "get"], Some(how)).await
    }

    pub(crate) async fn publish(&self, vhost: &str, queue: &str, message: &QueuedMessage) -> anyhow::Result<bool> {
        let body = json!({
            "properties": message.properties, "routing_key": queue,
            "payload": message.payload, "payload_encoding": "string",
        });
        let routed: Routed =
            self.ask(Method::POST, &["exchanges", vhost, "amq.default", "publish"], Some(body)).await?;
        Ok(routed.routed)
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &[&str], body: Option<Value>) -> anyhow::Result<T> {
        Ok(self.send(method, path, body).await?.json().await?)
    }

    async fn tell(&self, method: Method, path: &[&str], body: Option<Value>) -> anyhow::Result<()> {
        self.send(method, path, body).await.map(drop)
    }

    async fn send(&self, method: Method, path: &[&str], body: Option<Value>) -> anyhow::Result<reqwest::Response> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .ok()
            .context("AMQP_MANAGEMENT_URL has no host")?
            .pop_if_empty()
            .push("api")
            .extend(path);
        // The name and password in the URL become the `Authorization` header.
        let request = self.http.request(method, url);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response =
            request.send().await.context("calling RabbitMQ's management API; `cargo xtask test` starts it")?;
        Ok(response.error_for_status()?)
    }
}
