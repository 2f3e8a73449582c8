//! Batches: what is new, what fails beside the rest, how much fits.

use serde_json::{Value, json};

use crate::world::World;

fn input(email: &str, city: &str) -> Value {
    json!({"id": email, "idProperty": "email", "objectWriteTraceId": email, "properties": {"city": city}})
}

#[tokio::test]
async fn an_upsert_says_what_is_new() {
    let world = World::new();
    let path = "/crm/objects/2026-03/contacts/batch/upsert";
    let (status, first) = world.post(path, json!({"inputs": [input("a@x.fr", "Lyon")]})).await;
    assert_eq!((status.as_u16(), &first["results"][0]["new"]), (200, &json!(true)), "{first}");
    let (status, second) =
        world.post(path, json!({"inputs": [input("A@x.fr", "Nice"), input("b@x.fr", "Brest")]})).await;
    assert_eq!(status, 200);
    let flags: Vec<_> = second["results"].as_array().unwrap().iter().map(|row| row["new"].clone()).collect();
    assert_eq!(flags, [json!(false), json!(true)]);
    assert_eq!(second["results"][0]["id"], first["results"][0]["id"]);
    assert_eq!(second["results"][0]["properties"]["city"], "Nice");
    assert_eq!(world.people().await, json!({"in_crm": 2, "people": 2, "duplicates": 0, "contacts": 2}));
}

#[tokio::test]
async fn one_bad_item_fails_alone() {
    let world = World::new();
    let path = "/crm/v3/objects/contacts/batch/upsert";
    let (status, body) =
        world.post(path, json!({"inputs": [input("a@x.fr", "Lyon"), input("mauvaise", "Nice")]})).await;
    assert_eq!(status, 207, "{body}");
    assert_eq!((body["results"].as_array().unwrap().len(), &body["numErrors"]), (1, &json!(1)));
    assert_eq!(body["errors"][0]["category"], "VALIDATION_ERROR");
    assert_eq!(body["errors"][0]["context"], json!({"ids": ["mauvaise"], "objectWriteTraceId": ["mauvaise"]}));
}

#[tokio::test]
async fn more_than_a_hundred_or_the_same_id_twice_is_refused_whole() {
    let world = World::new();
    let path = "/crm/objects/2026-03/contacts/batch/upsert";
    let many: Vec<Value> = (0..101).map(|number| input(&format!("p{number}@x.fr"), "Lyon")).collect();
    assert_eq!(world.post(path, json!({"inputs": many})).await.0, 400);
    assert_eq!(world.post(path, json!({"inputs": [input("a@x.fr", "Lyon"), input("A@x.fr", "Nice")]})).await.0, 400);
    assert_eq!(world.post(path, json!({"inputs": many[..100]})).await.0, 200);
    assert_eq!(world.journal().await.len(), 100);
}

#[tokio::test]
async fn reading_updating_and_archiving_by_batch_report_what_is_missing() {
    let world = World::new();
    let base = "/crm/objects/2026-09/contacts/batch";
    let (status, made) = world
        .post(
            &format!("{base}/create"),
            json!({"inputs": [{"properties": {"email": "a@x.fr"}}, {"properties": {"email": "b@x.fr"}}]}),
        )
        .await;
    assert_eq!(status, 201, "{made}");
    let id = &made["results"][0]["id"];
    let ask = json!({"idProperty": "email", "properties": ["email"], "inputs": [{"id": "B@x.fr"}, {"id": "c@x.fr"}]});
    let (status, read) = world.post(&format!("{base}/read"), ask).await;
    assert_eq!((status.as_u16(), &read["results"][0]["properties"]["email"]), (207, &json!("b@x.fr")));
    assert_eq!(read["errors"][0]["context"]["ids"], json!(["c@x.fr"]));
    let change = json!({"inputs": [{"id": id, "properties": {"city": "Brest"}}, {"id": "999", "properties": {"city": "Brest"}}]});
    let (status, updated) = world.post(&format!("{base}/update"), change).await;
    assert_eq!((status.as_u16(), &updated["errors"][0]["category"]), (207, &json!("OBJECT_NOT_FOUND")));
    assert_eq!(world.post(&format!("{base}/archive"), json!({"inputs": [{"id": id}, {"id": "999"}]})).await.0, 204);
    assert_eq!(world.people().await["in_crm"], 1);
}
