//! Searching: filters, pages, limits, and the index's lag.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

const PATH: &str = "/crm/objects/2026-03/contacts/search";

fn by_email(email: &str) -> Value {
    json!({"filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": email}]}], "properties": ["email", "city"]})
}

async fn free(world: &World, lag: i64) {
    world.faults(json!({"search_lag_ms": lag, "search_limit_per_s": null, "rate_limit_per_10s": null})).await;
}

#[tokio::test]
async fn a_search_shows_what_was_there_before_the_lag() {
    let world = World::new();
    free(&world, 3_600_000).await;
    let id = world.contact(json!({"email": "a@x.fr", "city": "Lyon"})).await;
    assert_eq!(world.post(PATH, by_email("a@x.fr")).await.1["total"], 0);
    free(&world, 0).await;
    let (_, found) = world.post(PATH, by_email("A@x.fr")).await;
    assert_eq!((&found["total"], &found["results"][0]["id"]), (&json!(1), &json!(id)));
    world.call(Method::DELETE, &format!("/crm/objects/2026-03/contacts/{id}"), Value::Null).await;
    assert_eq!(world.post(PATH, by_email("a@x.fr")).await.1["total"], 0, "archived rows never appear");
}

#[tokio::test]
async fn operators_and_sorts_work_on_the_forms_of_values() {
    let world = World::new();
    free(&world, 0).await;
    for (email, city) in [("a@x.fr", "Lyon"), ("b@x.fr", "Nice"), ("c@y.fr", "")] {
        world.contact(json!({"email": email, "city": city})).await;
    }
    let found = |filters: Value| {
        let body = json!({"filterGroups": [{"filters": filters}], "sorts": [{"propertyName": "email", "direction": "DESCENDING"}], "properties": ["email"]});
        async {
            world.post(PATH, body).await.1["results"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["properties"]["email"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(found(json!([{"propertyName": "city", "operator": "HAS_PROPERTY"}])).await, ["b@x.fr", "a@x.fr"]);
    assert_eq!(found(json!([{"propertyName": "city", "operator": "IN", "values": ["lyon"]}])).await, ["a@x.fr"]);
    assert_eq!(
        found(json!([{"propertyName": "email", "operator": "CONTAINS_TOKEN", "value": "y.fr"}])).await,
        ["c@y.fr"]
    );
    let since = |at: &str| json!([{"propertyName": "lastmodifieddate", "operator": "GTE", "value": at}]);
    assert_eq!(found(since("0")).await.len(), 3);
    assert_eq!(found(since("4102444800000")).await.len(), 0);
    let bad = json!({"filterGroups": [{"filters": [{"propertyName": "email", "operator": "LIKE", "value": "a"}]}]});
    assert_eq!(world.post(PATH, bad).await.0, 400);
}

#[tokio::test]
async fn pages_follow_each_other_and_stop_at_ten_thousand() {
    let world = World::new();
    free(&world, 0).await;
    for number in 0..5 {
        world.contact(json!({"email": format!("p{number}@x.fr")})).await;
    }
    let (_, first) = world.post(PATH, json!({"limit": 3})).await;
    assert_eq!((&first["total"], &first["paging"]["next"]["after"]), (&json!(5), &json!("3")));
    let (_, second) = world.post(PATH, json!({"limit": 3, "after": "3"})).await;
    assert_eq!((second["results"].as_array().unwrap().len(), &second["paging"]), (2, &Value::Null));
    assert_eq!(world.post(PATH, json!({"limit": 200, "after": "9800"})).await.0, 200);
    let (status, body) = world.post(PATH, json!({"limit": 200, "after": "9801"})).await;
    assert_eq!((status.as_u16(), &body["category"]), (400, &json!("VALIDATION_ERROR")));
    assert_eq!(world.post(PATH, json!({"limit": 201})).await.0, 400);
}

#[tokio::test]
async fn searches_have_a_limit_of_their_own_without_headers() {
    let world = World::new();
    world.faults(json!({"search_limit_per_s": 0})).await;
    let response = world.request(Method::POST, PATH).json(&json!({})).send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert!(response.headers().keys().all(|name| !name.as_str().contains("ratelimit")));
    assert_eq!(response.json::<Value>().await.unwrap()["policyName"], "SECONDLY");
    assert_eq!(world.get("/crm/objects/2026-03/contacts").await.0, 200);
}
