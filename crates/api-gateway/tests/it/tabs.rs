//! The tabs of an integration and the way to a platform's page, as a browser without JavaScript meets them; and who may go where.

use domain::access::Role;
use domain::id::IntegrationId;
use persistence::Scope;
use serde_json::json;

use crate::connecting::connected;
use crate::consenting::{Begun, Consenting, SCOPES};
use crate::pages::{Browser, Page, is_sound};
use crate::people::planted;
use crate::repair::{blocked, outcome, refused};
use crate::world::{World, token};

/// What stands between these two in a page.
#[track_caller]
fn between<'a>(html: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = html.split_once(before).unwrap_or_else(|| panic!("{before:?} is not in {html}"));
    rest.split(after).next().unwrap()
}

/// The consent that a page leads to, as the stand-in shows it.
#[track_caller]
fn led(page: &Page, browser: &Browser<'_>) -> Begun {
    assert_eq!(page.status, 200, "{page:?}");
    is_sound(page, "fr");
    page.says("Vous allez chez HubSpot");
    let on = page.headers["refresh"].to_str().unwrap().strip_prefix("0;url=").unwrap();
    assert!(page.html.contains(&on.replace('&', "&#38;")), "{on} is not in {}", page.html);
    let (name, value) = browser.cookies.iter().find(|(name, _)| name.contains("oauth")).unwrap();
    Begun { page: on.parse().unwrap(), cookie: format!("{name}={value}") }
}

#[tokio::test]
async fn an_account_is_connected_by_a_consent_that_may_be_denied_first() {
    let it = Consenting::start().await;
    let mut browser = Browser::of(&it.world, Role::Admin).await;
    let form = "/dashboard/integrations/new?platform=hubspot";
    browser.get(form).await.says("Connecter avec HubSpot").says("crm.objects.contacts.write");
    browser.get(&format!("{form}&by=key")).await.says("Clé API").says("Se connecter sans clé");
    let new = "/dashboard/integrations/new/consent";
    let page = browser.submit(form, new, &[("platform", "hubspot"), ("name", "")]).await;
    assert_eq!(page.status, 422, "{page:?}");
    page.says("Donnez un nom de 1 à 100 caractères.").says("Connecter avec HubSpot");

    let page = browser.submit(form, new, &[("platform", "hubspot"), ("name", "Mon CRM")]).await;
    let begun = led(&page, &browser);
    let back = it.decide(&begun, ("4242", "refuse", SCOPES)).await;
    let (home, query) = it.come_back(&back, Some(&begun.cookie), None).await;
    assert_eq!(query[0].1, "consent_denied");
    let denied = browser.get(&format!("{home}?oauth_error=consent_denied")).await;
    is_sound(&denied, "fr");
    denied.says("Vous n'avez pas donné votre accord.").says("Non connectée").says("Connecter avec HubSpot");

    let page = browser.submit(&home, &format!("{home}/consent"), &[]).await;
    let begun = led(&page, &browser);
    let small = "oauth crm.objects.contacts.read crm.objects.contacts.write";
    let back = it.decide(&begun, ("4242", "grant", small)).await;
    let (_, query) = it.come_back(&back, Some(&begun.cookie), None).await;
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let lacking = browser.get(&format!("{home}?{query}")).await;
    lacking.says("Il manque des droits.").says("<code>crm.objects.deals.read</code>");

    let page = browser.submit(&home, &format!("{home}/consent"), &[]).await;
    let begun = led(&page, &browser);
    let back = it.decide(&begun, ("4242", "grant", SCOPES)).await;
    it.come_back(&back, Some(&begun.cookie), None).await;
    let page = browser.get(&format!("{home}?connected=1")).await;
    page.says("Le compte est connecté.").says("Activer et lancer la première synchronisation").says("compte 4242");
    let page = browser.submit(&home, &format!("{home}/begin"), &[]).await;
    assert_eq!(page.location(), format!("{home}?said=created"), "{page:?}");
    browser.get(page.location()).await.says("<progress");

    // The grant ends, and is given again.
    let id = home.rsplit('/').next().unwrap().to_owned();
    let end = format!("UPDATE integration_health SET status = 'reauth_required' WHERE integration_id = '{id}'");
    it.world.database.execute(&end).await;
    browser.get(&home).await.says("Reconnecter avec HubSpot");
    let page = browser.submit(&home, &format!("{home}/consent"), &[]).await;
    led(&page, &browser);
    it.stop().await;
}

#[tokio::test]
async fn words_in_the_address_of_a_consent_are_never_more_than_words() {
    let world = World::start().await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    for query in [
        "oauth_error=platform_refused&reason=%3Cscript%3Ealert(1)%3C/script%3E",
        "oauth_error=scopes_missing&missing=%3Cscript%3E+a%22b",
        "oauth_error=account_taken&other=https://evil.example",
        "oauth_error=%3Cscript%3E",
    ] {
        let page = browser.get(&format!("/dashboard/integrations?{query}")).await;
        is_sound(&page, "fr");
        assert!(
            !page.html.contains("<script>") && !page.html.contains("href=\"https://evil"),
            "{query}: {}",
            page.html
        );
    }
    world.stop().await;
}

#[tokio::test]
async fn failures_are_seen_by_cause_counted_first_and_then_tried_again() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration: IntegrationId = id.parse().unwrap();
    let (tab, mut browser) = (format!("/dashboard/integrations/{id}/failures"), Browser::of(&world, Role::Admin).await);
    browser.get(&tab).await.says("Aucun échec");
    world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    for code in ["PHONE", "PHONE", "EMAIL"] {
        blocked(&world, integration, refused(code)).await;
    }
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    let attempt = outcome(&world, integration, "2026-11-22T10:00:00Z", Some(refused("PHONE")));
    persistence::sync_logs::insert_batch(&mut tx, &[attempt]).await.unwrap();
    tx.commit().await.unwrap();
    let page = browser.get(&tab).await;
    is_sound(&page, "fr");
    page.says("3 fiches sont en échec").says("PHONE is not valid").says("Corrigez la fiche ou le mapping");
    browser.get(&format!("/dashboard/integrations/{id}")).await.says("Voir les échecs");

    let group = page.html.split("href=\"").find(|part| part.contains("/failures/") && part.contains("PHONE")).unwrap();
    let group = group.split('"').next().unwrap().to_owned();
    let page = browser.get(&group).await;
    is_sound(&page, "fr");
    page.says("Fiches concernées").says("Rejouer ce groupe").says("mailto:");
    let fingerprint = between(&page.html, "name=\"fingerprint\" value=\"", "\"").to_owned();
    let counted = browser.submit(&tab, &tab, &[("fingerprint", &fingerprint)]).await;
    assert_eq!(counted.status, 200);
    counted.says("2 fiches seraient rejouées. Rien n'est encore parti.").says("Rejouer 2 fiches");
    browser.get(&tab).await.says("3 fiches sont en échec");
    let done = browser.submit(&tab, &tab, &[("fingerprint", &fingerprint), ("sure", "1")]).await;
    assert_eq!(done.location(), format!("{tab}?said=replayed"), "{done:?}");
    browser.get(&tab).await.says("1 fiche est en échec");

    for value in ["yesterday", "2026-13-01T00:00", "<b>"] {
        let page = browser.submit(&tab, &tab, &[("since", value)]).await;
        assert_eq!(page.status, 422, "{page:?}");
        page.says("aria-invalid=\"true\"");
        assert!(!page.html.contains("<b>"));
    }
    let none = browser.submit(&tab, &tab, &[("until", "2020-01-01T00:00")]).await;
    none.says("Il n'y a rien à rejouer ici.");
    let all = browser.submit(&tab, &tab, &[("since", "2020-01-01T00:00")]).await;
    all.says("1 fiche serait rejouée").says("name=\"since\" value=\"2020-01-01T00:00\"");
    let link = browser.submit(&tab, &tab, &[("link_id", "lnk_x")]).await;
    assert_eq!(link.status, 404);
    world.stop().await;
}

#[tokio::test]
async fn webhooks_show_their_address_their_secret_once_and_what_came_in() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    planted(&world, id.parse().unwrap()).await;
    let tab = format!("/dashboard/integrations/{id}/webhooks");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let page = browser.get(&tab).await;
    is_sound(&page, "fr");
    page.says(&format!("/webhooks/integrations/hubspot/{id}")).says("signés par le secret de l'application Coccinelle");
    let delivery = page.html.split("href=\"").find(|part| part.contains("/webhooks/whk_")).unwrap();
    let delivery = delivery.split('"').next().unwrap().to_owned();
    let page = browser.get(&delivery).await;
    is_sound(&page, "fr");
    page.says("Contenu").says("70501");
    // HubSpot's deliveries are signed by our app: that secret is not the tenant's to replace.
    let page = browser.submit(&tab, &format!("{tab}/rotate"), &[]).await;
    assert_eq!(page.status, 409, "{page:?}");
    let nonsense = browser.get(&format!("{tab}?cursor=%3Cb%3E")).await;
    assert_eq!(nonsense.status, 422);
    is_sound(&nonsense, "fr");
    world.stop().await;
}

/// Every page and form below one integration, with what stands behind its path.
const PAGES: &[&str] = &["", "/logs", "/failures", "/webhooks", "/settings"];
const FORMS: &[&str] = &[
    "/enable",
    "/disable",
    "/test",
    "/begin",
    "/sync",
    "/consent",
    "/failures",
    "/webhooks/rotate",
    "/settings",
    "/delete",
];

#[tokio::test]
async fn every_page_is_for_those_who_may_look_and_every_form_for_those_who_may_change() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let home = format!("/dashboard/integrations/{id}");
    let mut nobody = Browser::new(&world);
    let (mut viewer, mut service) = (Browser::of(&world, Role::Viewer).await, Browser::new(&world));
    let mut stranger = Browser::new(&world);
    let theirs = token(world.other_tenant().await, Role::Admin, 600);
    assert_eq!(stranger.send("/dashboard/login", &[("token", &theirs)]).await.status, 303);
    service.send("/dashboard/login", &[("token", &world.token(Role::Service))]).await;
    for page in PAGES {
        let path = format!("{home}{page}");
        let sent = nobody.get(&path).await;
        assert!(sent.status == 303 && sent.location().starts_with("/dashboard/login"), "{path}: {sent:?}");
        assert_eq!(viewer.get(&path).await.status, 200, "{path}");
        assert_ne!(service.get(&path).await.status, 200, "{path}");
        assert_eq!(stranger.get(&path).await.status, 404, "{path}");
    }
    let everything = async || testkit::dump(&world.database.url()).await;
    let before = everything().await;
    for form in FORMS {
        let path = format!("{home}{form}");
        assert_eq!(nobody.send(&path, &[("csrf", "x")]).await.status, 303, "{path}");
        assert_eq!(viewer.submit(&home, &path, &[]).await.status, 403, "{path}");
        assert_eq!(stranger.submit("/dashboard/integrations", &path, &[]).await.status, 404, "{path}");
    }
    assert_eq!(everything().await, before, "somebody changed what is not theirs to change");
    world.stop().await;
}
