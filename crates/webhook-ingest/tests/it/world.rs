//! What a test has: the service as production starts it, and the means to speak to it as HubSpot would.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use domain::time::Timestamp;
use persistence::{Database, Scope, inbox};
use reqwest::{Client, Request, RequestBuilder, Response};
use ring::hmac;
use serde_json::{Value, json};
use testkit::cut::Proxy;
use testkit::{QueuedMessage, TestDatabase, TestVhost, wait};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use webhook_ingest::startup;

pub(crate) const SECRET: &str = "an app's secret";
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
pub(crate) const PATH: &str = "/webhooks/integrations/hubspot";

/// An address where nobody listens.
pub(crate) const NOWHERE: &str = "127.0.0.1:9";

const APPLY: &str = "dispatcher.webhook.apply";
const APPLY_MANY: &str = "dispatcher.webhook.apply_many";
const LOG: &str = "log.webhook.write";

/// Which parts the service finds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Away {
    pub(crate) broker: bool,
    pub(crate) database: bool,
}

pub(crate) struct World {
    vhost: TestVhost,
    /// The line between the service and the broker.
    pub(crate) line: Proxy,
    database: TestDatabase,
    client: Client,
    pub(crate) url: String,
    stop: CancellationToken,
    running: JoinHandle<std::io::Result<()>>,
}

/// The service with all parts there and connected.
pub(crate) async fn start() -> World {
    start_with(Away::default(), &[]).await
}

pub(crate) async fn start_with(away: Away, more: &[(&str, &str)]) -> World {
    let (vhost, database) = (testkit::vhost().await, testkit::database().await);
    let line = Proxy::before(&vhost.url()).await;
    let broker_url = if away.broker { format!("amqp://guest:guest@{NOWHERE}/%2f") } else { line.url() };
    let database_url = if away.database { format!("postgres://nobody@{NOWHERE}/none") } else { database.worker_url() };
    let ours = [
        ("COCCINELLE__HTTP__LISTEN", "127.0.0.1:0"),
        ("COCCINELLE__BROKER__URL", &broker_url),
        // As long as a crowd of tests takes to make its queues and to connect.
        ("COCCINELLE__BROKER__CONFIRM_TIMEOUT", "15s"),
        ("COCCINELLE__DATABASE__CONNECT_TIMEOUT", "15s"),
        ("COCCINELLE__DATABASE__URL", &database_url),
        ("COCCINELLE__WEBHOOKS__PUBLIC_URL", "https://hooks.example.com"),
        ("COCCINELLE__PLATFORMS__HUBSPOT__CLIENT_SECRET", SECRET),
    ];
    let variables = ours.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings = runtime::config::read(None, variables).unwrap();
    runtime::crypto::install();
    let app = startup::build(&settings).unwrap();
    let (url, stop) = (format!("http://127.0.0.1:{}", app.port()), CancellationToken::new());
    let running = tokio::spawn(app.run_until(stop.clone()));
    let client = Client::builder().no_proxy().timeout(2 * DEADLINE).build().unwrap();
    let world = World { vhost, line, database, client, url, stop, running };
    if !away.broker {
        world.connected().await;
    }
    world
}

/// The headers with which HubSpot would sign, version 3.
pub(crate) fn signature(path: &str, body: &[u8], at: Timestamp) -> [(&'static str, String); 2] {
    let timestamp = at.as_millis().to_string();
    let uri = format!("https://hooks.example.com{path}");
    let text = [b"POST", uri.as_bytes(), body, timestamp.as_bytes()].concat();
    let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), &text);
    [("x-hubspot-signature-v3", BASE64_STANDARD.encode(signed)), ("x-hubspot-request-timestamp", timestamp)]
}

/// A change of a contact, as HubSpot tells of it.
pub(crate) fn change(event: u64) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!([{
        "eventId": event, "subscriptionId": 77, "portalId": 4242, "appId": 11, "occurredAt": 1_767_348_000_000_u64,
        "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": 555,
        "propertyName": "phone", "propertyValue": "+33100000000", "changeSource": "CRM_UI"
    }]))
    .unwrap()
}

impl World {
    pub(crate) fn post(&self, path: &str, body: Vec<u8>) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url)).header("content-type", "application/json").body(body)
    }

    pub(crate) async fn execute(&self, request: Request) -> reqwest::Result<Response> {
        self.client.execute(request).await
    }

    /// Delivers as HubSpot would, now.
    pub(crate) async fn deliver(&self, body: Vec<u8>) -> Response {
        let headers = signature(PATH, &body, Timestamp::now());
        let signed =
            headers.into_iter().fold(self.post(PATH, body), |request, (name, value)| request.header(name, value));
        signed.send().await.unwrap()
    }

    /// Where the whole database can be seen.
    pub(crate) fn database_url(&self) -> String {
        self.database.url()
    }

    pub(crate) async fn readiness(&self) -> (u16, Value) {
        let response = self.client.get(format!("{}/readyz", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Waits until it says that it is ready without these parts, and without these alone.
    pub(crate) async fn is_missing(&self, parts: &[&str]) {
        wait::until("a report of what is missing", DEADLINE, || async {
            let (status, report) = self.readiness().await;
            if status == 200 && report["missing"] == json!(parts) { Ok(()) } else { Err((status, report)) }
        })
        .await;
    }

    /// Waits until the service has a connection to the broker.
    pub(crate) async fn connected(&self) {
        wait::until("a connection to the broker", DEADLINE, || async {
            let report = self.readiness().await.1;
            if report["parts"]["broker"] == "up" { Ok(()) } else { Err(report) }
        })
        .await;
    }

    pub(crate) async fn metrics(&self) -> String {
        self.client.get(format!("{}/metrics", self.url)).send().await.unwrap().text().await.unwrap()
    }

    /// What lies in the queue of verified deliveries.
    pub(crate) async fn published(&self) -> Vec<QueuedMessage> {
        self.peek(APPLY).await
    }

    /// The deliveries that lie in the queue of those that were published together, message by message.
    pub(crate) async fn shared(&self) -> Vec<Vec<Value>> {
        let messages = self.peek(APPLY_MANY).await;
        let read = |message: &QueuedMessage| serde_json::from_str::<Value>(&message.payload).unwrap();
        messages.iter().map(|message| read(message)["deliveries"].as_array().unwrap().clone()).collect()
    }

    /// What lies in the queue of the log.
    pub(crate) async fn logged(&self) -> Vec<Value> {
        let messages = self.peek(LOG).await;
        messages.iter().map(|message| serde_json::from_str(&message.payload).unwrap()).collect()
    }

    /// A queue is declared before its first use; until then nothing lies in it.
    async fn peek(&self, queue: &str) -> Vec<QueuedMessage> {
        let exists = self.vhost.queues().await.iter().any(|name| name == queue);
        if exists { self.vhost.peek(queue).await } else { Vec::new() }
    }

    /// What lies in the inbox.
    pub(crate) async fn stored(&self) -> Vec<domain::message::StoredMessage> {
        let database = Database::new(&self.database.worker_url().into(), 1, DEADLINE);
        let mut transaction = database.begin(Scope::System).await.unwrap();
        inbox::take(&mut transaction, 100).await.unwrap()
    }

    /// Stops the service as SIGTERM does, and waits for its end.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
    }
}

/// Status, problem code and whether it says when to come again.
pub(crate) async fn problem(response: Response) -> (u16, String, bool) {
    let (status, waits) = (response.status().as_u16(), response.headers().contains_key("retry-after"));
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = response.json().await.unwrap();
    assert!(body["request_id"].as_str().is_some_and(|id| id.len() == 32), "{body}");
    (status, body["code"].as_str().unwrap().to_owned(), waits)
}
