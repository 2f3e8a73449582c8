//! Changing every key while the real services work: nobody notices.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use xtask::session::Service;

use crate::world::{PATIENT, World, prospect};

/// How often all keys are changed.
const ROUNDS: u32 = 3;

#[tokio::test]
async fn keys_are_changed_while_accounts_are_connected_tried_and_written_to_and_nobody_notices() {
    // A crowd of tests may keep a connection waiting, which would be an error in the log.
    let settings = [PATIENT[0], PATIENT[1], ("DATABASE__CONNECT_TIMEOUT", "30s")];
    let world = World::on_shared_servers("e2e-keys", 25_500, &settings).await;
    let ring = world.session.home().path("key-ring.json");
    let before: Value = serde_json::from_slice(&std::fs::read(&ring).unwrap()).unwrap();
    let is_over = AtomicBool::new(false);
    let traffic = async {
        let mut rounds = 0;
        while !is_over.load(Ordering::SeqCst) || rounds < 10 {
            connect_and_try(&world, rounds).await;
            rounds += 1;
        }
        rounds
    };
    let rotation = async {
        for round in 1..=ROUNDS {
            let retire = if round == ROUNDS { &["rotate-keys", "--retire"][..] } else { &["rotate-keys"] };
            let said = world.session.admin(retire).await.unwrap();
            assert!(said.contains("0 left under other keys"), "{said}");
            let said = world.session.admin(&["rotate-data-key", &world.tenant.id]).await.unwrap();
            assert!(said.contains("0 left under another"), "{said}");
        }
        is_over.store(true, Ordering::SeqCst);
    };
    let (rounds, ()) = tokio::join!(traffic, rotation);

    let after: Value = serde_json::from_slice(&std::fs::read(&ring).unwrap()).unwrap();
    assert_ne!(before["active"], after["active"]);
    assert_eq!(after["keys"].as_object().unwrap().len(), 1, "the old keys are retired");
    connect_and_try(&world, rounds).await;
    let count = world.settle(rounds + 1).await;
    assert_eq!((count.in_crm, count.duplicates, count.owed), (rounds + 1, 0, 0), "{count:?}");
    for service in [Service::ApiGateway, Service::SyncDispatcher] {
        let log = world.session.stack.tail(service.name(), 100_000);
        assert!(!log.contains("ERROR") && !log.contains("credentials cannot be"), "{}: {log}", service.name());
    }
    world.end().await;
}

/// One more account, a try of it and of the first one, and one more person for the CRM.
async fn connect_and_try(world: &World, round: u64) {
    let wish = json!({ "name": format!("HubSpot {round}"), "platform": "hubspot",
        "credentials": { "api_key": format!("pat-eu1-{}-demo", 50_000 + round) } });
    let made = call(world, "/api/v1/integrations", Some(&wish)).await;
    let id = made["id"].as_str().unwrap();
    for id in [id, &world.tenant.integration] {
        let tried = call(world, &format!("/api/v1/integrations/{id}/test"), None).await;
        assert_eq!(tried["ok"], true, "round {round}: {tried}");
    }
    let data = json!({ "first_name": "Zoé", "email": format!("zoe{round}@exemple.fr") });
    let answer = world.post_event(&prospect(&format!("p{round}"), "prospect.created", data)).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
}

async fn call(world: &World, path: &str, body: Option<&Value>) -> Value {
    let (status, answer) = world.session.call(Method::POST, path, &world.tenant.admin_token, body).await.unwrap();
    assert!(status.is_success(), "POST {path}: {status} {answer}");
    answer
}
