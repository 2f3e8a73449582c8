//! The control API, the page, and what outlives a restart.

use reqwest::Method;
use sandbox::Options;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn people_are_counted_over_every_key_they_share() {
    let world = World::new();
    world.contact(json!({"email": "zoe@x.fr"})).await;
    world.contact(json!({"phone": "06 12 34 56 78"})).await;
    world.contact(json!({"phone": "01 23 45 67 89"})).await;
    assert_eq!(world.people().await, json!({"in_crm": 3, "people": 3, "duplicates": 0, "contacts": 3}));
    let (status, _) = world
        .control(Method::POST, "/hubspot/4242/contacts", json!({"properties": {"mobilephone": "+33123456789"}}))
        .await;
    assert_eq!(status, 201);
    assert_eq!(world.people().await["duplicates"], 0, "a person's own double is not the API's");
    world.contact(json!({"phone": "0033612345678", "company": "Zoé & fils"})).await;
    assert_eq!(world.people().await, json!({"in_crm": 3, "people": 3, "duplicates": 1, "contacts": 5}));
}

#[tokio::test]
async fn a_hand_in_the_crm_edits_and_is_marked_in_the_journal() {
    let world = World::new();
    let id = world.contact(json!({"email": "a@x.fr"})).await;
    let path = format!("/hubspot/4242/contacts/{id}");
    assert_eq!(world.control(Method::PATCH, &path, json!({"city": "Brest"})).await.0, 200);
    assert_eq!(world.control(Method::DELETE, &path, Value::Null).await.0, 204);
    let told: Vec<_> =
        world.journal().await.iter().map(|entry| (entry["action"].clone(), entry["by"].clone())).collect();
    assert_eq!(
        told,
        [(json!("created"), json!("api")), (json!("updated"), json!("user")), (json!("archived"), json!("user"))]
    );
    let (_, later) = world.control(Method::GET, "/journal?account=4242&after=1&limit=1", Value::Null).await;
    assert_eq!((later.as_array().unwrap().len(), &later[0]["seq"]), (1, &json!(2)));
}

#[tokio::test]
async fn a_restarted_sandbox_still_holds_everything() {
    let folder = std::env::temp_dir().join(format!("sandbox-{}-{:x}", std::process::id(), rand::random::<u64>()));
    std::fs::create_dir(&folder).unwrap();
    let options = Options { journal: Some(folder.join("journal.jsonl")), ..Options::default() };
    let world = World::with(options.clone());
    let new = json!({"name": "coccinelle_id", "label": "Coccinelle", "type": "string", "fieldType": "text",
                     "groupName": "contactinformation", "hasUniqueValue": true});
    world.post("/crm/properties/2026-03/contacts", new).await;
    let id = world.contact(json!({"email": "a@x.fr", "coccinelle_id": "p-1"})).await;
    let gone = world.contact(json!({"email": "b@x.fr"})).await;
    world.call(Method::DELETE, &format!("/crm/objects/2026-03/contacts/{gone}"), Value::Null).await;
    let (_, deal) = world.post("/crm/objects/2026-03/deals", json!({"properties": {"dealname": "RDV"}})).await;
    let deal = deal["id"].as_str().unwrap();
    world
        .call(
            Method::PUT,
            &format!("/crm/objects/2026-03/deals/{deal}/associations/default/contacts/{id}"),
            Value::Null,
        )
        .await;
    world.faults(json!({"search_lag_ms": 7})).await;
    let contact = format!("/crm/objects/2026-03/contacts/{id}?properties=email,coccinelle_id&associations=deals");
    let (before, journal) = (world.get(&contact).await, world.journal().await);
    world.running.stop();

    // A crash may have cut the last line short.
    let mut file = std::fs::OpenOptions::new().append(true).open(folder.join("journal.jsonl")).unwrap();
    std::io::Write::write_all(&mut file, b"{\"seq\": 99, \"at\"").unwrap();
    let world = World::with(options);
    assert_eq!(world.get(&contact).await, before);
    assert_eq!(world.journal().await, journal);
    assert_eq!(world.control(Method::GET, "/hubspot/4242/faults", Value::Null).await.1["search_lag_ms"], 7);
    assert_eq!(world.post("/crm/objects/2026-03/contacts", json!({"properties": {"email": "a@x.fr"}})).await.0, 409);
    let fresh: u64 = world.contact(json!({"email": "b@x.fr"})).await.parse().unwrap();
    assert!(fresh > deal.parse().unwrap(), "no id is given twice");
    world.control(Method::POST, "/reset", Value::Null).await;
    assert!(world.journal().await.is_empty());
    assert_eq!(std::fs::metadata(folder.join("journal.jsonl")).unwrap().len(), 0);
    world.running.stop();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_page_shows_what_is_held_and_escapes_it() {
    let world = World::new();
    world.contact(json!({"email": "a@x.fr", "firstname": "<script>alert(1)</script>"})).await;
    let page = world.client.get(&world.running.url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("a@x.fr") && page.contains("HubSpot 4242"));
    assert!(!page.contains("<script>"));
    let form = [
        ("platform", "hubspot"),
        ("account", "4242"),
        ("latency_ms", "0"),
        ("search_lag_ms", "11"),
        ("rate_limit_per_10s", ""),
        ("fail_count", "0"),
        ("fail_status", "500"),
        ("fail_all_status", ""),
        ("lost_answer_next", "0"),
        ("reformat_phones", "on"),
    ];
    let sent =
        world.client.post(format!("{}/_sandbox/forms/faults", world.running.url)).form(&form).send().await.unwrap();
    assert_eq!(sent.status(), 303);
    let (_, faults) = world.control(Method::GET, "/hubspot/4242/faults", Value::Null).await;
    assert_eq!(
        (&faults["search_lag_ms"], &faults["reformat_phones"], &faults["rate_limit_per_10s"]),
        (&json!(11), &json!(true), &Value::Null)
    );
}

#[tokio::test]
async fn an_import_makes_all_its_rows_at_one_moment() {
    let world = World::new();
    world.faults(json!({"search_lag_ms": 0})).await;
    let rows: Vec<Value> = (0..250).map(|n| json!({"email": format!("p{n}@x.fr")})).collect();
    let (status, made) = world.control(Method::POST, "/hubspot/4242/contacts/import", json!({"rows": rows})).await;
    assert_eq!((status.as_u16(), made["ids"].as_array().unwrap().len()), (201, 250));
    let (_, found) = world.post("/crm/objects/2026-03/contacts/search", json!({"limit": 200})).await;
    let moments: std::collections::BTreeSet<&str> =
        found["results"].as_array().unwrap().iter().map(|row| row["updatedAt"].as_str().unwrap()).collect();
    assert_eq!((&found["total"], moments.len()), (&json!(250), 1));
    let twice = json!({"rows": [{"email": "p0@x.fr"}]});
    assert_eq!(world.control(Method::POST, "/hubspot/4242/contacts/import", twice).await.0, 409);
}

#[tokio::test]
async fn every_request_is_listed_as_it_came_in_and_counted() {
    let world = World::new();
    world.contact(json!({"email": "a@x.fr"})).await;
    world.faults(json!({"fail_next": {"count": 1, "status": 503}})).await;
    assert_eq!(world.post("/crm/objects/2026-03/contacts/search", json!({})).await.0, 503);
    let listed = async |after: u64| {
        let path = format!("/requests?platform=hubspot&account=4242&after={after}");
        let requests = world.control(Method::GET, &path, Value::Null).await.1;
        let word = |request: &Value, name: &str| request[name].as_str().unwrap().to_owned();
        let shown = |request: &Value| format!("{} {}", word(request, "method"), word(request, "path"));
        requests.as_array().unwrap().iter().map(shown).collect::<Vec<_>>()
    };
    let search = "POST /crm/objects/2026-03/contacts/search";
    assert_eq!(listed(0).await, ["POST /crm/objects/2026-03/contacts", search]);
    assert_eq!(listed(1).await, [search]);
    let counted = world.control(Method::GET, "/under-way", Value::Null).await.1;
    assert_eq!(counted, json!({"under_way": 0, "so_far": 2}));
}
