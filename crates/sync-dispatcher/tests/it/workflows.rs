//! Delivery by n8n: a workflow takes each write, makes it and reports it; whatever it fails to do, nothing is lost or doubled.

use std::time::Duration;

use domain::id::WebhookLogId;
use domain::integration::Status;
use domain::outcome::{SyncOutcome, SyncType};
use domain::redaction::Redaction;
use domain::time::Timestamp;
use persistence::budgets;
use persistence::records::links;
use serde_json::{Value, json};
use testkit::wait;

use crate::backend::Backend;
use crate::crm::PORTAL;
use crate::logging::changes;
use crate::n8n::{N8n, Script, done, failed};
use crate::running::prompt;
use crate::scheduling::undisturbed;
use crate::world::{DEADLINE, HASTE, Shape, World, event};

/// Time enough for a report.
const PATIENT: (&str, &str) = ("N8N__ERRAND_LIFE", "30s");

fn zoe() -> Value {
    event("prospect.created", "p1", json!({"email": "zoe@exemple.fr", "first_name": "Zoé", "phone": "0612345678"}))
}

/// From now on the integration has this workflow of its own.
async fn has_workflow(world: &World, url: Option<&str>) {
    let url = url.map_or("NULL".to_owned(), |url| format!("'{url}'"));
    let statement = format!("UPDATE tenant_integrations SET workflow_url = {url} WHERE id = '{}'", world.integration);
    testkit::execute(&world.database_url(), &statement).await;
}

async fn failures(world: &World) -> Vec<(String, String)> {
    wait::until("a blocked link", DEADLINE, || async {
        let failures = world.failures().await;
        if failures.is_empty() { Err(world.outcomes()) } else { Ok(failures) }
    })
    .await
    .into_iter()
    .map(|group| (group.code, group.message))
    .collect()
}

#[tokio::test]
async fn a_prospect_is_created_changed_and_deleted_by_the_workflow() {
    let n8n = N8n::start(Script::Works);
    let world = n8n.world(&[PATIENT]).await;
    world.accept(vec![zoe()]).await;
    world.settle().await;
    let (id, contact) = world.crm.only_contact().await;
    assert_eq!((contact["email"].as_str(), contact["firstname"].as_str()), ("zoe@exemple.fr", "Zoé"));
    assert_eq!(world.link("p1").await.external_id, Some(id.clone()));

    let write = n8n.taken().remove(0);
    assert_eq!(write["action"], "create_contact");
    assert_eq!(write["data"], json!({"email": "zoe@exemple.fr", "first_name": "Zoé", "phone": "0612345678"}));
    assert_eq!(write["remote"]["firstname"], "Zoé");
    assert_eq!(write["integration_id"], world.integration.to_string());
    assert!(write["event_id"].as_str().unwrap().starts_with("evt_"), "{write}");
    assert!(write["proxy_url"].as_str().unwrap().ends_with(&format!("/api/v1/proxy/{}", world.integration)), "{write}");
    assert!(write["expires_at"].is_string(), "{write}");
    let created = world.outcome("the create in the log", |outcome| outcome.sync_type == SyncType::Create).await;
    assert_eq!((created.error, created.external_id.as_deref()), (None, Some(id.as_str())));
    assert_eq!(created.request.unwrap()["email"], "zoe@exemple.fr");
    let name = |before, after| changes(&[("firstname", before, after)]).remove("firstname");
    assert_eq!(created.changes.get("firstname").cloned(), name(json!(null), json!("Zoé")));

    world.accept(vec![event("prospect.updated", "p1", json!({"first_name": "Zoë"}))]).await;
    world.settle().await;
    assert_eq!(world.crm.only_contact().await.1["firstname"], "Zoë");
    let write = n8n.taken().remove(1);
    assert_eq!((&write["action"], &write["external_id"]), (&json!("update_contact"), &json!(id)));
    assert_eq!(write["remote"], json!({"firstname": "Zoë"}));
    let updated = world.outcome("the update in the log", |outcome| outcome.sync_type == SyncType::Update).await;
    assert_eq!(updated.changes, changes(&[("firstname", json!("Zoé"), json!("Zoë"))]));

    world.accept(vec![event("prospect.deleted", "p1", json!({}))]).await;
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), n8n.taken()[2]["action"].as_str()), (0, Some("delete_contact")));
    assert_eq!(n8n.taken().len(), 3, "nothing is handed over twice");
}

#[tokio::test]
async fn nothing_is_handed_over_while_the_account_is_to_be_left_alone() {
    let n8n = N8n::start(Script::Works);
    let world = n8n.world(&[PATIENT]).await;
    world.accept(vec![zoe(), event("prospect.created", "p2", json!({"email": "paul@exemple.fr"}))]).await;
    world.settle().await;
    let paul = world.link("p2").await.external_id.unwrap();
    let mut tx = world.begin().await;
    let (platform, hour) = ("hubspot".parse().unwrap(), Duration::from_hours(1));
    budgets::pause(&mut tx, &platform, &PORTAL.to_string(), hour).await.unwrap();
    tx.commit().await.unwrap();

    let rename = async |subject: &str| {
        let name = json!({"first_name": WebhookLogId::new().to_string()});
        world.accept(vec![event("prospect.updated", subject, name)]).await;
        world.take_in().await;
    };
    let kept = "SELECT count(*) FROM record_links WHERE owed AND not_before > now() + interval '1 minute'";
    // What the dispatcher holds of the budget already is good for a second.
    wait::until("nothing to be left of the budget", DEADLINE, || async {
        let before = n8n.taken().len();
        rename("p1").await;
        wait::until("the write to be kept back or handed over", DEADLINE, || async {
            let (is_kept, taken) = (world.server.count(kept).await == 1, n8n.taken());
            if is_kept { Some(Ok(())) } else { (taken.len() > before).then_some(Err(taken)) }
        })
        .await
    })
    .await;
    rename("p2").await;
    wait::until("the other write to be kept back", DEADLINE, || async {
        if world.server.count(kept).await == 2 { Ok(()) } else { Err(n8n.taken()) }
    })
    .await;
    let handed_over = n8n.taken().into_iter().filter(|write| write["external_id"] == paul.as_str()).count();
    assert_eq!((handed_over, world.failures().await.len()), (0, 0));

    world.server.execute("UPDATE platform_budgets SET paused_until = NULL").await;
    rename("p1").await;
    rename("p2").await;
    world.settle().await;
    assert_eq!(world.crm.contacts().await[&paul]["firstname"], world.value("p2", "first_name").await);
}

#[tokio::test]
async fn a_workflow_is_looked_at_that_nobody_has_work_for() {
    let n8n = N8n::start(Script::Works);
    let world = n8n.world(&[("DISPATCHER__RECONCILE_EVERY", "100ms")]).await;
    n8n.is_looked_at(2).await;
    assert_eq!(n8n.taken().len(), 0);
    has_workflow(&world, Some(&n8n.own())).await;
    let mut tx = world.begin().await;
    let watched = persistence::integrations::delivered_by_workflow(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(watched, [], "a tenant's own workflow is the tenant's to watch");
}

/// Waits until it is shown of a platform whether its workflow is there.
async fn is_shown(platform: &str, up: &str) {
    let line = format!("coccinelle_n8n_up{{platform=\"{platform}\"}} {up}");
    wait::until(&line, DEADLINE, || async {
        let page = runtime::metrics::install().render();
        let is_about_n8n = |shown: &&str| shown.starts_with("coccinelle_n8n_up");
        let shown: Vec<_> = page.lines().filter(is_about_n8n).map(str::to_owned).collect();
        if shown.contains(&line) { Ok(()) } else { Err(shown) }
    })
    .await;
}

#[tokio::test]
async fn a_workflow_that_nobody_uses_any_more_is_not_shown_as_away() {
    let n8n = N8n::start(Script::Works);
    let world = n8n.world(&[("DISPATCHER__RECONCILE_EVERY", "100ms")]).await;
    // Of this test alone: what is shown is the whole process'. There is no such workflow.
    let statement = format!("UPDATE tenant_integrations SET platform = 'unused' WHERE id = '{}'", world.integration);
    testkit::execute(&world.database_url(), &statement).await;
    is_shown("unused", "0").await;
    world.switch(false).await;
    is_shown("unused", "NaN").await;
}

#[tokio::test]
async fn what_was_written_and_never_reported_is_found_and_not_created_again() {
    let n8n = N8n::start(Script::Silent);
    let world = n8n.world(&[]).await;
    world.accept(vec![zoe()]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;
    assert_eq!(world.link("p1").await.external_id, Some(id));
    assert_eq!((n8n.taken().len(), world.crm.duplicates().await), (1, 0));
}

#[tokio::test]
async fn a_workflow_that_does_nothing_is_asked_by_the_schedule_and_then_shown_as_a_failure() {
    let n8n = N8n::start(Script::Idle);
    let world = n8n.world(&[("BROKER__RETRY_SCHEDULE", "100ms")]).await;
    world.accept(vec![zoe()]).await;
    let failures = failures(&world).await;
    assert_eq!(failures[0].0, "callback_missing");
    // The first, and one for the only wait of the schedule, each under an id of its own.
    let taken = n8n.taken();
    assert_eq!(taken.len(), 2);
    assert_ne!(taken[0]["event_id"], taken[1]["event_id"]);

    n8n.now(Script::Works);
    world.replay().await;
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.failures().await.len()), (1, 0));
}

#[tokio::test]
async fn a_reported_failure_is_tried_again_where_it_may_heal_and_else_blocks_with_its_words() {
    let n8n = N8n::start(Script::Reports(failed("HubSpot a répondu 500", true)));
    let world = n8n.world(&[PATIENT]).await;
    world.accept(vec![zoe()]).await;
    world.outcome("the failure in the log", |outcome| outcome.error.is_some()).await;
    n8n.now(Script::Works);
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.failures().await.len()), (1, 0));

    n8n.now(Script::Reports(failed("Le téléphone « 0612 » est refusé", false)));
    world.accept(vec![event("prospect.updated", "p1", json!({"phone": "0612"}))]).await;
    let failures = failures(&world).await;
    let expected = ("workflow_failed".to_owned(), "Le téléphone « 0612 » est refusé".to_owned());
    assert_eq!(failures, [expected]);
    assert!(world.link("p1").await.is_blocked);
}

#[tokio::test]
async fn what_a_workflow_says_is_noted_without_what_the_tenant_wants_taken_out() {
    let n8n = N8n::start(Script::Reports(failed("zoe@exemple.fr est refusé", false)));
    let world = n8n.world(&[PATIENT]).await;
    world.redact(Redaction { emails: true, ..Redaction::default() }).await;
    world.accept(vec![zoe()]).await;
    assert_eq!(failures(&world).await[0].1, "[redacted] est refusé");
    let logged = world.outcome("the failure in the log", |outcome| outcome.error.is_some()).await;
    assert_eq!(logged.error.unwrap().fingerprint(), world.failures().await[0].fingerprint);
}

#[tokio::test]
async fn what_a_workflow_could_not_write_by_refused_credentials_stays_owed_and_is_no_attempt() {
    let n8n = N8n::start(Script::Idle);
    let world = n8n.world(&[PATIENT, HASTE[0], HASTE[1]]).await;
    world.accept(vec![zoe()]).await;
    let write = n8n.took(1).await.remove(0);
    // As the proxy does, whom the platform refused them; a workflow of one's own may take that for its record's fault.
    world.set_status(Status::ReauthRequired).await;
    n8n.report(&write, failed("HubSpot a répondu 401", false)).await;
    world.outcome("the failure in the log", |outcome| outcome.error.is_some()).await;
    assert_eq!((world.drift().await, world.failures().await.len()), (1, 0));

    n8n.now(Script::Works);
    world.set_status(Status::Active).await;
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), n8n.taken().len()), (1, 2));
    let created = world.outcome("the create in the log", |outcome| outcome.error.is_none()).await;
    assert_eq!(created.attempt, 1);
}

#[tokio::test]
async fn what_a_workflow_could_not_write_by_a_limit_stays_owed_and_is_no_attempt() {
    let n8n = N8n::start(Script::Idle);
    let world = n8n.world(&[PATIENT]).await;
    world.accept(vec![zoe()]).await;
    let write = n8n.took(1).await.remove(0);
    // As the proxy does, whom the platform told of its limit.
    let mut tx = world.begin().await;
    let (platform, hour) = ("hubspot".parse().unwrap(), Duration::from_hours(1));
    budgets::pause(&mut tx, &platform, &PORTAL.to_string(), hour).await.unwrap();
    tx.commit().await.unwrap();
    n8n.report(&write, failed("HubSpot a répondu 429", true)).await;
    world.outcome("the failure in the log", |outcome| outcome.error.is_some()).await;
    let kept =
        "SELECT count(*) FROM record_links WHERE owed AND attempts = 0 AND not_before > now() + interval '1 minute'";
    assert_eq!((world.server.count(kept).await, world.failures().await.len()), (1, 0));
}

#[tokio::test]
async fn a_success_that_the_platform_does_not_show_is_not_believed() {
    let n8n = N8n::start(Script::Idle);
    // So many attempts that some are left when the workflow says something else.
    let world = n8n.world(&[PATIENT, ("BROKER__RETRY_SCHEDULE", "100ms,300ms,500ms,1s,2s,4s,8s")]).await;
    let stranger = world.crm.add_contact(json!({"email": "paul@exemple.fr"})).await;
    n8n.now(Script::Reports(done(Some(&stranger))));
    world.accept(vec![zoe()]).await;
    let failed = world.outcome("the failure in the log", |outcome| outcome.error.is_some()).await;
    assert_eq!(failed.error.unwrap().code, "write_not_confirmed");
    assert_eq!(
        (world.link("p1").await.external_id, world.value("p1", "email").await.as_str()),
        (None, "zoe@exemple.fr")
    );
    n8n.now(Script::Reports(done(Some("999999999"))));
    n8n.took(2).await;
    n8n.now(Script::Works);
    world.settle().await;
    assert_eq!(world.crm.contacts().await.len(), 2);
    assert_ne!(world.link("p1").await.external_id, Some(stranger));
}

#[tokio::test]
async fn a_change_waits_until_the_write_before_it_is_reported() {
    let n8n = N8n::start(Script::Silent);
    let world = n8n.world(&[PATIENT]).await;
    world.accept(vec![zoe()]).await;
    let create = n8n.took(1).await.remove(0);
    world.accept(vec![event("prospect.updated", "p1", json!({"first_name": "Zoë"}))]).await;
    world.take_in().await;
    world.accept(vec![event("prospect.created", "p2", json!({"email": "paul@exemple.fr"}))]).await;
    n8n.took(2).await;
    let of_zoe = |write: &&Value| write["data"]["email"] == "zoe@exemple.fr";
    assert_eq!(n8n.taken().iter().filter(of_zoe).count(), 1, "the workflow has not said yet what became of the first");

    n8n.now(Script::Works);
    let id = wait::until("the first contact", DEADLINE, || async {
        let contacts = world.crm.contacts().await;
        let zoe = contacts.iter().find(|(_, contact)| contact["email"] == "zoe@exemple.fr");
        zoe.map(|(id, _)| id.clone()).ok_or(contacts)
    })
    .await;
    n8n.report(&create, done(Some(&id))).await;
    let update = n8n.took(3).await.remove(2);
    assert_eq!((&update["action"], &update["remote"]), (&json!("update_contact"), &json!({"firstname": "Zoë"})));
}

#[tokio::test]
async fn a_report_that_comes_late_or_again_does_no_harm() {
    let n8n = N8n::start(Script::Silent);
    let world = n8n.world(&[]).await;
    world.accept(vec![zoe()]).await;
    let write = n8n.took(1).await.remove(0);
    world.settle().await;
    let id = world.link("p1").await.external_id;
    for report in [done(id.as_deref()), done(Some("999999999")), failed("trop tard", false), done(id.as_deref())] {
        n8n.report(&write, report).await;
    }
    wait::until("the reports to be applied", DEADLINE, || async {
        let waiting = world.vhost.peek("dispatcher.callback.apply").await.len();
        if waiting == 0 { Ok(()) } else { Err(waiting) }
    })
    .await;
    world.settle().await;
    assert_eq!((world.link("p1").await.external_id, world.failures().await.len()), (id, 0));
    assert_eq!((n8n.taken().len(), world.crm.contacts().await.len()), (1, 1));
}

#[tokio::test]
async fn a_late_report_leads_to_an_object_that_nothing_else_would_find() {
    let n8n = N8n::start(Script::Idle);
    let world = n8n.world(&[("BROKER__RETRY_SCHEDULE", "100ms")]).await;
    world.accept(vec![zoe()]).await;
    assert_eq!(failures(&world).await[0].0, "callback_missing");
    // Without the address by which it would be looked for.
    let made = world.crm.add_contact(json!({"firstname": "Zoé"})).await;
    n8n.now(Script::Works);
    n8n.report(&n8n.taken()[0], done(Some(&made))).await;
    wait::until("the object to be taken", DEADLINE, || async {
        let link = world.link("p1").await;
        if link.external_id.as_ref() == Some(&made) { Ok(()) } else { Err(link.external_id) }
    })
    .await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;
    assert_eq!((id, world.failures().await.len()), (made, 0));
}

#[tokio::test]
async fn while_no_workflow_takes_anything_the_work_waits_and_then_drains() {
    let n8n = N8n::start(Script::Refuses(404));
    let world = n8n.world(&[PATIENT]).await;
    let person = |n: u32| event("prospect.created", &format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}));
    world.accept((0..20).map(person).collect()).await;
    // More refusals than the schedule has attempts.
    wait::until("several tries", DEADLINE, || async { (n8n.refused() > 6).then_some(()) }).await;
    let outcome = world.outcome("the cause in the log", |outcome| outcome.error.is_some()).await;
    assert_eq!(outcome.error.unwrap().code, "workflow_inactive");
    assert_eq!((world.drift().await, world.failures().await.len()), (20, 0));

    n8n.now(Script::Works);
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (20, 0));
}

#[tokio::test]
async fn a_success_that_is_not_the_workflows_own_word_is_not_believed_and_is_no_attempt() {
    // As n8n answers whatever it is asked while it starts.
    let n8n = N8n::start(Script::Refuses(200));
    let world = n8n.world(&[PATIENT, ("BROKER__RETRY_SCHEDULE", "100ms")]).await;
    world.accept(vec![zoe()]).await;
    wait::until("more tries than the schedule has", DEADLINE, || async { (n8n.refused() > 2).then_some(()) }).await;
    let outcome = world.outcome("the cause in the log", |outcome| outcome.error.is_some()).await;
    assert_eq!(outcome.error.unwrap().code, "n8n_down");
    assert_eq!((world.drift().await, world.failures().await.len()), (1, 0));

    n8n.now(Script::Works);
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (1, 0));
}

#[tokio::test]
async fn every_integration_that_waits_is_told_that_n8n_does_not_answer() {
    let n8n = N8n::start(Script::Refuses(503));
    let world = n8n.world(&[PATIENT]).await;
    let other = undisturbed();
    world.connect_account((world.tenant, other), 5_151, Shape::default()).await;
    let person = |n: u32| event("prospect.created", &format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}));
    world.accept((0..10).map(person).collect()).await;
    for id in [world.integration, other] {
        let is_told = |outcome: &SyncOutcome| outcome.integration_id == id && outcome.error.is_some();
        let error = world.outcome("what the integration is told", is_told).await.error.unwrap();
        assert_eq!(error.code, "n8n_down");
        assert!(error.message.starts_with("n8n ne répond pas : vérifiez que n8n est démarré"), "{}", error.message);
        // Once for each pause at most, however many writes wait; every pause begins with one that was refused.
        let told = world.outcomes().into_iter().filter(is_told).count();
        assert!(told <= usize::try_from(n8n.refused()).unwrap(), "told {told} times, refused {}", n8n.refused());
        assert_eq!(world.drift_of(id).await, 10);
    }
    assert_eq!(world.failures().await.len(), 0);
}

#[tokio::test]
async fn a_tenants_own_workflow_takes_its_writes_signed_by_a_secret_of_its_own() {
    let n8n = N8n::start(Script::Works);
    let settings =
        [PATIENT, ("N8N__ALLOW_PRIVATE_ADDRESSES", "true"), ("GATEWAY__PUBLIC_URL", "https://coccinelle.example.com/")];
    let world = n8n.world(&settings).await;
    has_workflow(&world, Some(&n8n.own())).await;
    world.accept(vec![zoe()]).await;
    world.settle().await;
    let write = n8n.taken().remove(0);
    assert_eq!(write["taken_at"], "/webhook/mon-hubspot");
    for url in ["callback_url", "proxy_url"] {
        assert!(write[url].as_str().unwrap().starts_with("https://coccinelle.example.com/api/v1/"), "{write}");
    }
    has_workflow(&world, None).await;
    world.accept(vec![event("prospect.updated", "p1", json!({"first_name": "Zoë"}))]).await;
    world.settle().await;
    assert_eq!(n8n.taken().remove(1)["taken_at"], "/webhook/coccinelle/hubspot");
    assert_eq!(world.crm.only_contact().await.1["firstname"], "Zoë");
}

#[tokio::test]
async fn an_own_workflow_that_is_not_public_is_not_called_and_is_told_as_the_cause() {
    let n8n = N8n::start(Script::Works);
    let world = n8n.world(&[PATIENT]).await;
    has_workflow(&world, Some(&n8n.own().replace("http:", "https:"))).await;
    world.accept(vec![zoe()]).await;
    let refused = world.outcome("the cause in the log", |outcome| outcome.error.is_some()).await;
    assert_eq!(refused.error.unwrap().code, "address_not_public");
    assert_eq!((n8n.taken().len(), n8n.refused(), world.failures().await.len()), (0, 0, 0));
    has_workflow(&world, None).await;
    world.settle().await;
    assert_eq!(world.crm.contacts().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_workflow_made_is_told_to_the_backend_as_linked() {
    let (n8n, backend) = (N8n::start(Script::Works), Backend::start());
    let ours = backend.settings();
    let ours: Vec<_> = ours.iter().map(|(key, value)| (*key, value.as_str())).chain([PATIENT]).collect();
    let world = n8n.world(&ours).await;
    world.accept(vec![zoe()]).await;
    let linked = backend.hears("record.linked", |data| data["subject_ids"] == json!(["p1"])).await;
    assert_eq!(linked.data()["external_id"], json!(world.crm.only_contact().await.0));
    assert_eq!(linked.data()["integration_id"], json!(world.integration));
}

#[tokio::test]
async fn an_object_that_is_adopted_is_named_in_the_errand_before_its_link_holds_it() {
    let n8n = N8n::start(Script::Idle);
    let world = n8n.world(&[PATIENT]).await;
    let there = world.crm.add_contact(json!({"email": "zoe@exemple.fr"})).await;
    world.accept(vec![zoe()]).await;
    let write = n8n.took(1).await.remove(0);
    assert_eq!((&write["action"], &write["external_id"]), (&json!("update_contact"), &json!(there)));
    let mut tx = world.begin().await;
    let of = (world.tenant, world.integration, world.link("p1").await.id);
    let errand = links::commissioned(&mut tx, of).await.unwrap().unwrap().errand.unwrap();
    assert_eq!(errand.external_id, Some(there));
}

#[tokio::test]
async fn what_waits_for_a_contact_that_a_workflow_could_not_make_goes_without_it() {
    let n8n = N8n::start(Script::Idle);
    let world = n8n.world(&[PATIENT]).await;
    let visit = json!({"prospect_id": "p1", "title": "Visite", "starts_at": "2026-12-01T09:00:00Z"});
    world.accept(vec![zoe(), event("appointment.created", "a1", visit)]).await;
    let create = n8n.took(1).await.remove(0);
    let waiting = "SELECT count(*) FROM record_links WHERE kind = 'deal' AND waits_for = 'contact'";
    wait::until("the appointment to wait", DEADLINE, || async {
        let count = world.server.count(waiting).await;
        if count == 1 { Ok(()) } else { Err(count) }
    })
    .await;
    assert_eq!(n8n.taken().len(), 1, "its contact comes first");

    n8n.report(&create, failed("Le contact est refusé", false)).await;
    let deal = n8n.took(2).await.remove(1);
    assert_eq!((&deal["action"], &deal["contact_external_id"]), (&json!("create_deal"), &json!(null)));
    assert!(world.link("p1").await.is_blocked);
}

#[tokio::test]
async fn what_a_late_report_names_in_vain_is_looked_for_before_it_is_made_again() {
    let n8n = N8n::start(Script::Idle);
    let world = n8n.world(&[("BROKER__RETRY_SCHEDULE", "100ms")]).await;
    world.crm.faults(prompt()).await;
    world.accept(vec![zoe()]).await;
    assert_eq!(failures(&world).await[0].0, "callback_missing");
    // It was made all the same, and the workflow names something else.
    let made = world.crm.add_contact(json!({"email": "zoe@exemple.fr"})).await;
    n8n.now(Script::Works);
    n8n.report(&n8n.taken()[0], done(Some("999999999"))).await;
    wait::until("the object to be found", DEADLINE, || async {
        let link = world.link("p1").await;
        if link.external_id.as_ref() == Some(&made) { Ok(()) } else { Err(link.external_id) }
    })
    .await;
    world.settle().await;
    let creates = n8n.taken().iter().filter(|write| write["action"] == "create_contact").count();
    assert_eq!((creates, world.crm.only_contact().await.0), (2, made), "the two that came to nothing before");
}

#[tokio::test]
async fn a_pass_ends_so_early_that_its_last_call_has_ended_when_others_may_write() {
    let n8n = N8n::start(Script::Idle);
    let world = n8n.world(&[PATIENT]).await;
    world.accept(vec![zoe()]).await;
    let write = n8n.took(1).await.remove(0);
    let mut tx = world.begin().await;
    let of = (world.tenant, world.integration, world.link("p1").await.id);
    let errand = links::commissioned(&mut tx, of).await.unwrap().unwrap().errand.unwrap();
    let expires_at = Timestamp::parse(write["expires_at"].as_str().unwrap()).unwrap();
    // A call of the platform may take two seconds here.
    assert!(expires_at.plus(Duration::from_secs(2)) <= errand.until, "{expires_at} {errand:?}");
}
