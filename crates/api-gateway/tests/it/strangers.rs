//! Whatever is thrown at any route is refused or done, and never our own fault.

use domain::access::Role;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, document};

/// Throws at each route.
const THROWS: usize = 25;

/// One thing to throw.
#[derive(Clone, Debug)]
struct Throw {
    segment: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    role: Option<Role>,
}

fn odd_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("hubspot")),
        Just(json!("2026-11-22T10:00:00Z")),
        Just(json!("prospect.created")),
    ];
    // The names that the routes know, so that some of it gets further in.
    let name = prop_oneof![
        "(name|platform|credentials|api_key|url|direction|frequency|delivery)",
        "(events|event_id|type|subject_id|occurred_at|data|changed|email|phone|amount)",
        "(fingerprint|ids|all|link_ids|confirm|fields|kind)",
        ".{0,6}",
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

fn anything() -> impl Strategy<Value = Throw> {
    let segment = prop_oneof!["(int|rec|ten|run)_[0-9a-hjkmnp-tv-z]{26}", "\\PC{1,30}", "[\\x00-\\x7f]{1,10}"];
    let value = prop_oneof![
        ".{0,40}",
        "[0-9]{4}-[01][0-9]-[0-3][0-9]T10:00:00Z~[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}",
        "-?[0-9]{1,20}",
        "\\+?[0-9 ().-]{4,30}",
        "(success|failed|contact|create|[\\x00]{1,3})",
    ];
    let query = prop::collection::vec(("(q|cursor|limit|status|type|kind|.{1,5})", value), 0..4);
    // Every header that is read by us or by what we stand on, and one that is not.
    let header = (
        "(authorization|cookie|x-csrf-token|origin|sec-fetch-site|x-forwarded-for|traceparent|user-agent|x-odd)\
         |(if-match|idempotency-key|last-event-id|accept-language|content-type|content-encoding|accept-encoding)",
        prop_oneof![
            "[ -~é]{0,40}",
            "(Bearer |__Host-coccinelle_session=|W/)?[A-Za-z0-9._-]{1,60}",
            "\"-?[0-9]{1,20}\"",
            "00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]",
            "(gzip|br|deflate|application/x-www-form-urlencoded|multipart/form-data|text/plain; charset=utf-7)",
        ],
    );
    let headers = prop::collection::vec(header, 0..4);
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        odd_json().prop_map(|value| value.to_string().into_bytes()),
        Just(b"[".repeat(50_000)),
    ];
    let role = prop::option::weighted(0.9, prop::sample::select(vec![Role::Admin, Role::Viewer, Role::Service]));
    (segment, query, headers, body, role).prop_map(|(segment, query, headers, body, role)| Throw {
        segment,
        query,
        headers,
        body,
        role,
    })
}

/// Method and path of every route that the document knows.
fn routes() -> Vec<(Method, String)> {
    let document = document();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"].into_iter().filter(|method| item[method].is_object()) {
            routes.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    routes
}

#[tokio::test]
async fn nothing_that_is_thrown_at_any_route_is_our_fault() {
    let world = World::start().await;
    let (mut runner, anything) = (TestRunner::default(), anything());
    let routes = routes();
    assert!(routes.len() >= 10, "{routes:?}");
    let mut refused = 0;
    for (method, path) in routes {
        for _ in 0..THROWS {
            let throw = anything.new_tree(&mut runner).unwrap().current();
            let token = throw.role.map(|role| world.token(role));
            let aim = |url: &mut reqwest::Url| {
                let segments = path.split('/').skip(1);
                let segments = segments.map(|part| if part.starts_with('{') { &throw.segment } else { part });
                url.path_segments_mut().unwrap().clear().extend(segments);
                url.query_pairs_mut().extend_pairs(&throw.query);
            };
            let (headers, body) = (throw.headers.clone(), throw.body.clone());
            let (status, text) = world.throw(method.clone(), aim, token.as_deref(), (headers, body)).await;
            assert!(!status.is_server_error(), "{method} {path}: {status} {text}: {throw:?}");
            refused += usize::from(status.is_client_error());
        }
    }
    assert!(refused > 0);
    world.stop().await;
}
