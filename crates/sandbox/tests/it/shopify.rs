//! What a shop at Shopify passes on to an app because the law lets people ask for it, as a receiver sees it.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};

use crate::receiver::{Arrival, Receiver};
use crate::world::World;

const SECRET: &str = "un-secret";
const DOCUMENT: &str = include_str!("../../../../docs/shopify.md");

/// What a delivery says, whose signature is checked, and about which topic.
fn verified(arrival: &Arrival) -> (&str, Value) {
    let header = |name: &str| arrival.header(name).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = STANDARD.decode(header("x-shopify-hmac-sha256")).unwrap();
    hmac::verify(&key, arrival.body.as_bytes(), &signature).expect("the signature holds");
    assert_eq!(header("x-shopify-shop-domain"), "acme.myshopify.com");
    (header("x-shopify-topic"), serde_json::from_str(&arrival.body).unwrap())
}

async fn made(world: &World, what: &str, fields: Value) -> u64 {
    let (status, made) = world.control(Method::POST, &format!("/shopify/acme/{what}"), fields).await;
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().parse().unwrap()
}

async fn point(world: &World, receiver: &Receiver) {
    let target = json!({"target_url": receiver.url("/crochet"), "client_secret": SECRET});
    assert_eq!(world.control(Method::PUT, "/shopify/acme/webhook", target).await.0, 204);
}

async fn ask(world: &World, topic: &str, customer: u64) -> u16 {
    let wish = json!({"topic": topic, "object": customer.to_string()});
    world.control(Method::POST, "/shopify/acme/compliance", wish).await.0.as_u16()
}

/// Where the document has somebody post what, about the first customer of a shop.
fn documented() -> (&'static str, Value) {
    let (_, typed) = DOCUMENT.split_once("curl -X POST http://127.0.0.1:20090/_sandbox").unwrap();
    let (path, rest) = typed.split_once(' ').unwrap();
    let (_, body) = rest.split_once("-d '").unwrap();
    let (body, _) = body.split_once('\'').unwrap();
    (path, serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn what_the_law_lets_people_ask_is_sent_signed_to_the_address_of_the_app() {
    let (world, mut receiver) = (World::new(), Receiver::start());
    let zoe = made(&world, "customers", json!({"email": "zoe@exemple.fr", "phone": "+33612345678"})).await;
    let order = made(&world, "orders", json!({"customer": zoe, "total": "21.00"})).await;
    assert_eq!(ask(&world, "customers/redact", zoe).await, 409, "the app names no address yet");
    point(&world, &receiver).await;

    let customer = json!({"id": zoe, "email": "zoe@exemple.fr", "phone": "+33612345678"});
    let shop = json!({"shop_id": 1, "shop_domain": "acme.myshopify.com"});
    let with = |more: Value| {
        let mut whole = shop.as_object().unwrap().clone();
        whole.extend(more.as_object().unwrap().clone());
        Value::Object(whole)
    };
    let (path, wish) = documented();
    assert_eq!(wish, json!({"topic": "customers/redact", "object": zoe.to_string()}));
    assert_eq!(world.control(Method::POST, path, wish).await.0, 202);
    let told = with(json!({"customer": customer, "orders_to_redact": [order]}));
    assert_eq!(verified(&receiver.next().await), ("customers/redact", told));

    assert_eq!(ask(&world, "customers/data_request", zoe).await, 202);
    let arrival = receiver.next().await;
    let (topic, mut told) = verified(&arrival);
    assert!(told["data_request"]["id"].is_u64(), "{told}");
    told.as_object_mut().unwrap().remove("data_request");
    let expected = with(json!({"customer": customer, "orders_requested": [order]}));
    assert_eq!((topic, told), ("customers/data_request", expected));

    assert_eq!(ask(&world, "shop/redact", zoe).await, 202);
    assert_eq!(verified(&receiver.next().await), ("shop/redact", shop));
    for (topic, customer, status) in [("customers/redact", 999, 404), ("customers/forget", zoe, 404)] {
        assert_eq!(ask(&world, topic, customer).await, status, "{topic} {customer}");
    }
    let wish = json!({"topic": "customers/redact"});
    assert_eq!(world.control(Method::POST, "/shopify/acme/compliance", wish.clone()).await.0, 422);
    assert_eq!(world.control(Method::POST, "/hubspot/4242/compliance", wish).await.0, 404);
}

#[tokio::test]
async fn the_page_has_a_button_for_each_request() {
    let (world, mut receiver) = (World::new(), Receiver::start());
    let zoe = made(&world, "customers", json!({"email": "zoe@exemple.fr"})).await.to_string();
    point(&world, &receiver).await;
    let page = format!("{}/?platform=shopify&account=acme&editing=true", world.running.url);
    let page = world.client.get(page).send().await.unwrap().text().await.unwrap();
    for topic in ["customers/data_request", "customers/redact", "shop/redact"] {
        assert!(page.contains(&format!("<button name=\"topic\" value=\"{topic}\">")), "{topic}: {page}");
    }
    let form = [("platform", "shopify"), ("account", "acme"), ("object", zoe.as_str()), ("topic", "customers/redact")];
    let target = format!("{}/_sandbox/forms/compliance", world.running.url);
    let sent = world.client.post(target).form(&form).send().await.unwrap();
    assert_eq!(sent.status(), 303);
    assert_eq!(verified(&receiver.next().await).0, "customers/redact");
}
