//! One event leaves one trace, from the gateway through the broker to the platform's call and the row in the log.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;
use serde_json::json;
use testkit::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{DEADLINE, World, prospect};

/// A span as it was exported: by which service, of which trace, below which.
#[derive(Clone, Debug)]
struct Span {
    service: String,
    name: String,
    trace: String,
}

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
            let trace = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
            spans.lock().unwrap().push(Span { service: service.clone(), name: span.name, trace });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_one_trace_from_the_gateway_to_the_platform_and_the_log() {
    let (url, spans) = collector().await;
    let world = World::on_shared_servers("e2e-tracing", 23_000, &[("TELEMETRY__OTLP_ENDPOINT", &url)]).await;
    let event = prospect("traced", "prospect.created", json!({ "email": "trace@example.fr", "first_name": "Zoé" }));
    assert_eq!(world.post_event(&event).await.status(), 202);
    let wanted = [
        ("api-gateway", "POST /api/v1/events"),
        ("sync-dispatcher", "dispatcher.event.merge"),
        ("sync-dispatcher", "platform.call"),
        ("log-writer", "log.sync.write"),
    ];
    let trace = wait::until("one trace with all of it", DEADLINE, || async {
        let mut found = BTreeMap::<String, Vec<(String, String)>>::new();
        for span in spans.lock().unwrap().iter().cloned() {
            found.entry(span.trace).or_default().push((span.service, span.name));
        }
        let has = |all: &[(String, String)], (service, name): (&str, &str)| {
            all.iter().any(|(s, n)| s == service && n.contains(name))
        };
        let whole = found.iter().find(|(_, all)| wanted.into_iter().all(|wanted| has(all, wanted)));
        whole.map(|(trace, _)| trace.clone()).ok_or(found)
    })
    .await;
    // It is the id that users see.
    let logs = world.of_integration("/logs").await;
    assert!(logs.to_string().contains(&trace), "{trace} is not in {logs}");
    world.end().await;
}
