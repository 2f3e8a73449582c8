//! Disconnecting an account and keeping its integration: what goes, what stays, and how it is connected again.

use domain::access::Role;
use serde_json::{Value, json};

use crate::connecting::connected;
use crate::pages::{Browser, is_sound};
use crate::people::planted;
use crate::world::World;

#[tokio::test]
async fn a_disconnected_account_loses_its_secrets_and_nothing_else() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    planted(&world, id.parse().unwrap()).await;
    let path = format!("/api/v1/integrations/{id}");
    let step = async |step: &str| world.post(&format!("{path}/{step}"), json!({})).await;
    step("enable").await;
    step("sync").await;
    let gone = step("disconnect").await;
    assert_eq!(gone.status.as_u16(), 200, "{gone:?}");
    let told = ["connected", "enabled", "status", "account_id"].map(|name| gone.body[name].clone());
    assert_eq!(told, [json!(false), json!(false), json!("inactive"), json!("4242")], "{gone:?}");
    assert_eq!(gone.body["credentials"]["hint"], Value::Null);
    assert_eq!(gone.etag(), world.get(&path).await.etag());
    let sealed = format!("SELECT count(*) FROM tenant_integrations WHERE id = '{id}' AND config_encrypted IS NOT NULL");
    assert_eq!(world.database.count(&sealed).await, 0);
    let audit = world.call(reqwest::Method::GET, "/api/v1/audit?limit=1", Some(&world.token(Role::Admin)), None).await;
    assert_eq!(audit.body["data"][0]["action"], "integration.disconnected", "{audit:?}");
    for refused in ["disconnect", "enable"] {
        step(refused).await.is_problem(409, "not_connected");
    }
    // What is known stays, and its run has ended.
    assert_eq!(world.get(&format!("{path}/logs")).await.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(world.get(&format!("{path}/runs")).await.body["data"][0]["state"], "cancelled");
    let links = format!("SELECT count(*) FROM record_links WHERE integration_id = '{id}' AND external_id = '70501'");
    assert_eq!(world.database.count(&links).await, 1);

    // The objects that are linked are those of this account.
    let other = json!({ "credentials": { "api_key": "pat-eu1-4343-demo" } });
    world.put(&path, gone.etag(), other).await.is_problem(409, "other_account");
    let again = world.put(&path, gone.etag(), json!({ "credentials": { "api_key": "pat-eu1-4242-demo" } })).await;
    assert_eq!((again.status.as_u16(), &again.body["connected"]), (200, &json!(true)), "{again:?}");
    assert_eq!(step("enable").await.body["status"], "active");
    world.stop().await;
}

#[tokio::test]
async fn disconnecting_is_agreed_to_first_and_is_not_deleting() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let home = format!("/dashboard/integrations/{id}");
    let settings = format!("{home}/settings");
    let mut browser = Browser::of(&world, Role::Admin).await;
    browser.get(&settings).await.says("Déconnecter le compte").says("Supprimer définitivement");
    let asked = browser.submit(&settings, &format!("{home}/disconnect"), &[]).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    is_sound(&asked, "fr");
    asked
        .says("Déconnecter maintenant")
        .says("0 fiche reste liée")
        .says(&format!("name=\"back\" value=\"{settings}\""));
    assert_eq!(world.get(&format!("/api/v1/integrations/{id}")).await.body["connected"], true);

    let done = browser.submit(&settings, &format!("{home}/disconnect"), &[("sure", "1")]).await;
    assert_eq!(done.location(), format!("{home}?said=disconnected"), "{done:?}");
    let page = browser.get(done.location()).await;
    is_sound(&page, "fr");
    page.says("Le compte est déconnecté et ses clés sont détruites.").says("Non connectée");
    page.says("HubSpot est déconnecté et rien ne circule.").says(&format!("{settings}#credentials"));
    // There is a past to lose: a name is asked for, and no button removes it at once.
    assert!(!page.html.contains(&format!("{home}/delete")), "{}", page.html);
    let kept = browser.submit(&settings, &format!("{home}/delete"), &[]).await;
    assert_eq!(kept.status, 422, "{kept:?}");
    assert!(!kept.html.contains("Déconnecter le compte"), "{}", kept.html);
    browser.language = "en";
    browser.get(&home).await.says("HubSpot is disconnected and nothing flows.").says("Reconnect");
    world.stop().await;
}
