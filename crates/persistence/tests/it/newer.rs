//! What a newer version has written and this one reads, beside it or after it: words that it does not know.

use std::collections::BTreeSet;

use domain::incident::Trigger;
use persistence::incidents::{self, Subject};
use persistence::log_page::LogPage;
use persistence::{Scope, integrations};
use serde_json::{Value, json};

use crate::world::World;

const DOWN: &str = include_str!("../../../../migrations/2026-11-29-000110_asking_runs/down.sql");

#[tokio::test]
async fn trouble_of_a_sort_that_is_not_known_is_passed_over() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let (tenant, integration) = (customer.tenant, customer.integration);
    let newer = format!(
        "INSERT INTO incidents (id, tenant_id, integration_id, subject, trigger)
         VALUES ('inc_1', '{tenant}', '{integration}', '{integration}', 'newer')"
    );
    world.server.execute(&newer).await;
    let known = (Subject::Integration(integration, tenant), Trigger::Drift);
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert!(incidents::begin(&mut tx, &known.0, known.1, json!({})).await.unwrap());
    let news: Vec<_> = incidents::pending(&mut tx).await.unwrap().into_iter().map(|news| news.trigger).collect();
    assert_eq!((incidents::open(&mut tx).await.unwrap(), news), (vec![known], vec![Trigger::Drift]));
    tx.commit().await.unwrap();

    let mut tx = world.gateway.begin(Scope::Tenant(tenant)).await.unwrap();
    let listed = incidents::list(&mut tx, tenant, Some(true), &LogPage { after: None, limit: 1 }).await.unwrap();
    assert_eq!(listed.into_iter().map(|incident| incident.trigger).collect::<Vec<_>>(), [Trigger::Drift]);
}

#[tokio::test]
async fn who_chose_a_sort_of_trouble_that_is_not_known_hears_of_what_else_they_chose() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let (tenant, integration) = (customer.tenant, customer.integration);
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    incidents::begin(&mut tx, &Subject::Integration(integration, tenant), Trigger::Drift, json!({})).await.unwrap();
    tx.commit().await.unwrap();
    for (stored, read) in [
        (json!(["drift", "newer"]), Some(BTreeSet::from([Trigger::Drift]))),
        (json!(["newer"]), None),
        (Value::Null, None),
    ] {
        let chosen = json!({ "triggers": stored });
        world.server.execute(&format!("UPDATE tenant_integrations SET alerts = '{chosen}'")).await;
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        let alerts = integrations::get(&mut tx, tenant, integration).await.unwrap().unwrap().alerts;
        assert_eq!(alerts.triggers, read, "{chosen}");
        assert_eq!(incidents::pending(&mut tx).await.unwrap().remove(0).alerts, alerts);
    }
}

#[tokio::test]
async fn whoever_goes_back_to_the_version_before_the_questions_takes_their_word_out_of_what_was_chosen() {
    let world = World::new().await;
    world.customer("1001").await;
    let take_out = DOWN.split(';').find(|statement| statement.contains("UPDATE tenant_integrations")).unwrap();
    for (stored, left) in [
        (json!({ "triggers": ["drift", "needs_confirmation"] }), json!({ "triggers": ["drift"] })),
        (json!({ "to": "tenant", "triggers": ["needs_confirmation"] }), json!({ "to": "tenant" })),
        (json!({ "triggers": ["failing"] }), json!({ "triggers": ["failing"] })),
        (json!({ "triggers": null }), json!({ "triggers": null })),
        (json!({}), json!({})),
    ] {
        world.server.execute(&format!("UPDATE tenant_integrations SET alerts = '{stored}'")).await;
        world.server.execute(take_out).await;
        let read = world.server.texts("SELECT DISTINCT alerts::text FROM tenant_integrations").await;
        let read: Vec<Value> = read.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        assert_eq!(read, [left], "{stored}");
    }
}
