//! Creates that workflows make: who is at one, and what is remembered of it.

use std::time::Duration;

use domain::id::{ErrandId, LinkId};
use persistence::Scope;
use persistence::workflows::{self, Begun, NewCreate};
use serde_json::json;

use crate::world::World;

/// So long a claim lasts here.
const WINDOW: Duration = Duration::from_secs(60);

#[tokio::test]
async fn who_lost_a_create_to_another_neither_forgets_it_nor_goes_on() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let (tenant, integration) = (customer.tenant, customer.integration);
    let new = NewCreate { tenant, integration, link: LinkId::new(), event: ErrandId::new() };
    let mut tx = world.gateway.begin(Scope::Tenant(tenant)).await.unwrap();
    let Begun::First { claim: slow } = workflows::begin_create(&mut tx, &new, WINDOW).await.unwrap() else { panic!() };
    let under_way = workflows::begin_create(&mut tx, &new, WINDOW).await.unwrap();
    let Begun::UnderWay { claim, rest } = under_way else { panic!("{under_way:?}") };
    assert_eq!((claim, rest > WINDOW / 2, rest <= WINDOW), (slow, true, true));

    let quick = workflows::take_up_create(&mut tx, &new, slow).await.unwrap().unwrap();
    assert_eq!(workflows::take_up_create(&mut tx, &new, slow).await.unwrap(), None, "it is in other hands");
    workflows::forget_create(&mut tx, &new, slow).await.unwrap();
    let under_way = workflows::begin_create(&mut tx, &new, WINDOW).await.unwrap();
    let Begun::UnderWay { claim, .. } = under_way else { panic!("{under_way:?}") };
    assert_eq!(claim, quick, "and is not forgotten by who had it");
    // Of a claim whose time is over nothing is left.
    let over = workflows::begin_create(&mut tx, &new, Duration::ZERO).await.unwrap();
    assert_eq!(over, Begun::UnderWay { claim: quick, rest: Duration::ZERO });

    workflows::end_create(&mut tx, &new, 201, json!({"id": "7"})).await.unwrap();
    assert_eq!(workflows::take_up_create(&mut tx, &new, quick).await.unwrap(), None, "it is made");
    workflows::forget_create(&mut tx, &new, quick).await.unwrap();
    let answered = workflows::begin_create(&mut tx, &new, WINDOW).await.unwrap();
    assert_eq!(answered, Begun::Answered { status: 201, answer: json!({"id": "7"}) });
    tx.commit().await.unwrap();
}
