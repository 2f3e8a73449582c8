//! One test's world: a gateway on a free port, its database, its vhost, its stand-in, and tokens for its tenants.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use accounts::Accounts;
use api_gateway::startup;
use domain::access::{Claims, Role};
use domain::id::TenantId;
use domain::message::EventMerge;
use domain::time::Timestamp;
use jsonwebtoken::{EncodingKey, Header};
use persistence::{Database, Scope, tenants};
use reqwest::{Method, StatusCode};
use runtime::config::PlatformSettings;
use serde_json::{Value, json};
use testkit::{TestDatabase, TestVhost, wait};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vault::{KeyRing, Vault};

use crate::{audit, contract};

const SECRET: &str = "a secret of thirty-two bytes or more";

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) vhost: TestVhost,
    pub(crate) sandbox: sandbox::Running,
    pub(crate) tenant: TenantId,
    key_ring: PathBuf,
    platforms: BTreeMap<String, PlatformSettings>,
    url: String,
    client: reqwest::Client,
    /// Follows nothing.
    still: reqwest::Client,
    stop: CancellationToken,
    running: JoinHandle<std::io::Result<()>>,
}

/// What stands between the gateway and its parts, and what it is told.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) database: Option<String>,
    pub(crate) broker: Option<String>,
    /// Settings that differ, by their names without the prefix; an empty one is unset.
    pub(crate) settings: Vec<(&'static str, String)>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl World {
    /// A gateway whose broker and database are there.
    pub(crate) async fn start() -> Self {
        let world = Self::behind(|_, _| async { Lines::default() }).await;
        world.wait_for_broker().await;
        world
    }

    /// A gateway that reaches its database and its broker by these lines.
    pub(crate) async fn behind<F: Future<Output = Lines>>(lines: impl FnOnce(String, String) -> F) -> Self {
        let (database, vhost) = (testkit::database().await, testkit::vhost().await);
        let sandbox = sandbox::start(sandbox::Options::default()).unwrap();
        let key_ring = std::env::temp_dir().join(format!("key-ring-{}.json", TenantId::new()));
        KeyRing::create(&key_ring).unwrap();
        let lines = lines(database.gateway_url(), vhost.url()).await;
        let settings = [
            ("DATABASE__URL", lines.database.unwrap_or_else(|| database.gateway_url())),
            ("BROKER__URL", lines.broker.unwrap_or_else(|| vhost.url())),
            // As long as a crowd of tests takes to make its queues and to connect.
            ("BROKER__CONFIRM_TIMEOUT", "15s".to_owned()),
            ("DATABASE__CONNECT_TIMEOUT", "15s".to_owned()),
            ("HTTP__LISTEN", "127.0.0.1:0".to_owned()),
            ("AUTH__HS256_SECRET", SECRET.to_owned()),
            ("VAULT__KEY_RING_FILE", key_ring.display().to_string()),
            ("GATEWAY__BODY_LIMIT", "300000".to_owned()),
            // What is tried here is not how much may be asked for, except where it is.
            ("GATEWAY__REQUESTS_PER_SECOND", "1000000".to_owned()),
            ("GATEWAY__BURST", "1000000".to_owned()),
            ("GATEWAY__STREAMS_PER_TENANT", "3".to_owned()),
            ("PLATFORMS__HUBSPOT__BASE_URL", sandbox.hubspot_url()),
            ("PLATFORMS__PIPEDRIVE__BASE_URL", sandbox.platform_url("pipedrive")),
            ("PLATFORMS__PIPEDRIVE__AUTHORIZE_URL", sandbox.platform_url("pipedrive")),
            ("PLATFORMS__PIPEDRIVE__TOKEN_URL", sandbox.platform_url("pipedrive")),
            ("PLATFORMS__SALESFORCE__BASE_URL", sandbox.platform_url("salesforce")),
            ("PLATFORMS__SALESFORCE__ALLOW_PRIVATE_ADDRESSES", "true".to_owned()),
            ("PLATFORMS__SHOPIFY__BASE_URL", sandbox.platform_url("shopify/{account}")),
            ("PLATFORMS__SHOPIFY__ALLOW_PRIVATE_ADDRESSES", "true".to_owned()),
            ("PLATFORMS__ZENDESK__BASE_URL", sandbox.platform_url("zendesk/{account}")),
            ("PLATFORMS__ZENDESK__ALLOW_PRIVATE_ADDRESSES", "true".to_owned()),
        ];
        // The last of a name counts.
        let settings = settings.into_iter().chain(lines.settings);
        let settings = settings.map(|(key, value)| (format!("COCCINELLE__{key}"), value));
        let settings = runtime::config::read(None, settings).unwrap();
        let platforms = settings.platforms.clone();
        let app = startup::build(settings).unwrap();
        let url = format!("http://127.0.0.1:{}", app.port());
        let stop = CancellationToken::new();
        let running = tokio::spawn(app.run_until(stop.clone()));
        let tenant = new_tenant(&database, &key_ring).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let still = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { database, vhost, sandbox, tenant, key_ring, platforms, url, client, still, stop, running }
    }

    /// Another tenant in the same system.
    pub(crate) async fn other_tenant(&self) -> TenantId {
        new_tenant(&self.database, &self.key_ring).await
    }

    pub(crate) async fn wait_for_broker(&self) {
        wait::until("the gateway to reach its broker", DEADLINE, || async {
            let report = self.call(Method::GET, "/readyz", None, None).await;
            if report.body["parts"]["broker"] == "up" { Ok(()) } else { Err(report) }
        })
        .await;
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        self.send(method, path, token, body.map(|body| body.to_string())).await
    }

    /// A call with a body of any form.
    pub(crate) async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Option<String>) -> Answer {
        self.send_seen((method, path), token, None, body).await
    }

    /// A call of somebody who has seen a version: an `ETag`.
    pub(crate) async fn send_seen(
        &self,
        (method, path): (Method, &str),
        token: Option<&str>,
        seen: Option<&str>,
        body: Option<String>,
    ) -> Answer {
        let dry = body.as_deref().is_some_and(|body| body.contains("\"dry_run\":true"));
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        if let Some(seen) = seen {
            request = request.header("if-match", seen);
        }
        self.answered(&method, path, request, dry).await
    }

    /// A call with headers of any kind.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let looks = method == Method::OPTIONS;
        self.answered(&method, path, request, looks).await
    }

    /// What comes back, held against the document and, unless nothing was to be changed, against the audit log.
    async fn answered(&self, method: &Method, path: &str, request: reqwest::RequestBuilder, dry: bool) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        // A stream of news has no end to be waited for.
        let has_end = headers.get("content-type").is_none_or(|form| form != "text/event-stream");
        let text = if has_end { response.text().await.unwrap() } else { String::new() };
        let answer = Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) };
        contract::foresees(method, path, &answer);
        if !dry && !answer.headers.contains_key("idempotent-replayed") {
            audit::is_told(self, method, path, &answer).await;
        }
        answer
    }

    /// What comes back to headers and bytes of any kind.
    pub(crate) async fn throw(
        &self,
        method: Method,
        url: impl FnOnce(&mut reqwest::Url),
        token: Option<&str>,
        (headers, body): (Vec<(String, String)>, Vec<u8>),
    ) -> (StatusCode, String) {
        let mut address = reqwest::Url::parse(&self.url).unwrap();
        url(&mut address);
        // A browser that is sent on is not followed: that leads away from the gateway.
        let mut request = self.still.request(method, address).header("content-type", "application/json").body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        let has_end = response.headers().get("content-type").is_none_or(|form| form != "text/event-stream");
        (response.status(), if has_end { response.text().await.unwrap() } else { String::new() })
    }

    /// A stream of news, from after the event with that id on.
    pub(crate) async fn stream(&self, token: &str, after: Option<&str>) -> reqwest::Response {
        let mut request = self.client.get(format!("{}/api/v1/stream", self.url)).bearer_auth(token);
        if let Some(id) = after {
            request = request.header("last-event-id", id);
        }
        request.send().await.unwrap()
    }

    /// Where the gateway is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What anybody gets who asks for a page.
    pub(crate) async fn text(&self, path: &str) -> (StatusCode, reqwest::header::HeaderMap, String) {
        let response = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status(), response.headers().clone(), response.text().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, Some(&self.token(Role::Viewer)), None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(&self.token(Role::Admin)), Some(body)).await
    }

    /// An admin replaces what they have seen, by the `ETag` of it.
    pub(crate) async fn put(&self, path: &str, seen: &str, body: Value) -> Answer {
        let token = self.token(Role::Admin);
        self.send_seen((Method::PUT, path), Some(&token), Some(seen), Some(body.to_string())).await
    }

    /// An admin deletes something, whatever version of it there is.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, Some(&self.token(Role::Admin)), None).await
    }

    /// Hands over events as Coccinelle's backend does.
    pub(crate) async fn hand_over(&self, body: &Value) -> Answer {
        self.send(Method::POST, "/api/v1/events", Some(&self.token(Role::Service)), Some(body.to_string())).await
    }

    /// A token for this world's tenant.
    pub(crate) fn token(&self, role: Role) -> String {
        token(self.tenant, role, 600)
    }

    /// The messages in the tenant's queue of the intake.
    pub(crate) async fn intake(&self) -> Vec<EventMerge> {
        self.intake_of(self.tenant).await
    }

    /// The messages in that tenant's queue of the intake.
    pub(crate) async fn intake_of(&self, tenant: TenantId) -> Vec<EventMerge> {
        let stored = self.vhost.peek(EventMerge::queue_of(tenant)).await;
        stored.iter().map(|message| serde_json::from_str(&message.payload).unwrap()).collect()
    }

    /// Lays these switches over those of the stand-in's account 4242.
    pub(crate) async fn switch_faults(&self, patch: Value) {
        let url = format!("{}/_sandbox/hubspot/4242/faults", self.sandbox.url);
        let switched = self.client.put(url).json(&patch).send().await.unwrap();
        assert!(switched.status().is_success(), "{switched:?}");
    }

    /// Somebody does something by hand in the stand-in's account 4242; returns what it answers.
    pub(crate) async fn by_hand(&self, method: Method, what: &str, properties: Value) -> Value {
        let url = format!("{}/_sandbox/hubspot/4242/{what}", self.sandbox.url);
        let answer = self.client.request(method, url).json(&properties).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        answer.json().await.unwrap()
    }

    /// Everything that was ever written to the stand-in.
    pub(crate) async fn journal(&self) -> Value {
        let url = format!("{}/_sandbox/journal", self.sandbox.url);
        self.client.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// The account 4242 makes a text property of contacts of its own.
    pub(crate) async fn add_property(&self, name: &str) {
        let url = format!("{}/crm/properties/2026-03/contacts", self.sandbox.hubspot_url());
        let property = json!({
            "name": name, "label": name, "groupName": "contactinformation", "type": "string", "fieldType": "text",
        });
        let made = self.client.post(url).bearer_auth("pat-eu1-4242-demo").json(&property).send().await.unwrap();
        assert!(made.status().is_success(), "{made:?}");
    }

    /// The database as the workers see it.
    pub(crate) fn worker(&self) -> Database {
        Database::new(&self.database.worker_url().into(), 2, DEADLINE)
    }

    /// The database as its owner sees it.
    pub(crate) fn owner(&self) -> Database {
        Database::new(&self.database.url().into(), 2, DEADLINE)
    }

    /// What opens accounts and issues passes, as the dispatcher has it.
    pub(crate) fn accounts(&self) -> Accounts {
        let vault = Vault::new(KeyRing::load(&self.key_ring).unwrap());
        Accounts::new(self.worker(), vault, &self.platforms, DEADLINE).unwrap()
    }

    /// Stops the gateway as a signal does.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        std::fs::remove_file(&self.key_ring).ok();
    }
}

/// The OpenAPI document.
pub(crate) fn document() -> Value {
    static DOCUMENT: LazyLock<Value> =
        LazyLock::new(|| serde_json::to_value(api_gateway::openapi::document()).unwrap());
    DOCUMENT.clone()
}

pub(crate) fn token(tenant_id: TenantId, role: Role, lifetime: i64) -> String {
    token_of("a test", tenant_id, role, lifetime)
}

/// A token that says who its bearer is.
pub(crate) fn token_of(sub: &str, tenant_id: TenantId, role: Role, lifetime: i64) -> String {
    let iat = Timestamp::now().as_millis() / 1_000;
    let claims = Claims { sub: sub.to_owned(), tenant_id, roles: vec![role], iat, exp: iat + lifetime, jti: None };
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

impl Answer {
    /// The version that is shown.
    pub(crate) fn etag(&self) -> &str {
        self.headers["etag"].to_str().unwrap()
    }

    /// Asserts an RFC 9457 problem of this status and code.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        assert_eq!(self.body["code"], code, "{self:?}");
        assert_eq!(self.body["status"], status, "{self:?}");
        for member in ["type", "title", "detail", "request_id"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "{member} of {self:?}");
        }
    }

    /// The paths of the faults that a problem names.
    pub(crate) fn paths(&self) -> Vec<&str> {
        self.body["errors"].as_array().into_iter().flatten().filter_map(|error| error["path"].as_str()).collect()
    }
}

async fn new_tenant(database: &TestDatabase, key_ring: &Path) -> TenantId {
    let tenant = TenantId::new();
    let key = Vault::new(KeyRing::load(key_ring).unwrap()).new_data_key(tenant).unwrap();
    let owner = Database::new(&database.url().into(), 1, DEADLINE);
    let mut tx = owner.begin(Scope::System).await.unwrap();
    tenants::create(&mut tx, tenant, "A tenant", Some(key.as_str())).await.unwrap();
    tx.commit().await.unwrap();
    tenant
}
