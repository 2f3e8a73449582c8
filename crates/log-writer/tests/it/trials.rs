//! Trials: whoever asks whether alerts arrive sees them arrive, marked as what they are, and real ones as before.

use std::time::Duration;

use domain::fault::FaultKind;
use domain::id::TenantId;
use domain::settings::Language;
use persistence::settings::Settings as Wishes;
use persistence::{Scope, incidents};

use crate::alerts::{fail, settings, wish, with_webhooks};
use crate::hook_server::HookServer;
use crate::mail_server::MailServer;
use crate::world::{LIMIT, Running, World};

/// Asks for a trial, as the gateway does; whether one is taken.
async fn ask(world: &World, tenant: TenantId) -> bool {
    let mut tx = world.rows.begin(Scope::Tenant(tenant)).await.unwrap();
    let wait = incidents::ask_trial(&mut tx, tenant, Duration::from_mins(1)).await.unwrap();
    tx.commit().await.unwrap();
    wait.is_none()
}

fn wishes(language: Language) -> Wishes {
    let addresses = ["a@cabinet.example", "b@cabinet.example"];
    Wishes { language, alert_emails: addresses.map(str::to_owned).to_vec(), ..Wishes::default() }
}

#[tokio::test]
async fn a_trial_goes_to_every_address_and_webhook_is_no_incident_and_keeps_none_waiting() {
    let (world, server, hooks) = (World::new().await, MailServer::start().await, HookServer::start().await);
    let (tenant, ring) = with_webhooks(&world, &hooks, wishes(Language::Fr)).await;
    let whose = (tenant, world.connect(tenant, "HubSpot").await);
    // Nobody sends yet: what is asked for waits in the database.
    assert!(ask(&world, tenant).await);
    assert!(!ask(&world, tenant).await, "a second one within the minute");
    let mut settings = settings(&world, &server);
    settings.vault.key_ring_file = ring;
    settings.alerts.allow_private_addresses = true;
    // If the trial counted, the next alert would have to wait for an hour.
    settings.alerts.pause = Duration::from_hours(1);
    settings.alerts.storm = 1;
    let running = Running::start(settings);
    let mails = server.mails(2).await;
    let calls = hooks.calls(2).await;
    crate::alerts::incidents(&world, "true", 0).await;
    fail(&world, whose, FaultKind::Invalid, 5).await;
    let all = server.mails(4).await;
    running.stop().await;

    let mut to: Vec<_> = mails.iter().flat_map(|mail| mail.to.clone()).collect();
    to.sort_unstable();
    assert_eq!(to, ["a@cabinet.example", "b@cabinet.example"]);
    for mail in &mails {
        assert_eq!(mail.subject(), "[Essai] Alerte d'essai de Coccinelle");
        for mime in ["text/plain", "text/html"] {
            assert!(mail.part(mime).contains("https://app.example.com/dashboard/settings"), "{mail:?}");
        }
    }
    let slack = calls.iter().find(|call| call.path == "/slack").unwrap();
    assert!(slack.body["text"].as_str().unwrap().starts_with("[Essai] "), "{slack:?}");
    let ours = calls.iter().find(|call| call.path == "/ours").unwrap();
    assert_eq!(ours.body["type"], "integration.alert.trial");
    assert_eq!(ours.body["incidents"], serde_json::json!([]));
    assert!(ours.head.contains("webhook-signature: v1,"), "{ours:?}");
    let real = all.iter().filter(|mail| mail.subject() == "HubSpot : les synchronisations échouent");
    assert_eq!(real.count(), 2, "{all:?}");
    assert_eq!(world.database.count("SELECT count(*) FROM alert_messages WHERE is_trial").await, 4);
}

#[tokio::test]
async fn a_trial_says_what_it_is_in_the_tenants_language_and_can_be_asked_for_again_later() {
    let (world, server) = (World::new().await, MailServer::start().await);
    wish(&world, world.tenant, wishes(Language::En)).await;
    let running = Running::start(settings(&world, &server));
    for sent in [2, 4] {
        assert!(ask(&world, world.tenant).await);
        let mails = server.mails(sent).await;
        assert!(mails.iter().all(|mail| mail.subject() == "[Trial] Trial alert from Coccinelle"), "{mails:?}");
        world.database.execute("UPDATE alert_trials SET asked_at = asked_at - interval '1 minute'").await;
    }
    running.stop().await;
    assert_eq!(server.mails(4).await.len(), 4);
}

#[tokio::test]
async fn an_address_that_the_mail_server_cannot_take_is_given_up_and_keeps_no_other_waiting() {
    let (world, server) = (World::new().await, MailServer::start().await);
    let addresses = ["andré@cabinet.example", "b@cabinet.example"].map(str::to_owned).to_vec();
    wish(&world, world.tenant, Wishes { alert_emails: addresses, ..Wishes::default() }).await;
    assert!(ask(&world, world.tenant).await);
    let mut settings = settings(&world, &server);
    settings.alerts.retry_wait = Duration::from_millis(5);
    let running = Running::start(settings);
    let mails = server.mails(1).await;
    let given_up = "SELECT count(*) FROM alert_messages WHERE given_up_at IS NOT NULL AND target LIKE 'andr%'";
    testkit::wait::until("the end of the attempts", LIMIT, || async {
        let found = world.database.count(given_up).await;
        if found == 1 { Ok(()) } else { Err(found) }
    })
    .await;
    running.stop().await;
    assert_eq!(mails[0].to, ["b@cabinet.example"]);
}
