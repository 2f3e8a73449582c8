//! A machine on which the real binary is run, with a database of the test's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use domain::id::{IntegrationId, TenantId};
use domain::integration::{Delivery, Direction, Frequency, Integration};
use persistence::data_keys::{self, DataKeys};
use persistence::integrations::{self, NewIntegration};
use persistence::{Database, Scope, tenants};
use secrecy::SecretString;
use serde_json::Value;
use testkit::TestDatabase;
use vault::{DataKey, KeyRing, Purpose, Sealed, SealedDataKey, Vault};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A machine with nothing on it but a database.
pub(crate) struct Machine {
    pub(crate) database: TestDatabase,
    folder: PathBuf,
}

impl Machine {
    pub(crate) async fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("admin-{}", domain::id::MessageId::new()));
        std::fs::create_dir(&folder).unwrap();
        Self { database: testkit::database().await, folder }
    }

    pub(crate) fn ring(&self) -> PathBuf {
        self.folder.join("key-ring.json")
    }

    /// The command, ready to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_admin"));
        command
            .args(arguments)
            .env("COCCINELLE__DATABASE__URL", self.database.url())
            .env("COCCINELLE__DATABASE__CONNECT_TIMEOUT", "30s")
            .env("COCCINELLE__BROKER__CONFIRM_TIMEOUT", "30s")
            .env("COCCINELLE__VAULT__KEY_RING_FILE", self.ring())
            .env("COCCINELLE__AUTH__HS256_SECRET", SECRET)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command printed as JSON, one object a line.
    pub(crate) fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        self.said(arguments).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What a command printed that must succeed.
    pub(crate) fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What a command complained of that must fail.
    pub(crate) fn complaint(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    pub(crate) fn open(&self) -> Database {
        Database::new(&self.database.url().into(), 2, Duration::from_secs(30))
    }
}

impl Machine {
    /// A vault with the master keys as they are now.
    pub(crate) fn vault(&self) -> Vault {
        Vault::new(KeyRing::load(&self.ring()).unwrap())
    }

    /// A machine with a key ring and so many tenants, made at once.
    pub(crate) async fn with_tenants(count: usize) -> (Self, Vec<TenantId>) {
        let machine = Self::new().await;
        KeyRing::create(&machine.ring()).unwrap();
        let (vault, mut made) = (machine.vault(), Vec::new());
        let mut tx = machine.open().begin(Scope::System).await.unwrap();
        for _ in 0..count {
            let tenant = TenantId::new();
            let key = vault.new_data_key(tenant).unwrap();
            tenants::create(&mut tx, tenant, "Étoile", Some(key.as_str())).await.unwrap();
            made.push(tenant);
        }
        tx.commit().await.unwrap();
        (machine, made)
    }

    pub(crate) async fn kept_keys(&self, tenant: TenantId) -> Option<DataKeys> {
        let mut tx = self.open().begin(Scope::System).await.unwrap();
        let keys = data_keys::get(&mut tx, tenant).await.unwrap();
        tx.commit().await.unwrap();
        keys
    }

    /// The tenant's data key, opened with the master keys as they are now.
    pub(crate) async fn data_key(&self, tenant: TenantId) -> DataKey {
        let keys = self.kept_keys(tenant).await.unwrap();
        let previous = keys.previous.map(SealedDataKey::from);
        self.vault().open_data_keys(tenant, &SealedDataKey::from(keys.current), previous.as_ref()).unwrap()
    }

    /// Connects an account whose key is `secret`, with everything else that may be sealed beside it.
    pub(crate) async fn connect(&self, tenant: TenantId, secret: &str) -> IntegrationId {
        let integration = IntegrationId::new();
        let key = self.data_key(tenant).await;
        let seal_for = |integration, column| {
            let purpose = Purpose { tenant, integration, column };
            String::from(key.seal(&purpose, &SecretString::from(secret)).unwrap())
        };
        let seal = |column| seal_for(Some(integration), column);
        let new = NewIntegration { integration: hubspot(tenant, integration), sealed: Some(seal("config_encrypted")) };
        let mut tx = self.open().begin(Scope::System).await.unwrap();
        integrations::create(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        let tokens = format!(
            "INSERT INTO integration_oauth_tokens (integration_id, tenant_id, access_token_sealed, refresh_token_sealed)
             VALUES ('{integration}', '{tenant}', '{}', '{}')",
            seal("access_token_sealed"),
            seal("refresh_token_sealed")
        );
        self.database.execute(&tokens).await;
        let webhooks = format!(
            "INSERT INTO integration_webhook_secrets (integration_id, tenant_id, secret_sealed, hint)
             VALUES ('{integration}', '{tenant}', '{}', '')",
            seal("secret_sealed"),
        );
        self.database.execute(&webhooks).await;
        // Replaced twice within a day.
        for _ in 0..2 {
            let replaced = format!(
                "INSERT INTO integration_previous_secrets
                     (integration_id, tenant_id, previous_sealed, made_at, verifies_until)
                 VALUES ('{integration}', '{tenant}', '{}', now(), now())",
                seal("previous_sealed")
            );
            self.database.execute(&replaced).await;
        }
        let settings = format!(
            "INSERT INTO tenant_settings (tenant_id, language, time_zone, alert_webhooks_sealed)
             VALUES ('{tenant}', 'fr', 'Europe/Paris', '{}') ON CONFLICT DO NOTHING",
            seal_for(None, "alert_webhooks_sealed")
        );
        self.database.execute(&settings).await;
        let suppressions = format!(
            "INSERT INTO suppression_keys (tenant_id, integration_id, key_sealed)
             VALUES ('{tenant}', '{integration}', '{}') ON CONFLICT DO NOTHING",
            seal("key_sealed")
        );
        self.database.execute(&suppressions).await;
        integration
    }

    /// The sealed secrets of the tenant in a column, as they are kept.
    pub(crate) async fn sealed(&self, table: &str, column: &'static str, tenant: TenantId) -> Vec<Sealed> {
        let query = format!("SELECT {column} FROM {table} WHERE tenant_id = '{tenant}' AND {column} IS NOT NULL");
        self.database.texts(&query).await.into_iter().map(Sealed::from).collect()
    }
}

fn hubspot(tenant_id: TenantId, id: IntegrationId) -> Integration {
    Integration {
        id,
        tenant_id,
        platform: "hubspot".parse().unwrap(),
        name: "HubSpot".to_owned(),
        enabled: true,
        direction: Direction::Bidirectional,
        kind_directions: BTreeMap::new(),
        options: BTreeMap::new(),
        frequency: Frequency::Realtime,
        delivery: Delivery::Direct,
        account_id: Some(id.to_string()),
        account_name: None,
        url: None,
        workflow_url: None,
        alerts: domain::alert::Alerts::default(),
        version: 1,
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
