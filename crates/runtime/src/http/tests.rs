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

#[cfg(target_os = "linux")]
mod reading;

#[derive(Debug, thiserror::Error)]
#[error("the password is hunter2")]
struct Broken(FaultKind);

impl Fault for Broken {
    fn kind(&self) -> FaultKind {
        self.0
    }
}

fn any_port() -> HttpSettings {
    let settings = crate::config::read(None, [("COCCINELLE__HTTP__LISTEN".to_owned(), "127.0.0.1:0".to_owned())]);
    settings.unwrap().http
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
async fn while_it_drains_it_is_not_ready_and_answers_all_the_same() {
    let settings = HttpSettings { drain: Duration::from_secs(3_600), ..any_port() };
    let readiness = Readiness::new(Rule::All);
    let bound = bind(&settings, operations(readiness, crate::metrics::install())).unwrap();
    let (port, stop) = (bound.port(), CancellationToken::new());
    let running = tokio::spawn(bound.run_until(stop.clone()));
    assert_eq!(get(port, "/readyz", "").await.status, 200);
    stop.cancel();
    // Who cancels is not yet heard.
    let told = loop {
        let answer = get(port, "/readyz", "").await;
        if answer.status == 503 {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    let report: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!(report, json!({"ready": false, "needs": "all", "parts": {}, "missing": [], "leaving": true}));
    assert_eq!(get(port, "/healthz", "").await.status, 200);
    running.abort();
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

/// Echoes the length of its body, or says in which way it broke off.
async fn measure(body: web::Payload) -> HttpResponse {
    match body.to_bytes().await {
        Ok(bytes) => HttpResponse::Ok().body(bytes.len().to_string()),
        Err(error) => HttpResponse::BadRequest().body(error.to_string()),
    }
}

fn start(settings: &HttpSettings) -> (u16, CancellationToken, tokio::task::JoinHandle<std::io::Result<()>>) {
    let routes = |routes: &mut web::ServiceConfig| {
        routes.route("/measure", web::post().to(measure));
        let page = || async { HttpResponse::Ok().insert_header(("cache-control", "max-age=60")).finish() };
        routes.route("/page", web::get().to(page));
    };
    let bound = bind(settings, routes).unwrap();
    let (port, stop) = (bound.port(), CancellationToken::new());
    (port, stop.clone(), tokio::spawn(bound.run_until(stop)))
}

#[tokio::test]
async fn every_answer_tells_browsers_what_not_to_do_and_a_page_may_know_better() {
    for behind_tls in [false, true] {
        let (port, stop, running) = start(&HttpSettings { behind_tls, ..any_port() });
        for path in ["/nowhere", "/page"] {
            let answer = get(port, path, "").await;
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "no-referrer"),
                ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
                ("cross-origin-resource-policy", "same-origin"),
                ("cache-control", if path == "/page" { "max-age=60" } else { "no-store" }),
            ] {
                assert_eq!(answer.headers.get(name).map(String::as_str), Some(value), "{path}: {name}");
            }
            assert_eq!(answer.headers.contains_key("strict-transport-security"), behind_tls);
        }
        stop.cancel();
        running.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_path_that_is_too_long_is_refused_with_a_problem_and_one_that_no_parser_takes_with_a_400() {
    let (port, stop, running) = start(&HttpSettings { url_limit: 100, ..any_port() });
    assert_eq!(get(port, &format!("/{}", "a".repeat(99)), "").await.status, 404);
    for path in [format!("/{}", "a".repeat(100)), format!("/page?{}", "a".repeat(95))] {
        let refused = get(port, &path, "").await;
        assert_eq!((refused.status, refused.headers["content-type"].as_str()), (414, "application/problem+json"));
        assert!(refused.body.contains(r#""code":"url_too_long""#), "{}", refused.body);
    }
    assert_eq!(get(port, &format!("/{}", "a".repeat(70_000)), "").await.status, 400);
    stop.cancel();
    running.await.unwrap().unwrap();
}

/// What a caller hears who says this and no more, until the connection is closed. One that is closed while the caller is
/// still speaking has said nothing.
async fn hears_who_says(port: u16, said: &str) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut heard = String::new();
    if socket.write_all(said.as_bytes()).await.is_ok() && socket.read_to_string(&mut heard).await.is_err() {
        heard.clear();
    }
    heard
}

#[tokio::test]
async fn who_dribbles_is_shut_out() {
    let soon = Duration::from_millis(200);
    let announced = "POST /measure HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n";
    let cases = [
        // The head does not end.
        (HttpSettings { request_timeout: soon, ..any_port() }, "GET /page HTTP/1.1\r\nhost: x\r\nx-slow: ", "408", ""),
        // The body does not.
        (HttpSettings { body_timeout: soon, ..any_port() }, &format!("{announced}a"), "400", "timed out"),
        // All is well, and then comes nothing more.
        (HttpSettings { keep_alive: soon, ..any_port() }, &format!("{announced}ab"), "200", "\r\n\r\n2"),
    ];
    for (settings, said, status, end) in cases {
        let (port, stop, running) = start(&settings);
        let heard = hears_who_says(port, said).await;
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")) && heard.contains(end), "{said}: {heard}");
        stop.cancel();
        running.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_crowd_of_headers_is_refused() {
    let (port, stop, running) = start(&any_port());
    assert_eq!(get(port, "/page", &"x: y\r\n".repeat(80)).await.status, 200);
    assert_eq!(get(port, "/page", &"x: y\r\n".repeat(120)).await.status, 431);
    let long = format!("x: {}\r\n", "y".repeat(200_000));
    let heard = hears_who_says(port, &format!("GET /page HTTP/1.1\r\nhost: x\r\n{long}\r\n")).await;
    assert!(!heard.starts_with("HTTP/1.1 200 "), "{heard}");
    stop.cancel();
    running.await.unwrap().unwrap();
}
