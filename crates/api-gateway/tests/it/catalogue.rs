//! The page of all integrations: how what is connected is, what can be connected, what is to come.

use domain::access::Role;
use serde_json::json;

use crate::connecting::connected;
use crate::pages::{Browser, is_sound};
use crate::statistics::{attempt, error, write};
use crate::world::World;

const PAGE: &str = "/dashboard/integrations";

/// Asserts that the only card says how its integration is, by shape and by word: the French one, and the English one.
async fn says_how_it_is(browser: &mut Browser<'_>, shape: &str, words: [&str; 2]) {
    for (language, word) in ["fr", "en"].into_iter().zip(words) {
        browser.language = language;
        let page = browser.get(PAGE).await;
        is_sound(&page, language);
        let status = page.html.split_once(&format!("<p class=\"status {shape}\">"));
        let (_, status) = status.unwrap_or_else(|| panic!("{shape}: {}", page.html));
        let status = status.split("</p>").next().unwrap();
        assert!(status.contains(&format!("class=\"shape shape-{shape}\"")), "{status}");
        assert!(status.trim_end().ends_with(word), "{word}: {status}");
    }
}

#[tokio::test]
async fn a_card_says_how_the_integration_is_by_shape_and_word_and_how_its_day_went() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    let mut browser = Browser::of(&world, Role::Viewer).await;
    says_how_it_is(&mut browser, "inactive", ["Inactif", "Inactive"]).await;
    world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    says_how_it_is(&mut browser, "first", ["Première synchronisation", "First sync"]).await;
    let mut failed = attempt(&world, integration, 0);
    failed.error = error("no");
    write(&world, &[attempt(&world, integration, 0), failed]).await;
    for (status, shape, words) in [
        ("active", "active", ["Actif", "Active"]),
        ("error", "error", ["Erreur", "Error"]),
        ("reauth_required", "reauth", ["Reconnexion requise", "Reconnection needed"]),
        ("platform_down", "down", ["Plateforme en panne", "Platform down"]),
    ] {
        let is = format!(
            "UPDATE integration_health SET status = '{status}', last_sync_at = now() WHERE integration_id = '{id}'"
        );
        world.database.execute(&is).await;
        says_how_it_is(&mut browser, shape, words).await;
    }
    browser.language = "fr";
    let page = browser.get(PAGE).await;
    page.says("50 %").says("1 erreur").says("Aucun écart").says("2 tentatives sur 24 heures");
    assert_eq!(page.html.matches("<rect class=\"bad\"").count(), 1, "{}", page.html);
    world.stop().await;
}

#[tokio::test]
async fn what_can_be_connected_and_what_is_to_come_stand_there_and_are_found() {
    let world = World::start().await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let (here, to_come) = (
        ["HubSpot", "Pipedrive", "Salesforce", "Shopify", "WooCommerce", "Zendesk"],
        ["Google Sheets", "Intercom", "Mailchimp", "Microsoft Dynamics", "Slack", "Stripe"],
    );
    for (language, begin, later) in
        [("fr", "Aucune intégration pour l'instant", "À venir"), ("en", "No integrations yet", "Coming soon")]
    {
        browser.language = language;
        let page = browser.get(PAGE).await;
        is_sound(page.says(begin), language);
        let card = |name: &str| {
            let card = page.html.split_once(&format!("<h4>{name}</h4>"));
            card.unwrap_or_else(|| panic!("{name}: {}", page.html)).1.split("</li>").next().unwrap().to_owned()
        };
        for name in here {
            let link = format!("href=\"{PAGE}/new?platform={}\"", name.to_lowercase());
            assert!(card(name).contains(&link) && !card(name).contains(later), "{}", card(name));
        }
        for name in to_come {
            assert!(card(name).contains(later) && !card(name).contains("<a "), "{}", card(name));
        }
    }
    for (query, count) in [
        ("?q=slack", 1),
        ("?q=SHOP", 1),
        ("?category=marketing", 1),
        ("?category=crm", 4),
        ("?category=crm&q=drive", 1),
        ("?category=work&q=drive", 0),
    ] {
        let page = browser.get(&format!("{PAGE}{query}")).await;
        is_sound(&page, "en");
        assert_eq!(page.html.matches("class=\"card offer").count(), count, "{query}: {}", page.html);
        assert_eq!(page.html.contains("data-nothing>"), count == 0, "{query}: {}", page.html);
    }
    world.stop().await;
}
