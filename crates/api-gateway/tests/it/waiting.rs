//! How long somebody waits for a platform that says nothing: no longer than the settings allow, whatever is asked of it.

use std::time::Duration;

use domain::access::Role;
use reqwest::Method;
use serde_json::json;

use crate::connecting::{connected, wish};
use crate::page_access::pages_of;
use crate::pages::Browser;
use crate::world::{Lines, World};

/// Long after what the settings allow here, and long before the platform's own limit.
const SOON: Duration = Duration::from_secs(60);

/// A gateway that waits so long, and a connector that would wait for ten minutes.
async fn start(wait: &str) -> World {
    let settings =
        [("GATEWAY__PLATFORM_WAIT", wait), ("DISPATCHER__PLATFORM_TIMEOUT", "10m"), ("DISPATCHER__LEASE", "20m")];
    let settings = settings.map(|(name, value)| (name, value.to_owned())).to_vec();
    let world = World::behind(|_, _| async { Lines { settings, ..Lines::default() } }).await;
    world.wait_for_broker().await;
    world
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what).await.expect("somebody still waits for a silent platform")
}

#[tokio::test]
async fn connecting_and_testing_an_account_end_soon_however_silent_the_platform() {
    let world = start("10s").await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    world.switch_faults(json!({ "hang": true })).await;
    let tried = soon(world.post(&format!("/api/v1/integrations/{id}/test"), json!({}))).await;
    assert_eq!((tried.status.as_u16(), &tried.body["ok"]), (200, &json!(false)), "{tried:?}");
    assert_eq!(tried.body["error"]["code"], "timeout", "{tried:?}");
    let refused = soon(world.post("/api/v1/integrations", wish("pat-eu1-4242-other"))).await;
    refused.is_problem(503, "platform_unavailable");
    world.stop().await;
}

#[tokio::test]
async fn asking_the_platform_to_call_us_keeps_nobody_waiting() {
    let world = start("10s").await;
    let account = json!({"name": "Pipedrive", "platform": "pipedrive", "credentials": {"api_key": "pd-900-demo"}});
    let made = world.post("/api/v1/integrations", account).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    let switches = format!("{}/_sandbox/pipedrive/900/faults", world.sandbox.url);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let switched = client.put(switches).json(&json!({ "hang": true })).send().await.unwrap();
    assert!(switched.status().is_success(), "{switched:?}");
    let path = format!("/api/v1/integrations/{}/webhook/rotate", made.body["id"].as_str().unwrap());
    let rotated = soon(world.call(Method::POST, &path, Some(&world.token(Role::Admin)), None)).await;
    assert_eq!(rotated.status.as_u16(), 200, "{rotated:?}");
    world.stop().await;
}

#[tokio::test]
async fn no_page_asks_the_platform_for_anything_so_that_none_waits_for_one_that_is_silent() {
    let world = start("10m").await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let below = pages_of(&world, &id).await;
    world.switch_faults(json!({ "hang": true })).await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let others = ["", "/new?platform=hubspot", "/new?platform=hubspot&by=key"];
    let others = others.map(|path| format!("/dashboard/integrations{path}"));
    let places = ["/dashboard/activity", "/dashboard/settings"].map(str::to_owned);
    for path in below.into_iter().chain(others).chain(places) {
        assert_eq!(soon(browser.get(&path)).await.status, 200, "{path}");
    }
    world.stop().await;
}
