//! What pages call a trouble and say to do about it: the messages that tenants know, chosen by the code of the failure.

use domain::access::Role;
use domain::fault::FaultKind;
use domain::id::{IntegrationId, SyncLogId};
use domain::outcome::SyncError;
use persistence::{Scope, sync_logs};
use serde_json::json;

use crate::connecting::connected;
use crate::pages::{Browser, is_sound};
use crate::repair::{blocked, outcome, refused};
use crate::world::World;

fn n8n(class: FaultKind, code: &str) -> SyncError {
    SyncError { class, code: code.to_owned(), message: "said by whoever found it".to_owned() }
}

/// Three attempts that failed like this one after the other, which is an error of the whole; returns the newest.
async fn failed(world: &World, integration: IntegrationId, hour: u8, error: &SyncError) -> SyncLogId {
    let at = |minute| format!("2026-11-22T{hour}:{minute}:00Z");
    let rows: Vec<_> = (10..13).map(|minute| outcome(world, integration, &at(minute), Some(error.clone()))).collect();
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();
    rows[2].id
}

#[tokio::test]
async fn n8n_that_is_away_is_called_so_with_what_to_do_and_leads_to_the_journal() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    let home = format!("/dashboard/integrations/{id}");
    let newest = failed(&world, id.parse().unwrap(), 10, &n8n(FaultKind::Unavailable, "n8n_down")).await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let page = browser.get(&home).await;
    is_sound(&page, "fr");
    page.says("Webhook n8n ne répond pas : aucune tentative n'a encore réussi.");
    page.says("Le n8n de Coccinelle ne prend pas ces envois.");
    // Nothing is blocked, so nothing would stand among the failures.
    page.says("Voir les journaux").says(&format!("{home}/logs?status=failed"));
    assert!(!page.html.contains("Voir les échecs"), "{}", page.html);
    page.says("Contacter le support").says("r%C3%A9f%C3%A9rence%20abc");
    browser.get(&format!("{home}/logs/{newest}")).await.says("<strong>Webhook n8n ne répond pas</strong>");

    let own = "UPDATE tenant_integrations SET workflow_url = 'https://n8n.example.com/webhook/x' WHERE id = ";
    world.database.execute(&format!("{own} '{id}'")).await;
    browser.get(&home).await.says("Vérifiez que votre n8n est démarré").says("votre workflow est activé et répond");
    let log = browser.get(&format!("{home}/logs/{newest}")).await;
    log.says("Vérifiez que votre n8n est démarré").says("mailto:");
    failed(&world, id.parse().unwrap(), 11, &n8n(FaultKind::Unavailable, "signature_refused")).await;
    browser.get(&home).await.says("Copiez le secret depuis Réglages dans n8n");
    browser.language = "en";
    let page = browser.get(&home).await;
    is_sound(&page, "en");
    page.says("The n8n webhook does not answer: no attempt has succeeded yet.").says("Copy the secret from Settings");
    world.stop().await;
}

#[tokio::test]
async fn a_value_that_is_refused_is_a_failed_sync_and_leads_to_what_is_blocked() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    failed(&world, integration, 10, &refused("PHONE")).await;
    for error in [refused("PHONE"), n8n(FaultKind::Invalid, "workflow_refused"), n8n(FaultKind::Conflict, "x")] {
        blocked(&world, integration, error).await;
    }
    let home = format!("/dashboard/integrations/{id}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let page = browser.get(&home).await;
    page.says("Sync échouée : aucune tentative").says("Voir les échecs").says("Corrigez la fiche ou le mapping");
    let page = browser.get(&format!("{home}/failures")).await;
    is_sound(&page, "fr");
    page.says("Sync échouée</a> <code>PHONE").says("Webhook n8n ne répond pas</a> <code>workflow_refused");
    page.says("Contact dupliqué</a> <code>x").says("Le workflow n8n de Coccinelle n'a pas fait cet envoi.");
    world.stop().await;
}

#[tokio::test]
async fn a_test_that_fails_has_a_name_that_tenants_know_and_a_reference() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    world.switch_faults(json!({ "token_revoked": true })).await;
    let home = format!("/dashboard/integrations/{id}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let page = browser.submit(&home, &format!("{home}/test"), &[]).await;
    page.says("La connexion a échoué</strong> · Intégration non configurée");
    // Once with the test, and once with the integration, which is to be connected anew.
    assert_eq!(page.html.matches("mailto:").count(), 2, "{}", page.html);
    assert!(!page.html.contains("r%C3%A9f%C3%A9rence%20\""), "{}", page.html);
    world.stop().await;
}

#[tokio::test]
async fn a_cause_in_words_of_ours_is_told_in_the_readers_language() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    let error = |class, code: &str, message: &str| SyncError { class, code: code.into(), message: message.into() };
    let refused = "Le workflow n8n refuse la demande (statut 418)";
    blocked(&world, id.parse().unwrap(), error(FaultKind::Invalid, "workflow_refused", refused)).await;
    let status = error(FaultKind::Unavailable, "http_503", "the platform answered with status 503");
    let newest = failed(&world, id.parse().unwrap(), 10, &status).await;
    let home = format!("/dashboard/integrations/{id}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    for path in [home.clone(), format!("{home}/logs"), format!("{home}/logs/{newest}")] {
        let page = browser.get(&path).await;
        page.says("La plateforme a répondu par le statut 503");
        assert!(!page.html.contains("the platform answered"), "{path}: {}", page.html);
    }
    browser.language = "en";
    browser.get(&format!("{home}/failures")).await.says("The n8n workflow refuses the request (status 418)");
    browser.get(&home).await.says("Last message: The platform answered with status 503");
    world.stop().await;
}

#[tokio::test]
async fn a_page_that_cannot_be_made_says_so_with_a_reference_and_tells_nothing_else() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    // No version of the code could read this.
    let broken = format!("UPDATE tenant_integrations SET alerts = '\"?\"' WHERE id = '{id}'");
    world.database.execute(&broken).await;
    let mut browser = Browser::of(&world, Role::Viewer).await;
    for (language, title) in [("fr", "Erreur de notre côté"), ("en", "Something went wrong on our side")] {
        browser.language = language;
        let page = browser.get(&format!("/dashboard/integrations/{id}")).await;
        assert_eq!(page.status, 500, "{page:?}");
        is_sound(&page, language);
        page.says(title).says("mailto:").says("class=\"reference\"");
        assert!(!page.html.contains("alerts"), "{}", page.html);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_page_that_is_refused_says_so_in_the_readers_language() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let home = format!("/dashboard/integrations/{id}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    for (language, words) in
        [("fr", "Cette demande ne peut pas être traitée"), ("en", "This request cannot be handled")]
    {
        browser.language = language;
        for path in ["/dashboard/settings?tokens=x".to_owned(), format!("{home}/webhooks?cursor=x")] {
            let page = browser.get(&path).await;
            assert_eq!(page.status, 422, "{path}: {page:?}");
            is_sound(page.says(words).says("mailto:"), language);
            assert!(!page.html.contains("see `errors`"), "{path}: {page:?}");
        }
    }
    browser.language = "fr";
    let rotated = browser.submit(&home, &format!("{home}/webhooks/rotate"), &[]).await;
    assert_eq!(rotated.status, 409, "{rotated:?}");
    rotated.says("il n'y a pas de secret à remplacer ici");
    let name = "x".repeat(300_001);
    let page = browser.submit(&home, &format!("{home}/settings"), &[("name", name.as_str())]).await;
    assert_eq!(page.status, 413, "{page:?}");
    is_sound(page.says("Demande trop longue"), "fr");
    world.stop().await;
}
