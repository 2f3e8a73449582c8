//! Runs as the gateway asks for them and shows them: one at a time, of one tenant, cancelled and confirmed.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::id::RunId;
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::run::{Counts, Mode, Position, Progress, Run, State, Step, Trigger};
use persistence::runs::{self, Move, NewRun, RunsPage, Started, Suspects};
use persistence::{Scope, Transaction};

use crate::world::{Customer, World, try_to, words};

pub(crate) fn manual(customer: Customer) -> NewRun {
    NewRun {
        tenant: customer.tenant,
        integration: customer.integration,
        trigger: Trigger::Manual,
        direction: Direction::Bidirectional,
        kinds: vec![RecordKind::Deal, RecordKind::Contact],
        mode: Mode::Full,
        requested_by: Some("admin@exemple.fr".to_owned()),
        due_at: None,
    }
}

pub(crate) async fn started(tx: &mut Transaction, new: &NewRun) -> Run {
    match runs::start(tx, new).await.unwrap() {
        Started::Queued(run) => *run,
        other @ (Started::Conflict(_) | Started::Past) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_second_start_is_refused_and_named_the_live_run() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    let first = started(&mut tx, &manual(customer)).await;
    tx.commit().await.unwrap();
    assert_eq!((first.state, first.sequence, first.trigger), (State::Queued, 0, Trigger::Manual));
    assert_eq!(first.kinds, [RecordKind::Contact, RecordKind::Deal]);

    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    assert_eq!(runs::start(&mut tx, &manual(customer)).await.unwrap(), Started::Conflict(Box::new(first.clone())));
    let cancelled = runs::cancel(&mut tx, customer.tenant, first.id).await.unwrap().unwrap();
    assert_eq!((cancelled.state, cancelled.ended_at.is_some()), (State::Cancelled, true));
    let second = started(&mut tx, &manual(customer)).await;
    let page = RunsPage { after: None, limit: 1 };
    let newest = runs::list(&mut tx, (customer.tenant, customer.integration), page).await.unwrap();
    assert_eq!(newest, std::slice::from_ref(&second));
    let page = RunsPage { after: Some(second.id), limit: 10 };
    let rest = runs::list(&mut tx, (customer.tenant, customer.integration), page).await.unwrap();
    assert_eq!(rest, [cancelled]);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn of_many_starts_at_once_one_is_made() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let start = || async {
        let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
        let started = runs::start(&mut tx, &manual(customer)).await.unwrap();
        tx.commit().await.unwrap();
        matches!(started, Started::Queued(_))
    };
    let (a, b, c, d) = tokio::join!(start(), start(), start(), start());
    assert_eq!([a, b, c, d].into_iter().filter(|made| *made).count(), 1);
}

#[tokio::test]
async fn a_run_is_nobody_elses() {
    let world = World::new().await;
    let (mine, theirs) = (world.customer("1001").await, world.customer("1002").await);
    let mut tx = world.gateway.begin(Scope::Tenant(theirs.tenant)).await.unwrap();
    let mixed = NewRun { tenant: theirs.tenant, ..manual(mine) };
    assert!(runs::start(&mut tx, &mixed).await.is_err(), "another tenant's integration");
    drop(tx);
    let mut tx = world.gateway.begin(Scope::Tenant(mine.tenant)).await.unwrap();
    let run = started(&mut tx, &manual(mine)).await;
    tx.commit().await.unwrap();
    let mut tx = world.gateway.begin(Scope::Tenant(theirs.tenant)).await.unwrap();
    for tenant in [theirs.tenant, mine.tenant] {
        assert_eq!(runs::get(&mut tx, tenant, run.id).await.unwrap(), None);
        assert_eq!(runs::cancel(&mut tx, tenant, run.id).await.unwrap(), None);
        assert_eq!(runs::confirm(&mut tx, tenant, run.id).await.unwrap(), None);
    }
}

fn moved(counts: Counts) -> Move {
    let position = Position { step: Step::List(RecordKind::Contact), cursor: Some("7".to_owned()) };
    Move { position, counts: BTreeMap::from([(RecordKind::Contact, counts)]), mark: None, settles: false }
}

#[tokio::test]
async fn a_page_moves_its_run_once() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let page = started(&mut tx, &manual(customer)).await.page();
    assert_eq!(runs::take_up(&mut tx, &page).await.unwrap().unwrap().state, State::Running);
    let next = runs::advance(&mut tx, &page, &moved(Counts::default())).await.unwrap().unwrap();
    assert_eq!(next.sequence, 1);
    assert_eq!(runs::take_up(&mut tx, &page).await.unwrap(), None, "the page that is done");
    assert_eq!(runs::advance(&mut tx, &page, &moved(Counts::default())).await.unwrap(), None);
    assert!(!runs::end(&mut tx, &page, State::Done, None).await.unwrap());

    let run = runs::cancel(&mut tx, customer.tenant, page.run_id).await.unwrap().unwrap();
    assert_eq!(run.state, State::Cancelling);
    assert_eq!(runs::advance(&mut tx, &next, &moved(Counts::default())).await.unwrap(), None, "it is to end");
    assert_eq!(runs::take_up(&mut tx, &next).await.unwrap().unwrap().state, State::Cancelling);
    assert!(runs::end(&mut tx, &next, State::Cancelled, None).await.unwrap());
    let run = runs::cancel(&mut tx, customer.tenant, page.run_id).await.unwrap().unwrap();
    assert_eq!(run.state, State::Cancelled);
}

/// Lets a customer's integration hold an object, unless it does already.
async fn hold(tx: &mut Transaction, Customer { tenant, integration, .. }: Customer) {
    for row in [
        format!("records (id, tenant_id, kind) VALUES ('{integration}', '{tenant}', 'contact')"),
        format!(
            "record_links (id, tenant_id, integration_id, kind, external_id, record_id)
             VALUES ('{integration}', '{tenant}', '{integration}', 'contact', '501', '{integration}')"
        ),
    ] {
        try_to(tx, &format!("INSERT INTO {row} ON CONFLICT DO NOTHING")).await.unwrap();
    }
}

/// Has a run done all else than to delete the object, which it found gone; whether it asks for that.
async fn asks(tx: &mut Transaction, customer: Customer, run: &Run) -> bool {
    hold(tx, customer).await;
    let run = runs::take_up(tx, &run.page()).await.unwrap().unwrap();
    let found = Suspects { gone: vec!["501".to_owned()], ..Suspects::default() };
    runs::note_suspects(tx, &run, RecordKind::Contact, &found).await.unwrap();
    runs::await_consent(tx, &run.page()).await.unwrap()
}

#[tokio::test]
async fn a_run_that_asks_keeps_no_other_from_beginning_and_goes_on_beside_it_once_it_is_answered() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let whose = (customer.tenant, customer.integration);
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let first = started(&mut tx, &manual(customer)).await;
    assert!(asks(&mut tx, customer, &first).await);
    let asking = runs::asking(&mut tx, whose).await.unwrap().unwrap();
    let removal = Position { step: Step::Remove, cursor: None };
    assert_eq!((asking.id, asking.state, asking.position), (first.id, State::NeedsConfirmation, Some(removal)));
    assert_eq!(runs::schedulable(&mut tx, None, 10).await.unwrap().len(), 1);

    let second = started(&mut tx, &manual(customer)).await;
    assert_eq!(runs::schedulable(&mut tx, None, 10).await.unwrap().len(), 0);
    assert_eq!(runs::start(&mut tx, &manual(customer)).await.unwrap(), Started::Conflict(Box::new(second.clone())));
    assert!(!asks(&mut tx, customer, &second).await, "it is asked already");
    let confirmed = runs::confirm(&mut tx, customer.tenant, first.id).await.unwrap().unwrap();
    assert_eq!((confirmed.state, confirmed.confirmed), (State::Running, true));
    assert_eq!(runs::asking(&mut tx, whose).await.unwrap(), None);
    assert!(!runs::await_consent(&mut tx, &confirmed.page()).await.unwrap(), "it has its answer");
    assert!(runs::end(&mut tx, &second.page(), State::Done, None).await.unwrap());
    started(&mut tx, &manual(customer)).await;
}

#[tokio::test]
async fn who_has_just_answered_is_not_asked_again_by_the_run_that_was_under_way() {
    for agrees in [true, false] {
        let world = World::new().await;
        let customer = world.customer("1001").await;
        // A transaction's `now()` is its beginning.
        let begin = async || world.worker.begin(Scope::System).await.unwrap();
        let mut tx = begin().await;
        let asking = started(&mut tx, &manual(customer)).await;
        assert!(asks(&mut tx, customer, &asking).await);
        tx.commit().await.unwrap();
        let mut tx = begin().await;
        let under_way = started(&mut tx, &manual(customer)).await;
        assert!(runs::take_up(&mut tx, &under_way.page()).await.unwrap().is_some());
        tx.commit().await.unwrap();

        let mut tx = begin().await;
        let answered = if agrees {
            runs::confirm(&mut tx, customer.tenant, asking.id).await
        } else {
            runs::cancel(&mut tx, customer.tenant, asking.id).await
        };
        let answered = answered.unwrap().unwrap();
        tx.commit().await.unwrap();
        let mut tx = begin().await;
        assert!(!asks(&mut tx, customer, &under_way).await, "agreed to: {agrees}");
        assert!(runs::end(&mut tx, &under_way.page(), State::Done, None).await.unwrap());
        assert_eq!(runs::end(&mut tx, &answered.page(), State::Done, None).await.unwrap(), agrees);
        tx.commit().await.unwrap();

        let mut tx = begin().await;
        let next = started(&mut tx, &manual(customer)).await;
        assert!(asks(&mut tx, customer, &next).await, "agreed to: {agrees}, and found gone once more");
    }
}

#[tokio::test]
async fn nobody_is_asked_about_what_is_held_to_be_gone_already() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    hold(&mut tx, customer).await;
    let run = started(&mut tx, &manual(customer)).await;
    let there = format!("gone = false, record_id = '{}'", customer.integration);
    for (held, is_asked) in [("gone = true", false), ("gone = false, record_id = NULL", false), (there.as_str(), true)]
    {
        try_to(&mut tx, &format!("UPDATE record_links SET {held}")).await.unwrap();
        assert_eq!(asks(&mut tx, customer, &run).await, is_asked, "{held}");
    }
}

#[tokio::test]
async fn who_refuses_deletions_is_asked_again_by_the_next_walk_in_its_time() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let run = started(&mut tx, &manual(customer)).await;
    assert!(asks(&mut tx, customer, &run).await);
    runs::cancel(&mut tx, customer.tenant, run.id).await.unwrap();
    let schedulable = runs::schedulable(&mut tx, None, 10).await.unwrap().remove(0);
    assert!(schedulable.last_walk.is_some(), "it has walked everything");
}

#[tokio::test]
async fn a_run_that_was_agreed_to_has_walked_everything_and_one_that_failed_over_its_removals_is_walked_again() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let run = started(&mut tx, &manual(customer)).await;
    runs::take_up(&mut tx, &run.page()).await.unwrap();
    let at = |step: &str, confirmed: bool| {
        format!(
            "UPDATE sync_runs SET state = 'failed', ended_at = now(), confirmed = {confirmed},
                 position = '{{\"step\": \"{step}\"}}'"
        )
    };
    for (end, has_walked) in [(at("remove", false), false), (at("remove", true), true), (at("settle", true), true)] {
        try_to(&mut tx, &end).await.unwrap();
        let schedulable = runs::schedulable(&mut tx, None, 10).await.unwrap().remove(0);
        assert_eq!(schedulable.last_walk.is_some(), has_walked, "{end}");
    }
}

#[tokio::test]
async fn a_silent_run_is_announced_again_where_it_stands() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let run = started(&mut tx, &manual(customer)).await;
    // A transaction's `now()` is its beginning.
    tx.commit().await.unwrap();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(runs::overdue(&mut tx, Duration::from_secs(3_600), 10).await.unwrap(), []);
    assert_eq!(runs::overdue(&mut tx, Duration::ZERO, 10).await.unwrap(), [run.page()]);
    assert_eq!(runs::overdue(&mut tx, Duration::ZERO, 10).await.unwrap(), []);
    runs::put_off(&mut tx, &run.page(), Duration::from_secs(3_600), None).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(runs::overdue(&mut tx, Duration::ZERO, 10).await.unwrap(), [], "its page waits for its time");
}

#[tokio::test]
async fn progress_counts_what_is_still_owed_of_a_live_run() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let page = started(&mut tx, &manual(customer)).await.page();
    runs::take_up(&mut tx, &page).await.unwrap();
    let counts = Counts { read: 5, changed: 5, total: Some(8), ..Counts::default() };
    runs::advance(&mut tx, &page, &moved(counts)).await.unwrap();
    for n in 0..3 {
        let id = RunId::new();
        let link = format!(
            "INSERT INTO record_links (id, tenant_id, integration_id, kind, external_id, remote_seq, owed_since)
             VALUES ('{id}', '{}', '{}', 'contact', '{n}', 1, now())",
            customer.tenant, customer.integration
        );
        try_to(&mut tx, &link).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    let run = runs::get(&mut tx, customer.tenant, page.run_id).await.unwrap().unwrap();
    assert_eq!(run.progress(), Progress { done: 2, total: 8 });
    assert_eq!(run.counts[&RecordKind::Contact].owed, 3);
}

#[tokio::test]
async fn old_scheduled_runs_are_forgotten_but_for_the_last_that_was_completed() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    for (id, trigger, state, marks) in [
        ("run_1", "scheduled", "done", r#"{"contact": "1", "deal": "1"}"#),
        ("run_2", "manual", "done", r#"{"contact": "2"}"#),
        ("run_3", "scheduled", "failed", "{}"),
        ("run_4", "scheduled", "done", r#"{"contact": "4"}"#),
    ] {
        let (tenant, integration) = (customer.tenant, customer.integration);
        let run = format!(
            "INSERT INTO sync_runs (id, tenant_id, integration_id, trigger, direction, kinds, mode, state, marks, ended_at)
             VALUES ('{id}', '{tenant}', '{integration}', '{trigger}', 'bidirectional', '{{contact}}', 'full', '{state}',
                     '{marks}', now() - interval '40 days')"
        );
        try_to(&mut tx, &run).await.unwrap();
    }
    let day = Duration::from_secs(24 * 3_600);
    assert_eq!(runs::forget(&mut tx, 50 * day, 100).await.unwrap(), 0);
    // The failed one goes. The first is still the last of deals, somebody asked for the second, the last is the last.
    assert_eq!(runs::forget(&mut tx, 30 * day, 100).await.unwrap(), 1);
    let left = words(&mut tx, "SELECT id AS word FROM sync_runs ORDER BY id").await;
    assert_eq!(left, ["run_1", "run_2", "run_4"]);
}
