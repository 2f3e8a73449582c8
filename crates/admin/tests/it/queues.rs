//! What an operator sees of the queues and does with dead letters.

use domain::message::StoredMessage;
use messaging::{Broker, BrokerOptions, Context};
use serde_json::Value;
use testkit::{TestVhost, wait};

use crate::machine::Machine;

const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);
const QUEUE: &str = "log.sync.write";

/// A machine, and a vhost with so many dead letters in it.
async fn machine_with(dead: usize) -> (Machine, TestVhost) {
    runtime::crypto::install();
    let (machine, vhost) = (Machine::new().await, testkit::vhost().await);
    let broker = Broker::connect(BrokerOptions {
        url: vhost.url().into(),
        confirm_timeout: LIMIT,
        schedule: domain::retry::RetrySchedule::default(),
        name: "test",
    });
    wait::until("the connection", LIMIT, || async { broker.is_connected().then_some(()) }).await;
    for number in 0..dead {
        let context = Context::new();
        let letter = StoredMessage {
            id: context.message_id,
            message_type: "sync.outcome.v2".to_owned(),
            queue: QUEUE.to_owned(),
            trace: context.trace,
            payload: serde_json::json!({ "number": number }),
        };
        broker.bury(&letter, "of a newer version").await.unwrap();
    }
    broker.close().await;
    (machine, vhost)
}

/// What a command printed, one JSON object a line; an error where it failed.
async fn said(machine: &Machine, vhost: &TestVhost, arguments: &[&str]) -> Result<Vec<Value>, String> {
    let mut command = machine.command(arguments);
    command.env("COCCINELLE__BROKER__URL", vhost.url());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    Ok(String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_shown_with_their_reason_given_back_and_thrown_away() {
    let (machine, vhost) = machine_with(3).await;
    let letters = said(&machine, &vhost, &["dead-letters", QUEUE, "--json"]).await.unwrap();
    let numbers: Vec<_> = letters.iter().map(|letter| letter["payload"]["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert!(letters.iter().all(|letter| letter["reason"] == "of a newer version"), "{letters:?}");
    // Looking changed nothing.
    assert_eq!(vhost.peek(&format!("dead.{QUEUE}")).await.len(), 3);

    let replayed = said(&machine, &vhost, &["replay", QUEUE, "--limit", "2", "--json"]).await.unwrap();
    assert_eq!(replayed.last().unwrap()["replayed"], 2);
    assert_eq!(replayed[0]["done"], 1, "{replayed:?}");
    let back = vhost.peek(QUEUE).await;
    assert_eq!(back.len(), 2);
    assert!(back[0].properties["headers"]["reason"].is_null(), "{:?}", back[0].properties);

    let refused = said(&machine, &vhost, &["purge", QUEUE, "--json"]).await.unwrap_err();
    assert!(refused.contains("--yes"), "{refused}");
    assert_eq!(said(&machine, &vhost, &["purge", QUEUE, "--yes", "--json"]).await.unwrap()[0]["purged"], 1);
    assert_eq!(vhost.peek(&format!("dead.{QUEUE}")).await.len(), 0);
    let unknown = said(&machine, &vhost, &["replay", "no.such.queue"]).await.unwrap_err();
    assert!(unknown.contains("dispatcher.event.merge"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_how_far_behind_the_work_is_and_who_is_not_answered() {
    runtime::crypto::install();
    let (machine, tenants) = Machine::with_tenants(1).await;
    let vhost = testkit::vhost().await;
    let (behind, unanswered) = (machine.connect(tenants[0], "a").await, machine.connect(tenants[0], "b").await);
    for (integration, age) in [(behind, "2 hours"), (unanswered, "3 days")] {
        let owed = format!(
            "INSERT INTO record_links (id, tenant_id, integration_id, kind, wanted_version, owed_since)
             VALUES ('{integration}', '{}', '{integration}', 'contact', 1, now() - interval '{age}')",
            tenants[0]
        );
        machine.database.execute(&owed).await;
    }
    let open = format!(
        "INSERT INTO breakers (subject, platform, integration_id, opened_at, pause, probe_at)
         VALUES ('{unanswered}', 'hubspot', '{unanswered}', now(), '1 minute', now()),
                ('pipedrive', 'pipedrive', NULL, now(), '1 minute', now())"
    );
    machine.database.execute(&open).await;
    let status = said(&machine, &vhost, &["status", "--json"]).await.unwrap().remove(0);
    // That nobody works on what no platform answers to is no lag.
    let lag = status["overview"]["lag_seconds"].as_u64().unwrap();
    assert!((7_200..7_500).contains(&lag), "{status}");
    assert_eq!((&status["overview"]["owed"], &status["overview"]["inbox_seconds"]), (&2.into(), &0.into()));
    let breakers = serde_json::json!([
        { "platform": "hubspot", "integrations": 1, "whole": false },
        { "platform": "pipedrive", "integrations": 0, "whole": true },
    ]);
    assert_eq!(status["breakers"], breakers);

    let mut command = machine.command(&["status"]);
    command.env("COCCINELLE__BROKER__URL", vhost.url());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for line in ["lag: 2h", "breakers open at hubspot: those of 1 integrations", "pipedrive: the platform's own"] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_the_queues_and_what_waits_and_the_half_that_answers() {
    let (machine, vhost) = machine_with(1).await;
    let status = said(&machine, &vhost, &["status", "--json"]).await.unwrap().remove(0);
    let queues = status["queues"].as_array().unwrap();
    let dead = queues.iter().find(|queue| queue["queue"] == format!("dead.{QUEUE}")).unwrap();
    assert_eq!((&dead["ready"], &dead["consumers"]), (&1.into(), &0.into()));
    assert_eq!(status["overview"]["owed"], 0);
    assert_eq!(status["overview"]["alerts_waiting"], 0);

    let mut command = machine.command(&["status"]);
    command.env("COCCINELLE__BROKER__URL", "amqp://guest:guest@127.0.0.1:1/none");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("the broker does not answer") && text.contains("records owed"), "{text}");
}
