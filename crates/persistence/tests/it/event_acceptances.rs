//! Events from the future: the first acceptance stands, for each tenant its own, and for a time.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::time::Timestamp;
use persistence::Scope;
use persistence::event_acceptances::{self, EventKey};

use crate::world::World;

fn event(subject: &str, event: &str) -> EventKey {
    EventKey { subject_id: subject.to_owned(), event_id: event.to_owned() }
}

#[tokio::test]
async fn the_earliest_acceptance_of_an_event_stands_whatever_the_order() {
    let world = World::new().await;
    let (mine, theirs) = (world.customer("4242").await.tenant, world.customer("5353").await.tenant);
    let (early, late) = (Timestamp::now(), Timestamp::now().plus(Duration::from_secs(60)));
    let (first, second) = (event("p1", "e1"), event("p1", "e2"));
    for accepted in [[(first.clone(), early), (second.clone(), late)], [(first.clone(), late), (second.clone(), early)]]
    {
        let mut tx = world.worker.begin(Scope::Tenant(mine)).await.unwrap();
        event_acceptances::keep(&mut tx, mine, &BTreeMap::from(accepted)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let asked = [first.clone(), second.clone(), event("p2", "e1"), event("p1", "e3")];
    let found = event_acceptances::find(&mut tx, mine, &asked).await.unwrap();
    assert_eq!(found, BTreeMap::from([(first, early), (second, early)]));
    assert!(event_acceptances::find(&mut tx, theirs, &asked).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_accepted_long_ago_is_forgotten_and_the_rest_is_not() {
    let world = World::new().await;
    let tenant = world.customer("4242").await.tenant;
    let long_ago = Timestamp::from_millis(Timestamp::now().as_millis() - 3_600_000).unwrap();
    let accepted =
        [(event("p1", "e1"), long_ago), (event("p2", "e2"), long_ago), (event("p3", "e3"), Timestamp::now())];
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    event_acceptances::keep(&mut tx, tenant, &accepted.clone().into()).await.unwrap();
    let age = Duration::from_secs(1_800);
    assert_eq!(event_acceptances::forget(&mut tx, age, 1).await.unwrap(), 1);
    assert_eq!(event_acceptances::forget(&mut tx, age, 10).await.unwrap(), 1);
    let keys = accepted.map(|(key, _)| key);
    let left = event_acceptances::find(&mut tx, tenant, &keys).await.unwrap();
    assert_eq!(left.into_keys().collect::<Vec<_>>(), [event("p3", "e3")]);
}
