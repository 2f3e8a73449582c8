//! From an empty machine to a tenant with a token, and what is refused on the way.

use persistence::{Scope, catalogue, tenants};
use serde_json::Value;
use vault::{KeyRing, SealedDataKey, Vault};

use crate::machine::{Machine, path};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_made_whose_key_opens_and_whose_token_names_it() {
    let machine = Machine::new().await;
    let ring = machine.lines(&["new-key-ring", "--out", path(&machine.ring()), "--json"]).remove(0);
    assert_eq!(ring["key_ring_file"], path(&machine.ring()));
    machine.said(&["migrate"]);
    let made: Value =
        serde_json::from_str(&machine.said(&["create-tenant", "--name", "Étoile", "--region", "BE", "--json"]))
            .unwrap();
    let tenant: domain::id::TenantId = made["tenant_id"].as_str().unwrap().parse().unwrap();

    let mut tx = machine.open().begin(Scope::System).await.unwrap();
    let kept = tenants::get(&mut tx, tenant).await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.region), ("Étoile", domain::identity::Region::BE));
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
    let down = machine.lines(&["migrate", "--down", "--yes", "--json"]);
    let up = machine.lines(&["migrate", "--json"]);
    let (reverted, applied) = (down[0]["reverted"].as_array().unwrap(), up[0]["applied"].as_array().unwrap());
    assert!(reverted.iter().rev().eq(applied), "{reverted:?} {applied:?}");
    assert_eq!(up[0]["platforms"], connectors::registry::all().len());
    assert_eq!(machine.lines(&["migrate", "--json"])[0]["applied"], Value::Array(Vec::new()));
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
    assert!(machine.complaint(&["create-tenant", "--name", "x", "--region", "XX"]).contains("not a country"));
    machine.said(&["new-key-ring", "--out", path(&machine.ring())]);
    let before = std::fs::read(machine.ring()).unwrap();
    assert!(machine.complaint(&["new-key-ring", "--out", path(&machine.ring())]).contains("key-ring.json"));
    assert_eq!(std::fs::read(machine.ring()).unwrap(), before);
    let order = ["issue-token", "--tenant", "int_x", "--subject", "me", "--role", "admin"];
    assert!(machine.complaint(&order).contains("--tenant"));
}
