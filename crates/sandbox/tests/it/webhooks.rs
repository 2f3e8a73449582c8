//! HubSpot's deliveries, as a receiver sees them: what they tell, and that their signatures hold.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};

use crate::receiver::{Arrival, Receiver};
use crate::world::World;

const SECRET: &str = "un-secret";
const PUBLIC: &str = "https://hooks.exemple.fr/webhooks/integrations/hubspot";

/// The events of a delivery, whose signature is checked.
fn verified(arrival: &Arrival) -> Vec<Value> {
    let header = |name: &str| arrival.header(name).unwrap();
    let source = format!("POST{PUBLIC}{}{}", arrival.body, header("x-hubspot-request-timestamp"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = STANDARD.decode(header("x-hubspot-signature-v3")).unwrap();
    hmac::verify(&key, source.as_bytes(), &signature).expect("the signature holds");
    serde_json::from_str(&arrival.body).unwrap()
}

/// Waits until so many events have come.
async fn events(receiver: &mut Receiver, count: usize) -> Vec<Value> {
    let mut events = Vec::new();
    while events.len() < count {
        events.extend(verified(&receiver.next().await));
    }
    events
}

async fn point(world: &World, receiver: &Receiver) {
    let target = json!({"target_url": receiver.url("/crochet"), "public_url": PUBLIC, "client_secret": SECRET});
    assert_eq!(world.control(Method::PUT, "/hubspot/4242/webhook", target).await.0, 204);
}

#[tokio::test]
async fn every_change_is_told_with_a_signature_that_holds() {
    let (world, mut receiver) = (World::new(), Receiver::start());
    point(&world, &receiver).await;
    let (_, made) = world.control(Method::POST, "/hubspot/4242/contacts", json!({"email": "a@x.fr"})).await;
    let id: u64 = made["id"].as_str().unwrap().parse().unwrap();
    let told = events(&mut receiver, 2).await;
    assert_eq!((&told[0]["subscriptionType"], &told[0]["changeFlag"]), (&json!("contact.creation"), &json!("CREATED")));
    assert_eq!(
        (&told[0]["portalId"], &told[0]["objectId"], &told[0]["changeSource"]),
        (&json!(4242), &json!(id), &json!("CRM_UI"))
    );
    assert_eq!((&told[1]["propertyName"], &told[1]["propertyValue"]), (&json!("email"), &json!("a@x.fr")));
    let change = json!({"properties": {"email": "a@x.fr", "city": "Brest"}});
    world.call(Method::PATCH, &format!("/crm/objects/2026-03/contacts/{id}"), change).await;
    let told = events(&mut receiver, 1).await;
    assert_eq!(told.len(), 1, "only what changed is told");
    assert_eq!((&told[0]["propertyName"], &told[0]["changeSource"]), (&json!("city"), &json!("INTEGRATION")));
    world.call(Method::DELETE, &format!("/crm/objects/2026-03/contacts/{id}"), Value::Null).await;
    assert_eq!(events(&mut receiver, 1).await[0]["subscriptionType"], "contact.deletion");
}

#[tokio::test]
async fn a_refused_delivery_comes_again_and_says_which_attempt_it_is() {
    let (world, mut receiver) = (World::new(), Receiver::start());
    point(&world, &receiver).await;
    receiver.answer(503);
    world.contact(json!({"email": "a@x.fr"})).await;
    let first = verified(&receiver.next().await);
    receiver.answer(200);
    let second = verified(&receiver.next().await);
    assert_eq!((&first[0]["attemptNumber"], &second[0]["attemptNumber"]), (&json!(0), &json!(1)));
    assert_eq!(first[0]["eventId"], second[0]["eventId"]);
}
