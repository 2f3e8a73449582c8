//! More groups of failures than a page holds, and one failure out of many, tried without sending first.

use domain::access::Role;
use domain::id::IntegrationId;

use crate::connecting::connected;
use crate::pages::{Browser, Page, is_sound};
use crate::repair::{blocked, refused};
use crate::world::World;

/// The first address in a page that holds this.
#[track_caller]
pub(crate) fn address(page: &Page, words: &str) -> String {
    let mut found = page.html.split("href=\"").map(|part| part.split('"').next().unwrap_or_default());
    found.find(|href| href.contains(words)).unwrap_or_else(|| panic!("{words:?} in {page:?}")).to_owned()
}

/// Two failures that are alike: a browser, the tab of all failures, and the page of their group.
pub(crate) async fn two_alike(world: &World) -> (Browser<'_>, String, String) {
    let id = connected(world, "pat-eu1-4242-demo").await;
    for _ in 0..2 {
        blocked(world, id.parse().unwrap(), refused("EMAIL")).await;
    }
    let tab = format!("/dashboard/integrations/{id}/failures");
    let mut browser = Browser::of(world, Role::Admin).await;
    let group = address(&browser.get(&tab).await, "EMAIL");
    (browser, tab, group)
}

#[track_caller]
fn value(page: &Page, name: &str) -> String {
    let (_, rest) = page.html.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn groups_beyond_one_page_are_on_the_next_and_open() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration: IntegrationId = id.parse().unwrap();
    for first in 'A'..='B' {
        for second in 'A'..='Z' {
            blocked(&world, integration, refused(&format!("CODE_{first}{second}"))).await;
        }
    }
    let tab = format!("/dashboard/integrations/{id}/failures");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let page = browser.get(&tab).await;
    is_sound(&page, "fr");
    page.says("52 fiches sont en échec");
    assert_eq!(page.html.matches("data-row=").count(), 50, "{}", page.html);
    let next = browser.get(&address(&page, "?after=")).await;
    is_sound(&next, "fr");
    next.says("52 fiches sont en échec").says("Revenir aux plus grands");
    assert_eq!(next.html.matches("data-row=").count(), 2, "{}", next.html);
    assert!(!next.html.contains(&format!("href=\"{tab}?after=")), "{}", next.html);
    browser.get(&address(&next, "CODE_B")).await.says("Rejouer ce groupe");
    for nonsense in ["x", "1~", "%00~%ff", "-9~%3Cb%3E"] {
        assert_eq!(browser.get(&format!("{tab}?after={nonsense}")).await.status, 200, "{nonsense}");
    }
    world.stop().await;
}

#[tokio::test]
async fn one_failure_is_tried_without_sending_before_it_is_tried_again() {
    let world = World::start().await;
    let (mut browser, tab, group) = two_alike(&world).await;
    let page = browser.get(&group).await;
    page.says("Essayer à blanc");
    let (fingerprint, link) = (value(&page, "fingerprint"), value(&page, "link_id"));
    // Each leads to its record, and whoever is further behind in the list leads back.
    page.says(&format!("<a href=\"{}/data/rec_", tab.trim_end_matches("/failures")));
    assert!(!page.html.contains("Revenir au début"), "{page:?}");
    browser.get(&format!("{group}?cursor={link}")).await.says("Revenir au début");
    let one = [("fingerprint", fingerprint.as_str()), ("link_id", link.as_str())];
    let tried = browser.submit(&group, &tab, &one).await;
    assert_eq!(tried.status, 200, "{tried:?}");
    is_sound(&tried, "fr");
    tried.says("1 fiche serait rejouée. Rien n'est encore parti.").says("Ce qui partirait");
    tried.says("Sur 1 fiche en échec :");
    browser.get(&tab).await.says("2 fiches sont en échec");
    let sure = [one[0], one[1], ("sure", "1")];
    let done = browser.submit(&group, &tab, &sure).await;
    assert_eq!(done.location(), format!("{tab}?said=replayed"), "{done:?}");
    browser.get(&tab).await.says("1 fiche est en échec");
    world.stop().await;
}
