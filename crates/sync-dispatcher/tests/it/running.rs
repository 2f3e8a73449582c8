//! Full runs: everything is pulled, once, page by page, whoever crashes and whoever changes their mind.

use std::time::Duration;

use domain::fault::FaultKind;
use domain::id::RunId;
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::outcome::SyncType;
use domain::run::{Mode, Progress, Run, State, Trigger};
use messaging::Context;
use persistence::runs::{self, NewRun, Started};
use serde_json::{Value, json};
use testkit::wait;

use crate::world::{DEADLINE, HASTE, Shape, World, event};

/// The CRM's searches show at once what is there.
pub(crate) fn prompt() -> Value {
    json!({"search_lag_ms": 0, "search_limit_per_s": null})
}

pub(crate) fn people(numbers: std::ops::Range<u32>) -> Vec<Value> {
    let person = |n| json!({"email": format!("p{n}@exemple.fr"), "firstname": format!("Prénom {n}")});
    numbers.map(person).collect()
}

impl World {
    /// A full run of contacts and deals that somebody asks for.
    pub(crate) fn full_run(&self) -> NewRun {
        NewRun {
            tenant: self.tenant,
            integration: self.integration,
            trigger: Trigger::Manual,
            direction: Direction::Bidirectional,
            kinds: vec![RecordKind::Contact, RecordKind::Deal],
            mode: Mode::Full,
            requested_by: Some("an admin".to_owned()),
            due_at: None,
        }
    }

    /// Asks for a run, as the gateway does.
    pub(crate) async fn ask_for(&self, new: &NewRun) -> Run {
        let mut tx = self.begin().await;
        let started = runs::start(&mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
        let Started::Queued(run) = started else { panic!("{started:?}") };
        self.broker.publish(&run.page(), &Context::new()).await.unwrap();
        *run
    }

    pub(crate) async fn run(&self, id: RunId) -> Run {
        runs::get(&mut self.begin().await, self.tenant, id).await.unwrap().unwrap()
    }

    /// Waits until a run is in a state.
    pub(crate) async fn run_in(&self, id: RunId, state: State) -> Run {
        self.run_in_within(DEADLINE, id, state).await
    }

    pub(crate) async fn run_in_within(&self, deadline: Duration, id: RunId, state: State) -> Run {
        wait::until("a state of the run", deadline, || async {
            let run = self.run(id).await;
            if run.state == state { Ok(run) } else { Err(run) }
        })
        .await
    }

    /// Waits until so many pages of a run are done.
    pub(crate) async fn run_at(&self, id: RunId, sequence: i64) {
        wait::until("a page of the run", DEADLINE, || async {
            let run = self.run(id).await;
            if run.sequence >= sequence { Ok(()) } else { Err(run) }
        })
        .await;
    }

    /// A full run from its beginning to its end.
    pub(crate) async fn run_fully(&self) -> Run {
        let run = self.ask_for(&self.full_run()).await;
        self.run_in(run.id, State::Done).await
    }

    /// Contacts that came into the CRM in nine imports: three pages of a listing.
    async fn with_three_pages(&self) {
        for tens in 0..9 {
            self.crm.import_contacts(people(tens * 50..(tens + 1) * 50)).await;
        }
    }
}

#[tokio::test]
async fn a_full_run_pulls_everything_and_says_how_far_it_is() {
    let world = World::start().await;
    world.crm.faults(prompt()).await;
    for n in 0..5 {
        world.crm.import_contacts(people(n * 50..(n + 1) * 50)).await;
    }
    let writes = world.crm.api_writes().await.len();
    let run = world.run_fully().await;

    let records = world.records().await;
    let mut emails: Vec<String> = records.iter().map(|record| crate::state::text(record, "email")).collect();
    emails.sort_unstable();
    let mut expected: Vec<String> = (0..250).map(|n| format!("p{n}@exemple.fr")).collect();
    expected.sort_unstable();
    assert_eq!(emails, expected);
    let counts = run.counts[&RecordKind::Contact];
    assert_eq!((counts.read, counts.changed, counts.total), (250, 250, Some(250)));
    assert_eq!((counts.owed, counts.failed, counts.gone), (0, 0, 0));
    assert_eq!(run.progress(), Progress { done: 250, total: 250 });
    assert!(run.error.is_none() && run.ended_at >= run.started_at);
    assert_eq!(world.crm.api_writes().await.len(), writes, "what was pulled is not pushed back");

    // Once more: everything is listed, and nothing is news.
    let again = world.run_fully().await;
    let counts = again.counts[&RecordKind::Contact];
    assert_eq!((counts.read, counts.changed, world.records().await.len()), (250, 0, 250));
}

#[tokio::test]
async fn a_run_takes_each_kind_its_own_way_as_far_as_it_goes_that_way() {
    let shape = Shape::default().with(RecordKind::Contact, Direction::FromPlatform);
    let world = World::shaped(&[], shape.with(RecordKind::Deal, Direction::ToPlatform)).await;
    world.crm.faults(prompt()).await;
    world.dispatch();
    world.crm.import_contacts(people(0..3)).await;
    world.crm.add("deals", json!({"dealname": "Le leur"})).await;
    world.accept(vec![event("appointment.created", "a1", json!({"title": "Le nôtre"}))]).await;
    world.settle().await;
    let both = [RecordKind::Contact, RecordKind::Deal];
    for (direction, kinds, expected) in [
        (Direction::FromPlatform, &both[..], (3, 0)),
        (Direction::ToPlatform, &both[..], (0, 1)),
        (Direction::Bidirectional, &both[..], (3, 1)),
        (Direction::Bidirectional, &both[1..], (0, 1)),
    ] {
        let run = world.ask_for(&NewRun { direction, kinds: kinds.to_vec(), ..world.full_run() }).await;
        let run = world.run_in(run.id, State::Done).await;
        let read = |kind: RecordKind| run.counts.get(&kind).map_or(0, |counts| counts.read);
        assert_eq!((read(RecordKind::Contact), read(RecordKind::Deal)), expected, "{direction:?} {kinds:?}");
    }
}

#[tokio::test]
async fn more_objects_of_one_moment_than_a_page_holds_are_all_pulled() {
    let world = World::start().await;
    world.crm.faults(prompt()).await;
    world.crm.import_contacts(people(0..450)).await;
    let run = world.run_fully().await;
    assert_eq!(run.counts[&RecordKind::Contact].read, 450);
    assert_eq!(world.records().await.len(), 450);
}

#[tokio::test]
async fn a_run_that_is_cancelled_in_the_middle_ends_and_keeps_what_it_applied() {
    let world = World::start().await;
    world.crm.faults(prompt()).await;
    world.with_three_pages().await;
    let is_second = "(SELECT sequence FROM sync_runs WHERE id = NEW.run_id) >= 1";
    let second_page = world.put_off("INSERT ON sync_run_objects", is_second).await;
    let run = world.ask_for(&world.full_run()).await;
    world.run_at(run.id, 1).await;
    let mut tx = world.begin().await;
    runs::cancel(&mut tx, world.tenant, run.id).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    second_page.commit().await.unwrap();

    let run = world.run_in(run.id, State::Cancelled).await;
    world.settle().await;
    let applied = run.counts[&RecordKind::Contact].changed;
    assert!((200..450).contains(&applied), "{run:?}");
    assert_eq!(u64::try_from(world.records().await.len()).unwrap(), applied);
    assert_eq!(world.run(run.id).await.sequence, run.sequence, "nothing follows");
}

#[tokio::test]
async fn a_run_whose_dispatcher_crashes_goes_on_at_the_page_where_it_stood() {
    // Longer than a page takes: what is announced anew while it is under way would be asked for once more.
    let patience = [HASTE[0], ("DISPATCHER__OWED_FOR_TOO_LONG", "8s")];
    // What the crashed one held stays held until its lease runs out.
    let lease = [("DISPATCHER__LEASE", "5s"), ("DISPATCHER__PLATFORM_TIMEOUT", "3s")];
    let world = World::quiet(&[patience, lease].concat()).await;
    world.crm.faults(json!({"search_lag_ms": 0, "search_limit_per_s": null, "latency_ms": 300})).await;
    world.with_three_pages().await;
    let mut only_contacts = world.full_run();
    only_contacts.kinds = vec![RecordKind::Contact];
    let doomed = world.dispatch_to_crash();
    let run = world.ask_for(&only_contacts).await;
    world.run_at(run.id, 2).await;
    doomed.die();
    let before = world.crm.searches().await;

    world.dispatch();
    world.run_in(run.id, State::Done).await;
    let after = world.crm.searches().await;
    assert_eq!(world.records().await.len(), 450);
    // The same once more, by one dispatcher from beginning to end: so many pages there are.
    let again = world.ask_for(&only_contacts).await;
    world.run_in(again.id, State::Done).await;
    let pages = world.crm.searches().await - after;
    // The page that was under way may have been asked for twice; from the beginning it would be two more at the least.
    assert!(before >= 2 && after <= pages + 1, "{before} before, {after} in all, of {pages} pages");
}

#[tokio::test]
async fn a_run_that_gives_links_goes_on_behind_the_records_that_a_page_before_looked_at() {
    let world = World::start().await;
    world.crm.faults(prompt()).await;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    for statement in [
        "CREATE TABLE stations (place text)",
        "CREATE FUNCTION note_station() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
             INSERT INTO stations SELECT NEW.position ->> 'cursor' WHERE NEW.position ->> 'step' = 'link';
             RETURN NULL; END $$",
        "CREATE TRIGGER note_station AFTER UPDATE OF position ON sync_runs FOR EACH ROW EXECUTE FUNCTION note_station()",
    ] {
        world.server.execute(statement).await;
    }
    world.run_fully().await;
    let stations = world.server.texts("SELECT place FROM stations WHERE place IS NOT NULL").await;
    assert_eq!(stations, [world.record("p1").await.id.to_string()]);
}

#[tokio::test]
async fn a_page_that_is_announced_twice_is_done_once() {
    let world = World::start().await;
    world.crm.faults(json!({"search_lag_ms": 0, "search_limit_per_s": null, "latency_ms": 200})).await;
    world.with_three_pages().await;
    let run = world.ask_for(&world.full_run()).await;
    for _ in 0..3 {
        world.broker.publish(&run.page(), &Context::new()).await.unwrap();
    }
    let run = world.run_in(run.id, State::Done).await;
    assert_eq!(run.counts[&RecordKind::Contact].read, 450);
    // Three pages of contacts and one of deals are listed, one of each is verified, removed, linked and announced.
    let adopted = || world.outcomes().iter().filter(|outcome| outcome.sync_type == SyncType::Adopt).count();
    // The run is done when the links are; what the log is told of them may still be on its way.
    wait::until("the log to be told of all", DEADLINE, || async {
        if adopted() >= 450 { Ok(()) } else { Err(adopted()) }
    })
    .await;
    assert_eq!((adopted(), world.records().await.len()), (450, 450));
}

#[tokio::test]
async fn a_page_that_fails_for_the_moment_is_done_later() {
    let world = World::start().await;
    world.crm.faults(json!({"search_lag_ms": 0, "fail_next": {"count": 2, "status": 503}})).await;
    world.crm.import_contacts(people(0..10)).await;
    let run = world.run_fully().await;
    assert_eq!((run.error, world.records().await.len()), (None, 10));
}

#[tokio::test]
async fn a_page_that_fails_for_good_ends_the_run_with_its_error() {
    let world = World::start().await;
    world.crm.faults(json!({"search_lag_ms": 0, "fail_all_status": 403})).await;
    let run = world.ask_for(&world.full_run()).await;
    let run = world.run_in(run.id, State::Failed).await;
    assert_eq!(run.error.unwrap().class, FaultKind::Forbidden);

    world.crm.faults(json!({"fail_all_status": null})).await;
    world.run_fully().await;
}

#[tokio::test]
async fn a_platform_that_stays_away_ends_the_run_when_the_schedule_is_used_up() {
    let world = World::with(&[crate::world::NO_BREAKERS]).await;
    world.crm.faults(json!({"fail_all_status": 503})).await;
    let run = world.ask_for(&world.full_run()).await;
    let run = world.run_in(run.id, State::Failed).await;
    assert_eq!(run.error.unwrap().class, FaultKind::Unavailable);
}

#[tokio::test]
async fn an_integration_that_is_switched_off_ends_its_run() {
    let world = World::start().await;
    world.crm.faults(prompt()).await;
    world.with_three_pages().await;
    // What is listed is read, but nothing of it is taken, without which the run does not end.
    let held = world.hold_records().await;
    let run = world.ask_for(&world.full_run()).await;
    world.run_at(run.id, 1).await;
    world.switch(false).await;
    held.commit().await.unwrap();
    let run = world.run_in(run.id, State::Failed).await;
    assert_eq!(run.error.unwrap().code, "integration_inactive");
}
