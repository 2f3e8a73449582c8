//! Tokens for programs on the page of a tenant's settings, in a browser without JavaScript.

use domain::access::Role;
use reqwest::Method;

use crate::pages::{Browser, is_sound};
use crate::tokens::made;
use crate::world::{World, token};

const PAGE: &str = "/dashboard/settings";
const FORM: &str = "/dashboard/settings/tokens";

/// The token that a page shows.
fn shown(html: &str) -> &str {
    let (_, rest) = html.split_once("id=\"token\" class=\"code\" value=\"").unwrap_or_else(|| panic!("{html}"));
    rest.split('"').next().unwrap()
}

#[tokio::test]
async fn a_token_is_made_shown_once_listed_and_revoked_in_both_languages() {
    let world = World::start().await;
    for (language, words) in [
        ("fr", ["Aucun jeton pour l'instant", "Copiez-le maintenant", "Actif", "Le jeton est révoqué", "Révoqué"]),
        ("en", ["There is no token yet", "Copy it now", "Active", "The token is revoked", "Revoked"]),
    ] {
        let [empty, once, active, done, revoked] = words;
        let mut browser = Browser::of(&world, Role::Admin).await;
        browser.language = language;
        let page = browser.get(PAGE).await;
        is_sound(page.says(empty), language);
        let fields = [("name", "Export <b>CRM</b>"), ("role", "viewer"), ("days", " 30 ")];
        let page = browser.submit(PAGE, FORM, &fields).await;
        assert_eq!(page.status, 200, "{page:?}");
        is_sound(page.says(once).says(active), language);
        let token = shown(&page.html).to_owned();
        assert!(!page.html.contains("<b>CRM"), "{page:?}");
        let (_, rest) = page.html.split_once("/settings/tokens/tok_").unwrap();
        let revoke = format!("{FORM}/tok_{}/revoke", rest.split('/').next().unwrap());

        let page = browser.get(PAGE).await;
        assert!(!page.html.contains(&token), "it is shown once: {page:?}");
        let page = browser.submit(PAGE, &revoke, &[]).await;
        let page = browser.get(page.location()).await;
        is_sound(page.says(done).says(revoked), language);
        assert!(!page.html.contains(&revoke), "there is nothing left to revoke: {page:?}");
        let answer = world.call(Method::GET, "/api/v1/session", Some(&token), None).await;
        assert!(matches!(answer.status.as_u16(), 401 | 503), "{answer:?}");
        // Sent twice without JavaScript, the second one is no fault.
        assert_eq!(browser.submit(PAGE, &revoke, &[]).await.location(), format!("{PAGE}?said=token_over"));
        world.database.execute("DELETE FROM api_tokens").await;
    }
    world.stop().await;
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_what_was_typed_stays() {
    let world = World::start().await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    for (fields, says) in [
        ([("name", " "), ("role", "viewer"), ("days", "30")], "Donnez un nom de 1 à 50 caractères."),
        ([("name", "Kept"), ("role", "viewer"), ("days", "never")], "Donnez un nombre de jours de 1 à 365."),
        ([("name", "Kept"), ("role", "viewer"), ("days", "366")], "Donnez un nombre de jours de 1 à 365."),
        ([("name", "Kept"), ("role", "owner"), ("days", "30")], "Valeur inattendue."),
    ] {
        let page = browser.submit(PAGE, FORM, &fields).await;
        assert_eq!(page.status, 422, "{page:?}");
        is_sound(page.says(says), "fr");
        assert!(page.html.contains(&format!("name=\"days\" value=\"{}\"", fields[2].1)), "{page:?}");
    }
    assert_eq!(world.database.count("SELECT count(*) FROM api_tokens").await, 0);
    assert_eq!(browser.get(FORM).await.location(), "/dashboard/settings#tokens");
    world.stop().await;
}

#[tokio::test]
async fn only_an_admin_of_the_tenant_sees_makes_and_revokes_tokens() {
    let world = World::start().await;
    let (_, id) = made(&world, "viewer").await;
    let revoke = format!("{FORM}/{id}/revoke");
    let fields = [("name", "x"), ("role", "admin"), ("days", "30")];
    let mut nobody = Browser::new(&world);
    let mut viewer = Browser::of(&world, Role::Viewer).await;
    let mut stranger = Browser::new(&world);
    let other = token(world.other_tenant().await, Role::Admin, 600);
    assert_eq!(stranger.send("/dashboard/login", &[("token", &other)]).await.status, 303);
    for (form, status) in [(FORM, 200), (revoke.as_str(), 404)] {
        assert_eq!(nobody.send(form, &[("csrf", "x")]).await.status, 303, "{form}");
        assert_eq!(viewer.submit(PAGE, form, &fields).await.status, 403, "{form}");
        assert_eq!(stranger.submit(PAGE, form, &fields).await.status, status, "{form}");
    }
    let page = viewer.get(PAGE).await;
    page.says("Seul un administrateur voit les jetons");
    assert!(!page.html.contains("CRM export"), "{page:?}");
    assert!(!stranger.get(PAGE).await.html.contains("CRM export"));
    let mine = format!("SELECT count(*) FROM api_tokens WHERE tenant_id = '{}' AND revoked_at IS NULL", world.tenant);
    assert_eq!(world.database.count(&mine).await, 1);
    world.stop().await;
}
