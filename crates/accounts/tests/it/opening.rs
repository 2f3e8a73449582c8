//! Sealing, opening, hinting, and the budget that all who open an account share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use accounts::{AccountError, Accounts};
use connectors::account::{Budget, Remaining};
use domain::credentials::Credentials;
use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use persistence::integrations::NewIntegration;
use persistence::{Database, Scope, data_keys, erasure, integrations, tenants};
use runtime::config::PlatformSettings;
use secrecy::ExposeSecret as _;
use testkit::{TestDatabase, wait};
use vault::{KeyRing, Vault};

const PATIENCE: Duration = Duration::from_secs(10);
const KEY: &str = "pat-eu1-4242-0123456789";

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) tenant: TenantId,
    key_ring: std::path::PathBuf,
}

impl World {
    pub(crate) async fn start() -> Self {
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

    pub(crate) fn vault(&self) -> Vault {
        Vault::new(KeyRing::load(&self.key_ring).unwrap())
    }

    pub(crate) fn owner(&self) -> Database {
        Database::new(&self.database.url().into(), 2, PATIENCE)
    }

    /// The accounts as one process of the gateway's role has them.
    fn accounts(&self) -> Accounts {
        let settings = PlatformSettings {
            base_url: "http://127.0.0.1:9/hubspot".parse().unwrap(),
            authorize_url: None,
            token_url: None,
            single_use_refresh: None,
            client_id: None,
            client_secret: None,
            client_secret_before: None,
            app_id: None,
            developer_key: None,
            allow_private_addresses: false,
            allowed_ports: Vec::new(),
        };
        let platforms = BTreeMap::from([("hubspot".to_owned(), settings)]);
        let database = Database::new(&self.database.gateway_url().into(), 2, PATIENCE);
        Accounts::new(database, self.vault(), &platforms, PATIENCE).unwrap()
    }

    /// Keeps an integration whose credentials were sealed for the integration `sealed_for`.
    async fn keep(&self, id: IntegrationId, sealed_for: IntegrationId) -> Integration {
        let integration = Integration { id, ..self.integration("hubspot", &id.to_string(), None) };
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

#[tokio::test]
async fn an_account_that_is_to_be_left_alone_is_called_by_no_process_until_that_is_over() {
    let world = World::start().await;
    let long = Duration::from_secs(600);
    let pauses: [fn(&dyn Budget, Duration); 2] =
        [|budget, long| budget.pause(long), |budget, long| budget.correct(Remaining { requests: 0, per: Some(long) })];
    for pause in pauses {
        let id = IntegrationId::new();
        let integration = world.keep(id, id).await;
        let one = world.accounts().open(&integration).await.unwrap();
        let other = world.accounts().open(&integration).await.unwrap();
        for account in [&one, &other] {
            assert_eq!(account.budget.take(1).await, Ok(()));
        }
        pause(&*one.budget, long);
        let others_back_fill = other.clone().unhurried();
        for account in [&one, &other, &others_back_fill] {
            // What it held already is good for a second.
            wait::until("the account to be left alone", PATIENCE, || async {
                account.budget.take(1).await.err().filter(|wait| *wait > long / 2)
            })
            .await;
            assert!(account.budget.take(0).await.is_err(), "what is not counted goes on");
        }
        world.database.execute("UPDATE platform_budgets SET paused_until = clock_timestamp()").await;
        for account in [&one, &other] {
            wait::until("the account to be called again", PATIENCE, || async { account.budget.take(1).await.ok() })
                .await;
            assert_eq!(account.budget.take(0).await, Ok(()));
        }
    }
}

#[tokio::test]
async fn back_fills_leave_a_share_of_the_budget_to_what_happens_now() {
    let world = World::start().await;
    let id = IntegrationId::new();
    let integration = world.keep(id, id).await;
    let account = world.accounts().open(&integration).await.unwrap();
    let live = world.accounts().open(&integration).await.unwrap();
    let back_fill = account.unhurried();
    let mut granted = 0_u32;
    while back_fill.budget.take(1).await.is_ok() {
        granted += 1;
    }
    assert!(granted > 0);
    assert_eq!(live.budget.take(1).await, Ok(()), "it waits behind a back-fill");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_fill_goes_on_beside_live_work_that_takes_all_it_is_given() {
    let world = World::start().await;
    let id = IntegrationId::new();
    let integration = world.keep(id, id).await;
    let live = world.accounts().open(&integration).await.unwrap();
    let back_fill = world.accounts().open(&integration).await.unwrap().unhurried();
    let greedy = tokio::spawn(async move {
        loop {
            live.budget.take(1).await.ok();
        }
    });
    let granted = AtomicU32::new(0);
    // A fifth of nine a second; without a share of its own it is given none at all.
    wait::until("five requests of a back-fill", Duration::from_mins(1), || async {
        let took = u32::from(back_fill.budget.take(1).await.is_ok());
        let granted = granted.fetch_add(took, Ordering::Relaxed);
        if granted >= 5 { Ok(()) } else { Err(granted) }
    })
    .await;
    greedy.abort();
}

#[tokio::test]
async fn while_a_data_key_is_changed_what_either_has_sealed_opens() {
    let world = World::start().await;
    let (before, after) = (IntegrationId::new(), IntegrationId::new());
    let sealed_before = world.keep(before, before).await;
    let new = world.vault().new_data_key(world.tenant).unwrap();
    let mut tx = world.owner().begin(Scope::System).await.unwrap();
    let keys = data_keys::begin_change(&mut tx, world.tenant, new.as_str()).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!((keys.current.as_str(), keys.previous.is_some()), (new.as_str(), true));
    let sealed_after = world.keep(after, after).await;
    for integration in [sealed_before, sealed_after] {
        assert_eq!(world.accounts().open(&integration).await.unwrap().bearer().expose_secret(), KEY);
    }
}

#[tokio::test]
async fn a_data_key_is_not_changed_under_the_hands_of_who_seals() {
    let world = World::start().await;
    let (owner, credentials) = (world.owner(), Credentials::ApiKey { key: KEY.into(), secret: None });
    let mut sealing = owner.begin(Scope::Tenant(world.tenant)).await.unwrap();
    world.accounts().seal(&mut sealing, (world.tenant, IntegrationId::new()), &credentials).await.unwrap();
    let new = world.vault().new_data_key(world.tenant).unwrap();
    let mut changing = owner.begin(Scope::System).await.unwrap();
    let tenant = world.tenant;
    let change = tokio::spawn(async move {
        data_keys::begin_change(&mut changing, tenant, new.as_str()).await.unwrap();
        changing.commit().await.unwrap();
    });
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    wait::until("the change to wait", PATIENCE, || async { (world.database.count(waiting).await == 1).then_some(()) })
        .await;
    let keys = data_keys::get(&mut sealing, world.tenant).await.unwrap().unwrap();
    assert_eq!(keys.previous, None, "what is sealed now may be written");
    sealing.commit().await.unwrap();
    change.await.unwrap();
}

#[tokio::test]
async fn an_erased_tenants_account_is_soon_opened_by_nobody() {
    let world = World::start().await;
    let id = IntegrationId::new();
    let integration = world.keep(id, id).await;
    let accounts = world.accounts();
    accounts.open(&integration).await.unwrap();
    let mut tx = world.owner().begin(Scope::System).await.unwrap();
    assert_eq!(erasure::begin(&mut tx, world.tenant).await.unwrap(), 2);
    tx.commit().await.unwrap();
    let fresh = world.accounts().open(&integration).await.unwrap_err();
    assert!(matches!(fresh, AccountError::NoCredentials(_)), "{fresh:?}");
    let refused = wait::until("the opened credentials to be forgotten", 3 * PATIENCE, || async {
        accounts.open(&integration).await.err()
    })
    .await;
    assert!(matches!(refused, AccountError::NoCredentials(_)), "{refused:?}");
}
