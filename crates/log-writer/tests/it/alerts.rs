//! Who is told of trouble, how often, and by what: read from a mail server and a web server of the test's own.

use std::path::PathBuf;
use std::time::Duration;

use domain::fault::FaultKind;
use domain::id::{IntegrationId, TenantId};
use domain::integration::{Integration, Status};
use domain::outcome::{SyncError, SyncOutcome};
use domain::settings::{AlertForm, AlertWebhook, Language};
use persistence::integrations::{self, Configuration};
use persistence::settings::{self, Settings as Wishes};
use persistence::{Scope, data_keys, health, tenants};
use runtime::config::{Settings, SmtpSecurity};
use serde_json::{Value, json};

use crate::hook_server::HookServer;
use crate::mail_server::{Mail, MailServer, USER};
use crate::world::{Running, World};

const MOMENT: Duration = Duration::from_millis(50);

/// A log writer's settings that look often, and mail by this server.
pub(crate) fn settings(world: &World, server: &MailServer) -> Settings {
    let mut settings = world.settings(&world.database.worker_url());
    settings.alerts.check_every = MOMENT;
    settings.alerts.retry_wait = MOMENT;
    settings.alerts.pause = Duration::from_millis(1);
    settings.alerts.smtp_host = Some("localhost".to_owned());
    settings.alerts.smtp_port = server.port;
    settings.alerts.smtp_username = Some(USER.0.to_owned());
    settings.alerts.smtp_password = Some(USER.1.to_owned().into());
    settings.alerts.smtp_ca_file = Some(file("pem", &server.certificate));
    settings.alerts.from = "Coccinelle <integrations@coccinelle.example>".to_owned();
    settings.gateway.public_url = "https://app.example.com".parse().unwrap();
    settings
}

fn file(kind: &str, content: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("log-writer-{}.{kind}", domain::id::MessageId::new()));
    std::fs::write(&path, content).unwrap();
    path
}

pub(crate) async fn wish(world: &World, tenant: TenantId, wishes: Wishes) {
    let mut tx = world.rows.begin(Scope::Tenant(tenant)).await.unwrap();
    assert!(settings::replace(&mut tx, tenant, &wishes).await.unwrap());
    tx.commit().await.unwrap();
}

pub(crate) fn told(address: &str) -> Wishes {
    Wishes { alert_emails: vec![address.to_owned()], ..Wishes::default() }
}

/// So many failures of an integration.
pub(crate) async fn fail(world: &World, whose: (TenantId, IntegrationId), class: FaultKind, times: usize) {
    fail_by(world, whose, (class, "NO"), times).await;
}

/// The same, by this code.
async fn fail_by(
    world: &World,
    (tenant_id, integration_id): (TenantId, IntegrationId),
    (class, code): (FaultKind, &str),
    times: usize,
) {
    for _ in 0..times {
        let error = SyncError { class, code: code.to_owned(), message: "l'e-mail <x> est pris".to_owned() };
        world.publish(&SyncOutcome { tenant_id, integration_id, error: Some(error), ..world.success() }).await;
    }
}

/// An attempt of an integration that succeeds.
pub(crate) async fn succeed(world: &World, (tenant_id, integration_id): (TenantId, IntegrationId)) {
    world.publish(&SyncOutcome { tenant_id, integration_id, ..world.success() }).await;
}

fn subjects(mails: &[Mail]) -> Vec<String> {
    mails.iter().map(Mail::subject).collect()
}

#[tokio::test]
async fn an_incident_is_told_once_and_its_end_once() {
    let (world, server) = (World::new().await, MailServer::start().await);
    let integration = world.connect(world.tenant, "HubSpot Paris").await;
    let whose = (world.tenant, integration);
    wish(&world, world.tenant, told("astreinte@cabinet.example")).await;
    let running = Running::start(settings(&world, &server));
    fail(&world, whose, FaultKind::Invalid, 5).await;
    let first = server.mails(1).await.remove(0);
    fail(&world, whose, FaultKind::Invalid, 5).await;
    succeed(&world, whose).await;
    let mails = server.mails(2).await;
    running.stop().await;

    let title = "HubSpot Paris : les synchronisations échouent";
    assert_eq!(subjects(&mails), [title.to_owned(), format!("Rétabli : {title}")]);
    assert_eq!(first.to, ["astreinte@cabinet.example"]);
    assert_eq!(first.header("From"), "Coccinelle <integrations@coccinelle.example>");
    assert_eq!(first.header("Auto-Submitted"), "auto-generated");
    let link = format!("https://app.example.com/dashboard/integrations/{integration}");
    let (text, html) = (first.part("text/plain"), first.part("text/html"));
    for part in ["l'e-mail <x> est pris", "Depuis le ", "À faire : ", &link] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(html.contains(&link) && html.contains("e-mail") && !html.contains("<x>"), "{html}");
    assert_ne!(first.header("Message-ID"), mails[1].header("Message-ID"));
}

/// Says who hears of an integration's trouble, and of which.
async fn choose(world: &World, id: IntegrationId, alerts: Value) {
    let mut tx = world.rows.begin(Scope::Tenant(world.tenant)).await.unwrap();
    let integration = integrations::get(&mut tx, world.tenant, id).await.unwrap().unwrap();
    let integration = Integration { alerts: serde_json::from_value(alerts).unwrap(), ..integration };
    assert!(integrations::configure(&mut tx, &Configuration { integration, sealed: None }).await.unwrap());
    tx.commit().await.unwrap();
}

/// Waits until so many incidents are as they are wanted.
pub(crate) async fn incidents(world: &World, wanted: &str, count: i64) {
    let query = format!("SELECT count(*) FROM incidents WHERE {wanted}");
    testkit::wait::until(wanted, crate::world::LIMIT, || async {
        let found = world.database.count(&query).await;
        if found == count { Ok(()) } else { Err(found) }
    })
    .await;
}

#[tokio::test]
async fn an_integration_is_heard_of_by_whom_it_names_of_what_it_names_or_by_nobody() {
    let (world, server) = (World::new().await, MailServer::start().await);
    let hook = AlertWebhook { name: "Équipe".to_owned(), form: AlertForm::Slack, host: "hooks.example".to_owned() };
    wish(&world, world.tenant, Wishes { alert_webhooks: vec![hook], ..told("a@cabinet.example") }).await;
    let mut all = Vec::new();
    for (name, alerts) in [
        ("Paris", json!({})),
        ("Lyon", json!({ "to": "addresses", "emails": ["b@cabinet.example", "c@cabinet.example"] })),
        ("Nice", json!({ "to": "addresses", "emails": ["b@cabinet.example"], "triggers": ["reauth_required"] })),
        ("Brest", json!({ "to": "nobody" })),
    ] {
        let integration = world.connect(world.tenant, name).await;
        choose(&world, integration, alerts).await;
        all.push((world.tenant, integration));
    }
    let running = Running::start(settings(&world, &server));
    for whose in &all {
        fail(&world, *whose, FaultKind::Invalid, 5).await;
    }
    incidents(&world, "told_at IS NOT NULL", 2).await;
    incidents(&world, "ended_at IS NULL", 4).await;
    for whose in &all {
        succeed(&world, *whose).await;
    }
    incidents(&world, "told_end_at IS NOT NULL", 4).await;
    let mails = server.mails(6).await;
    running.stop().await;

    let mut told: Vec<_> = mails.iter().map(|mail| format!("{} {}", mail.to[0], mail.subject())).collect();
    told.sort_unstable();
    let of = |to: &str, name: &str| {
        let title = format!("{name} : les synchronisations échouent");
        [format!("{to}@cabinet.example {title}"), format!("{to}@cabinet.example Rétabli : {title}")]
    };
    assert_eq!(told, [of("a", "Paris"), of("b", "Lyon"), of("c", "Lyon")].concat());
    let hooks = |name| {
        format!("SELECT count(*) FROM alert_messages WHERE channel = 'webhook' AND content::text LIKE '%{name}%'")
    };
    for (name, is_told) in [("Paris", true), ("Lyon", true), ("Nice", false), ("Brest", false)] {
        assert_eq!(world.database.count(&hooks(name)).await > 0, is_told, "{name}");
    }
}

#[tokio::test]
async fn who_wants_to_hear_of_it_after_all_hears_of_what_still_goes_on() {
    let (world, server) = (World::new().await, MailServer::start().await);
    let integration = world.connect(world.tenant, "Brest").await;
    wish(&world, world.tenant, told("a@cabinet.example")).await;
    choose(&world, integration, json!({ "to": "nobody" })).await;
    let mut settings = settings(&world, &server);
    // What nobody was told of keeps nothing waiting.
    settings.alerts.pause = Duration::from_hours(1);
    let running = Running::start(settings);
    let whose = (world.tenant, integration);
    fail(&world, whose, FaultKind::Invalid, 5).await;
    incidents(&world, "ended_at IS NULL", 1).await;
    succeed(&world, whose).await;
    incidents(&world, "told_end_at IS NOT NULL", 1).await;
    fail(&world, whose, FaultKind::Invalid, 5).await;
    incidents(&world, "ended_at IS NULL", 1).await;
    choose(&world, integration, json!({})).await;
    let mails = server.mails(1).await;
    running.stop().await;
    assert_eq!(subjects(&mails), ["Brest : les synchronisations échouent"]);
}

#[tokio::test]
async fn a_mail_server_that_is_away_delays_mails_and_loses_none() {
    let (world, server) = (World::new().await, MailServer::start().await);
    let whose = (world.tenant, world.connect(world.tenant, "HubSpot").await);
    let addresses = ["a@cabinet.example", "b@cabinet.example"];
    let wishes = Wishes { alert_emails: addresses.map(str::to_owned).to_vec(), ..Wishes::default() };
    wish(&world, world.tenant, wishes).await;
    server.set_away(true);
    let running = Running::start(settings(&world, &server));
    fail(&world, whose, FaultKind::Invalid, 5).await;
    server.turned_away(2).await;
    // It may be stopped meanwhile: what is to be sent is in the database.
    running.stop().await;
    server.set_away(false);
    let successor = Running::start(settings(&world, &server));
    let mails = server.mails(2).await;
    // What ends later is told after it, so nothing was told twice.
    succeed(&world, whose).await;
    let all = server.mails(4).await;
    successor.stop().await;
    let mut to: Vec<_> = mails.iter().flat_map(|mail| mail.to.clone()).collect();
    to.sort_unstable();
    assert_eq!(to, addresses);
    assert_eq!(all.iter().filter(|mail| mail.subject().starts_with("Rétabli")).count(), 2);
}

#[tokio::test]
async fn a_mail_server_may_want_tls_from_the_first_byte_on() {
    let (world, server) = (World::new().await, MailServer::start_wrapped().await);
    let whose = (world.tenant, world.connect(world.tenant, "HubSpot").await);
    wish(&world, world.tenant, told("a@cabinet.example")).await;
    let mut settings = settings(&world, &server);
    settings.alerts.smtp_security = SmtpSecurity::Tls;
    let running = Running::start(settings);
    fail(&world, whose, FaultKind::Invalid, 5).await;
    let mails = server.mails(1).await;
    running.stop().await;
    assert_eq!(subjects(&mails), ["HubSpot : les synchronisations échouent"]);
}

#[tokio::test]
async fn what_comes_at_once_is_told_in_one_digest_and_no_more_within_the_hour() {
    let (world, server) = (World::new().await, MailServer::start().await);
    let (one, other) = (world.connect(world.tenant, "Paris").await, world.connect(world.tenant, "Lyon").await);
    let wishes = Wishes { language: Language::En, ..told("a@cabinet.example") };
    wish(&world, world.tenant, wishes).await;
    for integration in [one, other] {
        fail(&world, (world.tenant, integration), FaultKind::Invalid, 5).await;
    }
    let mut settings = settings(&world, &server);
    settings.alerts.pause = Duration::from_hours(1);
    settings.alerts.check_every = Duration::from_secs(2);
    // They are all there before it starts and are one batch, so that one look finds them both.
    settings.log_writer.batch_wait = Duration::from_secs(2);
    let running = Running::start(settings);
    let mail = server.mails(1).await.remove(0);
    // Over within the hour: held back.
    for integration in [one, other] {
        succeed(&world, (world.tenant, integration)).await;
    }
    world.incidents_over().await;
    running.stop().await;
    assert_eq!(mail.subject(), "2 alerts about your integrations");
    for name in ["Paris: syncs are failing", "Lyon: syncs are failing"] {
        assert!(mail.part("text/plain").contains(name), "{name}");
        assert!(mail.part("text/html").contains(name), "{name}");
    }
    assert_eq!(server.mails(1).await.len(), 1);
}

#[tokio::test]
async fn in_a_platforms_outage_operators_are_told_and_tenants_are_not() {
    let (world, server) = (World::new().await, MailServer::start().await);
    let mut all = Vec::new();
    for n in 0..3 {
        let tenant = if n == 0 { world.tenant } else { world.another_tenant(None).await };
        wish(&world, tenant, told("a@cabinet.example")).await;
        all.push((tenant, world.connect(tenant, "HubSpot").await));
    }
    for whose in &all {
        fail(&world, *whose, FaultKind::Unavailable, 6).await;
    }
    let mut settings = settings(&world, &server);
    settings.alerts.operators = vec!["ops@coccinelle.example".to_owned()];
    settings.alerts.check_every = Duration::from_secs(2);
    let running = Running::start(settings);
    server.mails(1).await;
    for whose in &all {
        for _ in 0..10 {
            succeed(&world, *whose).await;
        }
    }
    let mails = server.mails(2).await;
    running.stop().await;
    let title = "hubspot : plateforme en panne";
    assert_eq!(subjects(&mails), [title.to_owned(), format!("Rétabli : {title}")]);
    assert!(mails.iter().all(|mail| mail.to == ["ops@coccinelle.example"]));
}

/// Says how integrations are, as the dispatcher does.
async fn say(world: &World, all: &[(TenantId, IntegrationId)], status: Status) {
    let mut tx = world.rows.begin(Scope::System).await.unwrap();
    for (tenant, id) in all {
        health::set_status(&mut tx, *tenant, *id, status, None).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_platform_that_two_tenants_breakers_closed_off_is_told_to_operators_once_and_to_no_tenant() {
    let (world, server) = (World::new().await, MailServer::start().await);
    let mut all = Vec::new();
    for tenant in [world.tenant, world.another_tenant(None).await] {
        wish(&world, tenant, told("a@cabinet.example")).await;
        all.push((tenant, world.connect(tenant, "HubSpot").await));
    }
    let mut settings = settings(&world, &server);
    settings.alerts.operators = vec!["ops@coccinelle.example".to_owned()];
    say(&world, &all, Status::PlatformDown).await;
    let running = Running::start(settings);
    server.mails(1).await;
    say(&world, &all, Status::Active).await;
    let mails = server.mails(2).await;
    running.stop().await;
    let title = "hubspot : plateforme en panne";
    assert_eq!(subjects(&mails), [title.to_owned(), format!("Rétabli : {title}")]);
    assert!(mails.iter().all(|mail| mail.to == ["ops@coccinelle.example"]), "{mails:?}");
}

#[tokio::test]
async fn n8n_that_is_away_for_three_tenants_is_no_outage_of_their_platform() {
    let (world, server) = (World::new().await, MailServer::start().await);
    for (n, code) in ["n8n_down", "workflow_inactive", "callback_missing"].into_iter().enumerate() {
        let tenant = if n == 0 { world.tenant } else { world.another_tenant(None).await };
        wish(&world, tenant, told("a@cabinet.example")).await;
        let whose = (tenant, world.connect(tenant, "HubSpot").await);
        fail_by(&world, whose, (FaultKind::Unavailable, code), 6).await;
    }
    let mut settings = settings(&world, &server);
    settings.alerts.operators = vec!["ops@coccinelle.example".to_owned()];
    settings.alerts.check_every = Duration::from_secs(2);
    let running = Running::start(settings);
    // In an outage nobody but the operators would be told of anything.
    let mails = server.mails(3).await;
    running.stop().await;
    assert_eq!(subjects(&mails), ["HubSpot : les synchronisations échouent"; 3]);
    assert!(mails.iter().all(|mail| mail.to == ["a@cabinet.example"]), "{mails:?}");
}

#[tokio::test]
async fn tenants_whom_a_platform_fails_one_after_the_other_are_not_told_and_operators_are_once() {
    let (world, server) = (World::new().await, MailServer::start().await);
    let mut settings = settings(&world, &server);
    settings.alerts.operators = vec!["ops@coccinelle.example".to_owned()];
    let running = Running::start(settings);
    for n in 0..3 {
        let tenant = world.another_tenant(None).await;
        wish(&world, tenant, told("a@cabinet.example")).await;
        fail(&world, (tenant, world.connect(tenant, "HubSpot").await), FaultKind::Unavailable, 30).await;
        if n < 2 {
            // Whoever has looked at this one, which nobody is told of, has looked at that one.
            let own = world.connect(world.tenant, &format!("Paris {n}")).await;
            fail(&world, (world.tenant, own), FaultKind::Invalid, 5).await;
            incidents(&world, "trigger = 'failing' AND ended_at IS NULL", n + 1).await;
        }
    }
    server.mails(1).await;
    running.stop().await;
    let mails = server.mails(1).await;
    assert_eq!(subjects(&mails), ["hubspot : plateforme en panne"]);
    assert_eq!(mails[0].to, ["ops@coccinelle.example"]);
}

#[tokio::test]
async fn a_tenant_whose_platform_is_not_there_is_told_once_that_has_lasted() {
    let (world, server) = (World::new().await, MailServer::start().await);
    let integration = world.connect(world.tenant, "HubSpot").await;
    wish(&world, world.tenant, told("a@cabinet.example")).await;
    let running = Running::start(settings(&world, &server));
    fail(&world, (world.tenant, integration), FaultKind::Unavailable, 6).await;
    let other = world.connect(world.tenant, "Paris").await;
    choose(&world, other, json!({ "to": "nobody" })).await;
    fail(&world, (world.tenant, other), FaultKind::Invalid, 5).await;
    incidents(&world, "ended_at IS NULL", 1).await;
    // Later failures do not make it younger.
    let earlier = "UPDATE integration_health SET failing_since = failing_since - interval '10 minutes'";
    world.database.execute(earlier).await;
    fail(&world, (world.tenant, integration), FaultKind::Unavailable, 1).await;
    let mails = server.mails(1).await;
    running.stop().await;
    assert_eq!(subjects(&mails), ["HubSpot : les synchronisations échouent"]);
}

/// A tenant of these wishes with a webhook for people and a signed one, and the key ring that opens their addresses.
pub(crate) async fn with_webhooks(world: &World, hooks: &HookServer, wishes: Wishes) -> (TenantId, PathBuf) {
    let ring = std::env::temp_dir().join(format!("ring-{}.json", domain::id::MessageId::new()));
    vault::KeyRing::create(&ring).unwrap();
    let open = || vault::Vault::new(vault::KeyRing::load(&ring).unwrap());
    let tenant = TenantId::new();
    let sealed_key = open().new_data_key(tenant).unwrap();
    let mut tx = world.rows.begin(Scope::System).await.unwrap();
    tenants::create(&mut tx, tenant, "Cabinet", Some(sealed_key.as_str())).await.unwrap();
    data_keys::get(&mut tx, tenant).await.unwrap();
    let known = std::collections::BTreeMap::new();
    let accounts = accounts::Accounts::new(world.rows.clone(), open(), &known, Duration::from_secs(5)).unwrap();
    let hook = |path: &str, secret: Option<&str>| accounts::AlertHook {
        url: format!("{}/{path}", hooks.url).into(),
        secret: secret.map(|secret| secret.to_owned().into()),
    };
    let sealed = [("Slack", hook("slack", None)), ("Ours", hook("ours", Some("sixteen letters.")))];
    let sealed = sealed.map(|(name, hook)| (name.to_owned(), hook)).into();
    let sealed = accounts.seal_alert_hooks(&mut tx, tenant, &sealed).await.unwrap();
    tx.commit().await.unwrap();
    let shown = |name: &str, form| AlertWebhook { name: name.to_owned(), form, host: "127.0.0.1".to_owned() };
    let alert_webhooks = vec![shown("Slack", AlertForm::Slack), shown("Ours", AlertForm::Signed)];
    wish(world, tenant, Wishes { alert_webhooks, sealed: Some(sealed), ..wishes }).await;
    (tenant, ring)
}

#[tokio::test]
async fn webhooks_are_told_in_their_own_form_and_dead_letters_to_operators() {
    let (world, server, hooks) = (World::new().await, MailServer::start().await, HookServer::start().await);
    let (tenant, ring) = with_webhooks(&world, &hooks, Wishes::default()).await;
    let whose = (tenant, world.connect(tenant, "HubSpot").await);

    let mut settings = settings(&world, &server);
    settings.vault.key_ring_file = ring;
    settings.alerts.allow_private_addresses = true;
    settings.alerts.operators = vec!["ops@coccinelle.example".to_owned()];
    settings.alerts.operators_language = Language::En;
    let running = Running::start(settings);
    fail(&world, whose, FaultKind::Invalid, 5).await;
    let calls = hooks.calls(2).await;
    world.publish_as("sync.outcome.v9", Value::Null).await;
    let mail = server.mails(1).await.remove(0);
    running.stop().await;

    let slack = calls.iter().find(|call| call.path == "/slack").unwrap();
    assert!(slack.body["text"].as_str().unwrap().starts_with("HubSpot : les synchronisations échouent"), "{slack:?}");
    assert!(!slack.head.contains("webhook-signature"), "{slack:?}");
    let ours = calls.iter().find(|call| call.path == "/ours").unwrap();
    assert_eq!(ours.body["incidents"][0]["trigger"], "failing");
    assert_eq!(ours.body["incidents"][0]["integration_id"], whose.1.to_string());
    assert!(ours.head.contains("webhook-signature: v1,") && ours.head.contains("webhook-id: msg_"), "{ours:?}");
    assert_eq!(mail.subject(), "dead.log.sync.write: messages could not be handled");
    assert_eq!(mail.to, ["ops@coccinelle.example"]);
}
