//! Lists on pages that are longer than a page: what is older is behind a link, by its place and not by its number.

use domain::access::Role;
use domain::incident::Trigger;
use domain::kind::RecordKind;
use persistence::records::conflicts::Why;
use serde_json::json;

use crate::connecting::connected;
use crate::incidents::trouble;
use crate::pages::{Browser, Page, is_sound};
use crate::world::World;

/// Where the link to what is older leads.
fn older(page: &Page) -> String {
    let (before, _) = page.html.split_once("\" rel=\"next\"").unwrap_or_else(|| panic!("nothing is older: {page:?}"));
    let (_, link) = before.rsplit_once("href=\"").unwrap();
    link.replace("&#38;", "&").split('#').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_value_that_a_record_lost_is_found_and_restored_from_its_page() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let record = world.record(RecordKind::Contact, &[("last_name", "Zola"), ("company", "Fleurs SA")]).await;
    for n in 0..51 {
        world.lost(record, Why::Overruled, &format!("Maison {n:02}")).await;
    }
    let path = format!("/dashboard/integrations/{id}/data/{record}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let newest = browser.get(&path).await;
    is_sound(newest.says("Maison 50"), "fr");
    assert!(!newest.html.contains("Maison 00"), "{newest:?}");
    let rest = older(&newest);
    let page = browser.get(&rest).await;
    is_sound(page.says("Maison 00").says("Revenir aux plus récentes"), "fr");
    assert!(!page.html.contains("Maison 01") && !page.html.contains("rel=\"next\""), "{page:?}");
    let (_, form) = page.html.split_once("<table>").unwrap().1.split_once("/decide").unwrap();
    let decide = format!("{path}/decide{}", form.split('"').next().unwrap());
    let (_, conflict) = form.split_once("name=\"conflict\" value=\"").unwrap();
    let conflict = conflict.split('"').next().unwrap();
    let decided = browser.submit(&rest, &decide, &[("conflict", conflict), ("action", "restore")]).await;
    assert_eq!(decided.status, 303, "{decided:?}");
    browser.get(decided.location()).await.says("Maison 00").says("Restaurée");
    assert_eq!(browser.get(&format!("{path}?history=%3Cb%3E")).await.status, 422);
    world.stop().await;
}

#[tokio::test]
async fn every_change_that_was_made_is_found_on_the_page_of_settings() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    for n in 0..20 {
        let word = if n % 2 == 0 { "enable" } else { "disable" };
        world.post(&format!("/api/v1/integrations/{id}/{word}"), json!({})).await;
    }
    let mut browser = Browser::of(&world, Role::Admin).await;
    let page = browser.get("/dashboard/settings").await;
    // In words, and with what it was done to.
    page.says("Synchronisation arrêtée <code").says(&format!("<a href=\"/dashboard/integrations/{id}\">HubSpot</a>"));
    assert!(!page.html.contains("integration.created"), "{page:?}");
    let page = browser.get(&older(&page)).await;
    is_sound(page.says("integration.created").says("Revenir aux plus récentes"), "fr");
    assert!(!page.html.contains("rel=\"next\""), "{page:?}");
    assert_eq!(browser.get("/dashboard/settings?changes=x").await.status, 422);
    // Who may only look is told nothing of it, on no page.
    let mut viewer = Browser::of(&world, Role::Viewer).await;
    assert!(!viewer.get("/dashboard/settings").await.html.contains("integration.created"));
    world.stop().await;
}

#[tokio::test]
async fn every_alert_is_found_first_those_that_go_on_and_then_those_that_are_over() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    trouble(&world, integration, Trigger::WebhookUnverified, (json!({ "count": 777 }), true)).await;
    for count in 0..20 {
        trouble(&world, integration, Trigger::Drift, (json!({ "count": 1_000 + count }), true)).await;
    }
    trouble(&world, integration, Trigger::ReauthRequired, (json!({}), false)).await;
    let mut browser = Browser::of(&world, Role::Viewer).await;
    let page = browser.get("/dashboard/activity").await;
    is_sound(page.says("En cours").says("1 019").says("1 001"), "fr");
    assert!(!page.html.contains("notifications refusées"), "{page:?}");
    let page = browser.get(&older(&page)).await;
    is_sound(page.says("777 notifications refusées"), "fr");
    assert!(!page.html.contains("En cours") && !page.html.contains("rel=\"next\""), "{page:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_list_that_ended_with_a_page_says_that_nothing_is_older_and_not_that_there_never_was_anything() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let record = world.record(RecordKind::Contact, &[("last_name", "Zola")]).await;
    let home = format!("/dashboard/integrations/{id}");
    let last = "2026-01-01T00:00:00Z~x";
    let mut browser = Browser::of(&world, Role::Admin).await;
    for (path, never) in [
        (format!("/dashboard/settings?changes={last}"), "encore été modifié"),
        (format!("/dashboard/settings?tokens={last}"), "Aucun jeton"),
        (format!("/dashboard/activity?alerts=over.{last}"), "Aucune alerte"),
        (format!("{home}/logs?cursor={last}"), "encore été tenté"),
        (format!("{home}/webhooks?cursor={last}"), "encore rien envoyé"),
        (format!("{home}/data/{record}?history={last}"), "Aucune valeur"),
    ] {
        let page = browser.get(&path).await;
        is_sound(page.says("Il n'y a rien de plus ancien."), "fr");
        assert!(!page.html.contains(never), "{path}: {page:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn the_page_of_all_activity_says_how_to_begin_where_nothing_is_connected() {
    let world = World::start().await;
    let mut browser = Browser::of(&world, Role::Viewer).await;
    for (language, words) in [("fr", "Choisir un outil"), ("en", "Choose a tool")] {
        browser.language = language;
        let page = browser.get("/dashboard/activity").await;
        is_sound(page.says(words), language);
        assert!(!page.html.contains("id=\"figures\""), "{page:?}");
    }
    world.stop().await;
}
