//! Each trouble that a tenant is told of, from what shows it to the mail that says so. Attempts that fail in a row are `alerts`'.

use domain::fault::FaultKind;
use domain::id::{IntegrationId, RunId, TenantId};
use domain::incident::Trigger;
use domain::integration::Status;
use domain::outcome::{WebhookOutcome, WebhookResult};
use persistence::incidents::{self, Subject};
use persistence::{Scope, health};
use serde_json::json;

use crate::alerts::{fail, succeed, told, wish};
use crate::mail_server::MailServer;
use crate::world::{Running, World};

/// From so many records out of step on; more would only take longer.
const DRIFT: i64 = 2;

/// A trouble, the title of its mail, and what the mail says of it.
const ALL: [(Trigger, &str, &str); 5] = [
    (Trigger::ReauthRequired, "reconnexion requise", "Dernière erreur : le jeton est révoqué"),
    (Trigger::WebhookUnverified, "des notifications sont refusées", "5 notifications de la plateforme"),
    (Trigger::Drift, "des fiches ne sont plus synchronisées", "3 fiches diffèrent"),
    (Trigger::NeedsConfirmation, "des suppressions attendent votre accord", "21 fiches ont disparu de la plateforme"),
    (Trigger::WebhookRemoved, "le webhook a été supprimé", "n'arrivent plus que par relève régulière"),
];

/// Brings an integration into that trouble.
async fn bring_about(world: &World, trigger: Trigger, (tenant, id): (TenantId, IntegrationId)) {
    let mut tx = world.rows.begin(Scope::System).await.unwrap();
    match trigger {
        Trigger::ReauthRequired => {
            let cause = Some("le jeton est révoqué");
            health::set_status(&mut tx, tenant, id, Status::ReauthRequired, cause).await.unwrap();
        }
        Trigger::WebhookUnverified => {
            for _ in 0..5 {
                let result = WebhookResult::Refused { reason: "wrong_signature".to_owned() };
                let (tenant_id, integration_id) = (Some(tenant), Some(id));
                world
                    .publish(&WebhookOutcome { tenant_id, integration_id, result, body: None, ..world.webhook() })
                    .await;
            }
        }
        Trigger::Drift => {
            let owed = format!(
                "INSERT INTO record_links (id, tenant_id, integration_id, kind, wanted_version, owed_since)
                 SELECT '{id}' || n, '{tenant}', '{id}', 'contact', 1, now() FROM generate_series(0, {DRIFT}) AS n"
            );
            world.database.execute(&owed).await;
            // It is no drift that has only just begun.
            let before = format!(
                "INSERT INTO integration_drift_samples
                 VALUES ('{id}', now() - interval '30 minutes', '{tenant}', {DRIFT} + 1, 0)"
            );
            world.database.execute(&before).await;
        }
        Trigger::NeedsConfirmation => {
            let run = RunId::new();
            let asking = format!(
                "INSERT INTO sync_runs (id, tenant_id, integration_id, trigger, direction, kinds, mode, state)
                 VALUES ('{run}', '{tenant}', '{id}', 'scheduled', 'bidirectional', '{{contact}}', 'full',
                         'needs_confirmation')"
            );
            world.database.execute(&asking).await;
            for (table, values) in [
                ("sync_run_objects", format!("'{run}', '{tenant}', 'contact', n::text, 'gone'")),
                ("records (id, tenant_id, kind)", format!("'{run}' || n, '{tenant}', 'contact'")),
                (
                    "record_links (id, tenant_id, integration_id, kind, external_id, record_id)",
                    format!("'{run}' || n, '{tenant}', '{id}', 'contact', n::text, '{run}' || n"),
                ),
            ] {
                let gone = format!("INSERT INTO {table} SELECT {values} FROM generate_series(1, 21) AS n");
                world.database.execute(&gone).await;
            }
        }
        Trigger::WebhookRemoved => {
            let detail = json!({ "topics": ["contact.creation"] });
            incidents::begin(&mut tx, &Subject::Integration(id, tenant), trigger, detail).await.unwrap();
        }
        Trigger::Failing | Trigger::PlatformDown | Trigger::DeadLetters => panic!("{trigger:?} is told elsewhere"),
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn every_trouble_reaches_a_mail_that_says_what_it_is_and_what_to_do() {
    let (world, server) = (World::new().await, MailServer::start().await);
    let address = |trigger: Trigger| format!("{}@cabinet.example", trigger.as_str());
    for (trigger, ..) in ALL {
        let tenant = world.another_tenant(None).await;
        wish(&world, tenant, told(&address(trigger))).await;
        let integration = world.connect(tenant, "HubSpot").await;
        bring_about(&world, trigger, (tenant, integration)).await;
    }
    let mut settings = crate::alerts::settings(&world, &server);
    settings.alerts.drift = DRIFT;
    let running = Running::start(settings);
    let mails = server.mails(ALL.len()).await;
    running.stop().await;
    for (trigger, title, said) in ALL {
        let of_it: Vec<_> = mails.iter().filter(|mail| mail.to == [address(trigger)]).collect();
        let [mail] = of_it[..] else { panic!("{trigger:?}: {of_it:?}") };
        assert_eq!(mail.subject(), format!("HubSpot : {title}"));
        let text = mail.part("text/plain");
        assert!(text.contains(said) && text.contains("À faire : "), "{trigger:?}: {text}");
    }
}

#[tokio::test]
async fn attempts_that_fail_too_often_are_told_of_although_none_fail_in_a_row() {
    let (world, server) = (World::new().await, MailServer::start().await);
    wish(&world, world.tenant, told("a@cabinet.example")).await;
    let [often, seldom] = ["Paris", "Lyon"];
    let often = (world.tenant, world.connect(world.tenant, often).await);
    let seldom = (world.tenant, world.connect(world.tenant, seldom).await);
    for n in 0..6 {
        fail(&world, often, FaultKind::Invalid, 2).await;
        succeed(&world, often).await;
        fail(&world, seldom, FaultKind::Invalid, usize::from(n < 2)).await;
        succeed(&world, seldom).await;
        succeed(&world, seldom).await;
    }
    let mut settings = crate::alerts::settings(&world, &server);
    // They are all there before it starts, so that one look finds them.
    settings.alerts.check_every = std::time::Duration::from_secs(2);
    settings.alerts.attempts = 12;
    let running = Running::start(settings);
    let mails = server.mails(1).await;
    crate::alerts::incidents(&world, "ended_at IS NULL", 1).await;
    running.stop().await;
    assert_eq!(mails[0].subject(), "Paris : les synchronisations échouent");
    assert_eq!(mails.len(), 1);
}
