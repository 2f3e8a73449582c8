//! Pages that forms show at addresses of their own: where they are found again, in another language and by what is live on them.

use domain::access::Role;
use serde_json::json;

use crate::connecting::connected;
use crate::pages::{Browser, Page, is_sound};
use crate::people::planted;
use crate::world::World;

/// Where a page says that it is found again.
#[track_caller]
fn address(page: &Page) -> String {
    let between = |before: &str| page.html.split_once(before).unwrap().1.split('"').next().unwrap().to_owned();
    let path = between(" data-path=\"");
    assert_eq!(between("name=\"back\" value=\""), path, "{}", page.html);
    path
}

#[tokio::test]
async fn a_page_that_a_form_shows_is_found_again_in_another_language() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let zoe = planted(&world, id.parse().unwrap()).await;
    let home = format!("/dashboard/integrations/{id}");
    let (settings, one) = (format!("{home}/settings"), format!("{home}/data/{zoe}"));
    let new = "/dashboard/integrations/new?platform=hubspot".to_owned();
    let mut browser = Browser::of(&world, Role::Admin).await;
    let typed = [("confirm", "somebody else"), ("platform", "hubspot"), ("name", "")];
    for (on, form, status) in [
        (&home, format!("{home}/test"), 200),
        (&settings, format!("{home}/delete"), 422),
        (&one, format!("{one}/erase"), 422),
        (&new, "/dashboard/integrations/new".to_owned(), 422),
        (&"/dashboard/settings".to_owned(), "/dashboard/settings/tokens".to_owned(), 422),
    ] {
        let page = browser.submit(on, &form, &typed).await;
        assert_eq!(page.status.as_u16(), status, "{form}: {page:?}");
        assert_eq!(&address(&page), on, "{form}");
        let fields = [("language", "en"), ("back", on.as_str())];
        let switched = browser.send("/dashboard/preferences", &fields).await;
        assert_eq!(switched.location(), on, "{form}");
        let again = browser.get(switched.location()).await;
        assert_eq!(again.status, 200, "{form}");
        is_sound(&again, "en");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_refusal_leads_back_to_a_page_that_is_there() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let mut viewer = Browser::of(&world, Role::Viewer).await;
    let home = format!("/dashboard/integrations/{id}");
    let refused = viewer.submit(&home, &format!("{home}/disable"), &[]).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(address(&refused), "/dashboard/integrations");
    world.stop().await;
}

#[tokio::test]
async fn a_new_secret_of_webhooks_is_shown_once_on_the_page_that_has_it() {
    let world = World::start().await;
    let account = json!({"name": "Pipedrive", "platform": "pipedrive", "credentials": {"api_key": "pd-900-demo"}});
    let made = world.post("/api/v1/integrations", account).await;
    assert_eq!(made.status, 201, "{made:?}");
    let tab = format!("/dashboard/integrations/{}/webhooks", made.body["id"].as_str().unwrap());
    let mut browser = Browser::of(&world, Role::Admin).await;
    let page = browser.submit(&tab, &format!("{tab}/rotate"), &[]).await;
    assert_eq!(page.status, 200, "{page:?}");
    is_sound(&page, "fr");
    assert_eq!(address(&page), tab);
    let (_, rest) = page.html.split_once("id=\"secret\" class=\"code\" value=\"").unwrap();
    let secret = rest.split('"').next().unwrap();
    assert!(secret.len() >= 32, "{secret:?}");
    let again = browser.get(&tab).await;
    assert_eq!(again.status, 200);
    assert!(!again.html.contains(secret), "{}", again.html);
    let another = browser.submit(&tab, &format!("{tab}/rotate"), &[]).await;
    assert!(!another.html.contains(secret), "{}", another.html);
    world.stop().await;
}

#[tokio::test]
async fn what_is_connected_is_filtered_as_the_catalogue_is() {
    let world = World::start().await;
    connected(&world, "pat-eu1-4242-demo").await;
    let mut browser = Browser::of(&world, Role::Viewer).await;
    for (query, is_shown) in [
        ("", true),
        ("?category=crm", true),
        ("?category=ecommerce", false),
        ("?category=crm&q=hub", true),
        ("?category=support&q=hub", false),
        ("?category=%3Cb%3E", false),
    ] {
        let page = browser.get(&format!("/dashboard/integrations{query}")).await;
        is_sound(&page, "fr");
        assert_eq!(page.html.contains("class=\"card connected\""), is_shown, "{query}: {}", page.html);
    }
    // What is found while somebody types is told by this.
    browser.get("/dashboard/integrations").await.says("data-name=\"HubSpot HubSpot\"");
    world.stop().await;
}
