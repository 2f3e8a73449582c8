//! The `AsyncAPI` document: which messages lie in which queue, who sends and who takes them. Made from their types.

use domain::message::{
    BackendTell, CallbackApply, EventMerge, IntegrationStatusChanged, Message, Proclaimed, RecordAmend, RecordChanged,
    RecordLinked, RecordPush, RecordPushBulk, RunPage, WebhookApply, WebhookApplyMany,
};
use domain::outcome::{SyncOutcome, WebhookOutcome};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::context::{ATTEMPT, NOT_BEFORE, REST, TRACEPARENT};
use crate::topology::RECORDS_EXCHANGE;

/// The version of `AsyncAPI` that the document is written in.
const ASYNCAPI: &str = "3.0.0";

/// Every message, with who sends it and who takes it.
fn routes() -> Vec<Route> {
    vec![
        Route::of::<EventMerge>(&["api-gateway"], "sync-dispatcher"),
        Route::of::<WebhookApply>(&["webhook-ingest", "sync-dispatcher"], "sync-dispatcher"),
        Route::of::<WebhookApplyMany>(&["webhook-ingest"], "sync-dispatcher"),
        Route::of::<CallbackApply>(&["api-gateway"], "sync-dispatcher"),
        Route::of::<RecordPush>(&["sync-dispatcher", "api-gateway"], "sync-dispatcher"),
        Route::of::<RecordAmend>(&["api-gateway", "sync-dispatcher"], "sync-dispatcher"),
        Route::of::<RecordPushBulk>(&["sync-dispatcher"], "sync-dispatcher"),
        Route::of::<BackendTell>(&["sync-dispatcher"], "sync-dispatcher"),
        Route::of::<RunPage>(&["sync-dispatcher", "api-gateway"], "sync-dispatcher"),
        Route::of::<SyncOutcome>(&["sync-dispatcher"], "log-writer"),
        Route::of::<WebhookOutcome>(&["webhook-ingest", "sync-dispatcher"], "log-writer"),
    ]
}

/// A type of message, its queues, and the services at both ends.
struct Route {
    message_type: &'static str,
    queues: &'static [&'static str],
    from: &'static [&'static str],
    to: &'static str,
    payload: String,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Route {
    fn of<M: Message + ToSchema>(from: &'static [&'static str], to: &'static str) -> Self {
        let mut schemas = vec![(M::name().into_owned(), M::schema())];
        M::schemas(&mut schemas);
        Self { message_type: M::TYPE, queues: M::LANES, from, to, payload: M::name().into_owned(), schemas }
    }

    fn channel(&self, queue: &str) -> Value {
        json!({
            "address": queue,
            "description": "A durable quorum queue, reached through the default exchange; what cannot be handled lies \
                in the queue of the same name behind `dead.`.",
            "messages": { self.message_type: reference("messages", self.message_type) },
            "bindings": { "amqp": {
                "is": "queue",
                "queue": { "name": queue, "durable": true, "exclusive": false, "autoDelete": false },
                "bindingVersion": "0.3.0",
            } },
        })
    }

    fn message(&self) -> Value {
        message(self.message_type, &self.payload)
    }

    /// What is done with one of its queues: named by the type, and by the place of the queue behind the first.
    fn operations(&self, (place, queue): (usize, &str)) -> impl Iterator<Item = (String, Value)> {
        let lane = if place == 0 { String::new() } else { format!(".{place}") };
        let operation = |action: &str| {
            let channel = format!("#/channels/{queue}");
            let message = format!("{channel}/messages/{}", self.message_type);
            json!({ "action": action, "channel": { "$ref": channel }, "messages": [{ "$ref": message }] })
        };
        let sent = self.from.iter().map(|service| format!("{service}.sends.{}{lane}", self.message_type));
        let sent: Vec<_> = sent.map(|name| (name, operation("send"))).collect();
        let taken = (format!("{}.takes.{}{lane}", self.to, self.message_type), operation("receive"));
        sent.into_iter().chain([taken])
    }
}

fn message(message_type: &str, payload: &str) -> Value {
    json!({
        "name": message_type,
        "contentType": "application/json",
        "description": "The property `type` holds the name with its version; a payload of another type is never \
            decoded. The property `message_id` stays the same however often it is delivered.",
        "headers": reference("schemas", "Headers"),
        "payload": reference("schemas", payload),
    })
}

/// What other services are told.
struct Word {
    message_type: &'static str,
    payload: String,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Word {
    fn of<P: Proclaimed + ToSchema>() -> Self {
        let mut schemas = vec![(P::name().into_owned(), P::schema())];
        P::schemas(&mut schemas);
        Self { message_type: P::TYPE, payload: P::name().into_owned(), schemas }
    }

    /// Who says it.
    fn operation(&self) -> (String, Value) {
        let message = format!("#/channels/{RECORDS_EXCHANGE}/messages/{}", self.message_type);
        let channel = reference_to("channels", RECORDS_EXCHANGE);
        let said = json!({ "action": "send", "channel": channel, "messages": [{ "$ref": message }] });
        (format!("sync-dispatcher.sends.{}", self.message_type), said)
    }
}

/// Everything that other services are told.
fn words() -> [Word; 3] {
    [Word::of::<RecordChanged>(), Word::of::<RecordLinked>(), Word::of::<IntegrationStatusChanged>()]
}

/// What other services bind to.
fn records_channel(words: &[Word]) -> Value {
    let message = |word: &Word| (word.message_type.to_owned(), reference("messages", word.message_type));
    let messages: Map<_, _> = words.iter().map(message).collect();
    json!({
        "address": "{tenant_id}.{subject}.{event}",
        "description": "A durable topic exchange for other services: bind a queue of your own with a pattern such as \
            `*.contact.changed`. A message says that something is another than it was, not how; it may come again, or \
            say nothing new.",
        "parameters": {
            "tenant_id": { "description": "Whose: `ten_…`, or `*`." },
            "subject": { "description": "`contact`, `deal`, `product`, `order` or `activity`; or `integration`." },
            "event": { "description": "Of a record `changed` or `linked`; of an integration `status_changed`." },
        },
        "messages": messages,
        "bindings": { "amqp": {
            "is": "routingKey",
            "exchange": { "name": RECORDS_EXCHANGE, "type": "topic", "durable": true, "autoDelete": false },
            "bindingVersion": "0.3.0",
        } },
    })
}

fn reference_to(section: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/{section}/{name}") })
}

fn reference(section: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{section}/{name}") })
}

/// What travels beside every payload.
fn headers() -> Value {
    json!({
        "type": "object",
        "description": "What travels beside a payload.",
        "properties": {
            TRACEPARENT: {
                "type": "string",
                "description": "The trace that the message belongs to (W3C Trace Context).",
                "examples": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
            },
            ATTEMPT: { "type": "integer", "minimum": 1, "description": "Which attempt this is; 1 is the first." },
            NOT_BEFORE: {
                "type": "string",
                "format": "date-time",
                "description": "Before this time a retry is not due; it is absent from first attempts.",
            },
            REST: {
                "type": "integer",
                "minimum": 0,
                "description": "Milliseconds that a retry has yet to wait when it comes back, at most; it is absent from first attempts.",
            },
        },
        "required": [TRACEPARENT, ATTEMPT],
    })
}

/// The document of this version of the messages.
#[must_use]
pub fn document() -> Value {
    let (mut channels, mut messages, mut operations) = (Map::new(), Map::new(), Map::new());
    let mut schemas = Map::from_iter([("Headers".to_owned(), headers())]);
    for route in routes() {
        for (place, queue) in route.queues.iter().copied().enumerate() {
            channels.insert(queue.to_owned(), route.channel(queue));
            operations.extend(route.operations((place, queue)));
        }
        messages.insert(route.message_type.to_owned(), route.message());
        schemas.extend(route.schemas.iter().map(|(name, schema)| (name.clone(), json!(schema))));
    }
    let words = words();
    channels.insert(RECORDS_EXCHANGE.to_owned(), records_channel(&words));
    operations.extend(words.iter().map(Word::operation));
    for word in words {
        messages.insert(word.message_type.to_owned(), message(word.message_type, &word.payload));
        schemas.extend(word.schemas.into_iter().map(|(name, schema)| (name, json!(schema))));
    }
    json!({
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Coccinelle Integrations",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The messages between the services. Each may be delivered more than once, and late: all are \
                idempotent.",
        },
        "defaultContentType": "application/json",
        "servers": { "rabbitmq": { "host": "127.0.0.1:5672", "protocol": "amqp" } },
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::QUEUES;

    #[test]
    fn the_checked_in_copy_is_the_document() {
        let copy: Value = serde_json::from_str(include_str!("../../../docs/asyncapi.json")).unwrap();
        assert!(
            copy == document(),
            "docs/asyncapi.json is not what the types say: \
             cargo run -p messaging --example asyncapi > docs/asyncapi.json"
        );
    }

    #[test]
    fn every_queue_is_described() {
        let document = document();
        let mut described: Vec<_> = document["channels"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut queues: Vec<_> = QUEUES.iter().map(|queue| queue.name()).chain([RECORDS_EXCHANGE]).collect();
        described.sort_unstable();
        queues.sort_unstable();
        assert_eq!(described, queues);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut open = vec![&document];
        while let Some(value) = open.pop() {
            if let Some(reference) = value["$ref"].as_str() {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
            }
            open.extend(value.as_array().into_iter().flatten());
            open.extend(value.as_object().into_iter().flat_map(Map::values));
        }
    }
}
