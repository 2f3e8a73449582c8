//! What row-level security lets the gateway's role see and change, with no scoping in the query at all.

use persistence::sealed::SealedColumn;
use persistence::{Scope, inbox, sync_logs, tenants};

use crate::world::{Customer, World, number, try_to, words};

/// Every table and view with a tenant's rows, partitions included.
const OF_TENANTS: &str = "
SELECT relation.relname::text AS word FROM pg_class AS relation
JOIN pg_attribute AS attribute ON attribute.attrelid = relation.oid AND attribute.attname = 'tenant_id'
WHERE relation.relnamespace = 'public'::regnamespace AND relation.relkind IN ('r', 'p', 'v', 'm')
  AND NOT attribute.attisdropped ORDER BY 1";

#[tokio::test]
async fn every_table_of_tenants_is_guarded_and_every_view_asks_as_the_invoker() {
    let world = World::new().await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let all = words(&mut tx, OF_TENANTS).await;
    for known in ["tenant_integrations", "integration_sync_logs", "record_links", "integration_sync_queue"] {
        assert!(all.iter().any(|name| name == known), "{known} is not among {all:?}");
    }
    let unguarded = words(
        &mut tx,
        "SELECT relname::text AS word FROM pg_class AS relation
         JOIN pg_attribute ON attrelid = relation.oid AND attname = 'tenant_id'
         WHERE relnamespace = 'public'::regnamespace AND (
             (relkind IN ('r', 'p') AND NOT relrowsecurity)
             -- A partition has no policies: nobody but its owner gets past them, and he makes and drops it.
             OR (relkind IN ('r', 'p') AND NOT relispartition AND NOT relforcerowsecurity)
             OR (relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (reloptions), false))
             OR relkind = 'm')",
    )
    .await;
    assert_eq!(unguarded, Vec::<String>::new());
    let passable = words(
        &mut tx,
        "SELECT tablename || ': ' || policyname AS word FROM pg_policies
         WHERE 'coccinelle_gateway' = ANY (roles)
           AND NOT (coalesce(qual, with_check) ~ '(tenant_id|id) = (current_tenant|NULLIF)')
           AND NOT (tablename = 'inbox' AND cmd = 'INSERT')",
    )
    .await;
    assert_eq!(passable, Vec::<String>::new());
    let owned = number(
        &mut tx,
        "SELECT count(*) AS number FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner
         WHERE rolname LIKE 'coccinelle%'",
    );
    assert_eq!(owned.await, 0);
    let strong = words(
        &mut tx,
        "SELECT rolname::text AS word FROM pg_roles
         WHERE rolname LIKE 'coccinelle%' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)",
    );
    assert_eq!(strong.await, Vec::<String>::new());
    // Asked of the catalogue, since a test may come to the role by a session that can leave it again.
    let members = number(
        &mut tx,
        "SELECT count(*) AS number FROM pg_auth_members WHERE member::regrole::text LIKE 'coccinelle%'",
    );
    assert_eq!(members.await, 0, "neither role can become another one");
}

/// `admin` works as the owner, who is subject to policies where it is no superuser.
#[tokio::test]
async fn the_owner_gets_at_every_table_of_tenants() {
    let world = World::new().await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let closed = words(
        &mut tx,
        "SELECT relname::text AS word FROM pg_class AS relation
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relforcerowsecurity
           AND NOT EXISTS (
               SELECT FROM pg_policies
               WHERE tablename = relname AND cmd = 'ALL' AND qual = 'true' AND current_user = ANY (roles))",
    )
    .await;
    assert_eq!(closed, Vec::<String>::new(), "CREATE POLICY owner_all_tenants ON … TO CURRENT_USER USING (true)");
}

/// Whoever adds a column of secrets has to say so, or a change of the data key passes it over.
#[tokio::test]
async fn every_column_of_sealed_secrets_is_known() {
    let world = World::new().await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let there = words(
        &mut tx,
        "SELECT table_name || '.' || column_name AS word FROM information_schema.columns
         WHERE table_schema = 'public' AND (column_name LIKE '%sealed' OR column_name LIKE '%encrypted') ORDER BY 1",
    )
    .await;
    let mut known: Vec<_> = SealedColumn::ALL.map(|column| format!("{}.{}", column.table(), column.name())).to_vec();
    known.sort_unstable();
    assert_eq!(there, known);
}

/// Two tenants, with a row in every table of tenants for each.
async fn two_customers(world: &World) -> (Customer, Customer) {
    let pair = (world.customer("1001").await, world.customer("1002").await);
    for customer in [pair.0, pair.1] {
        let mut tx = world.owner.begin(Scope::System).await.unwrap();
        fill(&mut tx, customer).await;
        tx.commit().await.unwrap();
    }
    pair
}

/// Rows beside records and what is done with them.
fn beside(customer: Customer) -> Vec<String> {
    let (tenant, integration) = (customer.tenant, customer.integration);
    let record = domain::id::RecordId::new();
    vec![
        format!(
            "INSERT INTO audit_log (id, created_at, tenant_id, sub, roles, action, request_id)
             VALUES ('{record}', now(), '{tenant}', 'someone', '{{admin}}', 'settings.updated', '')"
        ),
        format!("INSERT INTO sessions VALUES ('{tenant}', 'hash', 'sub', '{{viewer}}', now(), now())"),
        format!(
            "INSERT INTO api_tokens (id, tenant_id, name, role, hint, created_by, created_at, expires_at)
             VALUES ('{record}', '{tenant}', '', 'viewer', '', '', now(), now())"
        ),
        format!(
            "INSERT INTO oauth_states (tenant_id, state_hash, integration_id, sub, browser_hash, expires_at)
             VALUES ('{tenant}', 'hash', '{integration}', 'sub', 'hash', now())"
        ),
        format!("INSERT INTO integration_subscriptions VALUES ('{integration}', '{tenant}', now())"),
        format!(
            "INSERT INTO idempotency_keys
                 (tenant_id, key_hash, operation, request_hash, claim, claimed_until, expires_at)
             VALUES ('{tenant}', 'hash', 'POST /', 'hash', 'claim', now(), now())"
        ),
        format!("INSERT INTO integration_drift_samples VALUES ('{integration}', now(), '{tenant}', 1, 0)"),
        format!(
            "INSERT INTO incidents (id, tenant_id, integration_id, subject, trigger)
             VALUES ('{record}', '{tenant}', '{integration}', '{integration}', 'failing')"
        ),
        format!(
            "INSERT INTO alert_messages (id, tenant_id, channel, target, content)
             VALUES ('{record}', '{tenant}', 'email', 'a@b.fr', '{{}}')"
        ),
        format!("INSERT INTO alert_trials (tenant_id) VALUES ('{tenant}')"),
        format!("INSERT INTO unpublished_outcomes VALUES ('{record}', '{record}', '{tenant}', '{{}}')"),
        format!(
            "INSERT INTO integration_errors_hourly VALUES ('{integration}', now(), '', '{tenant}', '', '', 1, now())"
        ),
        format!(
            "INSERT INTO tenant_settings (tenant_id, language, time_zone) VALUES ('{tenant}', 'fr', 'Europe/Paris')"
        ),
    ]
}

/// What is kept sealed for an integration.
fn sealed(customer: Customer) -> [String; 3] {
    let (tenant, integration) = (customer.tenant, customer.integration);
    [
        format!(
            "INSERT INTO integration_oauth_tokens (integration_id, tenant_id, access_token_sealed)
             VALUES ('{integration}', '{tenant}', 'v1.tenant.AAAA')"
        ),
        format!(
            "INSERT INTO integration_webhook_secrets (integration_id, tenant_id, secret_sealed, hint)
             VALUES ('{integration}', '{tenant}', 'v1.tenant.AAAA', '••••')"
        ),
        format!(
            "INSERT INTO integration_previous_secrets
                 (integration_id, tenant_id, previous_sealed, made_at, verifies_until)
             VALUES ('{integration}', '{tenant}', 'v1.tenant.AAAA', now(), now())"
        ),
    ]
}

async fn fill(tx: &mut persistence::Transaction, customer: Customer) {
    let (tenant, integration) = (customer.tenant, customer.integration);
    let record = domain::id::RecordId::new();
    let rows = [
        format!("INSERT INTO integration_mapping_versions VALUES ('{integration}', '{tenant}', 'contact', 1)"),
        format!(
            "INSERT INTO integration_field_mappings
             VALUES ('{integration}', '{tenant}', 'contact', 0, 'email', 'email', 'bidirectional')"
        ),
        format!("INSERT INTO records (id, tenant_id, kind) VALUES ('{record}', '{tenant}', 'contact')"),
        format!("INSERT INTO record_identities VALUES ('{tenant}', 'contact', 'email', 'a@b.fr', '{record}')"),
        format!(
            "INSERT INTO record_links (id, tenant_id, integration_id, record_id, kind, wanted_version)
             VALUES ('{record}', '{tenant}', '{integration}', '{record}', 'contact', 1)"
        ),
        format!(
            "INSERT INTO record_conflicts (id, tenant_id, record_id, reason, field, lost)
             VALUES ('{record}', '{tenant}', '{record}', 'adopted', 'email', '{{}}')"
        ),
        format!(
            "INSERT INTO record_edits (link_id, tenant_id, integration_id, record_id, fields, asked_by)
             VALUES ('{record}', '{tenant}', '{integration}', '{record}', '{{}}', '')"
        ),
        format!("INSERT INTO record_aliases VALUES ('{record}', '{tenant}', '{record}')"),
        format!("INSERT INTO suppression_keys VALUES ('{tenant}', '{integration}', 'v1.k.AAAA')"),
        format!("INSERT INTO suppressions VALUES ('{record}', '{tenant}', '{record}', 'email', '{record}')"),
        format!("INSERT INTO erased_records VALUES ('{record}', '{tenant}')"),
        format!(
            "INSERT INTO erasures (id, tenant_id, record_id, with_platforms, sub, roles, request_id)
             VALUES ('{record}', '{tenant}', '{record}', true, '', '{{}}', '')"
        ),
        format!("INSERT INTO pending_erasures VALUES ('{record}', '{tenant}')"),
        format!("INSERT INTO event_acceptances VALUES ('{tenant}', 'p1', 'e1', now())"),
        format!(
            "INSERT INTO sync_runs (id, tenant_id, integration_id, trigger, direction, kinds, mode)
             VALUES ('{record}', '{tenant}', '{integration}', 'manual', 'bidirectional', '{{contact}}', 'full')"
        ),
        format!(
            "INSERT INTO sync_callbacks (event_id, tenant_id, integration_id, body_hash, answer)
             VALUES ('{record}', '{tenant}', '{integration}', '', '{{}}')"
        ),
        format!(
            "INSERT INTO workflow_creates (event_id, tenant_id, integration_id, link_id)
             VALUES ('{record}', '{tenant}', '{integration}', '{record}')"
        ),
        format!("INSERT INTO sync_run_objects VALUES ('{record}', '{tenant}', 'contact', '1', 'listed')"),
        format!(
            "INSERT INTO integration_webhook_logs
                 (id, created_at, platform, tenant_id, integration_id, verified, outcome, correlation_id)
             VALUES ('{record}', now(), 'hubspot', '{tenant}', '{integration}', true, 'applied', '')"
        ),
    ];
    for row in sealed(customer).into_iter().chain(rows).chain(beside(customer)) {
        try_to(tx, &row).await.unwrap();
    }
    sync_logs::insert_batch(tx, &[customer.success(0)]).await.unwrap();
}

#[tokio::test]
async fn the_gateway_sees_nothing_of_another_tenant_in_any_table_view_or_partition() {
    let world = World::new().await;
    let (mine, theirs) = two_customers(&world).await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let relations = words(&mut tx, OF_TENANTS).await;
    for relation in &relations {
        let rows = format!("SELECT count(*) AS number FROM {relation} WHERE tenant_id = '{}'", theirs.tenant);
        let is_partition = relation.contains("_p2") || relation.ends_with("_default");
        assert!(is_partition || number(&mut tx, &rows).await > 0, "`{relation}` needs a row here to be tested");
    }
    tx.commit().await.unwrap();
    for relation in relations {
        let mut tx = world.gateway.begin(Scope::Tenant(mine.tenant)).await.unwrap();
        let seen = format!("SELECT DISTINCT tenant_id AS word FROM {relation}");
        if relation.contains("_p2") || relation.ends_with("_default") {
            assert!(try_to(&mut tx, &seen).await.unwrap_err().to_string().contains("permission denied"), "{relation}");
        } else {
            assert_eq!(words(&mut tx, &seen).await, [mine.tenant.to_string()], "{relation}");
        }
    }
    let mut tx = world.gateway.begin(Scope::Tenant(mine.tenant)).await.unwrap();
    assert_eq!(words(&mut tx, "SELECT id AS word FROM tenants").await, [mine.tenant.to_string()]);
    assert_eq!(tenants::get(&mut tx, theirs.tenant).await.unwrap(), None);
}

#[tokio::test]
async fn without_a_tenant_the_gateway_sees_nothing_and_a_worker_everything() {
    let world = World::new().await;
    two_customers(&world).await;
    let count = "SELECT count(*) AS number FROM tenant_integrations";
    let mut tx = world.gateway.begin(Scope::System).await.unwrap();
    assert_eq!(number(&mut tx, count).await, 0);
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(number(&mut tx, count).await, 4);
}

#[tokio::test]
async fn the_scope_ends_with_its_transaction() {
    let world = World::new().await;
    let (mine, _) = two_customers(&world).await;
    let one = persistence::Database::new(&world.server.gateway_url().into(), 1, std::time::Duration::from_secs(30));
    let whose = "SELECT coalesce(current_tenant(), 'nobody') || pg_backend_pid() AS word";
    let mut tx = one.begin(Scope::Tenant(mine.tenant)).await.unwrap();
    let scoped = words(&mut tx, whose).await.remove(0);
    tx.commit().await.unwrap();
    let mut tx = one.begin(Scope::System).await.unwrap();
    // The same connection, and nothing left of the tenant.
    assert_eq!(words(&mut tx, whose).await, [scoped.replace(&mine.tenant.to_string(), "nobody")]);
}

#[tokio::test]
async fn the_gateway_changes_nothing_of_another_tenant() {
    let world = World::new().await;
    let (mine, theirs) = two_customers(&world).await;
    let touches_nothing = [
        "UPDATE tenant_integrations SET name = 'taken'".to_owned(),
        "UPDATE integration_oauth_tokens SET access_token_sealed = 'x'".to_owned(),
        "DELETE FROM integration_field_mappings".to_owned(),
        "UPDATE integration_health SET status = 'error'".to_owned(),
        "UPDATE record_links SET blocked_at = NULL".to_owned(),
        "UPDATE record_edits SET fields = '{}'".to_owned(),
        "DELETE FROM record_edits".to_owned(),
        "DELETE FROM unpublished_outcomes".to_owned(),
        "UPDATE sync_runs SET state = 'cancelling'".to_owned(),
        "DELETE FROM sessions".to_owned(),
        "UPDATE api_tokens SET revoked_at = now()".to_owned(),
        "DELETE FROM idempotency_keys".to_owned(),
        "UPDATE alert_trials SET written_at = NULL".to_owned(),
    ];
    let theirs_id = theirs.tenant;
    for statement in touches_nothing {
        let mut tx = world.gateway.begin(Scope::Tenant(mine.tenant)).await.unwrap();
        let statement = format!("{statement} WHERE tenant_id = '{theirs_id}'");
        assert_eq!(try_to(&mut tx, &statement).await.unwrap(), 0, "{statement}");
    }
    let mut tx = world.gateway.begin(Scope::Tenant(mine.tenant)).await.unwrap();
    let statement = format!("UPDATE tenants SET region = 'BE' WHERE id = '{theirs_id}'");
    assert_eq!(try_to(&mut tx, &statement).await.unwrap(), 0, "{statement}");
    drop(tx);
    let refused = [
        format!(
            "INSERT INTO tenant_integrations (id, tenant_id, platform, name) VALUES ('int_x', '{theirs_id}', 'a', 'b')"
        ),
        format!("UPDATE tenant_integrations SET tenant_id = '{theirs_id}'"),
        format!("INSERT INTO sessions VALUES ('{theirs_id}', 'x', 'sub', '{{admin}}', now(), now())"),
        "UPDATE sessions SET roles = '{admin}'".to_owned(),
        "UPDATE api_tokens SET role = 'admin'".to_owned(),
        "DELETE FROM api_tokens".to_owned(),
        "UPDATE tenants SET name = 'taken'".to_owned(),
        "DELETE FROM tenant_integrations".to_owned(),
        "UPDATE records SET fields = '{}'".to_owned(),
        "DELETE FROM integration_sync_logs".to_owned(),
        "UPDATE unpublished_outcomes SET outcome = '{}'".to_owned(),
        "UPDATE sync_runs SET sequence = 7".to_owned(),
        "DELETE FROM sync_runs".to_owned(),
        "DELETE FROM audit_log".to_owned(),
        "UPDATE audit_log SET sub = 'nobody'".to_owned(),
        "SELECT forget_audit(1, 1)".to_owned(),
        "SELECT FROM inbox".to_owned(),
        "SELECT ensure_log_partitions(1)".to_owned(),
        "CREATE TABLE mine (id text)".to_owned(),
    ];
    for statement in refused {
        let mut tx = world.gateway.begin(Scope::Tenant(mine.tenant)).await.unwrap();
        let error = try_to(&mut tx, &statement).await.expect_err(&statement).to_string();
        let is_refusal = error.contains("permission denied") || error.contains("row-level security");
        assert!(is_refusal, "{statement}: {error}");
    }
}

#[tokio::test]
async fn a_row_cannot_name_one_tenant_and_another_ones_integration() {
    let world = World::new().await;
    let (mine, theirs) = two_customers(&world).await;
    let mut tx = world.gateway.begin(Scope::Tenant(mine.tenant)).await.unwrap();
    let statement = format!(
        "INSERT INTO integration_mapping_versions VALUES ('{}', '{}', 'deal', 1)",
        theirs.integration, mine.tenant
    );
    let error = try_to(&mut tx, &statement).await.unwrap_err().to_string();
    assert!(error.contains("foreign key"), "{error}");
}

#[tokio::test]
async fn the_gateway_adds_to_the_inbox_without_seeing_it() {
    let world = World::new().await;
    let message = crate::inbox::message(1);
    let mut tx = world.gateway.begin(Scope::System).await.unwrap();
    inbox::store(&mut tx, &[message.clone(), message.clone()]).await.unwrap();
    inbox::store(&mut tx, std::slice::from_ref(&message)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(inbox::take(&mut tx, 10).await.unwrap(), [message]);
}
