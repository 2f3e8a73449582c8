//! From an empty machine to a tenant with a token, and what is refused on the way.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use persistence::{Database, Scope, catalogue, tenants};
use serde_json::Value;
use testkit::TestDatabase;
use vault::{KeyRing, SealedDataKey, Vault};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A machine with nothing on it but a database.
struct Machine {
    database: TestDatabase,
    folder: PathBuf,
}

impl Machine {
    async fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("admin-{}", domain::id::MessageId::new()));
        std::fs::create_dir(&folder).unwrap();
        Self { database: testkit::database().await, folder }
    }

    fn ring(&self) -> PathBuf {
        self.folder.join("key-ring.json")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_admin"))
            .args(arguments)
            .env("COCCINELLE__DATABASE__URL", self.database.url())
            .env("COCCINELLE__DATABASE__CONNECT_TIMEOUT", "30s")
            .env("COCCINELLE__VAULT__KEY_RING_FILE", self.ring())
            .env("COCCINELLE__AUTH__HS256_SECRET", SECRET)
            .output()
            .unwrap()
    }

    /// What a command printed that must succeed.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What a command complained of that must fail.
    fn complaint(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    fn open(&self) -> Database {
        Database::new(&self.database.url().into(), 2, Duration::from_secs(30))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_made_whose_key_opens_and_whose_token_names_it() {
    let machine = Machine::new().await;
    machine.said(&["new-key-ring", "--out", path(&machine.ring())]);
    machine.said(&["migrate"]);
    let made: Value = serde_json::from_str(&machine.said(&["create-tenant", "--name", "Étoile", "--json"])).unwrap();
    let tenant: domain::id::TenantId = made["tenant_id"].as_str().unwrap().parse().unwrap();

    let mut tx = machine.open().begin(Scope::System).await.unwrap();
    assert_eq!(tenants::get(&mut tx, tenant).await.unwrap().unwrap().name, "Étoile");
    let key = SealedDataKey::from(tenants::data_key(&mut tx, tenant).await.unwrap().unwrap());
    tx.commit().await.unwrap();
    Vault::new(KeyRing::load(&machine.ring()).unwrap()).open_data_key(tenant, &key).unwrap();

    let tenant = tenant.to_string();
    let order = ["issue-token", "--tenant", &tenant, "--subject", "me", "--role", "admin", "--ttl", "30d"];
    assert_eq!(machine.said(&order).split('.').count(), 3);
    let issued: Value = serde_json::from_str(&machine.said(&[&order[..], &["--json"]].concat())).unwrap();
    assert!(issued["token"].as_str().unwrap().starts_with("ey"), "{issued}");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_down_and_up_again_leaves_a_catalogue_and_no_tenants() {
    let machine = Machine::new().await;
    machine.said(&["new-key-ring", "--out", path(&machine.ring())]);
    let tenant = machine.said(&["create-tenant", "--name", "Étoile"]).parse().unwrap();
    machine.said(&["migrate", "--down", "--yes"]);
    machine.said(&["migrate"]);
    machine.said(&["migrate"]);
    let mut tx = machine.open().begin(Scope::System).await.unwrap();
    assert_eq!(tenants::get(&mut tx, tenant).await.unwrap(), None);
    let offered = catalogue::list(&mut tx).await.unwrap();
    assert_eq!(offered.len(), connectors::registry::all().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_with_a_reason() {
    let machine = Machine::new().await;
    assert!(machine.complaint(&["migrate", "--down"]).contains("--yes"));
    assert!(machine.complaint(&["create-tenant", "--name", "x"]).contains("key-ring.json"));
    machine.said(&["new-key-ring", "--out", path(&machine.ring())]);
    let before = std::fs::read(machine.ring()).unwrap();
    assert!(machine.complaint(&["new-key-ring", "--out", path(&machine.ring())]).contains("key-ring.json"));
    assert_eq!(std::fs::read(machine.ring()).unwrap(), before);
    let order = ["issue-token", "--tenant", "int_x", "--subject", "me", "--role", "admin"];
    assert!(machine.complaint(&order).contains("--tenant"));
}
