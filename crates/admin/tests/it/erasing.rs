//! Erasing a tenant: nothing of it is left, nothing of another is gone, and nobody opens what it had.

use domain::id::{IntegrationId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::message::StoredMessage;
use domain::outcome::{SyncOutcome, SyncType};
use domain::time::Timestamp;
use persistence::{Scope, erasure, inbox, sync_logs};
use serde_json::{Value, json};
use testkit::dump;
use vault::{SealedDataKey, VaultError};

use crate::machine::Machine;

const TABLES: &str = "SELECT relname FROM pg_class AS relation
    JOIN pg_attribute ON attrelid = relation.oid AND attname = 'tenant_id'
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1";

fn outcome(tenant_id: TenantId, integration_id: IntegrationId) -> SyncOutcome {
    SyncOutcome {
        id: domain::id::SyncLogId::new(),
        created_at: Timestamp::now(),
        tenant_id,
        integration_id,
        link_id: domain::id::LinkId::new(),
        record_id: None,
        kind: RecordKind::Contact,
        sync_type: SyncType::Create,
        external_id: None,
        error: None,
        request: Some(json!({"firstname": "Zoé"})),
        response: None,
        changes: std::collections::BTreeMap::new(),
        duration_ms: 1,
        attempt: 1,
        correlation_id: String::new(),
    }
}

/// A row in every table for the tenant that has this integration.
async fn fill(machine: &Machine, tenant: TenantId, integration: IntegrationId) {
    let record = RecordId::new();
    for row in [
        format!("integration_mapping_versions VALUES ('{integration}', '{tenant}', 'contact', 1)"),
        format!(
            "integration_field_mappings VALUES ('{integration}', '{tenant}', 'contact', 0, 'email', 'email', 'to_platform')"
        ),
        format!("records (id, tenant_id, kind) VALUES ('{record}', '{tenant}', 'contact')"),
        format!("record_identities VALUES ('{tenant}', 'contact', 'email', 'zoe@exemple.fr', '{record}')"),
        format!(
            "record_links (id, tenant_id, integration_id, record_id, kind)
             VALUES ('{record}', '{tenant}', '{integration}', '{record}', 'contact')"
        ),
        format!(
            "record_conflicts (id, tenant_id, record_id, reason, field, lost)
             VALUES ('{record}', '{tenant}', '{record}', 'adopted', 'email', '{{}}')"
        ),
        format!(
            "record_edits (link_id, tenant_id, integration_id, record_id, fields, asked_by)
             VALUES ('{record}', '{tenant}', '{integration}', '{record}', '{{\"first_name\": \"Zoé\"}}', '')"
        ),
        format!("unpublished_outcomes VALUES ('{record}', '{record}', '{tenant}', '{{\"request\": \"Zoé\"}}')"),
        format!(
            "integration_webhook_logs
                 (id, created_at, platform, tenant_id, integration_id, verified, outcome, body, correlation_id)
             VALUES ('{record}', now(), 'hubspot', '{tenant}', '{integration}', true, 'applied', '{{}}', '')"
        ),
        format!("platform_budgets VALUES ('hubspot', '{integration}', 1, 0, now())"),
    ] {
        machine.database.execute(&format!("INSERT INTO {row}")).await;
    }
    let mut tx = machine.open().begin(Scope::System).await.unwrap();
    assert_eq!(sync_logs::insert_batch(&mut tx, &[outcome(tenant, integration)]).await.unwrap().len(), 1);
    let message = StoredMessage {
        id: domain::id::MessageId::new(),
        message_type: "event.merge.v1".to_owned(),
        queue: "dispatcher.event.merge".to_owned(),
        trace: domain::trace::TraceParent::generate(),
        payload: json!({"tenant_id": tenant, "events": []}),
    };
    inbox::store(&mut tx, &[message]).await.unwrap();
    tx.commit().await.unwrap();
}

/// How many rows each table has for a tenant.
async fn rows(machine: &Machine, tenant: TenantId) -> Vec<(String, i64)> {
    let mut found = Vec::new();
    for table in machine.database.texts(TABLES).await {
        let query = format!("SELECT count(*) FROM {table} WHERE tenant_id = '{tenant}'");
        found.push((table, machine.database.count(&query).await));
    }
    let inbox = format!("SELECT count(*) FROM inbox WHERE payload::text LIKE '%{tenant}%'");
    found.push(("inbox".to_owned(), machine.database.count(&inbox).await));
    found
}

/// Tables that hold nothing but secrets: empty before any row is deleted.
const DESTROYED: [&str; 4] =
    ["integration_oauth_tokens", "integration_webhook_secrets", "integration_previous_secrets", "suppression_keys"];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_an_erased_tenant_and_all_of_another() {
    let (machine, tenants) = Machine::with_tenants(2).await;
    let (gone, stays) = (tenants[0], tenants[1]);
    for tenant in [gone, stays] {
        let integration = machine.connect(tenant, "a secret").await;
        fill(&machine, tenant, integration).await;
    }
    let (before, others) = (rows(&machine, gone).await, rows(&machine, stays).await);
    let filled = before.iter().filter(|(_, count)| *count > 0).count();
    assert!(filled >= 12, "most tables have a row to be deleted: {before:?}");

    let mut said = machine.lines(&["erase-tenant", &gone.to_string(), "--confirm", "Étoile", "--json"]);
    let receipt: Value = said.pop().unwrap();
    let deleted: Vec<_> = said.iter().map(|progress| progress["done"].as_u64().unwrap()).collect();
    assert!(deleted.len() > 1 && deleted.is_sorted(), "it tells how far it is: {said:?}");
    for (table, count) in before.iter().filter(|(table, _)| !DESTROYED.contains(&table.as_str())) {
        assert_eq!(receipt["rows_deleted"][table], *count, "{table}: {receipt}");
    }
    assert_eq!(
        (&receipt["secrets_destroyed"], &receipt["rows_deleted"]["tenants"]),
        (&9.into(), &1.into()),
        "{receipt}"
    );
    assert!(rows(&machine, gone).await.iter().all(|(_, count)| *count == 0), "{:?}", rows(&machine, gone).await);
    assert_eq!(rows(&machine, stays).await, others);
    assert_eq!(machine.database.count("SELECT count(*) FROM platform_budgets").await, 1);
    let left = dump(&machine.database.url()).await.matches(&gone.to_string()).count();
    assert_eq!(left, 1, "only the mark that it was erased");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_what_was_sealed_for_it_opens_with_no_key_that_is_left() {
    let (machine, tenants) = Machine::with_tenants(1).await;
    let tenant = tenants[0];
    machine.connect(tenant, "a secret").await;
    let columns: Vec<_> = persistence::sealed::SealedColumn::ALL.into_iter().collect();
    let mut stolen = Vec::new();
    for column in &columns {
        stolen.push(String::from(machine.sealed(column.table(), column.name(), tenant).await.remove(0)));
    }
    let key = machine.kept_keys(tenant).await.unwrap().current;
    let dumped = dump(&machine.database.url()).await;
    assert!(dumped.contains(&key) && stolen.iter().all(|sealed| dumped.contains(sealed)));
    machine.said(&["rotate-keys"]);
    machine.said(&["erase-tenant", &tenant.to_string(), "--confirm", "Étoile"]);

    assert_eq!(machine.kept_keys(tenant).await, None);
    let dumped = dump(&machine.database.url()).await;
    assert!(!dumped.contains("v1."), "nothing sealed is in the database");
    for sealed in stolen {
        // The whole ring opens data keys only, and there is none.
        let refused = machine.vault().open_data_key(tenant, &SealedDataKey::from(sealed)).unwrap_err();
        assert!(matches!(refused, VaultError::UnknownKey(_)), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_erases_nothing_and_a_repetition_sweeps_up_what_came_late() {
    let (machine, tenants) = Machine::with_tenants(1).await;
    let tenant = tenants[0];
    let integration = machine.connect(tenant, "a secret").await;
    let erase = |name: &str| ["erase-tenant".to_owned(), tenant.to_string(), "--confirm".to_owned(), name.to_owned()];
    let refused = erase("Etoile");
    let complaint = machine.complaint(&refused.each_ref().map(String::as_str));
    assert!(complaint.contains("nothing was erased"), "{complaint}");
    assert!(!complaint.contains("Étoile"), "whoever guesses is not told: {complaint}");
    machine.data_key(tenant).await;

    let order = erase("Étoile");
    machine.said(&order.each_ref().map(String::as_str));
    let mut tx = machine.open().begin(Scope::System).await.unwrap();
    assert!(erasure::is_erased(&mut tx, tenant).await.unwrap());
    // What was still on its way to the log is dropped there.
    assert_eq!(sync_logs::insert_batch(&mut tx, &[outcome(tenant, integration)]).await.unwrap(), []);
    tx.commit().await.unwrap();
    let late = format!(
        "INSERT INTO inbox VALUES ('msg_late', 'event.merge.v1', 'q', 't', '{{\"tenant_id\": \"{tenant}\"}}', now())"
    );
    machine.database.execute(&late).await;
    let again = machine.said(&order.each_ref().map(String::as_str));
    assert!(again.contains("1  rows of inbox"), "{again}");
    let unknown = ["erase-tenant", "ten_01jd0000000000000000000000", "--confirm", "Étoile"];
    assert!(machine.complaint(&unknown).contains("is no tenant"));
}
