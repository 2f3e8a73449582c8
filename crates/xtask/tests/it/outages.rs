//! The database, the broker, both and the platform really away: what is accepted then, and that it all arrives by itself.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use testkit::wait;
use xtask::session::{PORTAL, Service};

use crate::world::{DEADLINE, World, prospect};

const STORED: &str = r#"webhook_deliveries_total{platform="hubspot",result="stored"}"#;
const PUBLISHED: &str = r#"webhook_deliveries_total{platform="hubspot",result="published"}"#;

/// One system lives through all of it, since a broker takes long to start.
#[tokio::test]
async fn promise_1_what_is_accepted_while_a_part_is_away_arrives_once_it_is_back() {
    // A poll that comes due meanwhile must not have the breaker keep the last attempt from being made.
    let settings = [("BROKER__RETRY_SCHEDULE", "1s,2s"), ("DISPATCHER__BREAKER_FAILURES", "0")];
    let world = World::on_own_servers("e2e-outages", 27_000, &settings).await;
    // Deliveries are made by hand here, so that each is answered for.
    world.sandbox(Method::DELETE, &format!("/hubspot/{PORTAL}/webhook"), None).await;
    without_the_database_the_broker_takes_what_comes(&world).await;
    without_the_broker_the_inbox_does_and_without_both_nothing_is_promised(&world).await;
    without_the_platform_work_is_retried_then_blocked_and_arrives_when_replayed(&world).await;
    world.end().await;
}

async fn without_the_database_the_broker_takes_what_comes(world: &World) {
    let contact = somebody_new_in_the_crm(world, "sans.base").await;
    let published = world.metric(Service::WebhookIngest, PUBLISHED).await;
    world.session.services.as_ref().unwrap().postgres.stop().await.unwrap();

    assert_eq!(post(world, "base").await.status(), StatusCode::ACCEPTED);
    assert_eq!(world.deliver(&contact).await.status(), StatusCode::ACCEPTED);
    assert!(world.metric(Service::WebhookIngest, PUBLISHED).await > published);

    start_database(world).await;
    arrives(world, "base", "sans.base", 2).await;
}

async fn without_the_broker_the_inbox_does_and_without_both_nothing_is_promised(world: &World) {
    let contact = somebody_new_in_the_crm(world, "sans.file").await;
    let services = world.session.services.as_ref().unwrap();
    services.rabbitmq.stop().await.unwrap();
    assert!(!services.rabbitmq.serves().await);

    assert_eq!(post(world, "file").await.status(), StatusCode::ACCEPTED);
    assert_eq!(world.deliver(&contact).await.status(), StatusCode::ACCEPTED);
    assert_eq!(world.metric(Service::WebhookIngest, STORED).await, 1.0);

    services.postgres.stop().await.unwrap();
    asks_to_come_again(post(world, "rien").await).await;
    asks_to_come_again(world.deliver(&contact).await).await;
    start_database(world).await;

    services.rabbitmq.boot().await.unwrap();
    arrives(world, "file", "sans.file", 4).await;
    assert!(world.record(&email("rien")).await.is_none(), "what was refused was kept all the same");
}

async fn without_the_platform_work_is_retried_then_blocked_and_arrives_when_replayed(world: &World) {
    let in_crm = world.settle_whoever().await.in_crm;
    world.faults(json!({ "fail_all_status": 503 })).await;
    assert_eq!(post(world, "crm").await.status(), StatusCode::ACCEPTED);
    let failure = wait::until("a failure that blocks", DEADLINE, || async {
        world.of_integration("/failures").await["data"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!((&failure["count"], &failure["class"]), (&json!(1), &json!("unavailable")), "{failure}");
    assert!(failure["message"].as_str().is_some_and(|message| !message.is_empty()), "{failure}");
    // Two waits of the schedule: three attempts, each with its row.
    let record = world.record(&email("crm")).await.unwrap();
    wait::until("a row for each attempt", DEADLINE, || async {
        let logs = world.of_integration("/logs?status=failed").await;
        let of_it = logs["data"].as_array().unwrap().iter().filter(|log| log["record_id"] == record["id"]);
        let attempts: Vec<_> = of_it.map(|log| log["attempt"].clone()).collect();
        if attempts == [json!(3), json!(2), json!(1)] { Ok(()) } else { Err(logs) }
    })
    .await;
    let record = world.record(&email("crm")).await.unwrap();
    assert!(states(&record).contains(&"failed"), "{record}");

    world.faults(json!({ "fail_all_status": null })).await;
    // Others get through, what is blocked waits for somebody to say so.
    assert_eq!(post(world, "apres").await.status(), StatusCode::ACCEPTED);
    let count = world.settle(in_crm + 1).await;
    assert_eq!((count.in_crm, count.owed), (in_crm + 1, 0), "{count:?}");

    let path = format!("/api/v1/integrations/{}/failures/replay", world.tenant.integration);
    let wish = json!({ "fingerprint": failure["fingerprint"] });
    let answer = world.session.call(Method::POST, &path, &world.tenant.admin_token, Some(&wish)).await.unwrap();
    assert!(answer.0.is_success(), "{answer:?}");
    let count = world.settle(in_crm + 2).await;
    assert!(count.is_exact(), "{count:?}");
    assert_eq!(world.of_integration("/failures").await["data"], json!([]));
}

/// Who was accepted is in the CRM, who is new there is among our records, and that makes so many people there.
async fn arrives(world: &World, accepted: &str, heard_of: &str, in_crm: u64) {
    let is_there = |record: &Value| states(record).contains(&"in_step");
    world.wait_for_record(&email(accepted), "the counterpart", is_there).await;
    let is_known = |record: &Value| record["fields"]["last_name"]["value"] == "Sûr";
    world.wait_for_record(&email(heard_of), "the record", is_known).await;
    let count = world.settle(in_crm).await;
    assert!(count.is_exact(), "{count:?}");
}

async fn asks_to_come_again(answer: Response) {
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let seconds = answer.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["status"], 503, "{problem}");
}

async fn start_database(world: &World) {
    let services = world.session.services.as_ref().unwrap();
    services.postgres.boot(xtask::services::postgres::Durability::Relaxed).await.unwrap();
    wait::until("the gateway to find the database", DEADLINE, || async {
        world.session.integration(&world.tenant).await.map(drop)
    })
    .await;
}

async fn post(world: &World, name: &str) -> Response {
    let data = json!({ "last_name": "Sûr", "email": email(name) });
    world.post_event(&prospect(&format!("p-{name}"), "prospect.created", data)).await
}

async fn somebody_new_in_the_crm(world: &World, name: &str) -> String {
    world.contact_by_hand(json!({ "lastname": "Sûr", "email": email(name) })).await
}

fn email(name: &str) -> String {
    format!("{name}@example.fr")
}

/// How the record's counterparts do.
fn states(record: &Value) -> Vec<&str> {
    record["links"].as_array().into_iter().flatten().filter_map(|link| link["state"].as_str()).collect()
}
