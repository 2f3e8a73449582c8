//! What a mapping would do, told before anybody decides: on a real record, both ways, with nothing written.

use domain::access::Role;
use domain::field::{FieldValue, RemoteFields};
use domain::id::{IntegrationId, RecordId};
use domain::link::LinkState;
use persistence::records::links::Ending;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connecting::connected;
use crate::mapping::{sent, with};
use crate::repair::settled;
use crate::world::{Answer, World};

/// A contact that is in step with an object, which holds the same.
async fn in_step(world: &World, integration: IntegrationId, values: &[(&str, &str)]) -> (RecordId, String) {
    let properties: serde_json::Map<String, Value> =
        values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let made = world.by_hand(Method::POST, "contacts", Value::Object(properties)).await;
    let object = made["id"].as_str().unwrap().to_owned();
    let held: RemoteFields =
        values.iter().map(|(name, value)| ((*name).to_owned(), FieldValue::text(*value))).collect();
    let state =
        LinkState { external_id: Some(object.clone()), sent: held.clone(), seen: held, seen_at: None, told_at: None };
    let (record, _) = settled(world, integration, values, (state, Ending::InStep)).await;
    (record, object)
}

struct Shown<'a> {
    world: &'a World,
    path: String,
    draft: Value,
}

impl Shown<'_> {
    async fn on(&self, what: &str, id: impl ToString) -> Answer {
        let mut wish = self.draft.clone();
        wish["kind"] = json!("contact");
        wish[what] = json!(id.to_string());
        self.world.post(&format!("{}/mappings/preview", self.path), wish).await
    }
}

fn line<'a>(preview: &'a Answer, remote: &str) -> &'a Value {
    let lines = preview.body["fields"].as_array().unwrap_or_else(|| panic!("{preview:?}"));
    lines.iter().find(|line| line["remote"] == remote).unwrap()
}

#[tokio::test]
async fn a_record_is_shown_both_ways_beside_what_the_platform_holds_and_nothing_is_written() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let path = format!("/api/v1/integrations/{id}");
    world.add_property("loyalty").await;
    let integration = id.parse().unwrap();
    let (zoe, object) = in_step(&world, integration, &[("email", "zoe@example.fr"), ("city", "Lyon")]).await;
    in_step(&world, integration, &[("email", "paul@example.fr")]).await;
    world.by_hand(Method::PATCH, &format!("contacts/{object}"), json!({ "city": "Paris" })).await;
    let (before, draft) = (world.journal().await, with(&world, &path, &[sent("city", "loyalty")]).await);
    let shown = Shown { world: &world, path: path.clone(), draft };

    let preview = shown.on("record_id", zoe).await;
    assert_eq!(preview.status.as_u16(), 200, "{preview:?}");
    let said = |name: &str| &preview.body[name];
    assert_eq!((said("external_id"), said("read_live")), (&json!(object), &json!(true)));
    assert_eq!(
        (said("would_change"), said("looked_at"), said("is_lower_bound")),
        (&json!(1), &json!(2), &json!(false)),
        "Paul has no city"
    );
    let city = line(&preview, "city");
    assert_eq!((&city["ours"], &city["would_hold"]), (&json!("Lyon"), &json!("Lyon")));
    assert_eq!((&city["holds"], &city["comes_back"], city.get("note")), (&json!("Paris"), &json!("Paris"), None));
    let loyalty = line(&preview, "loyalty");
    assert_eq!((&loyalty["would_hold"], &loyalty["holds"]), (&json!("Lyon"), &Value::Null));
    assert!(loyalty.get("comes_back").is_none() && loyalty["note"].as_str().unwrap().starts_with("is only sent"));

    let by_object = shown.on("external_id", &object).await;
    assert_eq!(by_object.body, preview.body);
    world.switch_faults(json!({ "fail_all_status": 503 })).await;
    let away = shown.on("record_id", zoe).await;
    assert_eq!((&away.body["read_live"], &line(&away, "city")["holds"]), (&json!(false), &json!("Lyon")), "{away:?}");
    world.switch_faults(json!({ "fail_all_status": null })).await;

    assert_eq!(world.journal().await, before);
    let mapping = world.get(&format!("{path}/mappings/contact")).await;
    assert_eq!((mapping.etag(), &mapping.body["is_default"]), ("\"1\"", &json!(true)));
    assert_eq!(world.get(&path).await.body["drift"], 0);
    world.stop().await;
}

#[tokio::test]
async fn what_does_not_come_back_and_what_does_not_travel_says_why() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let path = format!("/api/v1/integrations/{id}");
    let (zoe, _) = in_step(&world, id.parse().unwrap(), &[("email", "zoe@example.fr"), ("country", "Suisse")]).await;
    let words = json!({ "type": "value_map", "values": { "France": "FR", "Belgique": "BE" } });
    let draft = json!({ "fields": [
        { "local": "email", "remote": "email", "direction": "from_platform", "identifier": true },
        { "local": "country", "remote": "country", "direction": "bidirectional", "transform": words },
    ] });
    let shown = Shown { world: &world, path: path.clone(), draft };
    let preview = shown.on("record_id", zoe).await;
    let country = line(&preview, "country");
    assert_eq!((&country["holds"], country.get("comes_back")), (&json!("Suisse"), None), "{preview:?}");
    assert!(country["note"].as_str().unwrap().contains("no word of ours"), "{country}");
    let email = line(&preview, "email");
    assert_eq!((&email["comes_back"], email.get("would_hold")), (&json!("zoe@example.fr"), None));
    assert_eq!(preview.body["would_change"], 0);

    world.put(&path, "\"1\"", json!({ "direction": "to_platform" })).await;
    let bounded = shown.on("record_id", zoe).await;
    assert_eq!(line(&bounded, "email")["direction"], Value::Null);
    assert!(line(&bounded, "email")["note"].as_str().unwrap().starts_with("does not travel"), "{bounded:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_record_that_is_not_there_yet_would_be_made_with_defaults() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let path = format!("/api/v1/integrations/{id}");
    let values = [("email", "zoe@example.fr")];
    let (zoe, _) = settled(&world, id.parse().unwrap(), &values, (LinkState::default(), Ending::InStep)).await;
    let titled = json!({ "local": "notes", "remote": "state", "direction": "to_platform", "default": "À compléter" });
    let draft = with(&world, &path, &[titled]).await;
    let shown = Shown { world: &world, path, draft };
    let preview = shown.on("record_id", zoe).await;
    assert_eq!((&preview.body["external_id"], &preview.body["looked_at"]), (&Value::Null, &json!(0)), "{preview:?}");
    assert_eq!(line(&preview, "state")["would_hold"], "À compléter");
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_previewed_is_told() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let path = format!("/api/v1/integrations/{id}");
    let shown = Shown { world: &world, path: path.clone(), draft: with(&world, &path, &[]).await };
    for (what, named) in [("record_id", RecordId::new().to_string()), ("external_id", "999999".to_owned())] {
        let refused = shown.on(what, named).await;
        refused.is_problem(422, "invalid");
        assert_eq!(refused.paths(), [what], "{refused:?}");
    }
    let bad = Shown { draft: json!({ "fields": [sent("city", "city")] }), ..shown };
    assert_eq!(bad.on("external_id", "1").await.paths(), ["fields"]);
    world.stop().await;
}

#[tokio::test]
async fn a_disconnected_account_is_not_asked_and_its_mapping_is_shown_on_what_is_known() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let path = format!("/api/v1/integrations/{id}");
    let (zoe, _) = in_step(&world, id.parse().unwrap(), &[("email", "zoe@example.fr"), ("city", "Lyon")]).await;
    let draft = with(&world, &path, &[sent("city", "loyalty")]).await;
    let gone = world.post(&format!("{path}/disconnect"), json!({})).await;
    assert_eq!(gone.status.as_u16(), 200, "{gone:?}");
    let shown = Shown { world: &world, path: path.clone(), draft };
    let known = shown.on("record_id", zoe).await;
    assert_eq!((known.status.as_u16(), &known.body["read_live"]), (200, &json!(false)), "{known:?}");
    assert_eq!(line(&known, "city")["holds"], json!("Lyon"), "{known:?}");
    shown.on("external_id", "999999").await.is_problem(409, "not_connected");
    world.get(&format!("{path}/fields?refresh=true")).await.is_problem(409, "not_connected");
    world.stop().await;
}

#[tokio::test]
async fn a_national_number_is_shown_as_one_of_the_tenants_country() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let (zoe, _) = in_step(&world, id.parse().unwrap(), &[("phone", "0470 12 34 56")]).await;
    let admin = world.token(Role::Admin);
    let body = Some(crate::settings::wish().to_string());
    let set = world.send_seen((Method::PUT, "/api/v1/settings"), Some(&admin), Some("\"0\""), body).await;
    assert_eq!(set.body["region"], "BE", "{set:?}");
    let draft = json!({ "fields": [
        { "local": "phone", "remote": "phone", "direction": "bidirectional", "transform": { "type": "e164" }, "identifier": true },
    ] });
    let shown = Shown { world: &world, path: format!("/api/v1/integrations/{id}"), draft };
    let preview = shown.on("record_id", zoe).await;
    assert_eq!(line(&preview, "phone")["would_hold"], "+32470123456", "{preview:?}");
    assert_eq!(preview.body["would_change"], 1);
    world.stop().await;
}
