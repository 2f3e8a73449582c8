//! The end of a connection: what was begun is finished, and nothing is broken off.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use domain::message::{Message, RecordPush};
use messaging::{Context, PublishError, consumer};
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::world::{holds, push, world};

/// Gathers what is logged as an error on this thread, which carries a test's runtime and so lapin's own tasks.
#[derive(Clone, Debug, Default)]
struct Errors(Arc<Mutex<Vec<String>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(event.metadata().target().to_owned());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }
}

struct Nothing;

impl consumer::Handler<RecordPush> for Nothing {
    type Error = PublishError;

    async fn handle(&self, _: &RecordPush, _: &Context) -> Result<(), PublishError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_clean_stop_logs_no_error() {
    let errors = Errors::default();
    let _watching = tracing::subscriber::set_default(errors.clone());
    tracing::error!("seen");
    assert_eq!(errors.0.lock().unwrap().drain(..).len(), 1);

    for _ in 0..10 {
        let (world, stop) = (world().await, CancellationToken::new());
        let deliveries = world.broker.deliveries::<RecordPush>(4);
        let running = tokio::spawn(consumer::run(deliveries, 2, Nothing, stop.clone()));
        for _ in 0..5 {
            world.broker.publish(&push(), &Context::new()).await.unwrap();
        }
        holds(&world.vhost, RecordPush::QUEUE, 0).await;
        stop.cancel();
        running.await.unwrap();
        world.broker.close().await;
    }
    assert_eq!(*errors.0.lock().unwrap(), Vec::<String>::new());
}
