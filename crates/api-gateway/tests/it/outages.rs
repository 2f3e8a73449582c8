//! The broker, the database, or both really away: what is accepted is kept, and what cannot be kept is not accepted.

use std::collections::BTreeSet;

use domain::access::Role;
use domain::message::{EventMerge, StoredMessage};
use futures_util::future::join_all;
use persistence::{Scope, inbox};
use reqwest::Method;
use serde_json::json;
use testkit::cut::Proxy;
use testkit::wait;

use crate::tokens::made;
use crate::world::{DEADLINE, Lines, World};

const EVENT: &str = r#"{"event_id": "e-1", "type": "prospect.created", "subject_id": "p-1",
    "occurred_at": "2026-11-22T10:00:00Z", "data": {"last_name": "Lefèvre"}}"#;

struct Cuttable {
    world: World,
    database: Proxy,
    broker: Proxy,
}

async fn start() -> Cuttable {
    start_with(Vec::new()).await
}

/// A gateway that does not wait long for the confirm that it will not hear.
async fn start_impatient() -> Cuttable {
    start_with(vec![("BROKER__CONFIRM_TIMEOUT", "5s".to_owned())]).await
}

async fn start_with(settings: Vec<(&'static str, String)>) -> Cuttable {
    let (sender, receiver) = std::sync::mpsc::channel();
    let world = World::behind(|database, broker| async move {
        let (database, broker) = (Proxy::before(&database).await, Proxy::before(&broker).await);
        let lines = Lines { database: Some(database.url()), broker: Some(broker.url()), settings };
        sender.send((database, broker)).unwrap();
        lines
    })
    .await;
    world.wait_for_broker().await;
    let (database, broker) = receiver.recv().unwrap();
    Cuttable { world, database, broker }
}

impl Cuttable {
    async fn hand_over(&self) -> crate::world::Answer {
        let token = self.world.token(Role::Service);
        self.world.send(Method::POST, "/api/v1/events", Some(&token), Some(EVENT.to_owned())).await
    }

    async fn kept_in_inbox(&self) -> Vec<StoredMessage> {
        let mut tx = self.world.worker().begin(Scope::System).await.unwrap();
        let kept = inbox::take(&mut tx, 10).await.unwrap();
        tx.commit().await.unwrap();
        kept
    }
}

#[tokio::test]
async fn events_are_accepted_into_the_inbox_while_the_broker_is_away() {
    let system = start().await;
    system.broker.cut();
    let answer = system.hand_over().await;
    assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!({ "accepted": 1 })));
    let kept = system.kept_in_inbox().await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].queue, EventMerge::queue_of(system.world.tenant));
    assert_eq!(kept[0].message_type, "event.merge.v1");
    assert_eq!(kept[0].payload["events"][0]["subject_id"], "p-1");
    system.world.stop().await;
}

#[tokio::test]
async fn rule_12_events_are_accepted_into_the_inbox_when_a_confirm_does_not_come() {
    let system = start_impatient().await;
    system.broker.stall();
    let answer = system.hand_over().await;
    assert_eq!(answer.status.as_u16(), 202, "{answer:?}");
    assert_eq!(system.kept_in_inbox().await.len(), 1);
    system.world.stop().await;
}

#[tokio::test]
async fn events_that_were_to_go_out_together_lie_in_the_inbox_each_by_itself_and_in_its_own_trace() {
    let system = start_impatient().await;
    system.broker.stall();
    let world = &system.world;
    let hand_over = |n: u32| async move {
        let event = json!({ "event_id": format!("e-{n}"), "type": "prospect.updated", "subject_id": format!("p-{n}"),
            "occurred_at": "2026-11-22T10:00:00Z", "data": { "city": "Lyon" } });
        let answer = world.hand_over(&event).await;
        assert_eq!(answer.status.as_u16(), 202, "{answer:?}");
        answer.headers["x-request-id"].to_str().unwrap().to_owned()
    };
    let traces: BTreeSet<String> = join_all((0..10).map(hand_over)).await.into_iter().collect();
    let kept = system.kept_in_inbox().await;
    assert_eq!(kept.iter().map(|message| message.id).collect::<BTreeSet<_>>().len(), 10);
    assert_eq!(kept.iter().map(|message| message.trace.trace_id()).collect::<BTreeSet<_>>(), traces);
    for message in kept {
        let merge: EventMerge = serde_json::from_value(message.payload).unwrap();
        assert!(merge.events.len() == 1 && !merge.is_shared(), "{merge:?}");
    }
    system.world.stop().await;
}

#[tokio::test]
async fn events_are_accepted_with_the_database_away() {
    let system = start().await;
    system.database.cut();
    let answer = system.hand_over().await;
    assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!({ "accepted": 1 })));
    assert_eq!(system.world.intake().await.len(), 1);
    system.world.stop().await;
}

#[tokio::test]
async fn rule_12_nothing_is_accepted_while_both_are_away_and_all_is_well_once_one_is_back() {
    let system = start().await;
    system.database.cut();
    system.broker.cut();
    let answer = system.hand_over().await;
    answer.is_problem(503, "unavailable");
    assert_eq!(answer.headers["retry-after"], "5");
    let ready = system.world.call(Method::GET, "/readyz", None, None).await;
    assert_eq!((ready.status.as_u16(), &ready.body["missing"]), (503, &json!(["broker", "database"])));
    system.database.mend();
    wait::until("the database to take events", DEADLINE, || async {
        let answer = system.hand_over().await;
        if answer.status.as_u16() == 202 { Ok(()) } else { Err(answer) }
    })
    .await;
    assert_eq!(system.kept_in_inbox().await.len(), 1);
    system.world.stop().await;
}

#[tokio::test]
async fn what_needs_the_database_says_so_while_it_is_away() {
    let system = start().await;
    system.database.cut();
    let answer = system.world.get("/api/v1/integrations/configured").await;
    answer.is_problem(503, "unavailable");
    assert_eq!(answer.headers["retry-after"], "5");
    let document = system.world.get("/openapi.json").await;
    assert_eq!(document.status.as_u16(), 200);
    system.world.stop().await;
}

#[tokio::test]
async fn a_listed_token_needs_no_database_and_a_revoked_one_stays_refused_without_it() {
    let system = start().await;
    let ((good, _), (bad, id)) = (made(&system.world, "service").await, made(&system.world, "service").await);
    assert_eq!(system.world.delete(&format!("/api/v1/tokens/{id}")).await.status.as_u16(), 204);
    system.database.cut();
    let hand_over = async |token: &str| {
        system.world.send(Method::POST, "/api/v1/events", Some(token), Some(EVENT.to_owned())).await
    };
    let taken = hand_over(&good).await;
    assert_eq!(taken.status.as_u16(), 202, "{taken:?}");
    hand_over(&bad).await.is_problem(401, "token_invalid");
    system.world.stop().await;
}

#[tokio::test]
async fn sessions_need_the_database_and_tokens_do_not() {
    let system = start().await;
    let token = system.world.token(Role::Admin);
    let begun = system.world.call(Method::POST, "/api/v1/session", Some(&token), None).await;
    let cookie = begun.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    system.database.cut();
    let by_session = system.world.ask(Method::GET, "/api/v1/session", &[("cookie", &cookie)], None).await;
    by_session.is_problem(503, "unavailable");
    let by_token = system.hand_over().await;
    assert_eq!(by_token.status.as_u16(), 202, "{by_token:?}");
    system.database.mend();
    wait::until("the session to be known again", DEADLINE, || async {
        let answer = system.world.ask(Method::GET, "/api/v1/session", &[("cookie", &cookie)], None).await;
        if answer.status.as_u16() == 200 { Ok(()) } else { Err(answer) }
    })
    .await;
    system.world.stop().await;
}
