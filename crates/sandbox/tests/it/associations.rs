//! Ties between contacts, deals and calls.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn a_deal_is_tied_at_birth_and_later_and_untied() {
    let world = World::new();
    let (first, second) = (world.contact(json!({"city": "Lyon"})).await, world.contact(json!({"city": "Nice"})).await);
    let birth = json!({"properties": {"dealname": "RDV"}, "associations": [
        {"to": {"id": first}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]},
    ]});
    let (status, deal) = world.post("/crm/objects/2026-03/deals", birth).await;
    assert_eq!(status, 201, "{deal}");
    let deal = deal["id"].as_str().unwrap();
    let path = format!("/crm/objects/2026-03/deals/{deal}/associations");
    let (status, _) = world.call(Method::PUT, &format!("{path}/default/contacts/{second}"), Value::Null).await;
    assert_eq!(status, 200);
    let ids = |body: &Value| {
        body["results"].as_array().unwrap().iter().map(|row| row["toObjectId"].to_string()).collect::<Vec<_>>()
    };
    let (_, listed) = world.get(&format!("{path}/contacts")).await;
    assert_eq!(ids(&listed), [first.clone(), second.clone()]);
    assert_eq!(listed["results"][0]["associationTypes"][0]["typeId"], 3);
    let (_, back) = world.get(&format!("/crm/v4/objects/contacts/{first}/associations/deals")).await;
    assert_eq!(back["results"][0]["associationTypes"][0]["typeId"], 4);
    assert_eq!(world.call(Method::DELETE, &format!("{path}/contacts/{first}"), Value::Null).await.0, 204);
    assert_eq!(ids(&world.get(&format!("{path}/contacts")).await.1), *std::slice::from_ref(&second));
    let (_, shown) = world.get(&format!("/crm/objects/2026-03/deals/{deal}?associations=contacts")).await;
    assert_eq!(shown["associations"]["contacts"]["results"][0]["id"], second);
}

#[tokio::test]
async fn a_tie_to_nobody_or_of_the_wrong_type_is_refused() {
    let world = World::new();
    let id = world.contact(json!({"city": "Lyon"})).await;
    let with = |id: &str, type_id: u32| {
        json!({"properties": {"dealname": "RDV"}, "associations": [
            {"to": {"id": id}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]},
        ]})
    };
    assert_eq!(world.post("/crm/objects/2026-03/deals", with("999", 3)).await.0, 400);
    assert_eq!(world.post("/crm/objects/2026-03/deals", with(&id, 4)).await.0, 400);
    let path = format!("/crm/objects/2026-03/contacts/{id}/associations/default/deals/999");
    assert_eq!(world.call(Method::PUT, &path, Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_batch_ties_what_it_can() {
    let world = World::new();
    let id = world.contact(json!({"city": "Lyon"})).await;
    let (_, call) =
        world.post("/crm/objects/2026-03/calls", json!({"properties": {"hs_timestamp": "1767331200000"}})).await;
    let pairs = json!({"inputs": [{"from": call, "to": {"id": id}}, {"from": {"id": "999"}, "to": {"id": id}}]});
    let (status, body) = world.post("/crm/associations/2026-03/calls/contacts/batch/associate/default", pairs).await;
    assert_eq!((status.as_u16(), &body["numErrors"]), (207, &json!(1)), "{body}");
    assert_eq!(body["results"][0]["associationSpec"]["associationTypeId"], 194);
    let (_, read) = world.post("/crm/v4/associations/contacts/calls/batch/read", json!({"inputs": [{"id": id}]})).await;
    assert_eq!(read["results"][0]["to"][0]["toObjectId"].to_string(), call["id"].as_str().unwrap());

    let sheaves =
        json!({"inputs": [{"from": call, "to": [{"id": id}, {"id": "999"}]}, {"from": {"id": "999"}, "to": []}]});
    for _ in 0..2 {
        let path = "/crm/associations/2026-03/calls/contacts/batch/archive";
        assert_eq!(world.post(path, sheaves.clone()).await.0, 204);
    }
    let (_, read) = world.post("/crm/v4/associations/contacts/calls/batch/read", json!({"inputs": [{"id": id}]})).await;
    assert_eq!(read["results"], json!([]));
}
