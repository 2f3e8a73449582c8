//! The trouble that people are told of: in the API and on the page of all activity, to its tenant alone.

use domain::access::Role;
use domain::id::IntegrationId;
use domain::incident::Trigger;
use persistence::Scope;
use persistence::incidents::{self, Subject};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connecting::connected;
use crate::pages::{Browser, is_sound};
use crate::world::{World, token};

/// Begins trouble of an integration of the world's tenant, as `log-writer` does; what has an end is over at once.
pub(crate) async fn trouble(
    world: &World,
    integration: IntegrationId,
    trigger: Trigger,
    (detail, is_over): (Value, bool),
) {
    let subject = Subject::Integration(integration, world.tenant);
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    assert!(incidents::begin(&mut tx, &subject, trigger, detail).await.unwrap());
    if is_over {
        assert!(incidents::end(&mut tx, &subject, trigger).await.unwrap());
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_goes_on_and_what_is_over_is_listed_to_its_tenant_alone() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    let cause = json!({ "cause": "the platform answered with status 503", "in_a_row": 3 });
    trouble(&world, integration, Trigger::Failing, (cause, false)).await;
    trouble(&world, integration, Trigger::Drift, (json!({ "count": 12 }), true)).await;

    let path = "/api/v1/incidents";
    let all = world.get(path).await;
    assert_eq!(all.status.as_u16(), 200, "{all:?}");
    let [over, open] = all.body["data"].as_array().unwrap().as_slice() else { panic!("{all:?}") };
    assert_eq!((&over["trigger"], &over["count"]), (&json!("drift"), &json!(12)));
    assert!(over["ended_at"].is_string(), "{over}");
    assert_eq!((&open["integration_id"], &open["trigger"]), (&json!(id), &json!("failing")));
    assert_eq!(open["cause"], "the platform answered with status 503");
    assert_eq!(open["ended_at"], Value::Null);
    for (state, expected) in [("open", open), ("ended", over)] {
        let some = world.get(&format!("{path}?state={state}")).await;
        assert_eq!(some.body["data"], json!([expected]), "{state}");
    }
    let first = world.get(&format!("{path}?limit=1")).await;
    let next = first.body["next_cursor"].as_str().unwrap();
    assert_eq!(world.get(&format!("{path}?limit=1&cursor={next}")).await.body["data"], json!([open]));
    for query in ["state=maybe", "cursor=x", "limit=0", "colour=red"] {
        world.get(&format!("{path}?{query}")).await.is_problem(422, "invalid");
    }
    let stranger = token(world.other_tenant().await, Role::Admin, 600);
    assert_eq!(world.call(Method::GET, path, Some(&stranger), None).await.body["data"], json!([]));
    // What is gone is in no trouble.
    assert_eq!(world.delete(&format!("/api/v1/integrations/{id}")).await.status.as_u16(), 204);
    assert_eq!(world.get(path).await.body["data"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn the_page_of_all_activity_shows_alerts_with_what_helps() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    let mut browser = Browser::of(&world, Role::Viewer).await;
    browser.get("/dashboard/activity").await.says("Aucune alerte en ce moment.");
    let cause = json!({ "cause": "the platform answered with status 503" });
    trouble(&world, integration, Trigger::Failing, (cause, false)).await;
    trouble(&world, integration, Trigger::WebhookUnverified, (json!({ "count": 7 }), true)).await;
    let page = browser.get("/dashboard/activity").await;
    is_sound(&page, "fr");
    page.says("Les synchronisations échouent</a>").says("La plateforme a répondu par le statut 503");
    page.says("En cours").says("corrigez ce qu'elle indique").says("7 notifications refusées").says("Rétabli");
    page.says(&format!("href=\"/dashboard/integrations/{id}/webhooks\""));
    browser.language = "en";
    browser.get("/dashboard/activity").await.says("Syncs fail</a>").says("Goes on").says("7 notifications refused");
    world.stop().await;
}

#[tokio::test]
async fn who_may_not_set_webhooks_up_is_told_how_an_administrator_does() {
    let world = World::start().await;
    let made = world.post("/api/v1/integrations", json!({"name": "Salesforce", "platform": "salesforce"})).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    let id: IntegrationId = made.body["id"].as_str().unwrap().parse().unwrap();
    let path = format!("/dashboard/integrations/{id}/webhooks");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let subscription =
        async || world.get(&format!("/api/v1/integrations/{id}/webhook")).await.body["subscription"].clone();
    assert_eq!(subscription().await["state"], "pending");
    browser.get(&path).await.says("à la prochaine vérification");
    for (problem, is_left) in [("the platform cannot be reached", false), (connectors::subscriptions::BY_HAND, true)] {
        let mut tx = world.worker().begin(Scope::Tenant(world.tenant)).await.unwrap();
        persistence::subscriptions::note(&mut tx, (world.tenant, id), Err(problem)).await.unwrap();
        tx.commit().await.unwrap();
        let page = browser.get(&path).await;
        is_sound(&page, "fr");
        assert_eq!(page.html.contains("id=\"by-hand\""), is_left, "{problem}");
        assert_eq!(page.html.contains("Messages sortants"), is_left, "{problem}");
        if !is_left {
            page.says("n'est pas en place (La plateforme n'est pas joignable). Coccinelle réessaie");
        }
        let shown = subscription().await;
        assert_eq!((&shown["made_for"], &shown["problem"]), (&json!("account"), &json!(problem)), "{shown}");
        assert_eq!(shown["state"], if is_left { "by_hand" } else { "problem" });
        assert!(shown["checked_at"].is_string(), "{shown}");
    }
    browser.language = "en";
    browser.get(&path).await.says("To be made by hand").says("Outbound Messages");
    let mut tx = world.worker().begin(Scope::Tenant(world.tenant)).await.unwrap();
    persistence::subscriptions::note(&mut tx, (world.tenant, id), Ok(None)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(subscription().await["state"], "subscribed");
    browser.get(&path).await.says("Coccinelle sees to it. Checked on");
    world.stop().await;
}

#[tokio::test]
async fn a_silent_webhook_is_shown_on_its_page_with_what_to_do_and_is_no_more_once_it_is_over() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration: IntegrationId = id.parse().unwrap();
    let mut browser = Browser::of(&world, Role::Admin).await;
    let path = format!("/dashboard/integrations/{id}/webhooks");
    assert!(!browser.get(&path).await.html.contains("Silencieux depuis"));
    let detail = json!({ "cause": domain::incident::SILENT });
    trouble(&world, integration, Trigger::WebhookRemoved, (detail, false)).await;
    let page = browser.get(&path).await;
    is_sound(&page, "fr");
    page.says("Silencieux depuis").says("Signalez-le");
    let shown = world.get(&format!("/api/v1/integrations/{id}/webhook")).await;
    assert!(shown.body["subscription"]["silent_since"].is_string(), "{shown:?}");
    browser.get("/dashboard/activity").await.says("annoncées par aucune notification");

    let subject = Subject::Integration(integration, world.tenant);
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    assert!(incidents::end(&mut tx, &subject, Trigger::WebhookRemoved).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!browser.get(&path).await.html.contains("Silencieux depuis"));
    world.stop().await;
}
