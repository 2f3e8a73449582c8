//! Changing keys: what is sealed anew, what a kill leaves, and what is never overwritten.

use std::process::{Child, Stdio};
use std::time::Duration;

use persistence::sealed::SealedColumn;
use persistence::{Scope, data_keys};
use secrecy::ExposeSecret;
use testkit::wait;
use vault::{Purpose, RingFile, SealedDataKey, VaultError};

use crate::machine::Machine;

const DEADLINE: Duration = Duration::from_secs(60);

/// Tenants whose data key is not sealed under the master key of this name.
async fn under_others(machine: &Machine, key: &str) -> i64 {
    let query = format!("SELECT count(*) FROM tenants WHERE split_part(sealed_data_key, '.', 2) <> '{key}'");
    machine.database.count(&query).await
}

fn ring(machine: &Machine) -> RingFile {
    RingFile::open(&machine.ring()).unwrap()
}

fn start(machine: &Machine, arguments: &[&str]) -> Child {
    machine.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_data_key_goes_under_a_new_master_key_and_is_the_same_afterwards() {
    let (machine, tenants) = Machine::with_tenants(230).await;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for tenant in &tenants {
        before.push(machine.data_key(*tenant).await.id().to_owned());
    }
    let lines = machine.lines(&["rotate-keys", "--json"]);
    let (end, steps) = lines.split_last().unwrap();
    let active = end["active"].as_str().unwrap();
    assert_eq!((&end["resealed"], &end["left"]), (&230.into(), &0.into()), "{end}");
    let done: Vec<_> = steps.iter().map(|step| step["done"].as_u64().unwrap()).collect();
    assert_eq!(done, [100, 200, 230], "bounded steps, each told");
    assert!(steps.iter().all(|step| step["total"] == 230), "{steps:?}");
    assert_eq!((ring(&machine).active(), ring(&machine).others()), (active, vec!["k1".to_owned()]));
    assert_eq!(under_others(&machine, active).await, 0);

    let retired = machine.lines(&["rotate-keys", "--to", active, "--retire", "--json"]);
    assert_eq!(retired[0]["retired"], serde_json::json!(["k1"]));
    assert!(ring(&machine).others().is_empty());
    for tenant in &tenants {
        after.push(machine.data_key(*tenant).await.id().to_owned());
    }
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_killed_goes_on_with_its_key_when_it_is_run_again() {
    let (machine, _) = Machine::with_tenants(5).await;
    let database = machine.open();
    let mut tx = database.begin(Scope::System).await.unwrap();
    assert_eq!(data_keys::take_under_others(&mut tx, "none", None, 1).await.unwrap().len(), 1, "one is held");
    let mut child = start(&machine, &["rotate-keys"]);
    let active = wait::until("all to be sealed anew but the one that is held", DEADLINE, || async {
        let active = ring(&machine).active().to_owned();
        if under_others(&machine, &active).await == 1 { Ok(active) } else { Err(active) }
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    tx.commit().await.unwrap();

    let end = machine.lines(&["rotate-keys", "--json"]).pop().unwrap();
    assert_eq!((end["active"].as_str(), &end["resealed"]), (Some(active.as_str()), &1.into()), "{end}");
    assert_eq!(ring(&machine).others(), ["k1"], "no third key was made");
    assert_eq!(under_others(&machine, &active).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_key_that_somebody_changes_meanwhile_is_not_overwritten() {
    let (machine, tenants) = Machine::with_tenants(2).await;
    let (database, changed) = (machine.open(), tenants[0]);
    let new = machine.vault().new_data_key(changed).unwrap();
    let new_id = machine.vault().open_data_key(changed, &new).unwrap().id().to_owned();
    let mut tx = database.begin(Scope::System).await.unwrap();
    data_keys::begin_change(&mut tx, changed, new.as_str()).await.unwrap();
    let mut child = start(&machine, &["rotate-keys"]);
    wait::until("the other one to be sealed anew", DEADLINE, || async {
        let active = ring(&machine).active().to_owned();
        (active != "k1" && under_others(&machine, &active).await == 1).then_some(())
    })
    .await;
    tx.commit().await.unwrap();
    assert!(child.wait().unwrap().success());
    let keys = machine.kept_keys(changed).await.unwrap();
    let under = format!("v1.{}.", ring(&machine).active());
    assert!(keys.current.starts_with(&under) && keys.previous.unwrap().starts_with(&under));
    assert_eq!(machine.data_key(changed).await.id(), new_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_does_not_open_is_told_keeps_the_old_master_key_and_holds_up_nobody() {
    let (machine, tenants) = Machine::with_tenants(3).await;
    let broken = tenants[0];
    machine.database.execute(&format!("UPDATE tenants SET sealed_data_key = 'v1.k1.AAAA' WHERE id = '{broken}'")).await;
    let complaint = machine.complaint(&["rotate-keys", "--retire"]);
    assert!(complaint.contains(&broken.to_string()) && complaint.contains("1 data keys are left"), "{complaint}");
    assert_eq!(under_others(&machine, ring(&machine).active()).await, 1);
    assert_eq!(ring(&machine).others(), ["k1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_prepared_seals_nothing_before_it_is_asked_for() {
    let (machine, _) = Machine::with_tenants(2).await;
    let prepared = machine.lines(&["rotate-keys", "--prepare", "--json"]).remove(0);
    let prepared = prepared["prepared"].as_str().unwrap();
    assert_eq!((ring(&machine).active(), ring(&machine).others()), ("k1", vec![prepared.to_owned()]));
    assert_eq!(under_others(&machine, "k1").await, 0);
    machine.said(&["rotate-keys", "--to", prepared]);
    assert_eq!(under_others(&machine, prepared).await, 0);
    assert!(machine.complaint(&["rotate-keys", "--to", "k77"]).contains("k77"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_secret_of_a_tenant_goes_under_a_new_data_key_and_the_old_one_is_forgotten() {
    let (machine, tenants) = Machine::with_tenants(2).await;
    let (tenant, other) = (tenants[0], tenants[1]);
    let integration = machine.connect(tenant, "a secret").await;
    machine.connect(other, "another's").await;
    let (old, others) = (machine.data_key(tenant).await, machine.data_key(other).await);
    let end = machine.lines(&["rotate-data-key", &tenant.to_string(), "--json"]).pop().unwrap();
    assert_eq!((&end["resealed"], &end["left"]), (&8.into(), &0.into()), "{end}");
    assert_eq!(machine.kept_keys(tenant).await.unwrap().previous, None);
    let new = machine.data_key(tenant).await;
    for column in SealedColumn::ALL {
        let integration = (column.table() != "tenant_settings").then_some(integration);
        let purpose = Purpose { tenant, integration, column: column.name() };
        let kept = machine.sealed(column.table(), column.name(), tenant).await;
        let several = if column.table() == "integration_previous_secrets" { 2 } else { 1 };
        assert_eq!(kept.len(), several, "{column:?}");
        for sealed in kept {
            assert_eq!(new.open(&purpose, &sealed).unwrap().expose_secret(), "a secret", "{column:?}");
            assert!(matches!(old.open(&purpose, &sealed), Err(VaultError::UnknownKey(_))), "{column:?}");
        }
    }
    assert_eq!(machine.data_key(other).await.id(), others.id());
    assert!(machine.complaint(&["rotate-data-key", "ten_01jd0000000000000000000000"]).contains("is no tenant"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_data_key_that_was_killed_is_ended_by_the_next_one_with_the_key_it_began() {
    let (machine, tenants) = Machine::with_tenants(1).await;
    let tenant = tenants[0];
    machine.connect(tenant, "a secret").await;
    let new = machine.vault().new_data_key(tenant).unwrap();
    let mut tx = machine.open().begin(Scope::System).await.unwrap();
    data_keys::begin_change(&mut tx, tenant, new.as_str()).await.unwrap();
    tx.commit().await.unwrap();
    let end = machine.lines(&["rotate-data-key", &tenant.to_string(), "--json"]).pop().unwrap();
    assert_eq!(end["resealed"], 8, "{end}");
    assert_eq!(machine.kept_keys(tenant).await.unwrap().current, new.as_str());
    let opened = machine.vault().open_data_key(tenant, &SealedDataKey::from(String::from(new))).unwrap();
    assert_eq!(end["data_key"], opened.id());
}
