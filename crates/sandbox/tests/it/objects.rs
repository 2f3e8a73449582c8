//! Single objects: what is accepted, shown and refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn an_unknown_token_is_refused_in_hubspots_words() {
    let mut world = World::new();
    for token in ["", "demo", "pat-eu1-abc-x", "pat-eu1-4242"] {
        world.token = token.into();
        let (status, body) = world.get("/account-info/2026-03/details").await;
        assert_eq!(status, 401);
        assert_eq!((&body["status"], &body["category"]), (&json!("error"), &json!("INVALID_AUTHENTICATION")));
        assert!(body["correlationId"].is_string());
    }
    world.token = "pat-eu1-77-x".into();
    for version in ["2026-03", "2026-09", "v3"] {
        let (status, body) = world.get(&format!("/account-info/{version}/details")).await;
        assert_eq!((status.as_u16(), &body["portalId"]), (200, &json!(77)));
    }
}

#[tokio::test]
async fn a_contact_lives_from_creation_to_archive_on_every_path() {
    let world = World::new();
    let mut id = String::new();
    for (base, email) in [("/crm/objects/2026-03", "a"), ("/crm/objects/2026-09", "b"), ("/crm/v3/objects", "c")] {
        let (status, made) = world
            .post(&format!("{base}/contacts"), json!({"properties": {"email": format!("{email}@Exemple.fr")}}))
            .await;
        assert_eq!(status, 201, "{made}");
        assert_eq!(made["properties"]["email"], format!("{email}@exemple.fr"));
        id = made["id"].as_str().unwrap().to_owned();
        let (status, changed) = world
            .call(
                Method::PATCH,
                &format!("{base}/0-1/{email}@exemple.fr?idProperty=email"),
                json!({"properties": {"city": "Nîmes"}}),
            )
            .await;
        assert_eq!((status.as_u16(), &changed["id"]), (200, &made["id"]));
        let path = format!("{base}/contacts/{id}?properties=city,email&properties=phone&propertiesWithHistory=city");
        let (_, shown) = world.get(&path).await;
        assert_eq!(shown["properties"]["city"], "Nîmes");
        assert_eq!(shown["properties"]["phone"], Value::Null);
        assert_eq!(shown["propertiesWithHistory"]["city"][0]["value"], "Nîmes");
        assert!(shown["updatedAt"].as_str() >= shown["createdAt"].as_str());
        assert_eq!(shown["properties"]["lastmodifieddate"], shown["updatedAt"]);
    }
    let path = format!("/crm/objects/2026-03/contacts/{id}");
    assert_eq!(world.call(Method::DELETE, &path, Value::Null).await.0, 204);
    let (status, gone) = world.get(&path).await;
    assert_eq!((status.as_u16(), &gone["category"]), (404, &json!("OBJECT_NOT_FOUND")));
    let (_, archived) = world.get(&format!("{path}?archived=true")).await;
    assert_eq!((&archived["id"], &archived["archived"]), (&json!(id), &json!(true)));
    assert!(archived["archivedAt"].is_string());
    let (_, list) = world.get("/crm/objects/2026-03/contacts?archived=true").await;
    assert_eq!(list["results"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_taken_email_conflicts_and_names_who_has_it() {
    let world = World::new();
    let id = world.contact(json!({"email": "zoe@exemple.fr"})).await;
    let again = json!({"properties": {"email": "ZOE@exemple.fr"}});
    let (status, body) = world.post("/crm/objects/2026-03/contacts", again.clone()).await;
    assert_eq!((status.as_u16(), &body["category"]), (409, &json!("CONFLICT")));
    assert_eq!(body["message"], format!("Contact already exists. Existing ID: {id}"));
    let other = world.contact(json!({"email": "max@exemple.fr"})).await;
    let (status, body) =
        world.call(Method::PATCH, &format!("/crm/objects/2026-03/contacts/{other}"), again.clone()).await;
    assert_eq!((status.as_u16(), &body["errors"][0]["code"]), (400, &json!("CONFLICTING_UNIQUE_VALUE")));
    world.call(Method::DELETE, &format!("/crm/objects/2026-03/contacts/{id}"), Value::Null).await;
    assert_eq!(world.post("/crm/objects/2026-03/contacts", again).await.0, 201);
}

#[tokio::test]
async fn a_value_that_its_property_does_not_allow_is_refused_by_name() {
    let world = World::new();
    let cases = [
        ("contacts", json!({"coccinelle_id": "p-1"}), "PROPERTY_DOESNT_EXIST", "coccinelle_id"),
        ("contacts", json!({"email": "pas une adresse"}), "INVALID_EMAIL", "email"),
        ("contacts", json!({"lifecyclestage": "vip"}), "INVALID_OPTION", "lifecyclestage"),
        ("contacts", json!({"hs_object_id": "5"}), "READ_ONLY_VALUE", "hs_object_id"),
        ("deals", json!({"amount": "beaucoup"}), "INVALID_INTEGER", "amount"),
        ("calls", json!({"hs_call_title": "Appel"}), "REQUIRED_FIELD", "hs_timestamp"),
    ];
    for (kind, properties, code, name) in cases {
        let (status, body) =
            world.post(&format!("/crm/objects/2026-03/{kind}"), json!({"properties": properties})).await;
        assert_eq!((status.as_u16(), &body["category"]), (400, &json!("VALIDATION_ERROR")), "{body}");
        assert_eq!(
            (&body["errors"][0]["code"], &body["errors"][0]["context"]["propertyName"][0]),
            (&json!(code), &json!(name))
        );
        assert!(body["message"].as_str().unwrap().contains(code));
    }
    assert!(world.journal().await.is_empty(), "nothing refused is written");
    let (status, body) = world
        .post("/crm/objects/2026-03/0-3", json!({"properties": {"closedate": "1767331200000", "amount": 12.5}}))
        .await;
    assert_eq!((status.as_u16(), &body["properties"]["closedate"]), (201, &json!("2026-01-02T05:20:00.000Z")));
    assert_eq!(body["properties"]["amount"], "12.5");
}

#[tokio::test]
async fn malformed_and_oversized_bodies_and_unknown_paths_get_hubspots_form() {
    let world = World::new();
    let path = "/crm/objects/2026-03/contacts";
    let response = world.request(Method::POST, path).body("{\"properties\":").send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.json::<Value>().await.unwrap()["status"], "error");
    let response = world.request(Method::POST, path).body("x".repeat(5 * 1024 * 1024)).send().await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(world.get("/crm/objects/2025-01/contacts").await.1["status"], "error");
    assert_eq!(world.get("/crm/objects/2026-03/licornes").await.0, 400);
    assert_eq!(world.post(path, json!({"properties": {"city": null}})).await.0, 400);
}

#[tokio::test]
async fn a_property_is_created_once_and_its_unique_values_hold_one_object_each() {
    let world = World::new();
    let path = "/crm/properties/2026-03/contacts";
    let new = json!({"name": "coccinelle_id", "label": "Coccinelle", "type": "string", "fieldType": "text",
                     "groupName": "contactinformation", "hasUniqueValue": true});
    let (status, body) = world.post(path, new.clone()).await;
    assert_eq!((status.as_u16(), &body["hasUniqueValue"]), (201, &json!(true)));
    assert_eq!(world.post(path, new).await.0, 409);
    let (_, listed) = world.get("/crm/v3/properties/contacts").await;
    let names: Vec<_> = listed["results"].as_array().unwrap().iter().map(|property| property["name"].clone()).collect();
    assert!(names.contains(&json!("coccinelle_id")) && names.contains(&json!("email")));
    let id = world.contact(json!({"coccinelle_id": "P-1"})).await;
    let (status, body) =
        world.post("/crm/objects/2026-03/contacts", json!({"properties": {"coccinelle_id": "p-1"}})).await;
    assert_eq!((status.as_u16(), &body["errors"][0]["code"]), (400, &json!("CONFLICTING_UNIQUE_VALUE")));
    let (_, found) = world.get("/crm/objects/2026-03/contacts/P-1?idProperty=coccinelle_id").await;
    assert_eq!(found["id"], id);
    assert_eq!(world.get("/crm/objects/2026-03/contacts/x?idProperty=city").await.0, 400);
}

#[tokio::test]
async fn a_unique_property_that_there_is_no_room_for_is_refused_and_a_common_one_is_not() {
    let world = World::new();
    world.faults(json!({"unique_properties": 1})).await;
    let make = async |name: &str, unique: bool| {
        let new = json!({"name": name, "label": name, "type": "string", "fieldType": "text",
                         "groupName": "contactinformation", "hasUniqueValue": unique});
        world.post("/crm/properties/2026-03/contacts", new).await.0.as_u16()
    };
    assert_eq!(make("theirs", true).await, 201);
    assert_eq!((make("coccinelle_id", true).await, make("note", false).await), (400, 201));
}

#[tokio::test]
async fn a_listing_shows_every_object_once() {
    let world = World::new();
    for number in 0..7 {
        world.contact(json!({"email": format!("p{number}@exemple.fr")})).await;
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let (_, page) = world.get(&format!("/crm/objects/2026-03/contacts?limit=3{after}")).await;
        seen.extend(page["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        match page["paging"]["next"]["after"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let mut distinct = seen.clone();
    distinct.dedup();
    assert_eq!((seen.len(), distinct.len()), (7, 7));
    assert_eq!(world.get("/crm/objects/2026-03/contacts?limit=101").await.0, 400);
}
