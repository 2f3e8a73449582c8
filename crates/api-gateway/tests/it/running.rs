//! Full syncs on request: one at a time, announced to the dispatcher, ended and agreed to. Their pages are the dispatcher's.

use domain::access::Role;
use domain::id::RunId;
use domain::message::{Message as _, RunPage};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connecting::connected;
use crate::pages::Browser;
use crate::world::World;

async fn switched_on(world: &World) -> String {
    let id = connected(world, "pat-eu1-4242-demo").await;
    world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    id
}

async fn announced(world: &World) -> Vec<RunPage> {
    let stored = world.vhost.peek(RunPage::QUEUE).await;
    stored.iter().map(|message| serde_json::from_str(&message.payload).unwrap()).collect()
}

async fn cancel(world: &World, path: &str) -> crate::world::Answer {
    world.call(Method::DELETE, path, Some(&world.token(Role::Admin)), None).await
}

#[tokio::test]
async fn a_run_is_queued_announced_shown_and_ended() {
    let world = World::start().await;
    let id = switched_on(&world).await;
    let started = world.post(&format!("/api/v1/integrations/{id}/sync"), json!({"kinds": ["deal", "contact"]})).await;
    assert_eq!(started.status.as_u16(), 202, "{started:?}");
    let run = started.body["id"].as_str().unwrap();
    let path = format!("/api/v1/integrations/{id}/runs/{run}");
    assert_eq!(started.headers["location"], path.as_str());
    assert_eq!(
        (&started.body["state"], &started.body["mode"], &started.body["kinds"], &started.body["trigger"]),
        (&json!("queued"), &json!("since_last"), &json!(["contact", "deal"]), &json!("manual"))
    );
    assert_eq!(started.body["requested_by"], "a test");
    assert_eq!(announced(&world).await.iter().map(|page| page.run_id.to_string()).collect::<Vec<_>>(), [run]);
    assert_eq!(world.get(&path).await.body, started.body);

    let ended = cancel(&world, &path).await;
    assert_eq!((ended.status.as_u16(), &ended.body["state"]), (202, &json!("cancelled")));
    assert_eq!(cancel(&world, &path).await.body["state"], "cancelled", "ending it twice changes nothing");
    world.stop().await;
}

#[tokio::test]
async fn a_run_goes_every_way_that_its_kinds_do_unless_it_is_told_otherwise() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let path = format!("/api/v1/integrations/{id}");
    let edit = json!({"direction": "to_platform", "kind_directions": {"contact": "from_platform"}});
    assert_eq!(world.put(&path, "\"1\"", edit).await.status.as_u16(), 200);
    world.post(&format!("{path}/enable"), json!({})).await;
    for (wish, direction, kinds) in [
        (json!({}), "bidirectional", json!(["contact", "deal", "activity"])),
        (json!({"kinds": ["contact"]}), "bidirectional", json!(["contact"])),
        (
            json!({"kinds": ["contact", "deal"], "direction": "from_platform"}),
            "from_platform",
            json!(["contact", "deal"]),
        ),
        (json!({"kinds": ["deal"], "direction": "to_platform"}), "to_platform", json!(["deal"])),
    ] {
        let run = world.post(&format!("{path}/sync"), wish).await;
        assert_eq!(run.status.as_u16(), 202, "{run:?}");
        assert_eq!((&run.body["direction"], &run.body["kinds"]), (&json!(direction), &kinds));
        cancel(&world, &format!("{path}/runs/{}", run.body["id"].as_str().unwrap())).await;
    }
    let refused = world.post(&format!("{path}/sync"), json!({"kinds": ["contact"], "direction": "to_platform"})).await;
    refused.is_problem(422, "invalid");
    assert_eq!(refused.paths(), ["direction"]);
    world.stop().await;
}

#[tokio::test]
async fn there_is_one_run_at_a_time_and_the_list_shows_the_newest_first() {
    let world = World::start().await;
    let id = switched_on(&world).await;
    let (start, list) = (format!("/api/v1/integrations/{id}/sync"), format!("/api/v1/integrations/{id}/runs"));
    let mut runs: Vec<Value> = Vec::new();
    for _ in 0..3 {
        let run = world.post(&start, json!({"mode": "full"})).await.body["id"].clone();
        let second = world.post(&start, Value::Null).await;
        second.is_problem(409, "run_under_way");
        assert!(second.body["detail"].as_str().unwrap().contains(run.as_str().unwrap()), "{second:?}");
        cancel(&world, &format!("{list}/{}", run.as_str().unwrap())).await;
        runs.insert(0, run);
    }
    let first = world.get(&format!("{list}?limit=2")).await.body;
    // A run that is asked for meanwhile shifts nothing; nothing has to be said of it.
    let asked = world.call(Method::POST, &start, Some(&world.token(Role::Admin)), None).await;
    assert_eq!(asked.status.as_u16(), 202, "{asked:?}");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world.get(&format!("{list}?limit=2&cursor={cursor}")).await.body;
    let listed = [&first, &second].map(|page| page["data"].as_array().unwrap().clone()).concat();
    assert_eq!(listed.iter().map(|run| run["id"].clone()).collect::<Vec<_>>(), runs);
    assert_eq!(second["next_cursor"], Value::Null);
    let refused = world.get(&format!("{list}?cursor=nothing")).await;
    refused.is_problem(422, "invalid");
    assert_eq!(refused.paths(), ["cursor"]);
    world.stop().await;
}

#[tokio::test]
async fn a_run_that_asks_is_shown_and_answered_although_another_has_begun_since() {
    let world = World::start().await;
    let id = switched_on(&world).await;
    let start = format!("/api/v1/integrations/{id}/sync");
    let asking = world.post(&start, json!({"mode": "full"})).await.body["id"].as_str().unwrap().to_owned();
    // As the dispatcher leaves it.
    let asks = format!(
        "UPDATE sync_runs SET state = 'needs_confirmation', counts = jsonb_build_object('contact', jsonb_build_object('gone', 25))
         WHERE id = '{asking}'"
    );
    world.database.execute(&asks).await;
    assert_eq!(world.post(&start, json!({})).await.status.as_u16(), 202);
    world.post(&start, json!({})).await.is_problem(409, "run_under_way");

    let mut browser = Browser::of(&world, Role::Admin).await;
    let page = browser.get(&format!("/dashboard/integrations/{id}")).await;
    page.says("Votre accord est nécessaire").says("25 fiches ont disparu de la plateforme").says(&asking);
    let agreed = world.post(&format!("/api/v1/integrations/{id}/runs/{asking}/confirm"), json!({})).await;
    assert_eq!((agreed.status.as_u16(), &agreed.body["state"]), (202, &json!("running")));
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_run_is_told_and_starts_nothing() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let start = format!("/api/v1/integrations/{id}/sync");
    world.post(&start, json!({})).await.is_problem(409, "integration_disabled");
    for (wish, path) in [
        (json!({"kinds": []}), "kinds"),
        (json!({"kinds": ["contact", "product"]}), "kinds[1]"),
        (json!({"kinds": ["person"]}), "kinds[0]"),
        (json!({"mode": "all"}), "mode"),
        (json!({"direction": "sideways"}), "direction"),
        (json!({"full": true}), "full"),
    ] {
        let refused = world.post(&start, wish).await;
        refused.is_problem(422, "invalid");
        assert_eq!(refused.paths(), [path]);
    }
    assert_eq!(world.get(&format!("/api/v1/integrations/{id}/runs")).await.body["data"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn a_run_is_found_under_its_own_integration_alone_and_confirmed_only_where_it_asks() {
    let world = World::start().await;
    let id = switched_on(&world).await;
    let other = connected(&world, "pat-eu1-77-other").await;
    let run = world.post(&format!("/api/v1/integrations/{id}/sync"), json!({})).await.body["id"].clone();
    let run = run.as_str().unwrap();
    for path in
        [format!("/api/v1/integrations/{other}/runs/{run}"), format!("/api/v1/integrations/{id}/runs/{}", RunId::new())]
    {
        world.get(&path).await.is_problem(404, "not_found");
        cancel(&world, &path).await.is_problem(404, "not_found");
        world.post(&format!("{path}/confirm"), json!({})).await.is_problem(404, "not_found");
    }
    let path = format!("/api/v1/integrations/{id}/runs/{run}");
    world.post(&format!("{path}/confirm"), json!({})).await.is_problem(409, "nothing_to_confirm");
    assert_eq!(world.get(&path).await.body["state"], "queued", "a wrong path changed nothing");
    world.stop().await;
}
