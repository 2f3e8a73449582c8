//! Which statuses other services are to hear of.

use domain::id::IntegrationId;
use domain::integration::Status;
use persistence::health::UnproclaimedStatus;
use persistence::{Scope, health, integrations};

use crate::world::{Customer, World};

const UP: &str = include_str!("../../../../migrations/2026-11-29-000402_proclaimed_statuses/up.sql");
const DOWN: &str = include_str!("../../../../migrations/2026-11-29-000402_proclaimed_statuses/down.sql");

async fn read(world: &World) -> Vec<UnproclaimedStatus> {
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    health::unproclaimed(&mut tx, 10).await.unwrap()
}

/// What they have not heard of.
async fn unheard(world: &World) -> Vec<(IntegrationId, Status)> {
    read(world).await.into_iter().map(|unheard| (unheard.word.integration_id, unheard.word.status)).collect()
}

async fn note(world: &World, said: &[UnproclaimedStatus]) {
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    health::note_proclaimed(&mut tx, said).await.unwrap();
    tx.commit().await.unwrap();
}

async fn delete(world: &World, customer: Customer) {
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    assert!(integrations::delete(&mut tx, customer.tenant, customer.integration, None).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_the_backend_took_before_the_upgrade_nobody_hears_again() {
    let world = World::new().await;
    let (told, untold) = (world.customer("1").await, world.customer("2").await);
    let taken =
        format!("UPDATE integration_health SET told_status = status WHERE integration_id = '{}'", told.integration);
    let (down, up) = (DOWN.split_inclusive(";\n"), UP.split_inclusive(";\n"));
    for statement in down.chain([taken.as_str()]).chain(up) {
        world.server.execute(statement).await;
    }
    assert_eq!(unheard(&world).await, [(untold.integration, Status::Active)]);
}

#[tokio::test]
async fn of_an_integration_that_is_deleted_they_hear_if_they_ever_heard_of_it() {
    let world = World::new().await;
    let heard = world.customer("1").await;
    note(&world, &read(&world).await).await;
    let never = world.customer("2").await;
    delete(&world, heard).await;
    delete(&world, never).await;
    assert_eq!(unheard(&world).await, [(heard.integration, Status::Inactive)]);
}

#[tokio::test]
async fn what_two_say_at_once_is_said_again_where_nobody_knows_which_was_heard_last() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let active = read(&world).await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    health::set_status(&mut tx, customer.tenant, customer.integration, Status::Error, None).await.unwrap();
    tx.commit().await.unwrap();
    let error = read(&world).await;
    for [first, last] in [[&active, &error], [&error, &active]] {
        note(&world, first).await;
        note(&world, last).await;
        assert_eq!(unheard(&world).await, [(customer.integration, Status::Error)]);
    }
    // Where both say the same, it does not matter.
    note(&world, &error).await;
    note(&world, &error).await;
    assert!(unheard(&world).await.is_empty());
}
