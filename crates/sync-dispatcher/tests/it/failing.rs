//! Failures have a place: what is retried, what is blocked and by what, what parks the integration, and how each ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::fault::FaultKind;
use domain::id::{LinkId, RecordId, SyncLogId};
use domain::integration::{Direction, Status};
use domain::kind::RecordKind;
use domain::mapping::FieldMapping;
use domain::outcome::{SyncOutcome, SyncType};
use domain::record::Record;
use persistence::records::{joining, links, store};
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::told;
use crate::peers::{PIPEDRIVE, SALESFORCE, Wishes};
use crate::running::prompt;
use crate::world::{DEADLINE, HASTE, NO_BREAKERS, World, event};

fn by_number(n: u32) -> Value {
    event(
        "prospect.created",
        &format!("p{n}"),
        json!({"phone": format!("06000000{n:02}"), "last_name": format!("P{n}")}),
    )
}

fn is_unavailable(outcome: &SyncOutcome) -> bool {
    outcome.error.as_ref().is_some_and(|error| error.class == FaultKind::Unavailable)
}

#[tokio::test]
async fn rule_08_an_answer_that_is_lost_makes_no_duplicate() {
    let world = World::start().await;
    world.crm.faults(json!({"lost_answer_next": 2, "search_lag_ms": 0})).await;
    world.accept((0..10).map(by_number).collect()).await;
    world.settle().await;
    assert_eq!(world.crm.people().await, json!({"in_crm": 10, "people": 10, "duplicates": 0, "contacts": 10}));
    world.outcome("an answer that is lost", is_unavailable).await;
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_looked_for_by_the_clock_that_noted_it() {
    let world = World::quiet(&[]).await;
    world.server.put_ahead().await;
    world.crm.faults(json!({"lost_answer_next": 1})).await;
    world.dispatch();
    world.accept(vec![by_number(1)]).await;
    // By the clock of the process, it could not be found for two hours.
    world.settle().await;
    assert_eq!(world.crm.people().await, json!({"in_crm": 1, "people": 1, "duplicates": 0, "contacts": 1}));
    world.outcome("an answer that is lost", is_unavailable).await;
}

/// The index shows it seconds after the next attempt.
#[tokio::test]
async fn rule_08_where_no_key_is_unique_a_lost_create_is_looked_for_once_the_index_must_show_it() {
    let (world, place) = (World::start().await, PIPEDRIVE.place());
    let switches = json!({"search_lag_ms": 3_000, "rate_limit_per_2s": null, "search_limit_per_2s": null});
    world.crm.faults_at(&place, switches).await;
    // The events that close messages are calls.
    let directions = [(RecordKind::Activity, Direction::FromPlatform)].into();
    let peer = PIPEDRIVE.connect(&world, Wishes { directions, ..Wishes::default() }).await.id;
    world.crm.faults_at(&place, json!({"lost_answer_next": 1})).await;
    let person = json!({"email": "zoe@exemple.fr", "last_name": "Petit"});
    world.accept(vec![event("prospect.created", "p1", person)]).await;
    let was_lost = |outcome: &SyncOutcome| {
        let is_create = (outcome.integration_id, outcome.sync_type) == (peer, SyncType::Create);
        is_create && is_unavailable(outcome)
    };
    world.outcome("a create whose answer is lost", was_lost).await;
    world.in_step(peer).await;
    let people = world.crm.live_at(&place, "persons").await;
    assert_eq!(people.len(), 1, "{people:?}");
}

/// Its account lets us make no field, so that our key is in the title. More deals are made meanwhile than the newest that are looked
/// through where no create is unaccounted for.
#[tokio::test]
async fn rule_08_where_our_key_is_in_the_text_alone_a_lost_create_is_found_behind_any_number_of_newer_objects() {
    let (world, place) = (World::start().await, PIPEDRIVE.place());
    let switches = json!({"no_new_fields": true, "rate_limit_per_2s": null, "search_limit_per_2s": null});
    world.crm.faults_at(&place, switches).await;
    // The events that close messages are calls.
    let directions = [(RecordKind::Activity, Direction::FromPlatform)].into();
    let peer = PIPEDRIVE.connect(&world, Wishes { directions, ..Wishes::default() }).await.id;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr", "last_name": "Petit"}))]).await;
    world.in_step(peer).await;
    world.crm.faults_at(&place, json!({"lost_answer_next": 1})).await;
    world.accept(vec![event("appointment.created", "a1", json!({"prospect_id": "p1", "title": "Visite"}))]).await;
    let was_lost = |outcome: &SyncOutcome| {
        let is_create = (outcome.integration_id, outcome.sync_type) == (peer, SyncType::Create);
        is_create && is_unavailable(outcome)
    };
    world.outcome("a create whose answer is lost", was_lost).await;
    world.crm.import_at(&format!("{place}/deals"), vec![json!({"title": "Importée"}); 2_050]).await;
    world.in_step(peer).await;
    let mut deals = world.crm.live_at(&place, "deals").await;
    deals.retain(|_, deal| deal["title"].as_str().is_some_and(|title| title.starts_with("Visite")));
    assert_eq!(deals.len(), 1, "{deals:?}");
}

#[tokio::test]
async fn rule_08_what_a_lost_create_left_is_found_by_the_key_of_a_record_that_became_another() {
    // Nobody looks again so soon.
    let world = World::quiet(&[HASTE[0], HASTE[1], ("BROKER__RETRY_SCHEDULE", "20s,40s,60s")]).await;
    world.crm.faults(json!({"lost_answer_next": 1})).await;
    world.accept(vec![by_number(1)]).await;
    world
        .dispatch_until("a create whose answer is lost", || async {
            let failed = world.failed();
            if failed.contains(&FaultKind::Unavailable) { Ok(()) } else { Err(format!("{failed:?}")) }
        })
        .await;
    let (lost, (contact, properties)) = (world.record("p1").await, world.crm.only_contact().await);
    assert_eq!(properties["coccinelle_id"], lost.id.to_string());
    assert_eq!(world.link("p1").await.external_id, None);

    // Somebody says that it is one with a record that has no contact there.
    let survivor = Record { id: RecordId::new(), version: lost.version + 1, ..lost.clone() };
    let mut tx = world.begin().await;
    store::save(&mut tx, &[&survivor]).await.unwrap();
    joining::join(&mut tx, world.tenant, (survivor.id, lost.id)).await.unwrap();
    tx.commit().await.unwrap();
    world.server.execute("UPDATE record_links SET not_before = NULL").await;
    world.dispatch();
    world.settle().await;
    assert_eq!(world.crm.only_contact().await.0, contact);
    let linked = (world.record("p1").await.id, world.link("p1").await.external_id);
    assert_eq!(linked, (survivor.id, Some(contact)));
}

#[tokio::test]
async fn rule_08_without_looking_first_a_lost_answer_makes_duplicates() {
    let world = World::with(&[("DISPATCHER__LOOK_BEFORE_CREATE", "false")]).await;
    world.crm.faults(json!({"lost_answer_next": 1, "search_lag_ms": 0})).await;
    world.accept((0..10).map(by_number).collect()).await;
    world.settle().await;
    assert!(world.crm.duplicates().await > 0, "nothing in these tests would notice a duplicate");
}

#[tokio::test]
async fn promise_2_what_was_made_twice_all_the_same_is_told_by_the_audit() {
    let world = World::with(&[("DISPATCHER__LOOK_BEFORE_CREATE", "false")]).await;
    world.crm.faults(prompt()).await;
    world.crm.faults(json!({"lost_answer_next": 1})).await;
    world.accept((0..10).map(by_number).collect()).await;
    world.settle().await;
    let made_twice = world.crm.duplicates().await;
    assert!(made_twice > 0, "there is nothing to tell");
    let counts = world.run_fully().await.counts[&RecordKind::Contact];
    assert_eq!(counts.duplicates, made_twice, "{counts:?}");
    let shown: i64 = world.failures().await.iter().map(|group| group.count).sum();
    assert_eq!(u64::try_from(shown).unwrap(), made_twice);
}

#[tokio::test]
async fn rule_09_what_fails_again_and_again_blocks_after_the_schedule_and_a_replay_delivers() {
    let world = World::with(&[NO_BREAKERS]).await;
    world.crm.faults(json!({"fail_all_status": 503})).await;
    world.accept((0..3).map(by_number).collect()).await;
    let failures = wait::until("three blocked links", DEADLINE, || async {
        let failures = world.failures().await;
        if failures.iter().map(|group| group.count).sum::<i64>() == 3 { Ok(failures) } else { Err(failures) }
    })
    .await;
    assert_eq!((failures.len(), failures[0].class.as_str()), (1, FaultKind::Unavailable.code()), "{failures:#?}");
    // The first attempt, and one for each wait of the schedule.
    let attempts: Vec<u32> = wait::until("four attempts for each in the log", DEADLINE, || async {
        let mut attempts: Vec<u32> = world.outcomes().iter().map(|outcome| outcome.attempt).collect();
        attempts.sort_unstable();
        if attempts.len() >= 12 { Ok(attempts) } else { Err(attempts) }
    })
    .await;
    assert_eq!(attempts, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    assert!(world.crm.contacts().await.is_empty());

    world.crm.faults(json!({"fail_all_status": null})).await;
    world.replay().await;
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.failures().await.len()), (3, 0));
}

#[tokio::test]
async fn a_replay_also_brings_back_what_was_blocked_before_it_was_ever_read() {
    let world = World::with(&[NO_BREAKERS]).await;
    let id = world.crm.add_contact(json!({"email": "paul@exemple.fr"})).await;
    world.crm.faults(json!({"fail_all_status": 503})).await;
    world.deliver(&[told("creation", &id)]).await;
    world.accept(vec![by_number(1)]).await;
    wait::until("both links to be blocked", DEADLINE, || async {
        let failures = world.failures().await;
        if failures.iter().map(|group| group.count).sum::<i64>() == 2 { Ok(()) } else { Err(failures) }
    })
    .await;
    assert_eq!((world.drift().await, world.records().await.len()), (0, 1));

    world.crm.faults(json!({"fail_all_status": null})).await;
    world.replay().await;
    world.settle().await;
    let mut emails: Vec<String> =
        world.records().await.iter().map(|record| crate::state::text(record, "email")).collect();
    emails.sort_unstable();
    assert_eq!(emails, ["", "paul@exemple.fr"]);
    assert_eq!((world.crm.contacts().await.len(), world.failures().await.len()), (2, 0));
}

#[tokio::test]
async fn rule_09_a_record_that_is_refused_blocks_itself_alone_until_it_changes() {
    let world = World::start().await;
    let person = |n: u32| {
        let email = if n == 4 { "zoe@-exemple.fr".to_owned() } else { format!("p{n}@exemple.fr") };
        event("prospect.created", &format!("p{n}"), json!({"last_name": format!("P{n}"), "website": email}))
    };
    // A website goes into the address field, which the platform checks more strictly than we check a website.
    world.map(FieldMapping::to_platform("website", "email")).await;
    world.accept((0..8).map(person).collect()).await;
    world.settle().await;

    assert_eq!(world.crm.contacts().await.len(), 7);
    assert!(world.link("p4").await.is_blocked);
    let failures = world.failures().await;
    assert_eq!(failures.iter().map(|group| group.count).collect::<Vec<_>>(), [1], "{failures:#?}");

    world.accept(vec![event("prospect.updated", "p4", json!({"website": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.failures().await.len()), (8, 0));
}

#[tokio::test]
async fn whom_the_crm_refused_from_us_and_got_from_somebody_else_is_found_there_once_that_is_told() {
    let world = World::start().await;
    world.crm.faults(prompt()).await;
    world.map(FieldMapping::to_platform("website", "email")).await;
    let refused = json!({"phone": "+33612345678", "website": "zoe@-exemple.fr"});
    world.accept(vec![event("prospect.created", "p1", refused)]).await;
    world.settle().await;
    assert!(world.link("p1").await.is_blocked);

    let theirs = world.crm.add_contact(json!({"phone": "+33612345678", "lastname": "Petit"})).await;
    world.deliver(&[told("creation", &theirs)]).await;
    wait::until("their contact to be found", DEADLINE, || async {
        let link = world.link("p1").await;
        if link.external_id.as_ref() == Some(&theirs) { Ok(()) } else { Err(link.external_id) }
    })
    .await;
    assert_eq!((world.value("p1", "last_name").await.as_str(), world.records().await.len()), ("Petit", 1));
}

#[tokio::test]
async fn a_call_that_is_refused_over_a_contact_that_is_gone_is_shown_as_a_failure_and_not_tried_for_ever() {
    let world = World::start().await;
    let peer = SALESFORCE.connect(&world, Wishes::default()).await.id;
    let person = json!({"email": "zoe@exemple.fr", "last_name": "Petit"});
    world.accept(vec![event("prospect.created", "p1", person)]).await;
    world.in_step(peer).await;
    // Somebody deletes her there, which tells nobody.
    let contacts = world.crm.live_at(&SALESFORCE.place(), "Contact").await;
    let (zoe, _) = contacts.into_iter().find(|(_, contact)| contact["Email"] == "zoe@exemple.fr").unwrap();
    world.crm.remove_at(&format!("{}/Contact/{zoe}", SALESFORCE.place())).await;

    let call = json!({"prospect_id": "p1", "title": "Appel de Zoé", "started_at": "2026-11-22T09:00:00Z"});
    world.accept(vec![event("call.completed", "c1", call)]).await;
    let failures = wait::until("the call to be blocked", DEADLINE, || async {
        let failures = links::failures(&mut world.begin().await, world.tenant, peer).await.unwrap();
        if failures.is_empty() { Err(world.outcomes().len()) } else { Ok(failures) }
    })
    .await;
    assert_eq!((failures[0].class.as_str(), failures[0].count), (FaultKind::NotFound.code(), 1), "{failures:#?}");
}

#[tokio::test]
async fn rule_09_a_property_that_the_platform_does_not_know_blocks_until_the_mapping_changes() {
    let world = World::with(&HASTE).await;
    world.map(FieldMapping::to_platform("notes", "no_such_property")).await;
    let data = json!({"email": "zoe@exemple.fr", "notes": "Rappeler mardi"});
    world.accept(vec![event("prospect.created", "p1", data)]).await;
    world.accept(vec![event("prospect.created", "p2", json!({"email": "paul@exemple.fr"}))]).await;
    world.settle().await;
    assert!(world.link("p1").await.is_blocked);
    assert_eq!(world.crm.only_contact().await.1["email"], "paul@exemple.fr");

    world.map(FieldMapping::to_platform("notes", "address")).await;
    wait::until("the blocked contact to arrive", DEADLINE, || async {
        let contacts = world.crm.contacts().await;
        if contacts.len() == 2 { Ok(()) } else { Err(world.failures().await) }
    })
    .await;
}

#[tokio::test]
async fn refused_credentials_park_the_integration_and_lose_nothing() {
    let world = World::with(&HASTE).await;
    world.crm.faults(json!({"token_revoked": true})).await;
    world.accept((0..5).map(by_number).collect()).await;
    wait::until("the integration to be parked", DEADLINE, || async {
        let status = world.status().await;
        if status == Status::ReauthRequired { Ok(()) } else { Err(status) }
    })
    .await;
    world.accept((5..10).map(by_number).collect()).await;
    world.take_in().await;
    assert_eq!((world.drift().await, world.failures().await.len()), (10, 0));
    // Else an answer that is still on its way parks it once more.
    wait::until("nobody to be refused any more", DEADLINE, || async {
        let held = world.server.count("SELECT count(*) FROM record_links WHERE lease_until > now()").await;
        if held == 0 { Ok(()) } else { Err(held) }
    })
    .await;

    world.crm.faults(json!({"token_revoked": false})).await;
    world.set_status(Status::Active).await;
    world.settle().await;
    assert_eq!(world.crm.people().await, json!({"in_crm": 10, "people": 10, "duplicates": 0, "contacts": 10}));
}

#[tokio::test]
async fn an_integration_that_is_idle_is_parked_by_its_next_poll() {
    let world = World::with(&[("DISPATCHER__RECONCILE_EVERY", "200ms"), ("DISPATCHER__POLL_EVERY", "1s")]).await;
    world.crm.faults(json!({"token_revoked": true})).await;
    wait::until("the integration to be parked", DEADLINE, || async {
        let status = world.status().await;
        if status == Status::ReauthRequired { Ok(()) } else { Err(status) }
    })
    .await;
}

#[tokio::test]
async fn a_tight_limit_is_kept_to_and_blocks_nothing() {
    let world = World::with(&HASTE).await;
    world.crm.faults(json!({"rate_limit_per_10s": 12})).await;
    for n in 0..6 {
        world
            .accept(vec![event("prospect.created", &format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}))])
            .await;
        world.take_in().await;
    }
    world.settle_within(Duration::from_secs(200)).await;
    assert_eq!((world.crm.contacts().await.len(), world.failures().await.len()), (6, 0));
    // The first that the platform refuses tells how long to wait, and nobody is refused again and again.
    let mut refused: BTreeMap<LinkId, BTreeSet<SyncLogId>> = BTreeMap::new();
    for outcome in world.outcomes().iter().filter(|outcome| is_limited(outcome)) {
        refused.entry(outcome.link_id).or_default().insert(outcome.id);
    }
    assert!(refused.values().all(|times| times.len() <= 2), "{refused:?}");
}

fn is_limited(outcome: &SyncOutcome) -> bool {
    outcome.error.as_ref().is_some_and(|error| error.class == FaultKind::RateLimited)
}

#[tokio::test]
async fn a_limit_that_lasts_a_day_blocks_nothing_however_often_it_is_met() {
    let world = World::with(&HASTE).await;
    let peer = SALESFORCE.connect(&world, Wishes::default()).await.id;
    world.crm.faults_at(&SALESFORCE.place(), json!({"daily_requests": 0})).await;
    let person = json!({"email": "zoe@exemple.fr", "last_name": "Petit"});
    world.accept(vec![event("prospect.created", "p1", person)]).await;
    let put_off = "SELECT count(*) FROM record_links WHERE owed AND not_before > now() + interval '55 minutes'";
    wait::until("it to wait for as long as was asked", DEADLINE, || async {
        (world.server.count(put_off).await > 0).then_some(())
    })
    .await;
    // Each time it is believed that the day is over; more often than the schedule has attempts.
    let believe = async || {
        world.server.execute("UPDATE platform_budgets SET paused_until = NULL").await;
        // Locked in the order in which the dispatcher locks them.
        let in_order = "SELECT id FROM record_links WHERE owed ORDER BY id FOR UPDATE";
        world.server.execute(&format!("UPDATE record_links SET not_before = NULL WHERE id IN ({in_order})")).await;
    };
    wait::until("eight looks", DEADLINE, || async {
        believe().await;
        let looks = world.outcomes().iter().filter(|outcome| is_limited(outcome)).count();
        if looks >= 8 { Ok(()) } else { Err(looks) }
    })
    .await;
    let failures = links::failures(&mut world.begin().await, world.tenant, peer).await.unwrap();
    assert!(failures.is_empty(), "{failures:?}");
    assert!(world.drift_of(peer).await > 0);

    world.crm.faults_at(&SALESFORCE.place(), json!({"daily_requests": 15_000})).await;
    wait::until("the contact to arrive", DEADLINE, || async {
        believe().await;
        let owed = world.drift_of(peer).await;
        if owed == 0 { Ok(()) } else { Err(owed) }
    })
    .await;
}
