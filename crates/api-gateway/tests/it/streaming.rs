//! News as it happens: read raw, as a browser reads it.

use std::time::Duration;

use domain::access::Role;
use domain::outcome::SyncOutcome;
use domain::time::Timestamp;
use persistence::{Scope, sync_logs};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::connecting::{connected, wish};
use crate::sessions::Browser;
use crate::statistics::attempt;
use crate::world::{DEADLINE, World, token};

/// A stream, and what of it was read and not yet taken.
struct Stream {
    response: Response,
    read: String,
}

/// An event as it was sent.
#[derive(Debug)]
struct Event {
    id: Option<String>,
    name: String,
    data: Value,
}

impl Stream {
    async fn open(world: &World, token: &str, after: Option<&str>) -> Self {
        let response = world.stream(token, after).await;
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, read: String::new() }
    }

    /// The next frame that says something; `None` when the stream has ended.
    async fn frame(&mut self) -> Option<String> {
        loop {
            if let Some((frame, rest)) = self.read.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.read = rest;
                // A sign of life.
                if frame.starts_with(':') {
                    continue;
                }
                return Some(frame);
            }
            let chunk = tokio::time::timeout(DEADLINE, self.response.chunk()).await.expect("something to be sent");
            self.read.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }

    /// The next event of that name.
    async fn next(&mut self, name: &str) -> Event {
        loop {
            let frame = self.frame().await.expect("the stream goes on");
            let of = |field: &str| frame.lines().find_map(|line| line.strip_prefix(field)).map(str::to_owned);
            let Some(data) = of("data: ").filter(|_| of("event: ").as_deref() == Some(name)) else { continue };
            return Event { id: of("id: "), name: name.to_owned(), data: serde_json::from_str(&data).unwrap() };
        }
    }
}

async fn write(world: &World, row: &SyncOutcome) {
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, std::slice::from_ref(row)).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_happens_is_told_to_the_tenant_and_to_nobody_else_and_goes_on_where_it_was_left() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    let stranger = token(world.other_tenant().await, Role::Admin, 600);
    let viewer = world.token(Role::Viewer);
    let before = attempt(&world, integration, 0);
    write(&world, &before).await;
    let (mut mine, mut again) = (Stream::open(&world, &viewer, None).await, Stream::open(&world, &viewer, None).await);
    let mut theirs = Stream::open(&world, &stranger, None).await;

    let first = attempt(&world, integration, 0);
    write(&world, &first).await;
    let heard = mine.next("attempt").await;
    assert_eq!((heard.name.as_str(), &heard.data["id"]), ("attempt", &json!(first.id)), "{heard:?}");
    assert_eq!(again.next("attempt").await.data, heard.data);
    world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    assert_eq!(mine.next("health").await.data["status"], "active");

    // The stranger hears of its own first, so of the others' it heard nothing.
    let own = world.call(Method::POST, "/api/v1/integrations", Some(&stranger), Some(wish("pat-eu1-77-other")));
    let own = own.await.body["id"].clone();
    let heard_there = theirs.frame().await.unwrap();
    assert!(heard_there.starts_with("retry:"), "{heard_there}");
    assert!(theirs.frame().await.unwrap().contains(own.as_str().unwrap()));

    drop(mine);
    let (second, third) = (attempt(&world, integration, 0), attempt(&world, integration, 0));
    write(&world, &second).await;
    let mut resumed = Stream::open(&world, &viewer, heard.id.as_deref()).await;
    write(&world, &third).await;
    for expected in [&second, &third] {
        assert_eq!(resumed.next("attempt").await.data["id"], json!(expected.id));
    }
    world.stop().await;
    // Told to stop, the gateway ends them instead of waiting for them.
    while again.frame().await.is_some() {}
}

#[tokio::test]
async fn a_stream_ends_with_its_token_and_too_many_are_refused() {
    let world = World::start().await;
    let expiring = token(world.tenant, Role::Viewer, 2);
    let mut ending = Stream::open(&world, &expiring, None).await;
    while ending.frame().await.is_some() {}
    let viewer = world.token(Role::Viewer);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(Stream::open(&world, &viewer, None).await);
    }
    world.get("/api/v1/stream").await.is_problem(429, "too_many_streams");
    let stranger = token(world.other_tenant().await, Role::Viewer, 600);
    Stream::open(&world, &stranger, None).await;
    drop(open);
    let id = connected(&world, "pat-eu1-4242-demo").await;
    testkit::wait::until("a place to be free", DEADLINE, || async {
        // Who has gone is noticed when there is something to tell them.
        write(&world, &attempt(&world, id.parse().unwrap(), 0)).await;
        let status = world.stream(&viewer, None).await.status().as_u16();
        if status == 200 { Ok(()) } else { Err(status) }
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn a_stream_ends_soon_after_the_session_that_opened_it() {
    let world = World::start().await;
    let browser = Browser::of(&world, &world.token(Role::Viewer)).await;
    let mut stream = Stream { response: browser.stream(&world).await, read: String::new() };
    assert!(stream.frame().await.is_some());
    let ended = browser.write(&world, Method::DELETE, "/api/v1/session", None).await;
    assert_eq!(ended.status.as_u16(), 204, "{ended:?}");
    while stream.frame().await.is_some() {}
    world.stop().await;
}

#[tokio::test]
async fn a_place_in_a_stream_that_is_none_or_long_gone_is_no_fault() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let row = attempt(&world, id.parse().unwrap(), 5);
    write(&world, &row).await;
    write(&world, &attempt(&world, id.parse().unwrap(), 60)).await;
    let viewer = world.token(Role::Viewer);
    let long_gone = format!("{}~log_x", Timestamp::now().minus(Duration::from_hours(24 * 365)));
    let mut resumed = Stream::open(&world, &viewer, Some(&long_gone)).await;
    assert_eq!(resumed.next("attempt").await.data["id"], json!(row.id));
    for none in ["x", "yesterday~log_1"] {
        Stream::open(&world, &viewer, Some(none)).await;
    }
    world.stop().await;
}
