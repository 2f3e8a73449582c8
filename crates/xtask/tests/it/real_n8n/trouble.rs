//! What goes wrong: the platform refuses or fails, or answers too late, n8n is killed with writes in its hands, n8n is away.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::wait;
use tokio::time::interval;
use xtask::n8n::N8n;
use xtask::session::Service;

use super::{PATIENCE, System};
use crate::world::prospect;

/// How long n8n is away, and how often an event arrives meanwhile.
const AWAY: (Duration, Duration) = (Duration::from_secs(130), Duration::from_secs(10));

async fn send_person(system: &System, n: u64) {
    let person = json!({"email": format!("p{n}@exemple.fr"), "first_name": "Personne"});
    system.send(&prospect(&format!("p{n}"), "prospect.created", person)).await;
}

async fn send_people(system: &System, count: u64) {
    for n in 0..count {
        send_person(system, n).await;
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
async fn a_platform_that_takes_longer_than_an_errand_lives_has_one_object_of_each() {
    // A call takes longer than an errand lives, and a create is two of them; no call is given up.
    let settings = [
        ("N8N__ERRAND_LIFE", "5s"),
        ("N8N__PAUSE", "1s"),
        ("DISPATCHER__PLATFORM_TIMEOUT", "12s"),
        ("DISPATCHER__LEASE", "60s"),
    ];
    let system = System::start_with("e2e-n8n-timeout", 29_700, &settings).await;
    system.by_n8n().await;
    system.world.faults(json!({"latency_ms": 8_000})).await;
    send_person(&system, 0).await;
    let count = system.world.settle_within(1, PATIENCE).await;
    assert_eq!((count.in_crm, count.duplicates, count.owed), (1, 0, 0));

    // It is written, and nothing is ever answered.
    system.world.faults(json!({"latency_ms": 0, "lost_answer_next": 1, "lost_answer_as": "silence"})).await;
    send_person(&system, 1).await;
    let count = system.world.settle_within(2, PATIENCE).await;
    assert_eq!((count.in_crm, count.duplicates, count.owed), (2, 0, 0));
    system.world.end().await;
}

#[tokio::test]
async fn while_n8n_is_away_for_minutes_the_work_waits_and_flows_when_it_is_back() {
    // Its pauses are those of production.
    let settings = [("N8N__ERRAND_LIFE", "25s"), ("DISPATCHER__LEASE", "20s")];
    let mut system = System::start_with("e2e-n8n-away", 29_400, &settings).await;
    let id = system.by_n8n().await;
    let up = "coccinelle_n8n_up{platform=\"hubspot\"}";
    send_person(&system, 0).await;
    system.world.settle_within(1, PATIENCE).await;
    assert!((system.world.metric(Service::SyncDispatcher, up).await - 1.0).abs() < f64::EPSILON);

    assert!(system.world.session.stack.halt(N8n::NAME).await.is_some());
    // Seen before anybody has work for it.
    wait::until("the gauge to fall", PATIENCE, || async {
        let shown = system.world.metric(Service::SyncDispatcher, up).await;
        if shown < 0.5 { Ok(()) } else { Err(shown) }
    })
    .await;
    let (since, mut arrivals) = (Instant::now(), interval(AWAY.1));
    let mut people = 1;
    while since.elapsed() < AWAY.0 {
        arrivals.tick().await;
        send_person(&system, people).await;
        people += 1;
    }
    // It was asked again after each pause, which is longer than the one before, and not for each event.
    let failed = system.logged(&id, "failed", 3).await;
    assert!(failed.iter().all(|row| row.to_string().contains("n8n ne répond pas")), "{failed:?}");
    assert!(failed.len() < 6, "{failed:?}");
    assert!(system.world.metric(Service::SyncDispatcher, up).await < 0.5);
    wait::until("all but the first to be owed", PATIENCE, || async {
        let count = system.world.count(people).await;
        if (count.in_crm, count.owed) == (1, people - 1) { Ok(()) } else { Err(count) }
    })
    .await;

    system.start_n8n().await;
    let count = system.world.settle_within(people, PATIENCE).await;
    assert_eq!((count.in_crm, count.duplicates, count.owed), (people, 0, 0));
    assert!((system.world.metric(Service::SyncDispatcher, up).await - 1.0).abs() < f64::EPSILON);
    system.world.end().await;
}

/// How often the error handler has run: the name of a value that it alone makes, as it stands in what n8n keeps of a run.
async fn handled(system: &System) -> usize {
    testkit::dump(system.place.database.as_str()).await.matches(r#"\"noeud\":"#).count()
}

#[tokio::test]
async fn a_workflow_that_stops_on_an_error_calls_the_error_handler() {
    let system = System::start("e2e-n8n-handler", 29_600).await;
    let before = handled(&system).await;
    // Nobody hears its call, nor its report.
    let nowhere = "http://127.0.0.1:9";
    let write = json!({
        "version": 1, "action": "create_contact", "data": {}, "remote": {}, "platform": "hubspot", "event_id": "evt_1",
        "request": {"method": "POST", "path": "objects", "query": {}, "body": {}}, "proxy_token": "v1.proxy",
        "proxy_url": format!("{nowhere}/proxy"), "callback_url": format!("{nowhere}/callback?token=v1.callback"),
    })
    .to_string();
    assert_eq!(system.knock("hubspot", &write, Some((0, &write))).await.0, 202);
    wait::until("the error handler to run", PATIENCE, || async { (handled(&system).await > before).then_some(()) })
        .await;
    system.world.end().await;
}
