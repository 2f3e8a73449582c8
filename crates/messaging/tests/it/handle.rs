//! The loop around a handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::fault::{Fault, FaultKind};
use domain::message::{Message, RecordPush};
use messaging::consumer::{self, Handler};
use messaging::{Broker, Context};
use testkit::wait;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::world::{DEADLINE, World, holds, push, world};

const DEAD: &str = "dead.dispatcher.record.push";

#[derive(Debug, thiserror::Error)]
#[error("it went wrong")]
struct Wrong(FaultKind);

impl Fault for Wrong {
    fn kind(&self) -> FaultKind {
        self.0
    }
}

/// Fails the first time as it is told, and reports every attempt.
struct FailingOnce {
    fault: Option<FaultKind>,
    calls: AtomicUsize,
    attempts: mpsc::UnboundedSender<u32>,
}

impl Handler<RecordPush> for FailingOnce {
    type Error = Wrong;

    async fn handle(&self, _message: &RecordPush, context: &Context) -> Result<(), Wrong> {
        self.attempts.send(context.attempt).unwrap();
        match (self.calls.fetch_add(1, Ordering::SeqCst), self.fault) {
            (0, Some(fault)) => Err(Wrong(fault)),
            (0, None) => panic!("as the test wants it"),
            _ => Ok(()),
        }
    }
}

/// Handles one message with a handler that fails once, and returns the attempts that it saw until nothing is left to do.
async fn attempts(world: &World, fault: Option<FaultKind>, expected: usize) -> Vec<u32> {
    let (attempts, mut seen) = mpsc::unbounded_channel();
    let shutdown = CancellationToken::new();
    let handler = FailingOnce { fault, calls: AtomicUsize::new(0), attempts };
    let running = tokio::spawn(consumer::run(world.broker.deliveries(4), 2, handler, shutdown.clone()));
    world.broker.publish(&push(), &Context::new()).await.unwrap();
    let mut found = Vec::new();
    while found.len() < expected {
        found.push(seen.recv().await.unwrap());
    }
    shutdown.cancel();
    running.await.unwrap();
    while let Some(attempt) = seen.recv().await {
        found.push(attempt);
    }
    found
}

#[tokio::test]
async fn a_transient_fault_is_another_attempt_later() {
    let world = world().await;
    assert_eq!(attempts(&world, Some(FaultKind::Internal), 2).await, [1, 2]);
    holds(&world.vhost, RecordPush::QUEUE, 0).await;
    holds(&world.vhost, DEAD, 0).await;
}

#[tokio::test]
async fn an_unavailable_part_is_no_attempt() {
    let world = world().await;
    assert_eq!(attempts(&world, Some(FaultKind::Unavailable), 2).await, [1, 1]);
    holds(&world.vhost, DEAD, 0).await;
}

#[tokio::test]
async fn a_panic_is_another_attempt_and_ends_nothing() {
    let world = world().await;
    assert_eq!(attempts(&world, None, 2).await, [1, 2]);
    holds(&world.vhost, DEAD, 0).await;
}

#[tokio::test]
async fn any_other_fault_is_a_dead_letter() {
    for fault in [FaultKind::Invalid, FaultKind::NotFound] {
        let world = world().await;
        assert_eq!(attempts(&world, Some(fault), 1).await, [1]);
        let [letter] = holds(&world.vhost, DEAD, 1).await.try_into().unwrap();
        assert_eq!(letter.properties["headers"]["reason"], format!("{}: it went wrong", fault.code()));
        holds(&world.vhost, RecordPush::QUEUE, 0).await;
    }
}

/// Waits for a permit with every message.
struct Gated {
    begun: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl Handler<RecordPush> for Gated {
    type Error = Wrong;

    async fn handle(&self, _message: &RecordPush, _context: &Context) -> Result<(), Wrong> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        Ok(())
    }
}

fn start(broker: &Broker, gate: &Arc<Semaphore>, shutdown: &CancellationToken) -> (Arc<AtomicUsize>, JoinHandle<()>) {
    let begun = Arc::new(AtomicUsize::new(0));
    let handler = Gated { begun: Arc::clone(&begun), gate: Arc::clone(gate) };
    (begun, tokio::spawn(consumer::run(broker.deliveries(10), 3, handler, shutdown.clone())))
}

#[tokio::test]
async fn a_shutdown_waits_for_what_is_under_way_and_gives_the_rest_back() {
    let World { vhost, broker } = world().await;
    let messages: Vec<_> = (0..10).map(|_| (push(), Context::new())).collect();
    broker.publish_all(&messages).await;
    let (gate, shutdown) = (Arc::new(Semaphore::new(0)), CancellationToken::new());
    let (begun, running) = start(&broker, &gate, &shutdown);
    let all_begun = || async { (begun.load(Ordering::SeqCst) == 3).then_some(()) };
    wait::until("three messages to be under way", DEADLINE, all_begun).await;

    shutdown.cancel();
    holds(&vhost, RecordPush::QUEUE, 7).await;
    assert!(!running.is_finished());
    gate.add_permits(3);
    running.await.unwrap();
    assert_eq!(begun.load(Ordering::SeqCst), 3);
    broker.close().await;
    holds(&vhost, RecordPush::QUEUE, 7).await;
}
