//! Lists that grow while somebody goes through them by page: nothing is left out, and nothing is shown twice.

use std::collections::BTreeSet;

use domain::access::Role;
use domain::kind::RecordKind;
use persistence::records::conflicts::Why;
use persistence::{Scope, sync_logs};
use reqwest::Method;
use serde_json::json;

use crate::connecting::connected;
use crate::people::ids;
use crate::repair::outcome;
use crate::world::World;

/// So many are there before somebody begins.
const BEFORE: usize = 5;

/// So many come in between.
const LATER: usize = 4;

/// Goes through a list by twos, and adds something before each next page.
async fn grows(world: &World, path: &str, add: impl AsyncFn(usize)) {
    for n in 0..BEFORE {
        add(n).await;
    }
    let admin = world.token(Role::Admin);
    let list = async |path: &str| world.call(Method::GET, path, Some(&admin), None).await;
    let before = ids(&list(path).await);
    assert!(before.len() >= BEFORE, "{path}: {before:?}");
    let (mut walked, mut cursor, mut later) = (Vec::new(), String::new(), BEFORE..BEFORE + LATER);
    loop {
        let page = list(&format!("{path}?limit=2{cursor}")).await;
        walked.extend(ids(&page));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        if let Some(n) = later.next() {
            add(n).await;
        }
    }
    assert!(later.len() < LATER, "{path}: nothing came in between");
    assert_eq!(walked.iter().collect::<BTreeSet<_>>().len(), walked.len(), "{path}: shown twice");
    // What came later may be shown or not.
    walked.retain(|id| before.contains(id));
    assert_eq!(walked, before, "{path}");
}

#[tokio::test]
async fn a_cursor_survives_what_is_inserted_between_two_pages() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let here = format!("/api/v1/integrations/{id}");
    let record = world.record(RecordKind::Contact, &[("company", "Fleurs SA")]).await;

    grows(&world, "/api/v1/records", async |n| {
        world.record(RecordKind::Contact, &[("last_name", &format!("Zola {n}"))]).await;
    })
    .await;
    grows(&world, &format!("/api/v1/records/{record}/history"), async |n| {
        world.lost(record, Why::Overruled, &n.to_string()).await;
    })
    .await;
    grows(&world, "/api/v1/conflicts", async |n| world.lost(record, Why::Adopted, &n.to_string()).await).await;
    grows(&world, &format!("{here}/logs"), async |n| {
        let row = outcome(&world, id.parse().unwrap(), &format!("2026-11-22T10:{n:02}:00Z"), None);
        let mut tx = world.worker().begin(Scope::System).await.unwrap();
        sync_logs::insert_batch(&mut tx, &[row]).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
    let step = async |step: &str| world.post(&format!("{here}/{step}"), json!({})).await;
    grows(&world, "/api/v1/audit", async |_| {
        step("enable").await;
        step("disable").await;
    })
    .await;
    grows(&world, "/api/v1/tokens", async |_| {
        let made = world.post("/api/v1/tokens", crate::tokens::wish()).await;
        assert!(made.status.is_success(), "{made:?}");
    })
    .await;
    step("enable").await;
    grows(&world, &format!("{here}/runs"), async |_| {
        let run = step("sync").await;
        let cancelled = world.delete(&format!("{here}/runs/{}", run.body["id"].as_str().unwrap())).await;
        assert!(cancelled.status.is_success(), "{cancelled:?}");
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn a_record_that_changes_between_two_pages_is_shown_all_the_same_and_once() {
    let world = World::start().await;
    for n in 0..BEFORE {
        world.record(RecordKind::Contact, &[("last_name", &format!("Zola {n}"))]).await;
    }
    let before = ids(&world.get("/api/v1/records").await);
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("/api/v1/records?limit=2{cursor}")).await;
        walked.extend(ids(&page));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        // What is still to come and what was shown change alike.
        for id in [before.first(), before.last()].into_iter().flatten() {
            let change = "SET version = version + 1, updated_at = clock_timestamp()";
            world.database.execute(&format!("UPDATE records {change} WHERE id = '{id}'")).await;
        }
    }
    assert_eq!(walked, before);
    world.stop().await;
}
