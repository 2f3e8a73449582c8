//! What is lost on the way comes again: queues, connections, and what was there before the integration was.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::cut::Proxy;
use testkit::wait;

use domain::id::MessageId;
use domain::kind::RecordKind;
use domain::message::{
    EventMerge, Message, RecordPush, RecordPushBulk, RunPage, StoredMessage, WebhookApply, WebhookApplyMany,
};
use domain::run::State;
use domain::time::Timestamp;
use domain::trace::TraceParent;
use messaging::topology::STRAYS;
use persistence::inbox;
use persistence::records::links::{self, Heard};

use crate::crm::told;
use crate::sharing::of_crm;
use crate::world::{DEADLINE, HASTE, World, event};

fn person(n: u32) -> Value {
    event("prospect.created", &format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}))
}

/// RabbitMQ may leave a consumer of a queue that was deleted and made again without messages, which is believed for a minute.
const RENEWED: Duration = Duration::from_secs(120);

/// Batches of five, one at once, so that most of what is announced waits.
const FIVE_AT_ONCE: [(&str, &str); 2] = [("DISPATCHER__LANE_BATCH", "5"), ("DISPATCHER__LANE_PARALLEL", "1")];

impl World {
    async fn has_queue(&self) -> bool {
        self.vhost.queues().await.iter().any(|name| name == RecordPush::QUEUE)
    }

    /// An object is heard of, and what announced that is lost.
    pub(crate) async fn lose_track(&self) {
        let (tenant, integration, kind) = (self.tenant, self.integration, RecordKind::Contact);
        let heard = Heard { tenant, integration, kind, external_ids: ["501".to_owned()].into() };
        let mut tx = self.begin().await;
        links::mark_dirty(&mut tx, &heard).await.unwrap();
        tx.commit().await.unwrap();
        self.server.execute("UPDATE record_links SET announced_at = now() - interval '1 hour'").await;
    }

    /// How much was lost and is not announced again.
    pub(crate) async fn overdue(&self) -> i64 {
        let overdue = "SELECT count(*) FROM record_links WHERE announced_at < now() - interval '1 minute'";
        self.server.count(overdue).await
    }

    /// Empties every queue that may be emptied, as an operator might. What a consumer holds is not drained: it is emptied from under it.
    async fn empty_all_but_the_intake(&self) {
        for queue in self.vhost.queues().await.into_iter().filter(|queue| !is_intake(queue)) {
            self.vhost.purge(&queue).await;
        }
    }

    /// How many messages wait for their next attempt, in the tiers that are shipped.
    async fn in_tiers(&self) -> u32 {
        let depths = self.broker.depths().await.unwrap_or_default();
        depths.iter().filter(|depth| depth.queue.contains("retry.")).map(|depth| depth.ready).sum()
    }

    /// Empties them once links and a page of a run lie in them that nobody holds.
    async fn empty_what_nobody_holds(&self) {
        wait::until("links and a page that nobody holds", DEADLINE, || async {
            let (links, pages) = (self.vhost.peek(RecordPush::QUEUE).await, self.vhost.peek(RunPage::QUEUE).await);
            if links.is_empty() || pages.is_empty() { Err((links.len(), pages.len())) } else { Ok(()) }
        })
        .await;
        self.empty_all_but_the_intake().await;
        for queue in self.vhost.queues().await.into_iter().filter(|queue| !is_intake(queue)) {
            assert!(self.vhost.peek(&queue).await.is_empty(), "{queue} is not empty");
        }
    }

    /// A prospect that was accepted while the broker was away, as it is kept.
    fn kept_message(&self, n: u32) -> StoredMessage {
        let events = vec![domain::event::parse(&person(n), "").unwrap()];
        let message = EventMerge { tenant_id: self.tenant, accepted_at: Timestamp::now(), events };
        StoredMessage::of(&message, MessageId::new(), TraceParent::generate()).unwrap()
    }
}

#[tokio::test]
async fn what_a_lost_queue_held_arrives() {
    let world = World::with(&HASTE).await;
    world.crm.faults(json!({"latency_ms": 100})).await;
    wait::until("the queue", DEADLINE, || async { world.has_queue().await.then_some(()) }).await;
    for n in 0..40 {
        world.accept(vec![person(n)]).await;
        if n == 15 {
            world.vhost.delete_queue(RecordPush::QUEUE).await;
        }
    }
    world.settle_within(RENEWED).await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (40, 0));
}

#[tokio::test]
async fn announcements_that_vanished_are_made_again() {
    let world = World::quiet(&[HASTE[0], HASTE[1], FIVE_AT_ONCE[0], FIVE_AT_ONCE[1]]).await;
    world.crm.faults(json!({"latency_ms": 1_000})).await;
    world.switch(false).await;
    world.accept((0..20).map(person).collect()).await;
    world.dispatch_until("everything to be merged", || world.is_taken_in()).await;
    world.switch(true).await;
    let of_it = format!("SELECT count(*) FROM record_links WHERE integration_id = '{}'", world.integration);
    world
        .dispatch_until("the records to be linked", || async {
            let count = world.server.count(&of_it).await;
            if count == 20 { Ok(()) } else { Err(format!("{count} links")) }
        })
        .await;
    assert!(world.drift().await > 0, "everything was done before");
    for queue in world.vhost.queues().await {
        if [RecordPush::QUEUE, RecordPushBulk::QUEUE].contains(&queue.as_str()) {
            world.vhost.delete_queue(&queue).await;
        }
    }

    world.crm.faults(json!({"latency_ms": 0})).await;
    world.dispatch();
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (20, 0));
}

#[tokio::test]
async fn an_integration_that_is_switched_on_later_gets_what_was_there_before() {
    let world = World::quiet(&HASTE).await;
    world.switch(false).await;
    world.dispatch();
    world.accept((0..30).map(person).collect()).await;
    world.take_in().await;
    assert!(world.crm.contacts().await.is_empty());

    world.switch(true).await;
    wait::until("all contacts", DEADLINE, || async {
        let count = world.crm.contacts().await.len();
        if count == 30 { Ok(()) } else { Err(count) }
    })
    .await;
    world.settle().await;
    assert_eq!(world.crm.duplicates().await, 0);
}

#[tokio::test]
async fn outcomes_that_could_not_be_published_reach_the_log_later() {
    let world = World::with(&HASTE).await;
    let creates = world.put_off_creates().await;
    world.accept((0..5).map(person).collect()).await;
    world.is_held_up().await;
    world.line.cut();
    creates.commit().await.unwrap();
    wait::until("outcomes that nobody was told of", DEADLINE, || async {
        let waiting = world.unpublished().await.len();
        if waiting >= 1 { Ok(()) } else { Err(waiting) }
    })
    .await;
    assert!(world.outcomes().is_empty());

    world.line.mend();
    world.settle().await;
    wait::until("the outcomes in the log", DEADLINE, || async {
        let (told, waiting) = (world.outcomes(), world.unpublished().await.len());
        if told.len() >= 5 && waiting == 0 { Ok(()) } else { Err((told.len(), waiting)) }
    })
    .await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (5, 0));
}

#[tokio::test]
async fn two_dispatchers_of_which_one_ends_in_the_middle_make_no_duplicate() {
    let world = World::quiet(&HASTE).await;
    world.crm.faults(json!({"latency_ms": 50})).await;
    let first = world.dispatch();
    world.dispatch();
    for n in 0..30 {
        world.accept(vec![person(n)]).await;
        if n == 15 {
            first.cancel();
        }
    }
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (30, 0));
}

#[tokio::test]
async fn rule_07_whoever_lost_its_lease_over_a_read_makes_no_record_beside_that_of_the_next() {
    let world = World::quiet(&HASTE).await;
    // Nothing identifies it but its id.
    let deal = world.crm.add("deals", json!({"dealname": "Leur affaire"})).await;
    let (tenant, integration, kind) = (world.tenant, world.integration, RecordKind::Deal);
    let heard = Heard { tenant, integration, kind, external_ids: [deal].into() };
    let mut tx = world.begin().await;
    links::mark_dirty(&mut tx, &heard).await.unwrap();
    tx.commit().await.unwrap();
    let held = world.hold_records().await;
    world.dispatch();
    // Whoever has read it.
    world.is_held_up().await;
    // As where its time has run out, and somebody else took the link over.
    world.server.execute("UPDATE record_links SET lease_token = 'another', lease_until = now()").await;
    held.commit().await.unwrap();
    world.settle().await;
    assert_eq!(world.records_of(RecordKind::Deal).await.len(), 1);
}

#[tokio::test]
async fn whoever_lost_its_lease_deletes_nothing() {
    let world = World::quiet(&HASTE).await;
    world.accept(vec![person(1)]).await;
    world.dispatch_until("everything to be in step", || world.is_settled()).await;
    // As where its time has run out before it calls, and somebody else took the link over.
    for statement in [
        "CREATE FUNCTION take_over() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             NEW.lease_token = 'another'; NEW.lease_until = now() + interval '1 hour'; RETURN NEW; END $$",
        "CREATE TRIGGER take_over BEFORE UPDATE OF lease_token ON record_links FOR EACH ROW
             WHEN (NEW.lease_token IS NOT NULL) EXECUTE FUNCTION take_over()",
    ] {
        world.server.execute(statement).await;
    }
    world.accept(vec![event("prospect.deleted", "p1", json!({}))]).await;
    let taken = "SELECT count(*) FROM record_links WHERE lease_token = 'another' AND kind = 'contact'";
    world
        .dispatch_until("the link to be taken", || async {
            let count = world.server.count(taken).await;
            if count == 1 { Ok(()) } else { Err(format!("{count} are taken")) }
        })
        .await;
    assert_eq!(world.crm.contacts().await.len(), 1);

    world.server.execute("DROP TRIGGER take_over ON record_links").await;
    world.server.execute("UPDATE record_links SET lease_until = now()").await;
    world.dispatch_until("everything to be in step", || world.is_settled()).await;
    assert!(world.crm.contacts().await.is_empty());
}

#[tokio::test]
async fn a_kept_message_that_no_queue_will_ever_take_holds_up_nobody() {
    let world = World::with(&HASTE).await;
    let stray = StoredMessage { queue: "dispatcher.event.gone".to_owned(), ..world.kept_message(1) };
    let mut tx = world.begin().await;
    inbox::store(&mut tx, &[stray.clone(), world.kept_message(2), world.kept_message(3)]).await.unwrap();
    tx.commit().await.unwrap();

    wait::until("the others to arrive", DEADLINE, || async {
        let count = world.crm.contacts().await.len();
        if count == 2 { Ok(()) } else { Err(count) }
    })
    .await;
    wait::until("the inbox to be empty", DEADLINE, || async {
        (inbox::count(&mut world.begin().await).await.unwrap() == 0).then_some(())
    })
    .await;
    let letters = world.vhost.peek(STRAYS).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].properties["message_id"], stray.id.to_string());
    let reason = letters[0].properties["headers"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("queue_unknown: ") && reason.ends_with("`dispatcher.event.gone`"), "{reason}");
    assert_eq!(serde_json::from_str::<Value>(&letters[0].payload).unwrap(), stray.payload);
}

#[tokio::test]
async fn what_is_overdue_does_not_wait_for_an_inbox_that_is_being_emptied_and_neither_does_the_end() {
    let world = World::quiet(&HASTE).await;
    let mut held = world.put_off("DELETE ON inbox", "true").await;
    let mut tx = world.begin().await;
    inbox::store(&mut tx, &[world.kept_message(1)]).await.unwrap();
    tx.commit().await.unwrap();
    world.lose_track().await;

    world
        .dispatch_until("what was lost to be announced meanwhile", || async {
            let (waiting, overdue) = (world.held_up().await, world.overdue().await);
            if waiting > 0 && overdue == 0 { Ok(()) } else { Err(format!("{waiting} waiting, {overdue} overdue")) }
        })
        .await;
    assert_eq!(inbox::count(&mut held).await.unwrap(), 1, "what is left in the middle stays");
    held.commit().await.unwrap();
}

/// The same, and nobody looks for what was lost.
const FORGOTTEN: [(&str, &str); 3] = [FIVE_AT_ONCE[0], FIVE_AT_ONCE[1], ("DISPATCHER__OWED_FOR_TOO_LONG", "1h")];

/// Whether the only copy of what was accepted is in this until it is merged.
fn is_intake(queue: &str) -> bool {
    let work = [EventMerge::LANES, WebhookApply::LANES, WebhookApplyMany::LANES].concat();
    work.contains(&queue) || queue.starts_with("intake.retry.")
}

#[tokio::test]
async fn promise_1_every_queue_but_the_intake_may_be_emptied_in_the_middle_of_a_run() {
    let world = World::quiet(&FORGOTTEN).await;
    world.crm.faults(json!({"latency_ms": 1_000, "search_lag_ms": 0, "search_limit_per_s": null})).await;
    world.crm.import_contacts(crate::running::people(100..400)).await;
    let run = world.ask_for(&world.full_run()).await;
    world.accept((0..20).map(person).collect()).await;
    // It gives back what it holds: that would outlive an emptied queue.
    world
        .dispatch_until("the middle of the run", || async {
            world.is_taken_in().await?;
            let at = world.run(run.id).await.sequence;
            if at >= 1 { Ok(()) } else { Err(format!("page {at}")) }
        })
        .await;
    world.empty_what_nobody_holds().await;

    // Nobody but a reconciler knows of it any more: whoever comes new is written, and nothing else is done.
    let left = (world.run(run.id).await, world.crm.contacts().await.len(), world.drift().await);
    assert!(left.0.state == State::Running && left.2 > 0, "{left:?}");
    world.crm.faults(json!({"latency_ms": 0})).await;
    world.dispatch();
    world.accept(vec![person(20)]).await;
    wait::until("whoever came new to be in step", DEADLINE, || async {
        world.is_taken_in().await?;
        let (count, drift) = (world.crm.contacts().await.len(), world.drift().await);
        if count > left.1 && drift <= left.2 { Ok(()) } else { Err(format!("{count} contacts, {drift} owed")) }
    })
    .await;
    let now = (world.run(run.id).await.sequence, world.crm.contacts().await.len(), world.drift().await);
    assert_eq!(now, (left.0.sequence, left.1 + 1, left.2), "it came back without a reconciler");

    world.dispatch_with(&HASTE);
    world.run_in(run.id, State::Done).await;
    world.settle().await;
    assert_eq!(world.records().await.len(), 321);
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (321, 0));
}

#[tokio::test]
async fn promise_1_what_waits_for_the_database_outlives_every_queue_but_the_intake() {
    let world = World::quiet(&[HASTE[0], HASTE[1], ("BROKER__RETRY_SCHEDULE", "5s")]).await;
    let line = Proxy::before(&world.server.worker_url()).await;
    world.dispatch_with(&[("DATABASE__URL", line.url().as_str())]);
    world.accept(vec![person(0)]).await;
    world.settle().await;

    line.cut();
    for n in 1..4 {
        world.accept(vec![person(n)]).await;
    }
    let alone = world.crm.add("contacts", json!({"email": "seule@exemple.fr"})).await;
    let together = world.crm.add("contacts", json!({"email": "ensemble@exemple.fr"})).await;
    let shared = of_crm(vec![told("creation", &together)]);
    world.deliver(&[told("creation", &alone)]).await;
    world.share(std::slice::from_ref(&shared)).await;
    wait::until("all to wait for their next attempt", DEADLINE, || async {
        let waiting = world.in_tiers().await;
        if waiting >= 5 { Ok(()) } else { Err(waiting) }
    })
    .await;
    world.empty_all_but_the_intake().await;
    line.mend();

    world.rows_of(&[&shared]).await;
    world.settle().await;
    assert_eq!(world.records_of(RecordKind::Contact).await.len(), 6);
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (6, 0));
}

#[tokio::test]
async fn promise_1_with_the_intake_empty_the_whole_vhost_may_be_deleted_and_made_again() {
    // What was being settled when the broker went is held until its lease ends.
    let lease = [("DISPATCHER__LEASE", "5s"), ("DISPATCHER__PLATFORM_TIMEOUT", "3s")];
    let world = World::with(&[HASTE[0], HASTE[1], lease[0], lease[1]]).await;
    world.crm.faults(json!({"latency_ms": 200, "search_lag_ms": 0, "search_limit_per_s": null})).await;
    world.crm.import_contacts(crate::running::people(100..300)).await;
    world.accept((0..60).map(person).collect()).await;
    world.take_in().await;
    let held = world.hold_records().await;
    let run = world.ask_for(&world.full_run()).await;
    world.run_at(run.id, 1).await;
    assert!(world.drift().await > 0, "everything was done before");
    world.vhost.remove().await;
    world.vhost.make().await;
    held.commit().await.unwrap();
    world.run_in_within(RENEWED, run.id, State::Done).await;
    wait::until("everything to be in step", RENEWED, || async {
        let drift = world.drift().await;
        if drift == 0 { Ok(()) } else { Err(drift) }
    })
    .await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (260, 0));
    assert_eq!(world.records_of(RecordKind::Contact).await.len(), 260);

    // And goes on.
    wait::until("a connection to the broker", DEADLINE, || async { world.broker.is_connected().then_some(()) }).await;
    world.accept(vec![person(60)]).await;
    world.settle_within(RENEWED).await;
    assert_eq!(world.crm.contacts().await.len(), 261);
}
