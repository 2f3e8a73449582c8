//! A migrated database with tenants in it, and the three ways to come to it.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::fault::FaultKind;
use domain::id::{IntegrationId, LinkId, RecordId, SyncLogId, TenantId};
use domain::integration::{Delivery, Direction, Frequency, Integration};
use domain::kind::RecordKind;
use domain::outcome::{SyncError, SyncOutcome, SyncType};
use domain::time::Timestamp;
use persistence::integrations::{self, NewIntegration};
use persistence::{Database, Scope, Transaction, tenants};
use testkit::TestDatabase;

/// A database of the test's own.
pub(crate) struct World {
    pub(crate) server: TestDatabase,
    /// As the owner.
    pub(crate) owner: Database,
    /// As the gateway.
    pub(crate) gateway: Database,
    /// As a worker.
    pub(crate) worker: Database,
}

/// A tenant with one integration.
#[derive(Clone, Copy)]
pub(crate) struct Customer {
    pub(crate) tenant: TenantId,
    pub(crate) integration: IntegrationId,
    pub(crate) backend: IntegrationId,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        let server = testkit::database().await;
        let open = |url: String| Database::new(&url.into(), 8, Duration::from_secs(30));
        let (owner, gateway) = (open(server.url()), open(server.gateway_url()));
        Self { owner, gateway, worker: open(server.worker_url()), server }
    }

    /// Lets time pass for all budgets.
    pub(crate) async fn age_budgets(&self, by: Duration) {
        let mut tx = self.owner.begin(Scope::System).await.unwrap();
        let statement = "UPDATE platform_budgets SET refilled_at = refilled_at - make_interval(secs => $1),
            back_fill_waits_since = back_fill_waits_since - make_interval(secs => $1)";
        sql_query(statement).bind::<diesel::sql_types::Double, _>(by.as_secs_f64()).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A tenant that has connected the account of that name.
    pub(crate) async fn customer(&self, account: &str) -> Customer {
        let tenant = TenantId::new();
        let mut tx = self.owner.begin(Scope::System).await.unwrap();
        let backend = tenants::create(&mut tx, tenant, "Cabinet Étoile", Some("v1.k1.AAAA")).await.unwrap();
        let new = NewIntegration { integration: hubspot(tenant, account), sealed: Some("v1.tenant.AAAA".to_owned()) };
        integrations::create(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        Customer { tenant, integration: new.integration.id, backend }
    }
}

pub(crate) fn hubspot(tenant: TenantId, account: &str) -> Integration {
    Integration {
        id: IntegrationId::new(),
        tenant_id: tenant,
        platform: "hubspot".parse().unwrap(),
        name: "HubSpot".to_owned(),
        enabled: true,
        direction: Direction::Bidirectional,
        kind_directions: BTreeMap::from([(RecordKind::Order, Direction::ToPlatform)]),
        options: BTreeMap::from([("people".to_owned(), "lead".to_owned())]),
        frequency: Frequency::Realtime,
        delivery: Delivery::Direct,
        account_id: Some(account.to_owned()),
        account_name: None,
        url: None,
        workflow_url: None,
        alerts: domain::alert::Alerts::default(),
        version: 1,
    }
}

impl Customer {
    /// A successful attempt, so many milliseconds after 2026-11-22.
    pub(crate) fn success(self, millis: i64) -> SyncOutcome {
        SyncOutcome {
            id: SyncLogId::new(),
            created_at: Timestamp::from_millis(1_795_305_600_000 + millis).unwrap(),
            tenant_id: self.tenant,
            integration_id: self.integration,
            link_id: LinkId::new(),
            record_id: Some(RecordId::new()),
            kind: RecordKind::Contact,
            sync_type: SyncType::Create,
            external_id: Some("501".to_owned()),
            error: None,
            request: Some(serde_json::json!({"firstname": "Zoé"})),
            response: Some(serde_json::json!({"id": "501"})),
            changes: BTreeMap::new(),
            duration_ms: 42,
            attempt: 1,
            correlation_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        }
    }

    /// A failed one.
    pub(crate) fn failure(self, millis: i64, message: &str) -> SyncOutcome {
        let error =
            SyncError { class: FaultKind::Invalid, code: "INVALID_EMAIL".to_owned(), message: message.to_owned() };
        SyncOutcome { error: Some(error), ..self.success(millis) }
    }
}

/// The one number that a statement selects as `number`.
pub(crate) async fn number(tx: &mut Transaction, statement: &str) -> i64 {
    let row: Number = sql_query(statement).get_result(&mut **tx).await.unwrap();
    row.number
}

/// The texts that a statement selects as `word`.
pub(crate) async fn words(tx: &mut Transaction, statement: &str) -> Vec<String> {
    let rows: Vec<Word> = sql_query(statement).load(&mut **tx).await.unwrap();
    rows.into_iter().map(|row| row.word).collect()
}

/// What the database says to a statement; the number of rows it touched.
pub(crate) async fn try_to(tx: &mut Transaction, statement: &str) -> Result<usize, diesel::result::Error> {
    sql_query(statement).execute(&mut **tx).await
}
