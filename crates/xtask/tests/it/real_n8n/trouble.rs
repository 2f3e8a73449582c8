//! What goes wrong: the platform refuses or fails, n8n is killed with writes in its hands, n8n is away.

use serde_json::json;
use testkit::wait;
use xtask::n8n::N8n;
use xtask::session::Service;

use super::{PATIENCE, System};
use crate::world::prospect;

async fn send_people(system: &System, count: usize) {
    for n in 0..count {
        let person = json!({"email": format!("p{n}@exemple.fr"), "first_name": "Personne"});
        system.send(&prospect(&format!("p{n}"), "prospect.created", person)).await;
    }
}

#[tokio::test]
async fn a_failure_is_tried_again_and_a_refusal_is_shown_with_the_platforms_words() {
    let system = System::start("e2e-n8n-trouble", 29_200).await;
    let id = system.by_n8n().await;
    system.world.faults(json!({"fail_next": {"count": 1, "status": 503}})).await;
    send_people(&system, 1).await;
    let count = system.world.settle_within(1, PATIENCE).await;
    assert_eq!((count.in_crm, count.duplicates, count.owed), (1, 0, 0));

    system.world.faults(json!({"fail_all_status": 400})).await;
    system.send(&prospect("p0", "prospect.updated", json!({"first_name": "Zoé"}))).await;
    let failed = wait::until("the failure", PATIENCE, || async {
        let failures = system.world.ask(&format!("/api/v1/integrations/{id}/failures")).await;
        failures["data"].as_array().unwrap().first().cloned().ok_or(failures)
    })
    .await;
    assert_eq!(failed["code"], "workflow_failed", "{failed}");
    system.world.faults(json!({"fail_all_status": null})).await;
    system.send(&prospect("p0", "prospect.updated", json!({"first_name": "Zoë"}))).await;
    system.logged(&id, "update success", 1).await;
    system.world.end().await;
}

#[tokio::test]
async fn n8n_killed_with_writes_in_its_hands_loses_nothing_and_doubles_nothing() {
    let system = System::start("e2e-n8n-kill", 29_300).await;
    system.by_n8n().await;
    system.world.faults(json!({"latency_ms": 300})).await;
    send_people(&system, 30).await;
    wait::until("some of them in the CRM", PATIENCE, || async {
        let there = system.world.journal(0).await.len();
        if there >= 5 { Ok(()) } else { Err(there) }
    })
    .await;
    system.world.session.stack.kill(N8n::NAME).await.unwrap();
    let before = system.world.journal(0).await.len();
    assert!(before < 30, "all were made before it was killed");
    let count = system.world.settle_within(30, PATIENCE).await;
    assert_eq!((count.in_crm, count.duplicates, count.owed), (30, 0, 0));
    system.world.end().await;
}

#[tokio::test]
async fn while_n8n_is_away_the_work_waits_and_flows_when_it_is_back() {
    let mut system = System::start("e2e-n8n-away", 29_400).await;
    let id = system.by_n8n().await;
    let up = "coccinelle_n8n_up{platform=\"hubspot\"}";
    send_people(&system, 1).await;
    system.world.settle_within(1, PATIENCE).await;
    assert!((system.world.metric(Service::SyncDispatcher, up).await - 1.0).abs() < f64::EPSILON);

    assert!(system.world.session.stack.halt(N8n::NAME).await.is_some());
    // Seen before anybody has work for it.
    wait::until("the gauge to fall", PATIENCE, || async {
        let shown = system.world.metric(Service::SyncDispatcher, up).await;
        if shown < 0.5 { Ok(()) } else { Err(shown) }
    })
    .await;
    send_people(&system, 10).await;
    // By then it was asked again and again, each time after a longer pause.
    let failed = system.logged(&id, "failed", 4).await;
    assert!(failed.iter().all(|row| row.to_string().contains("n8n ne répond pas")), "{failed:?}");
    assert!(system.world.metric(Service::SyncDispatcher, up).await < 0.5);
    let count = system.world.count(10).await;
    assert_eq!((count.in_crm, count.owed), (1, 9));

    system.world.session.start_n8n().unwrap();
    system.world.session.n8n_ready().await.unwrap();
    let count = system.world.settle_within(10, PATIENCE).await;
    assert_eq!((count.in_crm, count.duplicates, count.owed), (10, 0, 0));
    assert!((system.world.metric(Service::SyncDispatcher, up).await - 1.0).abs() < f64::EPSILON);
    system.world.end().await;
}
