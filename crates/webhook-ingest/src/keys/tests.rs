//! Secrets that are replaced, taken away, and looked up while the database is away.

use std::path::PathBuf;

use domain::id::TenantId;
use domain::time::Timestamp;
use persistence::{Database, Scope, integrations, tenants};
use secrecy::{ExposeSecret, SecretString};
use testkit::TestDatabase;
use testkit::cut::Proxy;
use vault::{KeyRing, Vault};

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

struct World {
    _server: TestDatabase,
    database: Database,
    secrets: WebhookSecrets,
    key_ring: PathBuf,
    tenant: TenantId,
    /// Any integration will do: here the backend's.
    integration: IntegrationId,
}

impl World {
    async fn start() -> Self {
        let server = testkit::database().await;
        let tenant = TenantId::new();
        let key_ring = std::env::temp_dir().join(format!("keys-{tenant}.json"));
        KeyRing::create(&key_ring).unwrap();
        let vault = Vault::new(KeyRing::load(&key_ring).unwrap());
        let key = vault.new_data_key(tenant).unwrap();
        let database = Database::new(&server.url().into(), 2, PATIENCE);
        let mut tx = database.begin(Scope::System).await.unwrap();
        let integration = tenants::create(&mut tx, tenant, "A tenant", Some(key.as_str())).await.unwrap();
        tx.commit().await.unwrap();
        let secrets = WebhookSecrets::new(database.clone(), Arc::new(vault));
        Self { _server: server, database, secrets, key_ring, tenant, integration }
    }

    async fn rotate(&self, now: Timestamp) -> SecretString {
        let mut tx = self.database.begin(Scope::Tenant(self.tenant)).await.unwrap();
        let made = self.secrets.rotate(&mut tx, (self.tenant, self.integration), now).await.unwrap();
        tx.commit().await.unwrap();
        made.secret
    }

    /// As the service has them, over a line.
    fn keys(&self, url: &str) -> Keys {
        let vault = Vault::new(KeyRing::load(&self.key_ring).unwrap());
        let database = Database::new(&url.to_owned().into(), 1, Duration::from_secs(2));
        Keys::new(Some(WebhookSecrets::new(database, Arc::new(vault))))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_file(&self.key_ring).ok();
    }
}

fn texts(accepted: &Accepted, at: Timestamp) -> Vec<String> {
    accepted.at(at).map(|secret| secret.expose_secret().to_owned()).collect()
}

#[tokio::test]
async fn every_replaced_secret_verifies_for_its_own_day_however_often_it_is_replaced() {
    let world = World::start().await;
    let now = Timestamp::now();
    let hour = Duration::from_hours(1);
    let (begun, between) = (now.minus(2 * hour), now.minus(hour));
    let mut made = Vec::new();
    for at in [begun, between, now] {
        made.push(world.rotate(at).await.expose_secret().to_owned());
    }
    made.reverse();
    let accepted = world.keys(&world._server.worker_url()).of(Some(world.integration)).await.unwrap();
    assert_eq!(texts(&accepted, now), made);
    // The first was replaced an hour before the second.
    assert_eq!(texts(&accepted, now.plus(23 * hour)), made[..2]);
    assert_eq!(texts(&accepted, now.plus(24 * hour)), made[..1]);
}

#[tokio::test]
async fn a_replaced_secret_is_looked_up_anew_and_no_more_often_than_once_in_a_while() {
    let world = World::start().await;
    world.rotate(Timestamp::now()).await;
    let keys = world.keys(&world._server.worker_url());
    let before = keys.of(Some(world.integration)).await.unwrap();
    let second = world.rotate(Timestamp::now()).await.expose_secret().to_owned();
    assert!(!texts(&before, Timestamp::now()).contains(&second));
    // It was looked up a moment ago.
    assert!(keys.anew(Some(world.integration)).await.is_none());
    keys.known.insert(world.integration, aged(Some(before), AGAIN)).await;
    let anew = keys.anew(Some(world.integration)).await.unwrap();
    assert_eq!(texts(&anew, Timestamp::now())[0], second);
}

fn aged(accepted: Option<Accepted>, age: Duration) -> Arc<Known> {
    Arc::new(Known { accepted, since: Instant::now().checked_sub(age).unwrap() })
}

#[tokio::test]
async fn while_the_database_is_away_a_known_secret_serves_on_and_an_unknown_one_is_no_pass() {
    let world = World::start().await;
    world.rotate(Timestamp::now()).await;
    let line = Proxy::before(&world._server.worker_url()).await;
    let keys = world.keys(&line.url());
    let known = keys.of(Some(world.integration)).await.unwrap();
    keys.known.insert(world.integration, aged(Some(known), FRESH)).await;
    line.cut();
    keys.of(Some(world.integration)).await.unwrap();
    assert_eq!(keys.of(Some(IntegrationId::new())).await.map(drop), Err(Refusal::KeyUnavailable));
    assert_eq!(Keys::new(None).of(Some(world.integration)).await.map(drop), Err(Refusal::KeyUnavailable));
}

#[tokio::test]
async fn an_integration_that_is_not_there_or_was_deleted_has_no_secret() {
    let world = World::start().await;
    world.rotate(Timestamp::now()).await;
    let mut tx = world.database.begin(Scope::Tenant(world.tenant)).await.unwrap();
    assert!(integrations::delete(&mut tx, world.tenant, world.integration, None).await.unwrap());
    tx.commit().await.unwrap();
    let keys = world.keys(&world._server.worker_url());
    for integration in [Some(world.integration), Some(IntegrationId::new()), None] {
        assert_eq!(keys.of(integration).await.map(drop), Err(Refusal::UnknownAddress));
    }
}
