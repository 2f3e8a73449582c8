//! Runs that the clock asks for: one for each due time, whoever looks at the clock, and one for all that were missed.

use std::time::Duration;

use domain::id::IntegrationId;
use domain::integration::Frequency;
use domain::kind::RecordKind;
use domain::run::{Mode, Run, State, Trigger};
use domain::time::Timestamp;
use messaging::Context;
use persistence::{Database, runs};
use serde_json::json;
use sync_dispatcher::schedule::{Every, start_due};

use crate::running::prompt;
use crate::world::{Shape, World, event};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const EVERY: Every = Every { poll: Duration::from_secs(900), walk: Duration::from_secs(7 * 24 * 3_600) };

pub(crate) async fn due(database: &Database, at: Timestamp) -> Vec<Run> {
    start_due(database, EVERY, at).await.unwrap()
}

async fn shaped(frequency: Frequency) -> World {
    let world = World::shaped(&[], Shape { frequency, ..Shape::default() }).await;
    world.crm.faults(prompt()).await;
    world
}

/// A new integration of which no regular run comes due while a test lasts: each has times of its own, by its id.
pub(crate) fn undisturbed() -> IntegrationId {
    // Of the shortest period; the times of the longer ones are among its times.
    let now = Timestamp::now();
    let passed = |id: &IntegrationId| domain::schedule::last_due(*id, EVERY.poll, now).until(now);
    std::iter::repeat_with(IntegrationId::new).find(|id| (60..600).contains(&passed(id).as_secs())).unwrap()
}

impl World {
    async fn end(&self, run: &Run) {
        let mut tx = self.begin().await;
        runs::cancel(&mut tx, self.tenant, run.id).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Has a run done that the clock asked for.
    pub(crate) async fn done(&self, run: &Run) -> Run {
        self.broker.publish(&run.page(), &Context::new()).await.unwrap();
        self.run_in(run.id, State::Done).await
    }
}

#[tokio::test]
async fn two_dispatchers_make_one_run_of_a_due_time() {
    let world = shaped(Frequency::Hourly).await;
    let (one, other) = (world.another_database(), world.another_database());
    let at = Timestamp::now().plus(2 * HOUR);
    let (a, b, c, d) = tokio::join!(due(&one, at), due(&other, at), due(&one, at), due(&other, at));
    let made = [a, b, c, d].concat();
    assert_eq!(made.len(), 1, "{made:?}");
    let run = &made[0];
    assert!(run.due_at.unwrap() <= at && run.due_at.unwrap().until(at) < HOUR);
    assert_eq!((run.trigger, run.mode, run.requested_by.as_deref()), (Trigger::First, Mode::Full, None));
    // Also when it has ended: its time has had its run.
    world.end(run).await;
    assert_eq!(due(&one, at).await, []);
}

#[tokio::test]
async fn times_that_were_missed_are_made_up_for_once() {
    let world = shaped(Frequency::Hourly).await;
    let now = Timestamp::now();
    let first = due(&world.database, now.plus(2 * HOUR)).await.remove(0);
    world.end(&first).await;
    let [made_up] = due(&world.database, now.plus(3 * DAY)).await.try_into().unwrap();
    assert!(made_up.due_at.unwrap().until(now.plus(3 * DAY)) < HOUR);
    world.end(&made_up).await;
    assert_eq!(due(&world.database, now.plus(3 * DAY)).await, []);
    assert_eq!(due(&world.database, now.plus(3 * DAY + HOUR)).await.len(), 1);
}

#[tokio::test]
async fn no_time_before_an_integration_was_made_counts_as_missed() {
    let world = shaped(Frequency::Daily).await;
    assert_eq!(due(&world.database, Timestamp::now()).await, []);
    world.switch(false).await;
    assert_eq!(due(&world.database, Timestamp::now().plus(3 * DAY)).await, [], "it is switched off");
}

#[tokio::test]
async fn a_run_that_is_live_is_not_joined_by_another() {
    let world = shaped(Frequency::Hourly).await;
    let at = Timestamp::now().plus(2 * HOUR);
    let live = due(&world.database, at).await.remove(0);
    assert_eq!(due(&world.database, at.plus(5 * HOUR)).await, []);
    world.end(&live).await;
    assert_eq!(due(&world.database, at.plus(5 * HOUR)).await.len(), 1);
}

#[tokio::test]
async fn the_run_of_an_hourly_integration_pulls_and_then_pushes() {
    let world = shaped(Frequency::Hourly).await;
    world.dispatch();
    let id = world.crm.add_contact(json!({"email": "paul@exemple.fr", "firstname": "Paul"})).await;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.take_in().await;
    let now = Timestamp::now();
    let first = due(&world.database, now.plus(2 * HOUR)).await.remove(0);
    world.done(&first).await;
    assert_eq!((world.records().await.len(), world.crm.contacts().await.len(), world.drift().await), (2, 2, 0));

    // The next looks at what changed since, both ways.
    world.crm.edit_contact(&id, json!({"city": "Nantes"})).await;
    world.accept(vec![event("prospect.updated", "p1", json!({"city": "Lyon"}))]).await;
    world.take_in().await;
    assert_eq!(world.drift().await, 1);
    let second = due(&world.database, now.plus(3 * HOUR)).await.remove(0);
    assert_eq!((second.trigger, second.mode), (Trigger::Scheduled, Mode::SinceLast));
    let second = world.done(&second).await;
    assert_eq!(second.counts[&RecordKind::Contact].changed, 1, "{second:?}");
    let cities: Vec<_> = world.crm.contacts().await.into_values().map(|contact| contact["city"].clone()).collect();
    assert_eq!((cities, world.drift().await), (vec!["Nantes".to_owned(), "Lyon".to_owned()], 0));
    let pulled = world.records().await.iter().any(|record| crate::state::text(record, "city") == "Nantes");
    assert!(pulled);
}

#[tokio::test]
async fn a_realtime_integration_is_polled_for_webhooks_that_were_lost() {
    let world = shaped(Frequency::Realtime).await;
    world.dispatch();
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    world.run_fully().await;
    let (id, _) = world.crm.only_contact().await;
    world.crm.edit_contact(&id, json!({"city": "Nantes"})).await;

    let poll = due(&world.database, Timestamp::now().plus(HOUR)).await.remove(0);
    assert_eq!(poll.mode, Mode::SinceLast);
    world.done(&poll).await;
    assert_eq!(world.value("p1", "city").await, "Nantes");
}

#[tokio::test]
async fn a_scheduled_run_walks_everything_now_and_then() {
    let world = shaped(Frequency::Hourly).await;
    world.dispatch();
    let now = Timestamp::now();
    world.run_fully().await;
    let soon = due(&world.database, now.plus(2 * HOUR)).await.remove(0);
    assert_eq!(soon.mode, Mode::SinceLast);
    world.end(&soon).await;
    let later = due(&world.database, now.plus(8 * DAY)).await.remove(0);
    assert_eq!(later.mode, Mode::Full);
}

#[tokio::test]
async fn a_dispatcher_starts_what_is_due_by_itself() {
    // Every millisecond is a due time; the first that comes is taken.
    let often = [crate::world::HASTE[0], crate::world::HASTE[1], ("DISPATCHER__POLL_EVERY", "1ms")];
    let world = World::quiet(&often).await;
    world.crm.faults(prompt()).await;
    world.crm.add_contact(json!({"email": "paul@exemple.fr"})).await;
    world.dispatch();
    world.dispatch();
    testkit::wait::until("the contact to be pulled", crate::world::DEADLINE, || async {
        let records = world.records().await.len();
        if records == 1 { Ok(()) } else { Err(records) }
    })
    .await;
}
