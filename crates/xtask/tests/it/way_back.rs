//! From a hand in the CRM to Coccinelle's copy, without an echo; and what no platform has signed goes no further.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::wait;
use xtask::session::PORTAL;

use crate::world::{DEADLINE, World, prospect};

const EMAIL: &str = "noemie.lefevre@example.fr";
const OTHER: &str = "autre@example.fr";

#[tokio::test]
async fn an_edit_in_the_crm_reaches_the_record_and_is_not_written_back() {
    let world = World::on_shared_servers("e2e-way-back", 28_000, &[]).await;
    let data = json!({ "first_name": "Noémie", "last_name": "Lefèvre", "email": EMAIL, "city": "Nantes" });
    let created = prospect("p-noemie", "prospect.created", data);
    assert_eq!(world.post_event(&created).await.status(), 202);
    let record = world.wait_for_record(EMAIL, "the counterpart", |record| link(record)["state"] == "in_step").await;
    let contact = link(&record)["external_id"].as_str().unwrap().to_owned();

    let written = last(&world).await;
    let edit = json!({ "city": "Brest", "jobtitle": "Luthière" });
    world.sandbox(Method::PATCH, &format!("/hubspot/{PORTAL}/contacts/{contact}"), Some(edit)).await;
    let record =
        world.wait_for_record(EMAIL, "the new city", |record| record["fields"]["city"]["value"] == "Brest").await;
    assert_eq!(record["fields"]["city"]["origin"], world.tenant.integration.as_str());
    assert_eq!(record["fields"]["first_name"]["value"], "Noémie");
    world.settle(1).await;
    // Whatever would have been written back stood before this in every queue.
    let other = prospect("p-other", "prospect.created", json!({ "email": OTHER, "last_name": "Autre" }));
    assert_eq!(world.post_event(&other).await.status(), 202);
    assert!(world.settle(2).await.is_exact());
    let echoes: Vec<_> = world.journal(written).await.into_iter().filter(|entry| is_ours(entry, &contact)).collect();
    assert_eq!(echoes, Vec::<Value>::new());

    // A change made here does travel: the silence above was no accident.
    let moved = prospect("p-noemie", "prospect.updated", json!({ "city": "Quimper" }));
    assert_eq!(world.post_event(&moved).await.status(), 202);
    wait::until("the next city in the CRM", DEADLINE, || async {
        let entries = world.journal(written).await;
        entries.iter().any(|entry| is_ours(entry, &contact) && entry["properties"]["city"] == "Quimper").then_some(())
    })
    .await;
    refuses_what_is_not_signed(&world).await;
    world.end().await;
}

/// On the same system, with the contact that was written once, long ago: nothing is told of it any more.
async fn refuses_what_is_not_signed(world: &World) {
    world.settle(2).await;
    let other = world.record(OTHER).await.unwrap();
    let contact = link(&other)["external_id"].as_str().unwrap().to_owned();
    let (database, _) = world.shared.as_ref().unwrap();
    let refused = "SELECT count(*) FROM integration_webhook_logs WHERE NOT verified AND outcome = 'refused'";
    let heard = format!("SELECT remote_seq FROM record_links WHERE external_id = '{contact}'");
    let before = database.count(&heard).await;
    assert_eq!(database.count(refused).await, 0);

    let answer = world.deliver_change(&contact, "a guess").await;
    assert_eq!(answer.status(), 401);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "wrong_signature", "{problem}");
    wait::until("a row of the refused delivery", DEADLINE, || async {
        (database.count(refused).await == 1).then_some(())
    })
    .await;
    assert_eq!(database.count(&heard).await, before);

    // The same with the right secret is heard.
    assert_eq!(world.deliver(&contact).await.status(), 202);
    wait::until("the contact to be marked", DEADLINE, || async {
        (database.count(&heard).await > before).then_some(())
    })
    .await;
}

/// The record's counterpart in the CRM.
fn link(record: &Value) -> Value {
    let links = record["links"].as_array().into_iter().flatten();
    links.into_iter().find(|link| link["platform"] == "hubspot").cloned().unwrap_or_default()
}

fn is_ours(entry: &Value, contact: &str) -> bool {
    entry["by"] == "api" && entry["object_type"] == "contacts" && entry["id"] == contact
}

/// The number of the newest write in the CRM.
async fn last(world: &World) -> u64 {
    world.journal(0).await.last().map_or(0, |entry| entry["seq"].as_u64().unwrap())
}
