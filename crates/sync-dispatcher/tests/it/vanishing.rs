//! What a full run does not find is a suspect: it is asked for, and where too much is gone, somebody is.

use domain::id::RunId;
use domain::integration::Frequency;
use domain::kind::RecordKind;
use domain::run::{Mode, State};
use persistence::runs::{self, Started, Suspects};
use serde_json::json;

use crate::running::prompt;
use crate::world::{Shape, World, event};

impl World {
    /// So many prospects, known to both sides.
    async fn with_prospects(count: u32) -> Self {
        let world = Self::start().await;
        world.crm.faults(prompt()).await;
        let prospect = |n| event("prospect.created", &format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}));
        world.accept((0..count).map(prospect).collect()).await;
        world.settle().await;
        world
    }

    /// Somebody deletes a prospect's contact in the CRM, which tells nobody.
    async fn lose(&self, subject: &str) {
        let id = self.link(subject).await.external_id.unwrap();
        self.crm.delete_contact(&id).await;
    }

    async fn deleted(&self) -> usize {
        self.records().await.iter().filter(|record| record.fields.is_deleted()).count()
    }

    /// Somebody agrees to the deletions of a run, which makes them.
    async fn agree_to(&self, run: RunId) {
        let mut tx = self.begin().await;
        let confirmed = runs::confirm(&mut tx, self.tenant, run).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        self.broker.publish(&confirmed.page(), &messaging::Context::new()).await.unwrap();
        self.run_in(run, State::Done).await;
    }

    /// The CRM's city of a prospect.
    async fn city_there(&self, subject: &str) -> String {
        let id = self.link(subject).await.external_id.unwrap();
        self.crm.contacts().await[&id]["city"].clone()
    }
}

#[tokio::test]
async fn what_is_gone_unheard_of_is_deleted_by_a_full_run() {
    let world = World::with_prospects(4).await;
    world.lose("p2").await;
    let run = world.run_fully().await;
    assert_eq!(run.counts[&RecordKind::Contact].gone, 1);
    assert!(world.record("p2").await.fields.is_deleted());
    assert_eq!((world.deleted().await, world.crm.contacts().await.len()), (1, 3));
}

#[tokio::test]
async fn rule_10_what_is_not_listed_but_there_is_kept() {
    let world = World::with_prospects(3).await;
    // The index knows of nobody yet.
    world.crm.faults(json!({"search_lag_ms": 3_600_000})).await;
    let run = world.run_fully().await;
    let counts = run.counts[&RecordKind::Contact];
    assert_eq!((counts.read, counts.gone), (0, 0));
    assert_eq!((world.deleted().await, world.crm.contacts().await.len()), (0, 3));
}

#[tokio::test]
async fn rule_10_a_run_that_finds_twenty_five_gone_asks_before_it_deletes() {
    let world = World::with_prospects(30).await;
    for n in 0..25 {
        world.lose(&format!("p{n}")).await;
    }
    let run = world.ask_for(&world.full_run()).await;
    let asking = world.run_in(run.id, State::NeedsConfirmation).await;
    assert_eq!(asking.counts[&RecordKind::Contact].gone, 25);
    let mut tx = world.begin().await;
    assert_eq!(runs::gone(&mut tx, world.tenant, run.id, 100).await.unwrap().len(), 25);
    tx.commit().await.unwrap();
    assert_eq!((world.deleted().await, world.drift().await), (0, 0));

    world.agree_to(run.id).await;
    assert_eq!((world.deleted().await, world.crm.contacts().await.len()), (25, 5));
}

#[tokio::test]
async fn rule_10_a_run_that_asks_does_all_else_first_and_no_other_waits_for_its_answer() {
    let hourly = Shape { frequency: Frequency::Hourly, ..Shape::default() };
    let world = World::shaped(&[], hourly).await;
    world.crm.faults(prompt()).await;
    world.dispatch();
    let prospect = |n| event("prospect.created", &format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}));
    world.accept((0..30).map(prospect).collect()).await;
    world.take_in().await;
    world.run_fully().await;
    for n in 0..25 {
        world.lose(&format!("p{n}")).await;
    }
    let moves_to = |city| event("prospect.updated", "p29", json!({"city": city}));
    world.accept(vec![moves_to("Lyon")]).await;
    world.take_in().await;
    let asking = world.ask_for(&world.full_run()).await;
    world.run_in(asking.id, State::NeedsConfirmation).await;
    assert_eq!((world.city_there("p29").await, world.drift().await), ("Lyon".to_owned(), 0));

    // The next finds the same gone, asks nothing, and is done with all else both ways.
    world.crm.add_contact(json!({"email": "new@exemple.fr"})).await;
    world.accept(vec![moves_to("Nantes")]).await;
    world.take_in().await;
    let next = world.run_fully().await;
    assert_eq!((next.counts[&RecordKind::Contact].gone, world.records().await.len()), (25, 31));
    assert_eq!((world.city_there("p29").await, world.deleted().await), ("Nantes".to_owned(), 0));
    assert_eq!(world.run(asking.id).await.state, State::NeedsConfirmation);

    world.agree_to(asking.id).await;
    assert_eq!((world.deleted().await, world.crm.contacts().await.len()), (25, 6));
}

#[tokio::test]
async fn while_a_run_asks_no_other_deletes_of_the_same_and_the_next_after_the_answer_does() {
    let world = World::with_prospects(3).await;
    // A question about so few that no run would ask it by itself.
    let mut tx = world.begin().await;
    let Started::Queued(asking) = runs::start(&mut tx, &world.full_run()).await.unwrap() else { panic!("another run") };
    let asking = runs::take_up(&mut tx, &asking.page()).await.unwrap().unwrap();
    let mut gone = Vec::new();
    for subject in ["p0", "p1", "p2"] {
        gone.extend(world.link(subject).await.external_id);
    }
    let found = Suspects { gone, ..Suspects::default() };
    runs::note_suspects(&mut tx, &asking, RecordKind::Contact, &found).await.unwrap();
    assert!(runs::await_consent(&mut tx, &asking.page()).await.unwrap());
    tx.commit().await.unwrap();
    world.lose("p1").await;
    world.lose("p2").await;
    let run = world.run_fully().await;
    assert_eq!((run.counts[&RecordKind::Contact].gone, world.deleted().await), (2, 0));

    let mut tx = world.begin().await;
    runs::cancel(&mut tx, world.tenant, asking.id).await.unwrap();
    tx.commit().await.unwrap();
    world.run_fully().await;
    assert_eq!((world.deleted().await, world.crm.contacts().await.len()), (2, 1));
}

#[tokio::test]
async fn a_run_over_what_changed_since_takes_nothing_for_gone() {
    let world = World::with_prospects(3).await;
    world.run_fully().await;
    world.lose("p1").await;
    let run = world.ask_for(&runs::NewRun { mode: Mode::SinceLast, ..world.full_run() }).await;
    world.run_in(run.id, State::Done).await;
    assert_eq!(world.deleted().await, 0);
}

#[tokio::test]
async fn what_an_hourly_platform_lists_as_deleted_is_asked_for_between_two_walks() {
    let hourly = Shape { frequency: Frequency::Hourly, ..Shape::default() };
    let world = World::shaped(&[], hourly).await;
    world.crm.faults(prompt()).await;
    world.dispatch();
    let prospect = |n| event("prospect.created", &format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}));
    world.accept((0..3).map(prospect).collect()).await;
    world.take_in().await;
    world.run_fully().await;
    world.lose("p1").await;
    let run = world.ask_for(&runs::NewRun { mode: Mode::SinceLast, ..world.full_run() }).await;
    let run = world.run_in(run.id, State::Done).await;
    assert_eq!(run.counts[&RecordKind::Contact].gone, 1);
    assert!(world.record("p1").await.fields.is_deleted());
    assert_eq!((world.deleted().await, world.crm.contacts().await.len()), (1, 2));
}

#[tokio::test]
async fn a_full_run_says_of_each_kind_what_it_found_otherwise_than_it_should_be() {
    let world = World::start().await;
    world.crm.faults(prompt()).await;
    let prospect = |n| event("prospect.created", &format!("p{n}"), json!({"phone": format!("060000000{n}")}));
    world.accept((0..4).map(prospect).collect()).await;
    world.settle().await;
    world.lose("p1").await;
    let changed = world.link("p2").await.external_id.unwrap();
    world.crm.edit_contact(&changed, json!({"city": "Lyon"})).await;
    world.crm.add_contact(json!({"email": "new@exemple.fr"})).await;
    world.crm.add_contact(json!({"phone": "+33600000003"})).await;

    let counts = world.run_fully().await.counts[&RecordKind::Contact];
    let found = [counts.read, counts.changed, counts.unknown, counts.duplicates, counts.gone, counts.owed];
    assert_eq!(found, [5, 3, 2, 1, 1, 0], "{counts:?}");
    assert_eq!(crate::state::text(&world.record("p2").await, "city"), "Lyon", "what differed is repaired");

    // What was repaired is not found once more; what nobody has decided is, as what it is.
    let counts = world.run_fully().await.counts[&RecordKind::Contact];
    assert_eq!([counts.changed, counts.unknown, counts.duplicates, counts.gone], [0, 0, 1, 0], "{counts:?}");
}
