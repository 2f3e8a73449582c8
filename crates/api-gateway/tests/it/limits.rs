//! How much may be asked for, by whom, and from which pages.

use domain::access::Role;
use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, Lines, World, token};

const PATH: &str = "/api/v1/session";

async fn world_with(settings: &[(&'static str, &str)]) -> World {
    let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let world = World::behind(|_, _| async { Lines { settings, ..Lines::default() } }).await;
    world.wait_for_broker().await;
    world
}

/// Asks until it is refused as too much. It is refilled meanwhile, so how often that takes depends on the machine.
async fn until_refused(ask: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..1_000 {
        let answer = ask().await;
        if answer.status.as_u16() == 429 {
            return answer;
        }
    }
    panic!("a thousand requests were not too many");
}

#[tokio::test]
async fn a_tenant_that_asks_too_much_is_told_when_to_come_again_and_disturbs_nobody() {
    let world = world_with(&[("GATEWAY__REQUESTS_PER_SECOND", "1"), ("GATEWAY__BURST", "3")]).await;
    let first = world.get(PATH).await;
    assert_eq!(first.headers["ratelimit-policy"], r#""tenant";q=3;w=3"#, "{first:?}");
    assert_eq!(first.headers["ratelimit"], r#""tenant";r=2;t=1"#);
    let refused = until_refused(async || world.get(PATH).await).await;
    refused.is_problem(429, "rate_limited");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.headers["ratelimit"], r#""tenant";r=0;t=3"#);
    let other = token(world.other_tenant().await, Role::Viewer, 600);
    assert_eq!(world.call(Method::GET, PATH, Some(&other), None).await.status.as_u16(), 200);
    // Events have a measure of their own.
    let event = json!({ "event_id": "e-1", "type": "prospect.created", "subject_id": "p-1",
        "occurred_at": "2026-11-22T10:00:00Z", "data": {} });
    let accepted = world.hand_over(&event).await;
    assert_eq!(accepted.status.as_u16(), 202, "{accepted:?}");
    assert!(accepted.headers["ratelimit-policy"].to_str().unwrap().starts_with(r#""events";"#), "{accepted:?}");
    world.stop().await;
}

#[tokio::test]
async fn who_is_nobody_is_measured_by_address_and_takes_nothing_from_who_is_somebody() {
    let world = world_with(&[("GATEWAY__REQUESTS_PER_SECOND", "1"), ("GATEWAY__BURST", "2")]).await;
    let made_up = format!("__Host-coccinelle_session={}.{}", world.tenant, "x".repeat(43));
    let stranger = async |header: (&str, &str)| {
        // Whoever lies in front of us says so only if we know them.
        world.ask(Method::GET, PATH, &[("x-forwarded-for", "203.0.113.7"), header], None).await
    };
    assert_eq!(stranger(("x-none", "")).await.headers["ratelimit-policy"], r#""address";q=2;w=2"#);
    for header in [("x-none", ""), ("authorization", "Bearer x.y.z"), ("cookie", &made_up)] {
        until_refused(async || stranger(header).await).await.is_problem(429, "rate_limited");
    }
    assert_eq!(world.get(PATH).await.status.as_u16(), 200);
    world.stop().await;
}

#[tokio::test]
async fn behind_a_proxy_that_is_trusted_each_caller_has_an_address() {
    let world = world_with(&[
        ("GATEWAY__REQUESTS_PER_SECOND", "1"),
        ("GATEWAY__BURST", "2"),
        ("HTTP__TRUSTED_PROXIES", "127.0.0.0/8"),
    ])
    .await;
    let from = async |address: &str| world.ask(Method::GET, PATH, &[("x-forwarded-for", address)], None).await;
    until_refused(async || from("203.0.113.7").await).await;
    from("203.0.113.8").await.is_problem(401, "token_missing");
    // What a caller writes in front of what the proxy wrote changes nothing.
    until_refused(async || from("203.0.113.9, 203.0.113.7").await).await;
    world.stop().await;
}

#[tokio::test]
async fn pages_of_others_may_call_only_where_their_origin_is_named() {
    let ours = "https://app.example.com";
    let preflight = |origin: &'static str| {
        [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization"),
        ]
    };
    let closed = World::start().await;
    let answer = closed.ask(Method::OPTIONS, "/api/v1/integrations", &preflight(ours), None).await;
    assert!(!answer.status.is_success() && !answer.headers.contains_key("access-control-allow-origin"), "{answer:?}");
    closed.stop().await;

    let open = world_with(&[("GATEWAY__ALLOWED_ORIGINS", ours)]).await;
    let answer = open.ask(Method::OPTIONS, "/api/v1/integrations", &preflight(ours), None).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["access-control-allow-origin"]), (200, &ours.parse().unwrap()));
    assert!(!answer.headers.contains_key("access-control-allow-credentials"), "a session is for our own pages");
    let answer = open.ask(Method::OPTIONS, "/api/v1/integrations", &preflight("https://evil.example"), None).await;
    assert!(!answer.status.is_success() && !answer.headers.contains_key("access-control-allow-origin"), "{answer:?}");
    // What a caller gets wrong is told to its page as well.
    let refused = open.ask(Method::GET, PATH, &[("origin", ours)], None).await;
    refused.is_problem(401, "token_missing");
    assert_eq!(refused.headers["access-control-allow-origin"], ours);
    assert!(!open.get(PATH).await.headers.contains_key("access-control-allow-origin"));
    open.stop().await;
}
