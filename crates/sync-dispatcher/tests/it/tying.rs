//! Appointments and calls, which belong to a contact that has to be there first.

use serde_json::json;

use crate::world::{World, event};

#[tokio::test]
async fn what_comes_before_its_prospect_waits_and_is_then_tied_once() {
    let world = World::with_calls().await;
    let appointment = json!({"prospect_id": "p1", "title": "Visite", "starts_at": "2026-12-01T09:00:00Z"});
    let call = json!({"prospect_id": "p1", "title": "Appel de Zoé", "started_at": "2026-11-22T09:00:00Z"});
    world.accept(vec![event("appointment.created", "a1", appointment)]).await;
    world.accept(vec![event("call.completed", "c1", call)]).await;
    world.take_in().await;
    assert!(world.drift().await >= 2);
    assert!(world.crm.live("deals").await.is_empty());

    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (contact, _) = world.crm.only_contact().await;
    let deals = world.crm.live("deals").await;
    let mut calls = world.crm.live("calls").await;
    // The events that close messages are calls of nobody.
    calls.retain(|_, call| call["hs_call_title"] == "Appel de Zoé");
    assert_eq!((deals.len(), calls.len()), (1, 1), "{deals:?} {calls:?}");
    assert_eq!(deals.values().next().unwrap()["dealname"], "Visite");
    let tied_to = |ids: Vec<&String>| ids.into_iter().map(|id| (id.clone(), contact.clone())).collect::<Vec<_>>();
    assert_eq!(world.crm.ties("deals").await, tied_to(deals.keys().collect()));
    assert_eq!(world.crm.ties("calls").await, tied_to(calls.keys().collect()));

    // Moved, it stays the same deal with the same tie.
    let moved = json!({"prospect_id": "p1", "title": "Visite déplacée"});
    world.accept(vec![event("appointment.updated", "a1", moved)]).await;
    world.settle().await;
    assert_eq!(world.crm.live("deals").await.values().next().unwrap()["dealname"], "Visite déplacée");
    assert_eq!(world.crm.ties("deals").await.len(), 1);
}
