//! Changing what is configured and disconnecting it: over what was seen only, with credentials that were tried.

use domain::access::Role;
use domain::id::WebhookLogId;
use domain::integration::Status;
use domain::message::{Message as _, RecordPush};
use domain::outcome::{WebhookOutcome, WebhookResult};
use domain::time::Timestamp;
use persistence::{Scope, health, sync_logs, webhook_logs};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connecting::{connected, wish};
use crate::pages::Browser;
use crate::repair::{blocked, outcome, refused};
use crate::world::{Answer, World};

async fn path_of(world: &World) -> (String, String) {
    let id = connected(world, "pat-eu1-4242-demo").await;
    (format!("/api/v1/integrations/{id}"), id)
}

fn key(key: &str) -> Value {
    json!({ "credentials": { "api_key": key } })
}

#[tokio::test]
async fn what_is_left_out_stays_and_what_is_given_is_replaced_with_a_new_version() {
    let world = World::start().await;
    let (path, _) = path_of(&world).await;
    let before = world.get(&path).await;
    assert_eq!(before.etag(), "\"1\"");
    let edit = json!({ "name": " Notre CRM ", "kind_directions": { "deal": "to_platform" }, "frequency": "hourly" });
    let after = world.put(&path, before.etag(), edit).await;
    assert_eq!((after.status.as_u16(), after.etag()), (200, "\"2\""), "{after:?}");
    let mut expected = before.body;
    expected["name"] = json!("Notre CRM");
    expected["kind_directions"] = json!({ "deal": "to_platform" });
    expected["frequency"] = json!("hourly");
    expected["polled_every"] = json!(3_600);
    expected["version"] = json!(2);
    assert_eq!(after.body, expected);
    let again = world.get(&path).await;
    assert_eq!((&again.body, again.etag()), (&expected, "\"2\""));
    let enabled = world.post(&format!("{path}/enable"), json!({})).await;
    assert_eq!(enabled.etag(), "\"3\"");
    world.stop().await;
}

#[tokio::test]
async fn who_hears_of_an_integrations_trouble_is_chosen_for_it_alone() {
    let world = World::start().await;
    let (path, id) = path_of(&world).await;
    let usual = json!({ "to": "tenant", "emails": [], "triggers": null });
    assert_eq!(world.get(&path).await.body["alerts"], usual);
    for (alerts, place) in [
        (json!({ "to": "addresses" }), "alerts.emails"),
        (json!({ "to": "addresses", "emails": ["a@cabinet.example", "<b>"] }), "alerts.emails[1]"),
        (json!({ "triggers": [] }), "alerts.triggers"),
        (json!({ "triggers": ["platform_down"] }), "alerts.triggers"),
    ] {
        let refused = world.put(&path, "\"1\"", json!({ "alerts": alerts })).await;
        refused.is_problem(422, "invalid");
        assert_eq!(refused.paths(), [place]);
    }
    let alerts = json!({ "to": "addresses", "emails": ["boutique@cabinet.example"], "triggers": ["reauth_required"] });
    let after = world.put(&path, "\"1\"", json!({ "alerts": alerts })).await;
    assert_eq!((after.status.as_u16(), &after.body["alerts"]), (200, &alerts), "{after:?}");
    // What is left out stays.
    let renamed = world.put(&path, after.etag(), json!({ "name": "Notre CRM" })).await;
    assert_eq!(renamed.body["alerts"], alerts);
    let (path, admin) = ("/api/v1/audit?action=integration.updated", world.token(Role::Admin));
    let audited = world.call(Method::GET, path, Some(&admin), None).await;
    let told = audited.body["data"].as_array().unwrap().iter().find(|row| row.to_string().contains("\"alerts\""));
    assert_eq!(told.unwrap()["target"], json!(id), "{audited:?}");
    assert!(!audited.body.to_string().contains("boutique@cabinet.example"), "{audited:?}");
    world.stop().await;
}

#[tokio::test]
async fn of_several_who_saw_the_same_version_one_replaces_it() {
    let world = World::start().await;
    let (path, _) = path_of(&world).await;
    let unseen = world.call(Method::PUT, &path, Some(&world.token(Role::Admin)), Some(json!({}))).await;
    unseen.is_problem(428, "precondition_required");
    let rename = |name: &str| world.put(&path, "\"1\"", json!({ "name": name }));
    let (a, b, c) = tokio::join!(rename("A"), rename("B"), rename("C"));
    let mut statuses = [&a, &b, &c].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412]);
    let winner = [a, b, c].into_iter().find(|answer| answer.status.is_success()).unwrap();
    let now = world.get(&path).await;
    assert_eq!((&now.body["name"], now.etag()), (&winner.body["name"], "\"2\""));
    for stale in ["\"1\"", "\"3\"", "2", "W/\"2\""] {
        world.put(&path, stale, json!({ "name": "late" })).await.is_problem(412, "version_mismatch");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_busy_integration_keeps_its_version() {
    let world = World::start().await;
    let (path, id) = path_of(&world).await;
    let before = world.post(&format!("{path}/enable"), json!({})).await;
    blocked(&world, id.parse().unwrap(), refused("PHONE")).await;
    let failed = outcome(&world, id.parse().unwrap(), "2026-11-22T10:00:00Z", Some(refused("PHONE")));
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &[failed]).await.unwrap();
    health::set_status(&mut tx, world.tenant, id.parse().unwrap(), Status::Error, Some("no")).await.unwrap();
    tx.commit().await.unwrap();
    let after = world.get(&path).await;
    assert_eq!((&after.body["status"], after.etag()), (&json!("error"), before.etag()), "{after:?}");
    assert_eq!(world.put(&path, before.etag(), json!({ "name": "Notre CRM" })).await.status.as_u16(), 200);
    world.stop().await;
}

#[tokio::test]
async fn new_credentials_are_tried_and_must_open_the_same_account() {
    let world = World::start().await;
    let (path, id) = path_of(&world).await;
    world.post(&format!("{path}/enable"), json!({})).await;
    let other = world.put(&path, "\"2\"", key("pat-eu1-4343-demo")).await;
    other.is_problem(409, "other_account");
    let refused_key = world.put(&path, "\"2\"", key("not-a-token-of-hubspot")).await;
    refused_key.is_problem(422, "invalid");
    assert_eq!(refused_key.paths(), ["credentials.api_key"]);
    let still = world.get(&path).await;
    assert_eq!((&still.body["credentials"]["hint"], still.etag()), (&json!("••••demo"), "\"2\""));

    let (_, link) = blocked(&world, id.parse().unwrap(), refused("PHONE")).await;
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    health::set_status(&mut tx, world.tenant, id.parse().unwrap(), Status::ReauthRequired, Some("expired"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let good = world.put(&path, "\"2\"", key("pat-eu1-4242-renewed-key")).await;
    assert_eq!((good.status.as_u16(), &good.body["status"]), (200, &json!("active")), "{good:?}");
    assert_eq!(good.body["credentials"]["hint"], "••••-key");
    // What the old ones held up is tried again at once.
    let pushed = world.vhost.peek(RecordPush::QUEUE).await;
    let pushed: Vec<RecordPush> =
        pushed.iter().map(|message| serde_json::from_str(&message.payload).unwrap()).collect();
    assert_eq!(pushed.iter().map(|push| push.link_id).collect::<Vec<_>>(), [link]);
    assert_eq!(world.post(&format!("{path}/test"), json!({})).await.body["ok"], true);
    world.stop().await;
}

/// A Pipedrive account, which has no field of its own for an activity's key.
async fn pipedrive(world: &World) -> Answer {
    let mut account = key("pd-900-demo");
    (account["name"], account["platform"]) = (json!("Pipedrive"), json!("pipedrive"));
    let made = world.post("/api/v1/integrations", account).await;
    assert_eq!(made.body["unkeyed"], json!(["activity"]), "{made:?}");
    made
}

#[tokio::test]
async fn a_new_key_tells_what_has_no_field_for_our_id_as_the_first_one_did() {
    let world = World::start().await;
    let made = pipedrive(&world).await;
    let path = format!("/api/v1/integrations/{}", made.body["id"].as_str().unwrap());
    let renewed = world.put(&path, made.etag(), key("pd-900-renewed")).await;
    assert_eq!((renewed.status.as_u16(), &renewed.body["unkeyed"]), (200, &json!(["activity"])), "{renewed:?}");
    let renamed = world.put(&path, renewed.etag(), json!({ "name": "Ventes" })).await;
    assert_eq!((renamed.status.as_u16(), &renamed.body["unkeyed"]), (200, &Value::Null), "{renamed:?}");
    world.stop().await;
}

#[tokio::test]
async fn the_page_tells_what_has_no_field_for_our_id_when_a_key_is_replaced() {
    let world = World::start().await;
    let made = pipedrive(&world).await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let settings = format!("/dashboard/integrations/{}/settings", made.body["id"].as_str().unwrap());
    let fields = [("name", "Ventes"), ("version", made.etag().trim_matches('"')), ("api_key", "pd-900-again")];
    let saved = browser.submit(&settings, &settings, &fields).await;
    assert_eq!(saved.location(), format!("{settings}?said=saved&unkeyed=activity"), "{saved:?}");
    browser.get(saved.location()).await.says("Il n'a pas de champ pour l'identifiant de Coccinelle");
    world.stop().await;
}

#[tokio::test]
async fn an_account_that_is_not_meant_is_left_untouched() {
    let world = World::start().await;
    let (path, _) = path_of(&world).await;
    let before = world.journal().await;
    world.put(&path, "\"1\"", key("pat-eu1-4343-demo")).await.is_problem(409, "other_account");
    assert_eq!(world.journal().await, before);
    world.stop().await;
}

#[tokio::test]
async fn a_platform_that_is_away_keeps_the_old_credentials() {
    let world = World::start().await;
    let (path, _) = path_of(&world).await;
    world.switch_faults(json!({ "fail_all_status": 503 })).await;
    world.put(&path, "\"1\"", key("pat-eu1-4242-renewed-key")).await.is_problem(503, "platform_unavailable");
    // Without new ones there is nothing to ask it.
    assert_eq!(world.put(&path, "\"1\"", json!({ "name": "Notre CRM" })).await.status.as_u16(), 200);
    world.stop().await;
}

#[tokio::test]
async fn a_bad_change_is_told_field_by_field_and_changes_nothing() {
    let world = World::start().await;
    let (path, _) = path_of(&world).await;
    let cases = [
        (
            json!({ "name": "", "credentials": { "api_key": "a b" }, "url": "https://x.fr", "kind_directions": { "order": "to_platform" } }),
            vec!["name", "credentials.api_key", "url", "kind_directions.order"],
        ),
        (json!({ "credentials": { "api_key": "k", "api_secret": "s" } }), vec!["credentials.api_secret"]),
        (json!({ "direction": "sideways" }), vec!["direction"]),
        (json!({ "kind_directions": { "people": "to_platform" } }), vec!["kind_directions"]),
        (json!({ "platform": "hubspot" }), vec!["platform"]),
    ];
    for (edit, paths) in cases {
        let answer = world.put(&path, "\"1\"", edit).await;
        answer.is_problem(422, "invalid");
        assert_eq!(answer.paths(), paths, "{answer:?}");
    }
    assert_eq!(world.get(&path).await.etag(), "\"1\"");
    world.stop().await;
}

#[tokio::test]
async fn the_webhooks_address_is_shown_with_what_signs_it_and_what_last_came_of_it() {
    let world = World::start().await;
    let (path, id) = path_of(&world).await;
    let shown = world.get(&format!("{path}/webhook")).await;
    let url = format!("http://127.0.0.1:8080/webhooks/integrations/hubspot/{id}");
    let subscription = json!({
        "state": "key_alone", "made_for": "app", "checked_at": null, "problem": null, "silent_since": null,
    });
    let whole = json!({
        "url": url, "signed_by": "app", "secret": null, "subscription": subscription, "last_delivery": null,
    });
    assert_eq!(shown.body, whole);
    let refused = |at: &str, called: &str| WebhookOutcome {
        id: WebhookLogId::new(),
        created_at: Timestamp::parse(at).unwrap(),
        platform: "hubspot".parse().unwrap(),
        tenant_id: None,
        integration_id: Some(called.parse().unwrap()),
        delivery_id: None,
        result: WebhookResult::Refused { reason: "wrong_signature".to_owned() },
        body: None,
        correlation_id: String::new(),
    };
    let nobodys = domain::id::IntegrationId::new().to_string();
    let refused = [refused("2026-11-22T10:00:00Z", &id), refused("2026-11-22T11:00:00Z", &nobodys)];
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    webhook_logs::insert_batch(&mut tx, &refused).await.unwrap();
    tx.commit().await.unwrap();
    let shown = world.get(&format!("{path}/webhook")).await;
    let last = json!({
        "at": "2026-11-22T10:00:00.000000Z", "verified": false, "outcome": "refused", "reason": "wrong_signature",
    });
    assert_eq!(shown.body["last_delivery"], last, "{shown:?}");
    let token = world.token(Role::Admin);
    let rotated = world.call(Method::POST, &format!("{path}/webhook/rotate"), Some(&token), None).await;
    rotated.is_problem(409, "secret_not_ours");
    // A key that cannot be opened is a key all the same, and no consent.
    world.database.execute("UPDATE tenant_integrations SET config_encrypted = 'lost'").await;
    let shown = world.get(&format!("{path}/webhook")).await;
    assert_eq!(shown.body["subscription"]["state"], "key_alone", "{shown:?}");
    world.stop().await;
}

fn ids(listed: &Answer) -> Vec<&str> {
    listed.body["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_disconnected_owes_nothing_keeps_no_secret_and_may_be_connected_again() {
    let world = World::start().await;
    let (path, id) = path_of(&world).await;
    world.post(&format!("{path}/enable"), json!({})).await;
    let (record, link) = blocked(&world, id.parse().unwrap(), refused("PHONE")).await;
    world.post(&format!("{path}/failures/replay"), json!({})).await;
    world.post(&format!("{path}/sync"), json!({})).await;
    assert_eq!(world.database.count("SELECT count(*) FROM integration_sync_queue").await, 1);

    let token = world.token(Role::Admin);
    let stale = world.send_seen((Method::DELETE, &path), Some(&token), Some("\"1\""), None).await;
    stale.is_problem(412, "version_mismatch");
    let deleted = world.send_seen((Method::DELETE, &path), Some(&token), Some("\"2\""), None).await;
    assert_eq!((deleted.status.as_u16(), &deleted.body), (204, &Value::Null));
    world.delete(&path).await.is_problem(404, "not_found");
    world.get(&path).await.is_problem(404, "not_found");
    assert_eq!(ids(&world.get("/api/v1/integrations/configured").await), Vec::<&str>::new());

    assert_eq!(world.database.count("SELECT count(*) FROM integration_sync_queue").await, 0);
    assert_eq!(world.database.count(&format!("SELECT count(*) FROM record_links WHERE id = '{link}'")).await, 1);
    assert_eq!(world.database.count("SELECT count(*) FROM sync_runs WHERE ended_at IS NULL").await, 0);
    let sealed = "SELECT count(*) FROM tenant_integrations WHERE platform = 'hubspot' AND config_encrypted IS NOT NULL";
    assert_eq!(world.database.count(sealed).await, 0);
    let shown = world.get(&format!("/api/v1/records/{record}")).await;
    assert_eq!((&shown.body["fields"]["email"]["value"], &shown.body["links"]), (&json!("zoe@example.fr"), &json!([])));

    let again = world.post("/api/v1/integrations", wish("pat-eu1-4242-demo")).await;
    assert_eq!(again.status.as_u16(), 201, "{again:?}");
    assert_ne!(again.body["id"], json!(id));
    world.stop().await;
}
