//! The frame as a caller meets it, over a real socket.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError, web};
use domain::fault::{Fault, FaultKind};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::HttpSettings;
use crate::health::{Readiness, Rule};

#[derive(Debug, thiserror::Error)]
#[error("the password is hunter2")]
struct Broken(FaultKind);

impl Fault for Broken {
    fn kind(&self) -> FaultKind {
        self.0
    }
}

fn any_port() -> HttpSettings {
    HttpSettings { listen: ([127, 0, 0, 1], 0).into(), shutdown_timeout: Duration::from_secs(10) }
}

struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: String,
}

async fn get(port: u16, path: &str, headers: &str) -> Answer {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v.to_owned())).collect();
    Answer { status, headers, body: body.to_owned() }
}

#[tokio::test]
async fn serves_operators_and_answers_everything_else_with_a_problem() {
    let readiness = Readiness::new(Rule::All).part("database", || async { false });
    let bound = bind(&any_port(), operations(readiness, crate::metrics::install())).unwrap();
    let (port, stop) = (bound.port(), CancellationToken::new());
    let running = tokio::spawn(bound.run_until(stop.clone()));

    assert_eq!(get(port, "/healthz", "").await.status, 200);

    let ready = get(port, "/readyz", "").await;
    let expected = json!({"ready": false, "needs": "all", "parts": {"database": "down"}, "missing": ["database"]});
    assert_eq!((ready.status, serde_json::from_str::<Value>(&ready.body).unwrap()), (503, expected));

    let trace = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    let missing = get(port, "/nowhere", trace).await;
    assert_eq!((missing.status, missing.headers["content-type"].as_str()), (404, "application/problem+json"));
    assert_eq!(missing.headers["x-request-id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(
        serde_json::from_str::<Value>(&missing.body).unwrap(),
        json!({
            "type": "urn:coccinelle:problem:not_found", "title": "Not Found", "status": 404, "code": "not_found",
            "detail": "There is nothing here.", "request_id": "0af7651916cd43dd8448eb211c80319c"
        })
    );

    let metrics = get(port, "/metrics", "").await.body;
    assert!(metrics.contains(r#"route="unmatched",status="404""#), "{metrics}");

    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn lets_a_request_under_way_end_before_it_stops() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = (entered.clone(), release.clone());
    let bound = bind(&any_port(), move |routes| {
        let (entered, release) = handler.clone();
        routes.route(
            "/slow",
            web::get().to(move || {
                let (entered, release) = (entered.clone(), release.clone());
                async move {
                    entered.notify_one();
                    release.notified().await;
                    HttpResponse::NoContent().finish()
                }
            }),
        );
    })
    .unwrap();
    let (port, stop) = (bound.port(), CancellationToken::new());
    let running = tokio::spawn(bound.run_until(stop.clone()));
    let request = tokio::spawn(async move { get(port, "/slow", "").await.status });

    entered.notified().await;
    stop.cancel();
    // New callers are turned away while the old one is still being served.
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    release.notify_one();

    assert_eq!(request.await.unwrap(), 204);
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn every_class_of_failure_has_its_status_and_only_the_callers_own_are_explained() {
    for (kind, status, explained) in [
        (FaultKind::Invalid, 422, true),
        (FaultKind::Unauthorized, 401, true),
        (FaultKind::Forbidden, 403, true),
        (FaultKind::NotFound, 404, true),
        (FaultKind::Conflict, 409, true),
        (FaultKind::RateLimited, 429, true),
        (FaultKind::Unavailable, 503, false),
        (FaultKind::Internal, 500, false),
    ] {
        let problem = Problem::from(Broken(kind));
        assert_eq!((problem.status_code().as_u16(), problem.code()), (status, kind.code()));
        let response = problem.error_response();
        assert_eq!(response.headers().contains_key("retry-after"), kind == FaultKind::Unavailable);
        assert_eq!(response.headers().contains_key("www-authenticate"), kind == FaultKind::Unauthorized);
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&body).contains("hunter2"), explained);
    }
}

#[tokio::test]
async fn names_each_fault_of_a_body_by_its_path() {
    let faults =
        vec![FieldError { path: "events[0].email".to_owned(), message: "must be an e-mail address".to_owned() }];
    let problem = Problem::new(FaultKind::Invalid, "unknown_field", "The events are not usable.").with_errors(faults);
    assert_eq!(problem.status_code(), StatusCode::UNPROCESSABLE_ENTITY);
    let body = actix_web::body::to_bytes(problem.error_response().into_body()).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["errors"], json!([{"path": "events[0].email", "message": "must be an e-mail address"}]));
}
