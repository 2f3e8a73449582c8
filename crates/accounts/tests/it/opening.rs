//! Sealing, opening, hinting, and the budget that all who open an account share.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use accounts::{AccountError, Accounts};
use domain::credentials::Credentials;
use domain::id::{IntegrationId, TenantId};
use domain::integration::{Delivery, Direction, Frequency, Integration};
use persistence::integrations::NewIntegration;
use persistence::{Database, Scope, integrations, tenants};
use runtime::config::PlatformSettings;
use secrecy::ExposeSecret as _;
use testkit::TestDatabase;
use vault::{KeyRing, Vault};

const PATIENCE: Duration = Duration::from_secs(10);
const KEY: &str = "pat-eu1-4242-0123456789";

struct World {
    database: TestDatabase,
    tenant: TenantId,
    key_ring: std::path::PathBuf,
}

impl World {
    async fn start() -> Self {
        let database = testkit::database().await;
        let tenant = TenantId::new();
        let key_ring = std::env::temp_dir().join(format!("accounts-{tenant}.json"));
        KeyRing::create(&key_ring).unwrap();
        let world = Self { database, tenant, key_ring };
        let key = world.vault().new_data_key(tenant).unwrap();
        let mut tx = world.owner().begin(Scope::System).await.unwrap();
        tenants::create(&mut tx, tenant, "A tenant", Some(key.as_str())).await.unwrap();
        tx.commit().await.unwrap();
        world
    }

    fn vault(&self) -> Vault {
        Vault::new(KeyRing::load(&self.key_ring).unwrap())
    }

    fn owner(&self) -> Database {
        Database::new(&self.database.url().into(), 2, PATIENCE)
    }

    /// The accounts as one process of the gateway's role has them.
    fn accounts(&self) -> Accounts {
        let settings = PlatformSettings {
            base_url: "http://127.0.0.1:9/hubspot".parse().unwrap(),
            client_id: None,
            client_secret: None,
            allow_private_addresses: false,
            allowed_ports: Vec::new(),
        };
        let platforms = BTreeMap::from([("hubspot".to_owned(), settings)]);
        let database = Database::new(&self.database.gateway_url().into(), 2, PATIENCE);
        Accounts::new(database, self.vault(), &platforms, PATIENCE).unwrap()
    }

    /// Keeps an integration whose credentials were sealed for the integration `sealed_for`.
    async fn keep(&self, id: IntegrationId, sealed_for: IntegrationId) -> Integration {
        let integration = Integration {
            id,
            tenant_id: self.tenant,
            platform: "hubspot".parse().unwrap(),
            name: "HubSpot".to_owned(),
            enabled: true,
            direction: Direction::Bidirectional,
            kind_directions: BTreeMap::new(),
            frequency: Frequency::Realtime,
            delivery: Delivery::Direct,
            account_id: Some(id.to_string()),
            url: None,
            version: 1,
        };
        let credentials = Credentials::ApiKey { key: KEY.into(), secret: None };
        let mut tx = self.owner().begin(Scope::Tenant(self.tenant)).await.unwrap();
        let sealed = self.accounts().seal(&mut tx, (self.tenant, sealed_for), &credentials).await.unwrap();
        let new = NewIntegration { integration: integration.clone(), sealed: Some(sealed.into()) };
        integrations::create(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        integration
    }
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_file(&self.key_ring).ok();
    }
}

#[tokio::test]
async fn what_was_sealed_for_an_integration_opens_its_account() {
    let world = World::start().await;
    let id = IntegrationId::new();
    let integration = world.keep(id, id).await;
    let account = world.accounts().open(&integration).await.unwrap();
    assert_eq!(account.bearer().expose_secret(), KEY);
    assert_eq!(account.account_id, Some(id.to_string()));
    assert_eq!(account.base_url.as_str(), "http://127.0.0.1:9/hubspot");
    assert!(!format!("{account:?}").contains("0123456789"), "{account:?}");
}

#[tokio::test]
async fn credentials_that_were_moved_from_another_integration_do_not_open() {
    let world = World::start().await;
    let integration = world.keep(IntegrationId::new(), IntegrationId::new()).await;
    let refused = world.accounts().open(&integration).await.unwrap_err();
    assert!(matches!(refused, AccountError::Vault(_)), "{refused:?}");
}

#[tokio::test]
async fn another_tenant_opens_nothing() {
    let world = World::start().await;
    let id = IntegrationId::new();
    let integration = world.keep(id, id).await;
    let foreign = Integration { tenant_id: TenantId::new(), ..integration };
    let refused = world.accounts().open(&foreign).await.unwrap_err();
    assert!(matches!(refused, AccountError::NoCredentials(_)), "{refused:?}");
}

#[tokio::test]
async fn two_processes_together_are_granted_no_more_than_the_platform_takes() {
    let world = World::start().await;
    let id = IntegrationId::new();
    let integration = world.keep(id, id).await;
    let (started, mut granted) = (Instant::now(), 0_u32);
    let processes = [world.accounts(), world.accounts()];
    'asking: for _ in 0..1_000 {
        for process in &processes {
            let account = process.open(&integration).await.unwrap();
            match account.budget.take(1).await {
                Ok(()) => granted += 1,
                Err(wait) => {
                    assert!(wait > Duration::ZERO);
                    break 'asking;
                }
            }
        }
    }
    // HubSpot takes 100 in 10 s from the smallest plans.
    let allowed = 100.0 * (started.elapsed().as_secs_f64() / 10.0).max(1.0);
    assert!(granted > 0 && f64::from(granted) <= allowed, "{granted} of {allowed}");
}
