//! One test's world: dispatchers as production starts them, a database, a vhost, a CRM, and what users do to them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use accounts::Accounts;
use connectors::registry::Platform;
use domain::credentials::Credentials;
use domain::id::{IntegrationId, TenantId, WebhookLogId};
use domain::integration::{Delivery, Direction, Frequency, Integration};
use domain::kind::RecordKind;
use domain::message::{EventMerge, Message, WebhookApply};
use domain::outcome::{SyncOutcome, WebhookOutcome};
use domain::time::Timestamp;
use messaging::{Broker, BrokerOptions, Context};
use persistence::integrations::NewIntegration;
use persistence::{Database, Scope, Transaction, integrations, mappings, tenants};
use serde_json::{Value, json};
use sync_dispatcher::startup;
use testkit::cut::Proxy;
use testkit::{QueuedMessage, TestDatabase, TestVhost, wait};
use tokio_util::sync::{CancellationToken, DropGuard};
use vault::{KeyRing, Vault};

use crate::crm::{Crm, PORTAL};
use crate::dying::Doomed;
use crate::scheduling::undisturbed;

pub(crate) const DEADLINE: Duration = Duration::from_secs(40);

/// A reconciler that does not let a test wait. The others run with its defaults, so that it hides nothing from them.
pub(crate) const HASTE: [(&str, &str); 2] =
    [("DISPATCHER__RECONCILE_EVERY", "200ms"), ("DISPATCHER__OWED_FOR_TOO_LONG", "500ms")];

/// Retries that a test can sit out.
pub(crate) const SHORT: (&str, &str) = ("BROKER__RETRY_SCHEDULE", "100ms,300ms,500ms");

/// Attempts go on by the schedule, however often nobody answers.
pub(crate) const NO_BREAKERS: (&str, &str) = ("DISPATCHER__BREAKER_FAILURES", "0");

/// What is peculiar to the integration of a test.
pub(crate) struct Shape {
    pub(crate) frequency: Frequency,
    pub(crate) directions: BTreeMap<RecordKind, Direction>,
}

impl Default for Shape {
    /// The events that close messages are calls: they are nobody's business, unless a test wants calls.
    fn default() -> Self {
        Self { frequency: Frequency::Realtime, directions: [(RecordKind::Activity, Direction::FromPlatform)].into() }
    }
}

impl Shape {
    pub(crate) fn with(mut self, kind: RecordKind, direction: Direction) -> Self {
        self.directions.insert(kind, direction);
        self
    }
}

pub(crate) struct World {
    pub(crate) crm: Crm,
    pub(crate) tenant: TenantId,
    pub(crate) integration: IntegrationId,
    pub(crate) vhost: TestVhost,
    /// The line between the dispatchers and the broker.
    pub(crate) line: Proxy,
    pub(crate) broker: Broker,
    pub(crate) database: Database,
    pub(crate) server: TestDatabase,
    key_ring: PathBuf,
    settings: Vec<(String, String)>,
    stop: CancellationToken,
    _stop: DropGuard,
    synced: Arc<Mutex<Vec<SyncOutcome>>>,
    applied: Arc<Mutex<Vec<WebhookOutcome>>>,
    /// Subjects of events that close their messages: a message is merged where its last event's is known.
    closing: Mutex<Vec<String>>,
    delivered: Mutex<Vec<WebhookLogId>>,
}

impl World {
    /// One dispatcher, and a HubSpot account that is connected and switched on.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same, by other settings.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let world = Self::quiet(settings).await;
        world.dispatch();
        world
    }

    /// The same, without a dispatcher.
    pub(crate) async fn quiet(settings: &[(&str, &str)]) -> Self {
        Self::shaped(settings, Shape::default()).await
    }

    /// One dispatcher, and a HubSpot account that takes calls as well.
    pub(crate) async fn with_calls() -> Self {
        let world = Self::shaped(&[], Shape::default().with(RecordKind::Activity, Direction::ToPlatform)).await;
        world.dispatch();
        world
    }

    /// An integration of this shape, without a dispatcher.
    pub(crate) async fn shaped(settings: &[(&str, &str)], shape: Shape) -> Self {
        let (database, vhost, crm) = (testkit::database().await, testkit::vhost().await, Crm::start());
        let line = Proxy::before(&vhost.url()).await;
        let key_ring = std::env::temp_dir().join(format!("key-ring-{}.json", TenantId::new()));
        KeyRing::create(&key_ring).unwrap();
        let ours = [
            ("DATABASE__URL", database.worker_url()),
            ("BROKER__URL", line.url()),
            ("HTTP__LISTEN", "127.0.0.1:0".to_owned()),
            ("VAULT__KEY_RING_FILE", key_ring.display().to_string()),
            ("PLATFORMS__HUBSPOT__BASE_URL", crm.url()),
            // In a vhost that is new, a publish waits behind the making of every queue.
            ("BROKER__CONFIRM_TIMEOUT", "15s".to_owned()),
            // As long as it may take among hundreds of tests.
            ("DATABASE__CONNECT_TIMEOUT", "15s".to_owned()),
            (SHORT.0, SHORT.1.to_owned()),
        ];
        let theirs = settings.iter().map(|(key, value)| (*key, (*value).to_owned()));
        let ours = ours.into_iter().chain(crate::peers::places(&crm));
        let settings = ours.chain(theirs).map(|(key, value)| (format!("COCCINELLE__{key}"), value));
        let broker = Broker::connect(BrokerOptions {
            url: vhost.url().into(),
            confirm_timeout: DEADLINE,
            schedule: domain::retry::RetrySchedule::default(),
            name: "a test",
        });
        let stop = CancellationToken::new();
        let world = Self {
            crm,
            tenant: TenantId::new(),
            integration: undisturbed(),
            vhost,
            line,
            database: Database::new(&database.url().into(), 2, DEADLINE),
            server: database,
            key_ring,
            settings: settings.collect(),
            _stop: stop.clone().drop_guard(),
            stop,
            synced: collect(&broker),
            applied: collect(&broker),
            broker,
            closing: Mutex::default(),
            delivered: Mutex::default(),
        };
        world.connect((world.tenant, world.integration), PORTAL, shape).await;
        wait::until("a connection to the broker", DEADLINE, || async { world.broker.is_connected().then_some(()) })
            .await;
        world
    }

    fn settings(&self) -> runtime::config::Settings {
        runtime::config::read(None, self.settings.clone()).unwrap()
    }

    /// Starts a dispatcher, another replica where there is one.
    pub(crate) fn dispatch(&self) -> CancellationToken {
        let stop = self.stop.child_token();
        tokio::spawn(startup::build(self.settings()).unwrap().run_until(stop.clone()));
        stop
    }

    /// Starts a dispatcher by other settings besides.
    pub(crate) fn dispatch_with(&self, settings: &[(&str, &str)]) {
        let theirs = settings.iter().map(|(key, value)| (format!("COCCINELLE__{key}"), (*value).to_owned()));
        let settings = runtime::config::read(None, self.settings.iter().cloned().chain(theirs)).unwrap();
        tokio::spawn(startup::build(settings).unwrap().run_until(self.stop.child_token()));
    }

    /// Starts a dispatcher, and stops it in order as soon as it has taken everything: it ends what it has begun and gives back the rest.
    pub(crate) async fn dispatch_once(&self) {
        // One that is stopped before it has taken anything only gives back, which the broker does not bear for ever.
        self.dispatch_until("everything to be taken", || async {
            let waiting = self.waiting("dispatcher.").await;
            if waiting.is_empty() { Ok(()) } else { Err(format!("{waiting:?}")) }
        })
        .await;
    }

    /// Starts a dispatcher, and stops it in order as soon as this is so.
    pub(crate) async fn dispatch_until<F: Future<Output = Result<(), String>>>(
        &self,
        what: &str,
        is_so: impl Fn() -> F,
    ) {
        let (stop, app) = (self.stop.child_token(), startup::build(self.settings()).unwrap());
        let ready = format!("http://127.0.0.1:{}/readyz", app.port());
        let running = tokio::spawn(app.run_until(stop.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        wait::until("a dispatcher that is ready", DEADLINE, || async {
            client.get(&ready).send().await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
        wait::until(what, DEADLINE, is_so).await;
        stop.cancel();
        running.await.unwrap().unwrap();
    }

    /// Starts a dispatcher that can be made to vanish in the middle of its work.
    pub(crate) fn dispatch_to_crash(&self) -> Doomed {
        Doomed::start(self.settings(), self.stop.child_token())
    }

    /// The database as another process comes to it.
    pub(crate) fn another_database(&self) -> Database {
        Database::new(&self.server.url().into(), 2, DEADLINE)
    }

    /// The messages that nobody holds, in queues whose names begin so.
    pub(crate) async fn waiting(&self, beginning: &str) -> Vec<QueuedMessage> {
        let mut waiting = Vec::new();
        for queue in self.vhost.queues().await.into_iter().filter(|queue| queue.starts_with(beginning)) {
            waiting.extend(self.vhost.peek(&queue).await);
        }
        waiting
    }

    /// Makes a tenant and connects its HubSpot account, as the gateway does.
    pub(crate) async fn connect(&self, (tenant, id): (TenantId, IntegrationId), portal: u64, shape: Shape) {
        let key = Vault::new(KeyRing::load(&self.key_ring).unwrap()).new_data_key(tenant).unwrap();
        let mut tx = self.begin().await;
        tenants::create(&mut tx, tenant, "A tenant", Some(key.as_str())).await.unwrap();
        tx.commit().await.unwrap();
        self.connect_account((tenant, id), portal, shape).await;
    }

    /// Connects a HubSpot account of a tenant that is there.
    pub(crate) async fn connect_account(&self, (tenant, id): (TenantId, IntegrationId), portal: u64, shape: Shape) {
        runtime::crypto::install();
        let (settings, accounts) = (self.settings(), self.accounts());
        let integration = Integration {
            id,
            tenant_id: tenant,
            platform: Platform::HubSpot.connector().descriptor().slug.parse().unwrap(),
            name: "Notre CRM".to_owned(),
            enabled: true,
            direction: Direction::Bidirectional,
            kind_directions: shape.directions,
            options: BTreeMap::new(),
            frequency: shape.frequency,
            // Whoever says where n8n is wants to deliver by it.
            delivery: if settings.n8n.base_url.is_some() { Delivery::N8n } else { Delivery::Direct },
            account_id: Some(portal.to_string()),
            account_name: None,
            url: None,
            workflow_url: None,
            alerts: domain::alert::Alerts::default(),
            version: 1,
        };
        let credentials = Credentials::ApiKey { key: crate::crm::token(portal).into(), secret: None };
        let mut tx = self.begin().await;
        let sealed = accounts.seal(&mut tx, (tenant, id), &credentials).await.unwrap();
        let new = NewIntegration { integration: integration.clone(), sealed: Some(sealed.into()) };
        integrations::create(&mut tx, &new).await.unwrap();
        let connector = Platform::HubSpot.connector();
        for kind in connector.descriptor().kinds {
            let fields = connector.default_mapping(*kind).fields;
            mappings::replace(&mut tx, (tenant, id), *kind, &fields).await.unwrap();
        }
        tx.commit().await.unwrap();
        let account = accounts.open(&integration).await.unwrap();
        connector.probe().prepare(&account).await.unwrap();
    }

    /// The accounts as every service opens them.
    pub(crate) fn accounts(&self) -> Accounts {
        self.accounts_in(self.database.clone())
    }

    /// The same, where another process comes to the database.
    pub(crate) fn accounts_in(&self, database: Database) -> Accounts {
        let vault = Vault::new(KeyRing::load(&self.key_ring).unwrap());
        Accounts::new(database, vault, &self.settings().platforms, DEADLINE).unwrap()
    }

    /// Where the whole database can be seen.
    pub(crate) fn database_url(&self) -> String {
        self.server.url()
    }

    pub(crate) async fn begin(&self) -> Transaction {
        self.database.begin(Scope::System).await.unwrap()
    }

    /// Hands over events as the gateway does: in messages, each of which is merged as a whole.
    pub(crate) async fn accept(&self, events: Vec<Value>) {
        for events in events.chunks(EventMerge::LIMIT - 1) {
            let mark = WebhookLogId::new().to_string();
            let last = event("call.completed", &mark, json!({}));
            let read = |event: &Value| domain::event::parse(event, "").unwrap();
            let events = events.iter().chain([&last]).map(read).collect();
            let message = EventMerge { tenant_id: self.tenant, accepted_at: Timestamp::now(), events };
            self.broker.publish(&message, &Context::new()).await.unwrap();
            self.closing.lock().unwrap().push(mark);
        }
    }

    /// Hands over a delivery of the platform, as the ingest does.
    pub(crate) async fn deliver(&self, body: &[Value]) {
        self.deliver_as(WebhookLogId::new(), body).await;
    }

    /// The same, under an id of the test's own.
    pub(crate) async fn deliver_as(&self, delivery: WebhookLogId, body: &[Value]) {
        let message = WebhookApply {
            delivery,
            platform: Platform::HubSpot.connector().descriptor().slug.parse().unwrap(),
            integration_id: None,
            received_at: Timestamp::now(),
            headers: Vec::new(),
            body: Value::from(body).to_string(),
        };
        self.broker.publish(&message, &Context::new()).await.unwrap();
        self.delivered.lock().unwrap().push(delivery);
    }

    /// Waits until all that was handed over is merged and every link is in step or blocked.
    pub(crate) async fn settle(&self) {
        self.settle_within(DEADLINE).await;
    }

    pub(crate) async fn settle_within(&self, deadline: Duration) {
        wait::until("everything to be in step", deadline, || self.is_settled()).await;
    }

    /// What is not done yet, where anything is.
    pub(crate) async fn is_settled(&self) -> Result<(), String> {
        self.is_taken_in().await?;
        match self.drift().await {
            0 => Ok(()),
            drift => Err(format!("{drift} links are owed")),
        }
    }

    /// Whether all that was handed over is merged or applied.
    pub(crate) async fn is_taken_in(&self) -> Result<(), String> {
        let applied = self.deliveries();
        let is_applied = |id: &WebhookLogId| applied.iter().any(|outcome| outcome.id == *id);
        if !self.delivered.lock().unwrap().iter().all(is_applied) {
            return Err("a delivery is not applied".to_owned());
        }
        let marks = self.closing.lock().unwrap().clone();
        let merged = self.known(RecordKind::Activity, &marks).await;
        if merged == marks.len() { Ok(()) } else { Err(format!("{merged} of {} messages are merged", marks.len())) }
    }

    /// Waits until all that was handed over is merged or applied.
    pub(crate) async fn take_in(&self) {
        wait::until("everything to be merged", DEADLINE, || self.is_taken_in()).await;
    }

    /// The attempts that the log was told of so far.
    pub(crate) fn outcomes(&self) -> Vec<SyncOutcome> {
        self.synced.lock().unwrap().clone()
    }

    /// The deliveries that the log was told of so far.
    pub(crate) fn deliveries(&self) -> Vec<WebhookOutcome> {
        self.applied.lock().unwrap().clone()
    }

    /// The log's attempts once there are some that satisfy `wanted`.
    pub(crate) async fn outcome(&self, what: &str, wanted: impl Fn(&SyncOutcome) -> bool) -> SyncOutcome {
        wait::until(what, DEADLINE, || async {
            let outcomes = self.outcomes();
            outcomes.iter().find(|outcome| wanted(outcome)).cloned().ok_or(outcomes)
        })
        .await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_file(&self.key_ring).ok();
    }
}

/// Takes every message of a type from its queue, as the log-writer does.
fn collect<M: Message + Clone>(broker: &Broker) -> Arc<Mutex<Vec<M>>> {
    let collected = Arc::new(Mutex::new(Vec::new()));
    let (mut deliveries, into) = (broker.deliveries::<M>(256), Arc::clone(&collected));
    tokio::spawn(async move {
        while let Some(delivery) = deliveries.next().await {
            into.lock().unwrap().push(delivery.message.clone());
            delivery.ack().await;
        }
    });
    collected
}

/// An event that happened now.
pub(crate) fn event(event_type: &str, subject: &str, data: Value) -> Value {
    event_at(event_type, subject, data, Timestamp::now())
}

/// An event that happened then.
pub(crate) fn event_at(event_type: &str, subject: &str, data: Value, at: Timestamp) -> Value {
    json!({"event_id": WebhookLogId::new().to_string(), "type": event_type, "subject_id": subject,
           "occurred_at": at.to_string(), "data": data})
}
