//! What a mapping makes of records: defaults for what is new, nothing where nothing is mapped, and a first look at what is mapped later.

use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Transform};
use serde_json::json;
use testkit::wait;

use crate::crm::{told, told_of};
use crate::world::{DEADLINE, HASTE, Shape, World, event};

#[tokio::test]
async fn rule_04_a_default_is_given_to_a_new_object_and_never_to_one_that_was_there() {
    let world = World::quiet(&[]).await;
    world.map(FieldMapping::both("job_title", "jobtitle").or("À compléter")).await;
    let theirs = world.crm.add_contact(json!({"email": "zoe@exemple.fr"})).await;
    world.dispatch();
    let person =
        |subject: &str, email: &str| event("prospect.created", subject, json!({"email": email, "city": "Lyon"}));
    world.accept(vec![person("p1", "zoe@exemple.fr"), person("p2", "paul@exemple.fr")]).await;
    world.settle().await;

    let mut contacts = world.crm.contacts().await;
    let adopted = contacts.remove(&theirs).unwrap();
    assert_eq!((adopted["city"].as_str(), adopted.get("jobtitle")), ("Lyon", None));
    let (_, new) = contacts.pop_first().unwrap();
    assert_eq!((new["email"].as_str(), new["jobtitle"].as_str()), ("paul@exemple.fr", "À compléter"));

    // Nor later, when something else of it is written.
    world.accept(vec![event("prospect.updated", "p1", json!({"city": "Paris"}))]).await;
    world.settle().await;
    let adopted = world.crm.contacts().await.remove(&theirs).unwrap();
    assert_eq!((adopted["city"].as_str(), adopted.get("jobtitle")), ("Paris", None));
    assert_eq!(world.value("p2", "job_title").await, "");
}

#[tokio::test]
async fn a_default_is_never_written_over_a_deal_that_was_born_in_the_crm() {
    let world = World::with(&HASTE).await;
    let theirs = json!({"dealname": "Leur affaire", "dealstage": "contractsent", "amount": "1200"});
    let deal = world.crm.add("deals", theirs).await;
    world.deliver(&[told_of("deal", "creation", &deal)]).await;
    world.settle().await;
    assert_eq!(world.records_of(RecordKind::Deal).await.len(), 1);

    // A changed mapping makes every record owed, this one among them; the new field tells when it has been looked at.
    world.map_of(RecordKind::Deal, FieldMapping::to_platform("amount", "description")).await;
    wait::until("the deal to be written", DEADLINE, || async {
        let deals = world.crm.live("deals").await;
        if deals[&deal].get("description").is_some_and(|text| text == "1200") { Ok(()) } else { Err(deals) }
    })
    .await;
    let deals = world.crm.live("deals").await;
    assert_eq!(
        (deals[&deal]["dealname"].as_str(), deals[&deal]["dealstage"].as_str()),
        ("Leur affaire", "contractsent")
    );
    let writes = world.crm.api_writes_to("deals").await;
    let written: Vec<_> = writes.iter().flat_map(|write| write["properties"].as_object().unwrap().keys()).collect();
    assert_eq!(written, ["description"], "{writes:#?}");
}

#[tokio::test]
async fn a_record_that_maps_to_nothing_stays_away_and_holds_up_nobody_in_its_batch() {
    let world = World::quiet(&[]).await;
    let person = |n: u32| {
        let data = if n == 2 { json!({}) } else { json!({"email": format!("p{n}@exemple.fr")}) };
        event("prospect.created", &format!("p{n}"), data)
    };
    world.accept((0..5).map(person).collect()).await;
    world.dispatch();
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.failures().await.len()), (4, 0));
    assert_eq!(world.link("p2").await.external_id, None);

    world.accept(vec![event("prospect.updated", "p2", json!({"email": "p2@exemple.fr"}))]).await;
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (5, 0));
}

#[tokio::test]
async fn a_mapping_that_is_changed_between_two_batches_is_that_of_the_second() {
    let world = World::start().await;
    for (n, mapped, shown) in [(1, None, None), (2, Some("notes"), Some("À rappeler")), (3, Some("city"), Some("Lyon"))]
    {
        if let Some(ours) = mapped {
            world.map(FieldMapping::to_platform(ours, "state")).await;
        }
        let email = format!("p{n}@exemple.fr");
        let data = json!({"email": email, "city": "Lyon", "notes": "À rappeler"});
        world.accept(vec![event("prospect.created", &format!("p{n}"), data)]).await;
        world.settle().await;
        let contacts = world.crm.contacts().await;
        let new = contacts.values().find(|contact| contact["email"] == email).unwrap();
        assert_eq!(new.get("state").map(String::as_str), shown, "{new:#?}");
    }
}

#[tokio::test]
async fn an_object_of_which_nothing_is_mapped_is_read_with_the_others_of_its_batch() {
    let world = World::quiet(&[]).await;
    let empty = world.crm.add_contact(json!({"lifecyclestage": "lead"})).await;
    let full = world.crm.add_contact(json!({"email": "paul@exemple.fr", "firstname": "Paul"})).await;
    world.deliver(&[told("creation", &empty), told("creation", &full)]).await;
    world.dispatch();
    world.settle().await;
    let mut names: Vec<String> =
        world.records().await.iter().map(|record| crate::state::text(record, "first_name")).collect();
    names.sort_unstable();
    assert_eq!(names, ["", "Paul"]);

    // It has a record, which is changed like any other.
    world.crm.edit_contact(&empty, json!({"firstname": "Zoé"})).await;
    world.deliver(&[told("propertyChange", &empty)]).await;
    world.settle().await;
    let records = world.records().await;
    assert!(records.iter().any(|record| crate::state::text(record, "first_name") == "Zoé"), "{records:#?}");
    assert_eq!(world.crm.contacts().await.len(), 2);
}

#[tokio::test]
async fn a_template_that_fails_on_a_record_blocks_it_with_the_fields_name_and_no_other() {
    let world = World::with(&HASTE).await;
    let person = |n: u32, city: &str| {
        let data = json!({"email": format!("p{n}@exemple.fr"), "city": city});
        event("prospect.created", &format!("p{n}"), data)
    };
    let template =
        "{% if city == 'Brest' %}{% for n in range(90000) %}{{ n }}{% endfor %}{% endif %}{{ city }}".to_owned();
    world.map(FieldMapping::to_platform("notes", "state").with(Transform::Template { template })).await;
    world.accept(vec![person(1, "Brest"), person(2, "Lyon")]).await;
    world.settle().await;
    let failures = world.failures().await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    let failed = world.outcome("the failure", |outcome| outcome.error.is_some()).await.error.unwrap();
    assert_eq!((failed.code.as_str(), failed.message.contains("« state »")), ("template_failed", true), "{failed:?}");
    assert_eq!(world.crm.only_contact().await.1["state"], "Lyon");

    // What it works on again goes out.
    world.accept(vec![event("prospect.updated", "p1", json!({"city": "Quimper"}))]).await;
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.failures().await.len()), (2, 0));
}

/// Waits until the record of a subject holds this in its notes.
async fn noted(world: &World, subject: &str, notes: &str) {
    wait::until("their value to be taken", DEADLINE, || async {
        let held = world.value(subject, "notes").await;
        if held == notes { Ok(()) } else { Err(held) }
    })
    .await;
}

#[tokio::test]
async fn rule_05_a_field_that_is_mapped_later_adopts_what_stands_there_and_nothing_is_written_over_it() {
    let world = World::with(&HASTE).await;
    let ours = json!({"email": "zoe@exemple.fr", "notes": "À rappeler"});
    world.accept(vec![event("prospect.created", "p1", ours)]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;
    world.crm.edit_contact(&id, json!({"state": "Cliente depuis 2019"})).await;

    world.map(FieldMapping::both("notes", "state")).await;
    noted(&world, "p1", "Cliente depuis 2019").await;
    world.settle().await;
    assert_eq!(world.crm.only_contact().await.1["state"], "Cliente depuis 2019");
    let lost = world.conflicts(world.record("p1").await.id).await;
    let lost: Vec<_> = lost.iter().map(|kept| (kept.reason.as_str(), kept.field.as_str(), &kept.lost["v"])).collect();
    assert_eq!(lost, [("adopted", "notes", &json!("À rappeler"))]);

    // From now on it is a field like any other.
    world.accept(vec![event("prospect.updated", "p1", json!({"notes": "Rappelée"}))]).await;
    world.settle().await;
    assert_eq!(world.crm.only_contact().await.1["state"], "Rappelée");
}

#[tokio::test]
async fn a_field_that_is_mapped_later_is_read_of_a_kind_that_only_comes_in() {
    let shape = Shape::default().with(RecordKind::Contact, Direction::FromPlatform);
    let world = World::shaped(&HASTE, shape).await;
    let person = json!({"email": "zoe@exemple.fr", "state": "Cliente depuis 2019"});
    let id = world.crm.add_contact(person).await;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.deliver(&[told("creation", &id)]).await;
    world.dispatch();
    world.settle().await;
    assert_eq!(world.value("p1", "notes").await, "");

    world.map(FieldMapping::from_platform("notes", "state")).await;
    noted(&world, "p1", "Cliente depuis 2019").await;
    assert_eq!(world.crm.api_writes().await, Vec::<serde_json::Value>::new());
}
