//! Mappings and the fields of both sides: shown, replaced over what was seen, held against the account's own fields.

use std::collections::BTreeSet;

use domain::message::{Message as _, RecordPush};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connecting::connected;
use crate::repair::{blocked, refused};
use crate::world::{Answer, World};

async fn path_of(world: &World) -> (String, String) {
    let id = connected(world, "pat-eu1-4242-demo").await;
    (format!("/api/v1/integrations/{id}"), id)
}

/// The present mapping of contacts, with these fields behind it.
pub(crate) async fn with(world: &World, path: &str, more: &[Value]) -> Value {
    let shown = world.get(&format!("{path}/mappings/contact")).await;
    let fields = shown.body["fields"].as_array().unwrap().iter().chain(more);
    json!({ "fields": fields.collect::<Vec<_>>() })
}

pub(crate) fn sent(local: &str, remote: &str) -> Value {
    json!({ "local": local, "remote": remote, "direction": "to_platform" })
}

fn template(template: &str) -> Value {
    let transform = json!({ "type": "template", "template": template });
    json!({ "local": "city", "remote": "state", "direction": "to_platform", "transform": transform })
}

#[tokio::test]
async fn a_mapping_is_shown_replaced_over_what_was_seen_and_set_back() {
    let world = World::start().await;
    let (path, _) = path_of(&world).await;
    let contact = format!("{path}/mappings/contact");
    let listed = world.get(&format!("{path}/mappings")).await;
    let kinds: Vec<&Value> = listed.body["data"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["contact", "deal", "activity"]);
    let before = world.get(&contact).await;
    assert_eq!((before.etag(), &before.body["is_default"]), ("\"1\"", &json!(true)));
    assert_eq!(listed.body["data"][0], before.body);

    let wish = with(&world, &path, &[sent("notes", "state")]).await;
    let token = world.token(domain::access::Role::Admin);
    let unseen = world.call(Method::PUT, &contact, Some(&token), Some(wish.clone())).await;
    unseen.is_problem(428, "precondition_required");
    let replace = || world.put(&contact, "\"1\"", wish.clone());
    let (a, b) = tokio::join!(replace(), replace());
    let mut statuses = [&a, &b].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let after = world.get(&contact).await;
    assert_eq!((after.etag(), &after.body["is_default"]), ("\"2\"", &json!(false)));
    assert_eq!(after.body["fields"].as_array().unwrap().len(), wish["fields"].as_array().unwrap().len());
    assert_eq!(after.body["fields"].as_array().unwrap().last().unwrap()["remote"], "state");
    // The configuration is another thing.
    assert_eq!(world.get(&path).await.etag(), "\"1\"");

    let named = json!({ "kind": "contact", "fields": before.body["fields"] });
    let all = format!("{path}/mappings");
    world.put(&all, "\"1\"", named.clone()).await.is_problem(412, "version_mismatch");
    let replaced = world.put(&all, "\"2\"", named.clone()).await;
    assert_eq!((replaced.etag(), &replaced.body["kind"]), ("\"3\"", &json!("contact")), "{replaced:?}");
    assert_eq!(world.get(&contact).await.body["fields"], named["fields"]);

    let reset = world.post(&format!("{path}/mappings/reset"), json!({ "kind": "contact" })).await;
    assert_eq!((reset.etag(), &reset.body["fields"]), ("\"4\"", &before.body["fields"]));
    world.get(&format!("{path}/mappings/order")).await.is_problem(404, "not_found");
    world.get(&format!("{path}/mappings/people")).await.is_problem(404, "not_found");
    let order = world.post(&format!("{path}/mappings/reset"), json!({ "kind": "order" })).await;
    order.is_problem(422, "invalid");
    world.stop().await;
}

#[tokio::test]
async fn a_mapping_that_cannot_work_is_told_place_by_place() {
    let world = World::start().await;
    let (path, _) = path_of(&world).await;
    let contact = format!("{path}/mappings/contact");
    let email = json!({ "local": "email", "remote": "email", "direction": "bidirectional", "identifier": true });
    let cases = [
        (json!([]), "fields"),
        (json!([email, sent("amount", "city")]), "fields[1].local"),
        (json!([email, sent("city", "email")]), "fields[1].remote"),
        (json!([email, sent("city", "no_such_property")]), "fields[1].remote"),
        (json!([email, sent("city", "hs_object_id")]), "fields[1].direction"),
        (json!([email, template("{{ city }} {{ planet }}")]), "fields[1].transform.template"),
        (json!([email, template("{{ city")]), "fields[1].transform.template"),
        (json!([{ "local": "email", "remote": "email", "direction": "both" }]), "fields[0].direction"),
        (json!([{ "local": "email", "remote": "email", "direction": "to_platform", "ident": 1 }]), "fields[0].ident"),
    ];
    for (fields, place) in cases {
        let answer = world.put(&contact, "\"1\"", json!({ "fields": fields })).await;
        answer.is_problem(422, "invalid");
        assert_eq!(answer.paths(), [place], "{answer:?}");
    }
    let stages = json!({ "type": "value_map", "values": { "scheduled": "no_such_stage" } });
    let stage = json!({ "local": "status", "remote": "dealstage", "direction": "to_platform", "transform": stages });
    let answer = world.put(&format!("{path}/mappings/deal"), "\"1\"", json!({ "fields": [stage] })).await;
    assert_eq!(answer.paths(), ["fields[0].transform.values"], "{answer:?}");
    // What comes in must be able to be what ours holds.
    for (local, remote) in [("amount", "dealname"), ("status", "dealstage"), ("starts_at", "amount")] {
        let taken = json!({ "local": local, "remote": remote, "direction": "from_platform" });
        let answer = world.put(&format!("{path}/mappings/deal"), "\"1\"", json!({ "fields": [taken] })).await;
        assert_eq!(answer.paths(), ["fields[0].transform"], "{answer:?}");
    }
    // Text is no number, whatever it says.
    let fields = json!({ "fields": [sent("title", "amount")] });
    let answer = world.put(&format!("{path}/mappings/deal"), "\"1\"", fields).await;
    assert_eq!(answer.paths(), ["fields[0].transform"], "{answer:?}");
    assert_eq!(world.get(&contact).await.etag(), "\"1\"");
    world.stop().await;
}

#[tokio::test]
async fn while_the_platform_is_away_a_mapping_is_held_against_our_rules_alone() {
    let world = World::start().await;
    let (path, _) = path_of(&world).await;
    let contact = format!("{path}/mappings/contact");
    let wish = with(&world, &path, &[sent("city", "no_such_property")]).await;
    world.switch_faults(json!({ "fail_all_status": 503 })).await;
    assert_eq!(world.put(&contact, "\"1\"", wish).await.status.as_u16(), 200);
    // What is there already is not asked about again.
    world.switch_faults(json!({ "fail_all_status": null })).await;
    let wish = with(&world, &path, &[]).await;
    assert_eq!(world.put(&contact, "\"2\"", wish).await.status.as_u16(), 200);
    world.stop().await;
}

/// The links that wait to be looked at.
pub(crate) async fn pushed(world: &World) -> BTreeSet<String> {
    if !world.vhost.queues().await.iter().any(|name| name == RecordPush::QUEUE) {
        return BTreeSet::new();
    }
    let stored = world.vhost.peek(RecordPush::QUEUE).await;
    let pushes = stored.iter().map(|message| serde_json::from_str::<RecordPush>(&message.payload).unwrap());
    pushes.map(|push| push.link_id.to_string()).collect()
}

#[tokio::test]
async fn a_changed_mapping_reaches_what_is_linked_at_once_where_data_flows() {
    let world = World::start().await;
    let (path, id) = path_of(&world).await;
    let contact = format!("{path}/mappings/contact");
    let (_, link) = blocked(&world, id.parse().unwrap(), refused("PHONE")).await;
    let wish = with(&world, &path, &[sent("notes", "state")]).await;
    // Switched off, nothing is to be done yet.
    world.put(&contact, "\"1\"", wish.clone()).await;
    assert_eq!((pushed(&world).await, drift(&world.get(&path).await)), (BTreeSet::new(), 0));
    world.post(&format!("{path}/enable"), json!({})).await;
    world.put(&contact, "\"2\"", wish.clone()).await;
    assert_eq!((pushed(&world).await, drift(&world.get(&path).await)), ([link.to_string()].into(), 1));
    assert_eq!(world.get(&path).await.body["drift_by_kind"], json!({ "contact": 1 }));
    assert_eq!(world.get(&format!("{path}/failures")).await.body["data"], json!([]));
    world.stop().await;
}

fn drift(shown: &Answer) -> i64 {
    shown.body["drift"].as_i64().unwrap()
}

/// The names of the account's fields of contacts that are its own.
async fn custom(world: &World, path: &str, query: &str) -> Vec<String> {
    let answer = world.get(&format!("{path}/fields?kind=contact{query}")).await;
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    let fields = answer.body["data"][0]["theirs"].as_array().unwrap();
    let own = fields.iter().filter(|field| field["custom"] == true && field["name"] != "coccinelle_id");
    own.map(|field| field["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_fields_of_both_sides_are_shown_and_the_accounts_are_believed_for_a_while() {
    let world = World::start().await;
    let (path, _) = path_of(&world).await;
    assert_eq!(custom(&world, &path, "").await, Vec::<String>::new());
    world.add_property("loyalty").await;
    assert_eq!(custom(&world, &path, "").await, Vec::<String>::new(), "it was asked again");
    assert_eq!(custom(&world, &path, "&refresh=true").await, ["loyalty"]);
    world.switch_faults(json!({ "fail_all_status": 503 })).await;
    for query in ["", "&refresh=true"] {
        assert_eq!(custom(&world, &path, query).await, ["loyalty"], "{query}");
    }
    // Of deals nothing is known yet.
    world.get(&format!("{path}/fields")).await.is_problem(503, "platform_unavailable");
    world.switch_faults(json!({ "fail_all_status": null, "token_revoked": true })).await;
    world.get(&format!("{path}/fields?kind=deal")).await.is_problem(409, "platform_refused");
    world.switch_faults(json!({ "token_revoked": false })).await;

    let all = world.get(&format!("{path}/fields")).await;
    let deal = &all.body["data"][1];
    let ours = deal["ours"].as_array().unwrap();
    let status = ours.iter().find(|field| field["name"] == "status").unwrap();
    assert_eq!((&status["type"], &status["words"][0]), (&json!("choice"), &json!("scheduled")));
    let stage = deal["theirs"].as_array().unwrap().iter().find(|field| field["name"] == "dealstage").unwrap();
    assert_eq!(stage["options"][0], json!({ "value": "appointmentscheduled", "label": "appointmentscheduled" }));
    for query in ["kind=order", "kind=x", "refresh=maybe", "colour=red"] {
        world.get(&format!("{path}/fields?{query}")).await.is_problem(422, "invalid");
    }
    world.stop().await;
}
