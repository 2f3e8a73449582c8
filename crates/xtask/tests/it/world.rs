//! The whole system for one test: the real binaries as processes, with a demo tenant, and what a test asks of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Method, Response, Url};
use ring::hmac;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::{TestDatabase, TestVhost, wait};
use xtask::console::{Console, ServiceLines};
use xtask::services::postgres::Durability;
use xtask::services::{Choice, Services};
use xtask::session::{Count, Options, PORTAL, Servers, Service, Session, Tenant, Workflows};
use xtask::stack::Backoff;

pub(crate) const DEADLINE: Duration = Duration::from_secs(90);

const WEBHOOKS: &str = "/webhooks/integrations/hubspot";

/// Settings under which everything that waits waits seconds, so that a test need not wait minutes.
const IMPATIENT: [(&str, &str); 7] = [
    // But for the broker, of which other tests ask much as well.
    ("BROKER__CONFIRM_TIMEOUT", "15s"),
    // Tests ask again and again.
    ("GATEWAY__BURST", "100000"),
    ("DISPATCHER__LEASE", "5s"),
    ("DISPATCHER__PLATFORM_TIMEOUT", "3s"),
    ("DISPATCHER__RECONCILE_EVERY", "1s"),
    ("DISPATCHER__OWED_FOR_TOO_LONG", "2s"),
    ("BROKER__RETRY_SCHEDULE", "1s,2s,4s"),
];

/// Waits for an answer for longer than a machine with much to do takes over it: where what is asked twice would be counted twice, or where
/// a test has to be there before it is given up.
pub(crate) const PATIENT: [(&str, &str); 2] = [("DISPATCHER__PLATFORM_TIMEOUT", "20s"), ("DISPATCHER__LEASE", "40s")];

/// A running system. [`World::end`] must be called; where a test panics before, its end is made by [`Estate`].
pub(crate) struct World {
    pub(crate) session: Session,
    pub(crate) tenant: Tenant,
    /// Dropped after the session, which holds the folder.
    estate: Estate,
    /// Where the servers are those that all tests share.
    pub(crate) shared: Option<(TestDatabase, TestVhost)>,
}

impl World {
    /// A system with a database and a vhost of its own on the servers that all tests share.
    pub(crate) async fn on_shared_servers(name: &str, base_port: u16, settings: &[(&str, &str)]) -> Self {
        Self::with_workflows(name, base_port, (settings, Workflows::None)).await
    }

    /// The same, told of an n8n.
    pub(crate) async fn with_workflows(
        name: &str,
        base_port: u16,
        (settings, workflows): (&[(&str, &str)], Workflows),
    ) -> Self {
        let (database, vhost) = (testkit::database().await, testkit::vhost().await);
        let servers = Servers {
            owner: url(&database.url()),
            gateway: url(&database.gateway_url()),
            worker: url(&database.worker_url()),
            broker: url(&vhost.url()),
            management: Some(url(&variable("AMQP_MANAGEMENT_URL"))),
        };
        let options = Options { servers: Some(servers), workflows, ..options(base_port, settings) };
        Self::start(name, options, Some((database, vhost))).await
    }

    /// A system with a PostgreSQL and a RabbitMQ of its own, which may be stopped.
    pub(crate) async fn on_own_servers(name: &str, base_port: u16, settings: &[(&str, &str)]) -> Self {
        Self::start(name, options(base_port, settings), None).await
    }

    async fn start(name: &str, options: Options, shared: Option<(TestDatabase, TestVhost)>) -> Self {
        let estate = Estate(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        Services::wipe(&estate.0).await.unwrap();
        let mut session = Session::open(&estate.0, options, Console::new(ServiceLines::InFilesOnly)).await.unwrap();
        session.bring_up().await.unwrap();
        let tenant = session.demo_tenant().await.unwrap();
        let world = Self { session, tenant, estate, shared };
        // How fast the platform lets us be is not what these tests are about.
        world.faults(json!({ "rate_limit_per_10s": null, "search_limit_per_s": null, "search_lag_ms": 0 })).await;
        world
    }

    /// Stops everything and removes it.
    pub(crate) async fn end(mut self) {
        self.session.take_down().await;
        drop(self.session);
        Services::wipe(&self.estate.0).await.unwrap();
    }

    /// Switches faults of the platform on or off.
    pub(crate) async fn faults(&self, switches: Value) {
        self.sandbox(Method::PUT, &format!("/hubspot/{PORTAL}/faults"), Some(switches)).await;
    }

    /// Asks the sandbox's own API.
    pub(crate) async fn sandbox(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/_sandbox{path}", self.session.url(Service::Sandbox));
        let request = self.session.client().request(method, url);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await.unwrap().error_for_status().unwrap();
        response.json().await.unwrap_or(Value::Null)
    }

    /// Has what a dispatcher held that was killed be free at once.
    pub(crate) async fn free_leases(&self) {
        let (database, _) = self.shared.as_ref().unwrap();
        database.execute("UPDATE record_links SET lease_until = now() WHERE lease_token IS NOT NULL").await;
    }

    /// The writes that were applied in the CRM after the one with this number.
    pub(crate) async fn journal(&self, after: u64) -> Vec<Value> {
        let path = format!("/journal?platform=hubspot&account={PORTAL}&after={after}&limit=1000000");
        let Value::Array(entries) = self.sandbox(Method::GET, &path, None).await else { panic!("no journal") };
        entries
    }

    /// What the gateway answers to an administrator.
    pub(crate) async fn ask(&self, path: &str) -> Value {
        let answer = self.session.call(Method::GET, path, &self.tenant.admin_token, None).await;
        let (status, body) = answer.unwrap();
        assert!(status.is_success(), "GET {path}: {status} {body}");
        body
    }

    /// What the gateway shows of the tenant's integration, below its own path.
    pub(crate) async fn of_integration(&self, path: &str) -> Value {
        self.ask(&format!("/api/v1/integrations/{}{path}", self.tenant.integration)).await
    }

    /// Hands over one event, once.
    pub(crate) async fn post_event(&self, event: &Value) -> Response {
        let url = format!("{}/api/v1/events", self.session.url(Service::ApiGateway));
        let token = self.tenant.service_token.expose_secret();
        self.session.client().post(url).bearer_auth(token).json(event).send().await.unwrap()
    }

    /// Delivers that a contact changed, as HubSpot does, and signed like that unless `secret` is another.
    pub(crate) async fn deliver_change(&self, contact: &str, secret: &str) -> Response {
        let millis = chrono::Utc::now().timestamp_millis();
        let id: u64 = contact.parse().unwrap();
        let body = json!([{
            "eventId": millis % 1_000_000_007, "subscriptionId": 3, "portalId": PORTAL.parse::<u64>().unwrap(),
            "appId": 11, "occurredAt": millis, "subscriptionType": "contact.propertyChange", "attemptNumber": 0,
            "objectId": id, "propertyName": "city", "propertyValue": "?", "changeSource": "CRM_UI",
        }]);
        self.deliver_signed(&body, secret).await
    }

    /// Delivers this as HubSpot does.
    pub(crate) async fn deliver_body(&self, body: &Value) -> Response {
        self.deliver_signed(body, self.session.webhook_secret().expose_secret()).await
    }

    async fn deliver_signed(&self, body: &Value, secret: &str) -> Response {
        let millis = chrono::Utc::now().timestamp_millis();
        let url = format!("{}{WEBHOOKS}", self.session.url(Service::WebhookIngest));
        let signed = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
            format!("POST{url}{body}{millis}").as_bytes(),
        );
        let request = self.session.client().post(&url).header("content-type", "application/json");
        let request = request.header("x-hubspot-request-timestamp", millis.to_string());
        let request = request.header("x-hubspot-signature-v3", BASE64_STANDARD.encode(signed));
        request.body(body.to_string()).send().await.unwrap()
    }

    /// Delivers that a contact changed, as HubSpot does.
    pub(crate) async fn deliver(&self, contact: &str) -> Response {
        self.deliver_change(contact, self.session.webhook_secret().expose_secret()).await
    }

    /// Makes a contact with somebody's hand in the CRM, and gives its id there.
    pub(crate) async fn contact_by_hand(&self, properties: Value) -> String {
        let made = self.sandbox(Method::POST, &format!("/hubspot/{PORTAL}/contacts"), Some(properties)).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// The only record that this identifier names, whole, once there is one.
    pub(crate) async fn record(&self, q: &str) -> Option<Value> {
        let mut url = Url::parse("http://x/api/v1/records").unwrap();
        url.query_pairs_mut().append_pair("q", q);
        let found = self.ask(&format!("{}?{}", url.path(), url.query().unwrap())).await;
        let id = found["data"].as_array().unwrap().first()?["id"].as_str().unwrap().to_owned();
        Some(self.ask(&format!("/api/v1/records/{id}")).await)
    }

    /// Waits for a record of which `holds` holds.
    pub(crate) async fn wait_for_record(&self, q: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        wait::until(&format!("{what} of {q}"), DEADLINE, || async {
            let record = self.record(q).await;
            record.clone().filter(|record| holds(record)).ok_or(record)
        })
        .await
    }

    /// What the CRM and the gateway count now, for so many people.
    pub(crate) async fn count(&self, distinct_people: u64) -> Count {
        self.session.count(&self.tenant, expected(distinct_people)).await.unwrap()
    }

    /// Waits until so many people are in the CRM and nothing is owed or under way.
    pub(crate) async fn settle(&self, distinct_people: u64) -> Count {
        self.settle_within(distinct_people, DEADLINE).await
    }

    /// The same within so much time.
    pub(crate) async fn settle_within(&self, distinct_people: u64, deadline: Duration) -> Count {
        self.session.settle(&self.tenant, expected(distinct_people), deadline, |_| {}).await.unwrap()
    }

    /// Waits until nothing is owed or under way, and says what is in the CRM then.
    pub(crate) async fn settle_whoever(&self) -> Count {
        self.settle(0).await
    }

    /// One of our services' figures; 0 while it was never counted.
    pub(crate) async fn metric(&self, service: Service, line: &str) -> f64 {
        let url = format!("{}/metrics", self.session.url(service));
        let text = self.session.client().get(url).send().await.unwrap().text().await.unwrap();
        let found = text.lines().find_map(|other| other.strip_prefix(line)?.trim().parse().ok());
        found.unwrap_or_default()
    }
}

/// The folder of a system. After a panic it shows what the services said last, and stops what still runs there.
pub(crate) struct Estate(pub(crate) PathBuf);

impl Drop for Estate {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let console = Console::new(ServiceLines::InFilesOnly);
        for service in Service::ALL {
            let name = service.name();
            let log = std::fs::read_to_string(self.0.join(format!("logs/{name}.log"))).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            console.note(&format!("--- {name}\n{}", lines[lines.len().saturating_sub(15)..].join("\n")));
        }
        let folder = self.0.clone();
        // The test's own runtime is on its way out.
        let wiping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(Services::wipe(&folder))
        });
        drop(wiping.join());
    }
}

/// An event about a prospect that happens now.
pub(crate) fn prospect(subject: &str, kind: &str, data: Value) -> Value {
    let now = chrono::Utc::now();
    let id = format!("evt-{subject}-{}", now.timestamp_micros());
    let at = now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    json!({ "event_id": id, "type": kind, "subject_id": subject, "occurred_at": at, "data": data })
}

fn expected(distinct_people: u64) -> Count {
    Count { accepted: 0, distinct_people, strangers: 0, in_crm: 0, duplicates: 0, owed: 0, seconds: 0.0 }
}

fn options(base_port: u16, settings: &[(&str, &str)]) -> Options {
    let pause = Duration::from_millis(200);
    let pairs = IMPATIENT.iter().chain(settings);
    Options {
        choice: Choice::Private,
        durability: Durability::Relaxed,
        backoff: Backoff { first: pause, longest: pause, steady: DEADLINE },
        settings: pairs.map(|(key, value)| (format!("COCCINELLE__{key}"), (*value).to_owned())).collect(),
        binaries: Some(variable("COCCINELLE_BIN_DIR").into()),
        ..Options::new(base_port)
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

pub(crate) fn variable(name: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the tests' programs and servers are is no setting of the product"
    )]
    let value = std::env::var(name);
    value.unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run the tests with `cargo xtask test`, which builds the binaries and starts the servers"
        )
    })
}
