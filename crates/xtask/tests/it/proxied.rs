//! `kill -9` of the gateway while it makes an object for a workflow: it is made once.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::wait;
use xtask::session::Service;

use crate::canaries::to_gateway;
use crate::passes::{CONTACTS, Passes, give_to_n8n};
use crate::stand_in::StandIn;
use crate::world::{DEADLINE, World, prospect};

/// The folder of the system, and below it that of the plans by which its services die.
const NAME: &str = "e2e-proxied";

#[tokio::test]
async fn promise_2_a_gateway_killed_between_a_platforms_answer_and_its_commit_makes_nobody_twice_for_a_workflow() {
    // Takes writes; the test does what the workflow would.
    let mut n8n = StandIn::start(|_| (202, "", r#"{"accepted": true}"#)).await;
    let plans = Path::new(env!("CARGO_TARGET_TMPDIR")).join(NAME).join("crashes");
    let (url, folder) = (n8n.url.clone(), plans.display().to_string());
    let settings = [
        ("N8N__BASE_URL", url.as_str()),
        ("N8N__SIGNING_SECRET", "a signing secret of thirty-two bytes"),
        ("CRASH__PLAN_FOLDER", folder.as_str()),
    ];
    let world = World::on_shared_servers(NAME, 27_500, &settings).await;
    let id = world.tenant.integration.clone();
    give_to_n8n(&world, &id).await;
    let person = json!({ "email": "zoe@exemple.fr", "first_name": "Zoé" });
    assert_eq!(world.post_event(&prospect("p1", "prospect.created", person)).await.status(), 202);
    let passes = Passes::handed(&mut n8n).await;

    // The next gateway dies before it asks the platform, the one after it over the answer.
    let (deaths, lives) = (plans.join("api-gateway.deaths"), "proxy.before@1\nproxy.after@1\n");
    std::fs::create_dir_all(&plans).unwrap();
    std::fs::write(plans.join("api-gateway.plan"), lives).unwrap();
    world.session.stack.kill(Service::ApiGateway.name()).await.unwrap();
    wait::until("a gateway that answers the workflow", DEADLINE, || create(&world, &id, &passes)).await;
    assert_eq!(std::fs::read_to_string(deaths).unwrap(), lives);
    let created = created(&world).await;
    assert_eq!(created.len(), 1, "{created:?}");

    let base = world.session.url(Service::ApiGateway);
    let callback = format!("{base}/api/v1/integrations/{id}/sync-callback?token={}", passes.callback);
    let report = json!({ "success": true, "hubspot_id": created[0]["id"] });
    assert_eq!(world.session.client().post(callback).json(&report).send().await.unwrap().status(), 200);
    let count = world.settle(1).await;
    assert!(count.is_exact(), "{count:?}");
    world.end().await;
}

/// Asks for the contact until it is there, or the dispatcher has heard of it from the platform and needs nobody any more.
async fn create(world: &World, id: &str, passes: &Passes) -> Result<(), String> {
    let path = format!("/api/v1/proxy/{id}/{CONTACTS}");
    let body = json!({ "properties": { "email": "zoe@exemple.fr", "firstname": "Zoé" } });
    let sent = to_gateway(world, Method::POST, &path, &passes.proxy).json(&body).send().await;
    let answer = sent.map_err(|error| error.to_string())?;
    let status = answer.status();
    let said: Value = answer.json().await.map_err(|error| error.to_string())?;
    if status.is_success() || said["code"] == "errand_over" { Ok(()) } else { Err(format!("{status} {said}")) }
}

async fn created(world: &World) -> Vec<Value> {
    let is_create = |entry: &Value| entry["object_type"] == "contacts" && entry["action"] == "created";
    world.journal(0).await.into_iter().filter(is_create).collect()
}
