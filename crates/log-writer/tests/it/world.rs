//! What every test stands on: a database, a vhost, a tenant, a publisher, and the log writer itself.

use std::io;
use std::time::Duration;

use domain::fault::FaultKind;
use domain::id::{IntegrationId, LinkId, SyncLogId, TenantId, WebhookLogId};
use domain::integration::{Delivery as DeliveryRoad, Direction, Frequency, Integration};
use domain::kind::RecordKind;
use domain::message::{Message, StoredMessage};
use domain::outcome::{SyncError, SyncOutcome, SyncType, WebhookOutcome, WebhookResult};
use domain::time::Timestamp;
use messaging::{Broker, BrokerOptions, Context};
use persistence::integrations::{self, NewIntegration};
use persistence::log_page::LogPage;
use persistence::sync_logs::{self, SyncLog};
use persistence::{Database, Scope, incidents, tenants, webhook_logs};
use runtime::config::{self, Settings};
use testkit::{TestDatabase, TestVhost, wait};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long anything may take on a machine that is busy with other tests.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) vhost: TestVhost,
    pub(crate) tenant: TenantId,
    pub(crate) integration: IntegrationId,
    /// As the owner, for looking at what was written.
    pub(crate) rows: Database,
    publisher: Broker,
}

impl World {
    pub(crate) async fn new() -> Self {
        runtime::crypto::install();
        let (database, vhost) = tokio::join!(testkit::database(), testkit::vhost());
        let rows = Database::new(&database.url().into(), 2, LIMIT);
        let tenant = TenantId::new();
        let mut transaction = rows.begin(Scope::Tenant(tenant)).await.unwrap();
        let integration = tenants::create(&mut transaction, tenant, "Salon Éloïse", None).await.unwrap();
        transaction.commit().await.unwrap();
        let publisher = Broker::connect(BrokerOptions {
            url: vhost.url().into(),
            confirm_timeout: LIMIT,
            schedule: domain::retry::RetrySchedule::default(),
            name: "test",
        });
        wait::until("the publisher's connection", LIMIT, || async { publisher.is_connected().then_some(()) }).await;
        Self { database, vhost, tenant, integration, rows, publisher }
    }

    /// Another tenant, with this data key.
    pub(crate) async fn another_tenant(&self, key: Option<&str>) -> TenantId {
        let tenant = TenantId::new();
        let mut transaction = self.rows.begin(Scope::Tenant(tenant)).await.unwrap();
        tenants::create(&mut transaction, tenant, "Salon", key).await.unwrap();
        transaction.commit().await.unwrap();
        tenant
    }

    /// Connects an account of HubSpot under that name.
    pub(crate) async fn connect(&self, tenant: TenantId, name: &str) -> IntegrationId {
        let integration = Integration {
            id: IntegrationId::new(),
            tenant_id: tenant,
            platform: "hubspot".parse().unwrap(),
            name: name.to_owned(),
            enabled: true,
            direction: Direction::Bidirectional,
            kind_directions: std::collections::BTreeMap::new(),
            options: std::collections::BTreeMap::new(),
            frequency: Frequency::Realtime,
            delivery: DeliveryRoad::Direct,
            account_id: Some(name.to_owned()),
            account_name: None,
            url: None,
            workflow_url: None,
            alerts: domain::alert::Alerts::default(),
            version: 1,
        };
        let id = integration.id;
        let mut transaction = self.rows.begin(Scope::Tenant(tenant)).await.unwrap();
        integrations::create(&mut transaction, &NewIntegration { integration, sealed: None }).await.unwrap();
        transaction.commit().await.unwrap();
        id
    }

    /// Waits until no incident goes on.
    pub(crate) async fn incidents_over(&self) {
        wait::until("the end of incidents", LIMIT, || async {
            let mut transaction = self.rows.begin(Scope::System).await.unwrap();
            let open = incidents::open(&mut transaction).await.unwrap();
            transaction.commit().await.unwrap();
            if open.is_empty() { Ok(()) } else { Err(open.len()) }
        })
        .await;
    }

    /// The service's settings; its database may be behind a proxy.
    pub(crate) fn settings(&self, database_url: &str) -> Settings {
        let pairs = [
            ("DATABASE__URL", database_url),
            ("DATABASE__POOL_SIZE", "3"),
            ("BROKER__URL", &self.vhost.url()),
            ("BROKER__RETRY_SCHEDULE", "20ms,40ms"),
            // In a vhost that is new, a publish waits behind the making of every queue.
            ("BROKER__CONFIRM_TIMEOUT", "15s"),
            ("HTTP__LISTEN", "127.0.0.1:0"),
        ];
        let variables = pairs.map(|(key, value)| (format!("COCCINELLE__{key}"), value.to_owned()));
        config::read(None, variables).unwrap()
    }

    /// The service, as `main` starts it, with the workers' role.
    pub(crate) fn start(&self) -> Running {
        Running::start(self.settings(&self.database.worker_url()))
    }

    pub(crate) async fn publish<M: Message>(&self, message: &M) {
        self.publisher.publish(message, &Context::new()).await.unwrap();
    }

    /// Publishes what says of itself that it is an outcome of this type, whatever it is.
    pub(crate) async fn publish_as(&self, message_type: &str, payload: serde_json::Value) {
        self.publish_to(SyncOutcome::QUEUE, message_type, payload).await;
    }

    /// Publishes to a queue what says of itself that it is of this type, whatever it is.
    pub(crate) async fn publish_to(&self, queue: &str, message_type: &str, payload: serde_json::Value) {
        let context = Context::new();
        let message = StoredMessage {
            id: context.message_id,
            message_type: message_type.to_owned(),
            queue: queue.to_owned(),
            trace: context.trace,
            payload,
        };
        self.publisher.publish_stored(&message).await.unwrap();
    }

    pub(crate) fn success(&self) -> SyncOutcome {
        SyncOutcome {
            id: SyncLogId::new(),
            created_at: Timestamp::now(),
            tenant_id: self.tenant,
            integration_id: self.integration,
            link_id: LinkId::new(),
            record_id: None,
            kind: RecordKind::Contact,
            sync_type: SyncType::Create,
            external_id: Some("501".to_owned()),
            error: None,
            request: Some(serde_json::json!({"email": "eloise@example.fr"})),
            response: None,
            changes: std::collections::BTreeMap::new(),
            duration_ms: 12,
            attempt: 1,
            correlation_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        }
    }

    pub(crate) fn failure(&self) -> SyncOutcome {
        let (code, message) = ("INVALID_EMAIL".to_owned(), "the e-mail address is none".to_owned());
        SyncOutcome { error: Some(SyncError { class: FaultKind::Invalid, code, message }), ..self.success() }
    }

    /// One that PostgreSQL cannot store: what should be a trace is longer than an index can hold, and too random to be packed.
    pub(crate) fn poison(&self) -> SyncOutcome {
        let noise = (0..250).map(|_| LinkId::new().to_string()).collect();
        SyncOutcome { correlation_id: noise, ..self.success() }
    }

    pub(crate) fn webhook(&self) -> WebhookOutcome {
        WebhookOutcome {
            id: WebhookLogId::new(),
            created_at: Timestamp::now(),
            platform: "hubspot".parse().unwrap(),
            tenant_id: Some(self.tenant),
            integration_id: Some(self.integration),
            delivery_id: Some("evt-1".to_owned()),
            result: WebhookResult::Applied { marked: 2 },
            body: Some(serde_json::json!([{"objectId": 501}])),
            correlation_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        }
    }

    pub(crate) async fn sync_logs(&self) -> Vec<SyncLog> {
        let mut transaction = self.rows.begin(Scope::Tenant(self.tenant)).await.unwrap();
        let page = LogPage { after: None, limit: 1_000 };
        let whose = (self.tenant, self.integration);
        let logs = sync_logs::list(&mut transaction, whose, sync_logs::Filter::default(), &page).await.unwrap();
        transaction.commit().await.unwrap();
        logs
    }

    pub(crate) async fn webhook_logs(&self) -> Vec<webhook_logs::WebhookLog> {
        let mut transaction = self.rows.begin(Scope::Tenant(self.tenant)).await.unwrap();
        let page = LogPage { after: None, limit: 1_000 };
        let whose = (self.tenant, self.integration);
        let logs = webhook_logs::list(&mut transaction, whose, &webhook_logs::Filter::default(), &page).await.unwrap();
        transaction.commit().await.unwrap();
        logs
    }

    /// Waits until so many rows are in the log of attempts, and gives their ids in order of writing time.
    pub(crate) async fn rows_written(&self, wanted: usize) -> Vec<SyncLogId> {
        wait::until("the rows", LIMIT, || async {
            let logs = self.sync_logs().await;
            if logs.len() >= wanted { Ok(logs.iter().map(|log| log.id).collect()) } else { Err(logs.len()) }
        })
        .await
    }

    /// Waits until so many rows are in the log of deliveries.
    pub(crate) async fn deliveries_written(&self, wanted: usize) -> Vec<webhook_logs::WebhookLog> {
        wait::until("the rows of deliveries", LIMIT, || async {
            let logs = self.webhook_logs().await;
            if logs.len() >= wanted { Ok(logs) } else { Err(logs.len()) }
        })
        .await
    }

    /// Waits until so many messages are ready in a queue.
    pub(crate) async fn ready(&self, queue: &str, wanted: usize) -> Vec<testkit::QueuedMessage> {
        wait::until(queue, LIMIT, || async {
            let messages = self.vhost.peek(queue).await;
            if messages.len() == wanted { Ok(messages) } else { Err(messages.len()) }
        })
        .await
    }
}

/// A log writer that runs until it is stopped.
pub(crate) struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    pub(crate) fn start(settings: Settings) -> Self {
        let shutdown = CancellationToken::new();
        let app = log_writer::startup::build(settings).unwrap();
        let task = tokio::spawn(app.run_until(shutdown.clone()));
        Self { shutdown, task }
    }

    /// Stops it as SIGTERM does, and waits for its end.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}
