//! One event leaves one trace, and so does one delivery of a platform: from the door through the broker to the platform's call and
//! the row in the log, each span below the one that led to it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;
use reqwest::Method;
use serde_json::json;
use testkit::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use xtask::session::PORTAL;

use crate::world::{DEADLINE, World, prospect};

/// A span as it was exported: by which service, of which trace, below which.
#[derive(Clone, Debug)]
struct Span {
    service: String,
    name: String,
    trace: Vec<u8>,
    id: Vec<u8>,
    /// Empty where it begins the trace.
    parent: Vec<u8>,
}

/// A span that is wanted: by which service, of which name, below the one of which name; nothing is above the first.
type Hop = (&'static str, &'static str, Option<&'static str>);

const OF_EVENT: [Hop; 5] = [
    ("api-gateway", "POST /api/v1/events", None),
    ("sync-dispatcher", "dispatcher.event.merge", Some("POST /api/v1/events")),
    ("sync-dispatcher", "dispatcher.record.push", Some("dispatcher.event.merge")),
    ("sync-dispatcher", "platform.call", Some("dispatcher.record.push")),
    ("log-writer", "log.sync.write", Some("dispatcher.event.merge")),
];

const OF_DELIVERY: [Hop; 6] = [
    ("webhook-ingest", "POST /webhooks/integrations/", None),
    ("sync-dispatcher", "dispatcher.webhook.apply", Some("POST /webhooks/integrations/")),
    ("sync-dispatcher", "dispatcher.record.push", Some("dispatcher.webhook.apply")),
    ("sync-dispatcher", "platform.call", Some("dispatcher.record.push")),
    ("log-writer", "log.webhook.write", Some("dispatcher.webhook.apply")),
    ("log-writer", "log.sync.write", Some("dispatcher.webhook.apply")),
];

type Spans = Arc<Mutex<Vec<Span>>>;

/// A collector that keeps what it is sent.
async fn collector() -> (String, Spans) {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let (url, spans) = (format!("http://{}", listener.local_addr().unwrap()), Spans::default());
    let kept = Arc::clone(&spans);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&kept)));
        }
    });
    (url, spans)
}

async fn serve(mut stream: TcpStream, spans: Spans) {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 65_536]);
    loop {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        bytes.extend_from_slice(&buffer[..read]);
        let Some((head, length)) = head_of(&bytes) else { continue };
        if bytes.len() < head + length {
            continue;
        }
        keep(&bytes[head..head + length], &spans);
        bytes.drain(..head + length);
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Where the body begins, and how long it is.
fn head_of(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    assert!(head.starts_with("post /v1/traces "), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
    Some((end, length))
}

fn keep(body: &[u8], spans: &Spans) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap_or_default().attributes;
        let service = attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
        let Some(Value::StringValue(service)) = service.value.clone().unwrap().value else { panic!("{service:?}") };
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            let (trace, id, parent) = (span.trace_id, span.span_id, span.parent_span_id);
            spans.lock().unwrap().push(Span { service: service.clone(), name: span.name, trace, id, parent });
        }
    }
}

/// Whether a trace has such a span at its place.
fn has(trace: &[Span], (service, name, above): Hop) -> bool {
    let is_below = |span: &Span| match above {
        None => span.parent.iter().all(|byte| *byte == 0),
        Some(above) => trace.iter().any(|other| other.id == span.parent && other.name.contains(above)),
    };
    trace.iter().any(|span| span.service == service && span.name.contains(name) && is_below(span))
}

/// Waits for a trace that has all of these, and gives its id.
async fn traced(what: &str, spans: &Spans, wanted: &[Hop]) -> String {
    let whole = wait::until(what, DEADLINE, || async {
        let mut traces = BTreeMap::<Vec<u8>, Vec<Span>>::new();
        for span in spans.lock().unwrap().iter().cloned() {
            traces.entry(span.trace.clone()).or_default().push(span);
        }
        let whole = traces.iter().find(|(_, trace)| wanted.iter().all(|hop| has(trace, *hop)));
        whole.map(|(id, _)| id.clone()).ok_or(traces)
    })
    .await;
    whole.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_and_a_delivery_are_one_trace_each_from_the_door_to_the_platform_and_the_log() {
    let (url, spans) = collector().await;
    // What is taken for lost is announced again under a trace of its own: nothing is, however slow the machine.
    let settings = [("TELEMETRY__OTLP_ENDPOINT", url.as_str()), ("DISPATCHER__OWED_FOR_TOO_LONG", "1h")];
    let world = World::on_shared_servers("e2e-tracing", 23_000, &settings).await;
    // Deliveries are made by hand here: several that come at once are one message, which has a trace of its own.
    world.sandbox(Method::DELETE, &format!("/hubspot/{PORTAL}/webhook"), None).await;
    let event = prospect("traced", "prospect.created", json!({ "email": "trace@example.fr", "first_name": "Zoé" }));
    assert_eq!(world.post_event(&event).await.status(), 202);
    let trace = traced("the trace of an event", &spans, &OF_EVENT).await;
    // It is the id that users see.
    let logs = world.of_integration("/logs").await;
    assert!(logs.to_string().contains(&trace), "{trace} is not in {logs}");

    let contact = world.contact_by_hand(json!({ "email": "hand@example.fr", "firstname": "Paul" })).await;
    let answer = world.deliver(&contact).await;
    assert!(answer.status().is_success(), "{answer:?}");
    let trace = traced("the trace of a delivery", &spans, &OF_DELIVERY).await;
    for path in ["/logs", "/webhook-logs"] {
        let logs = world.of_integration(path).await;
        assert!(logs.to_string().contains(&trace), "{trace} is not in {path}: {logs}");
    }
    world.end().await;
}
