//! Seeing what happened and mending it: logs, failures, replay, records.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::fault::FaultKind;
use domain::field::{FieldName, FieldValue};
use domain::id::{IntegrationId, LeaseToken, LinkId, RecordId, SyncLogId};
use domain::identity::Identity;
use domain::kind::RecordKind;
use domain::link::LinkState;
use domain::message::{Message as _, RecordPush};
use domain::outcome::{SyncError, SyncOutcome, SyncType};
use domain::record::{Fields, Record, Stamp};
use domain::time::Timestamp;
use persistence::records::identities::{self, IdentityKey};
use persistence::records::links::{self, Ending, Settlement, Wanted};
use persistence::records::store;
use persistence::{Scope, integrations, sync_logs};
use serde_json::json;

use crate::connecting::connected;
use crate::world::World;

pub(crate) fn outcome(world: &World, integration: IntegrationId, at: &str, error: Option<SyncError>) -> SyncOutcome {
    SyncOutcome {
        id: SyncLogId::new(),
        created_at: Timestamp::parse(at).unwrap(),
        tenant_id: world.tenant,
        integration_id: integration,
        link_id: LinkId::new(),
        record_id: None,
        kind: RecordKind::Contact,
        sync_type: SyncType::Create,
        external_id: None,
        error,
        request: Some(json!({ "email": "zoe@example.fr" })),
        response: None,
        changes: BTreeMap::new(),
        duration_ms: 12,
        attempt: 1,
        correlation_id: "abc".to_owned(),
    }
}

pub(crate) fn refused(code: &str) -> SyncError {
    SyncError { class: FaultKind::Invalid, code: code.to_owned(), message: format!("{code} is not valid") }
}

#[tokio::test]
async fn logs_are_listed_newest_first_by_page_and_by_what_came_of_them() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    let rows: Vec<SyncOutcome> = (10..15)
        .map(|minute| {
            let error = (minute == 12).then(|| refused("PHONE"));
            outcome(&world, integration, &format!("2026-11-22T10:{minute}:00Z"), error)
        })
        .collect();
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();

    let path = format!("/api/v1/integrations/{id}/logs");
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for _ in 0..3 {
        let page = world.get(&format!("{path}?limit=2{cursor}")).await;
        assert_eq!(page.status.as_u16(), 200, "{page:?}");
        let times =
            page.body["data"].as_array().unwrap().iter().map(|row| row["created_at"].as_str().unwrap().to_owned());
        seen.extend(times);
        cursor = page.body["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    }
    let expected: Vec<_> = (10..15).rev().map(|minute| format!("2026-11-22T10:{minute}:00.000000Z")).collect();
    assert_eq!(seen, expected);
    let failed = world.get(&format!("{path}?status=failed&type=create")).await;
    assert_eq!(failed.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(failed.body["data"][0]["error_code"], "PHONE");
    for query in ["limit=0", "limit=9999", "cursor=nonsense", "status=maybe", "colour=red"] {
        world.get(&format!("{path}?{query}")).await.is_problem(422, "invalid");
    }
    world.stop().await;
}

/// A record with a link to the integration that failed for good; returns the record and the link.
pub(crate) async fn blocked(world: &World, integration: IntegrationId, error: SyncError) -> (RecordId, LinkId) {
    let values = [("email", "zoe@example.fr")];
    settled(world, integration, &values, (LinkState::default(), Ending::Blocked { error })).await
}

/// A contact with a link that a dispatcher has left like this.
pub(crate) async fn settled(
    world: &World,
    integration: IntegrationId,
    values: &[(&str, &str)],
    (state, ending): (LinkState, Ending),
) -> (RecordId, LinkId) {
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    let origin = integrations::backend(&mut tx, world.tenant).await.unwrap();
    let stamp = Stamp { rank: 0, at: Timestamp::parse("2026-11-22T10:00:00Z").unwrap(), origin };
    let mut fields = Fields::default();
    for (name, value) in values {
        fields.set(FieldName::new(name), FieldValue::text(*value), stamp);
    }
    let (id, kind) = (RecordId::new(), RecordKind::Contact);
    let record = Record { id, tenant_id: world.tenant, kind, fields, version: 1 };
    store::save(&mut tx, &[&record]).await.unwrap();
    links::raise(&mut tx, world.tenant, &[Wanted { integration, record: id, kind, version: 1, mapping: 1 }])
        .await
        .unwrap();
    let token = LeaseToken::new();
    let link = links::of_record(&mut tx, world.tenant, id).await.unwrap()[0].id;
    let whose = (world.tenant, integration);
    links::lease(&mut tx, whose, &[link], token, Duration::from_secs(60)).await.unwrap();
    let reached = i64::from(matches!(ending, Ending::InStep));
    let settlement = Settlement {
        link,
        record: Some(id),
        state: Cow::Owned(state),
        gone: false,
        synced_version: reached,
        tried_version: 1,
        synced_mapping: reached,
        tried_mapping: 1,
        heard_seq: 0,
        read_seq: 0,
        attempts: 1,
        intent_is_open: false,
        errand: None,
        hinted_id: None,
        ending,
        outcomes: Cow::default(),
    };
    assert_eq!(links::settle(&mut tx, token, &[settlement]).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    (id, link)
}

#[tokio::test]
async fn failures_are_grouped_and_replayed_by_group() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    let (record, phone) = blocked(&world, integration, refused("PHONE")).await;
    let (_, email) = blocked(&world, integration, refused("EMAIL")).await;
    let path = format!("/api/v1/integrations/{id}/failures");
    let listed = world.get(&path).await;
    let groups = listed.body["data"].as_array().unwrap();
    assert_eq!(groups.len(), 2, "{listed:?}");
    let group = groups.iter().find(|group| group["code"] == "PHONE").unwrap();
    assert_eq!((&group["count"], &group["example_link_id"]), (&json!(1), &json!(phone.to_string())));
    let shown = world.get(&format!("/api/v1/records/{record}")).await;
    assert_eq!(shown.body["links"][0]["state"], "failed", "{shown:?}");

    let answer = world.post(&format!("{path}/replay"), json!({ "fingerprint": group["fingerprint"] })).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!({ "replayed": 1 })));
    assert_eq!(pushed(&world).await, BTreeSet::from([phone]));
    let answer = world.post(&format!("{path}/replay"), json!({ "fingerprint": null })).await;
    assert_eq!(answer.body, json!({ "replayed": 1 }));
    assert_eq!(pushed(&world).await, BTreeSet::from([phone, email]));
    assert_eq!(world.get(&path).await.body["data"], json!([]));
    assert_eq!(world.get(&format!("/api/v1/integrations/{id}")).await.body["drift"], 2);
    world.stop().await;
}

/// The links that a dispatcher was told to look at.
pub(crate) async fn pushed(world: &World) -> BTreeSet<LinkId> {
    let stored = world.vhost.peek(RecordPush::QUEUE).await;
    stored.iter().map(|message| serde_json::from_str::<RecordPush>(&message.payload).unwrap().link_id).collect()
}

#[tokio::test]
async fn a_record_is_found_by_what_identifies_it_and_shown_with_its_counterparts() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let (record, _) = blocked(&world, id.parse().unwrap(), refused("PHONE")).await;
    let (other, _) = blocked(&world, id.parse().unwrap(), refused("PHONE")).await;
    let phone = Identity::phone(Some(&FieldValue::text("06 12 34 56 78")), domain::identity::Region::FR).unwrap();
    let key = IdentityKey { kind: RecordKind::Contact, identity: phone };
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    identities::claim(&mut tx, world.tenant, &BTreeMap::from([(key, record)])).await.unwrap();
    tx.commit().await.unwrap();

    let found = world.get("/api/v1/records?q=0612345678").await;
    let ids: Vec<_> = found.body["data"].as_array().unwrap().iter().map(|record| record["id"].clone()).collect();
    assert_eq!(ids, [json!(record)], "{found:?}");
    let all = world.get("/api/v1/records?kind=contact").await;
    let ids: BTreeSet<_> = all.body["data"].as_array().unwrap().iter().map(|record| record["id"].to_string()).collect();
    assert_eq!(ids, [record, other].map(|id| json!(id).to_string()).into());
    assert_eq!(world.get("/api/v1/records?kind=deal").await.body["data"], json!([]));
    assert_eq!(world.get("/api/v1/records?q=%00").await.body["data"], json!([]));
    for query in ["kind=person", "cursor=x", "colour=red"] {
        world.get(&format!("/api/v1/records?{query}")).await.is_problem(422, "invalid");
    }

    let shown = world.get(&format!("/api/v1/records/{record}")).await;
    assert_eq!(shown.body["fields"]["email"]["value"], "zoe@example.fr", "{shown:?}");
    assert_eq!(shown.body["fields"]["email"]["at"], "2026-11-22T10:00:00.000000Z");
    assert_eq!(shown.body["links"][0]["integration_id"], id);
    world.stop().await;
}

#[tokio::test]
async fn a_grant_that_was_taken_back_is_told_by_a_test_and_shown() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let path = format!("/api/v1/integrations/{id}");
    world.post(&format!("{path}/enable"), json!({})).await;
    let switch = |revoked: bool| world.switch_faults(json!({ "token_revoked": revoked }));
    switch(true).await;
    let tried = world.post(&format!("{path}/test"), json!({})).await;
    assert_eq!((tried.status.as_u16(), &tried.body["ok"]), (200, &json!(false)), "{tried:?}");
    assert_eq!(tried.body["error"]["class"], "unauthorized");
    assert_eq!(world.get(&path).await.body["status"], "reauth_required");
    switch(false).await;
    assert_eq!(world.post(&format!("{path}/test"), json!({})).await.body["ok"], true);
    assert_eq!(world.get(&path).await.body["status"], "active");
    world.stop().await;
}

/// Everything in the database but what the account's requests cost: the fields of the platform are read.
async fn kept(world: &World) -> String {
    let everything = testkit::dump(&world.database.url()).await;
    everything.lines().filter(|line| !line.contains("\"refilled_at\"")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn another_mapping_or_value_is_tried_on_what_failed_before_anything_is_sent() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    let (record, link) = blocked(&world, integration, refused("EMAIL")).await;
    let path = format!("/api/v1/integrations/{id}/failures/replay");
    let before = kept(&world).await;

    let same = world.post(&path, json!({ "dry_run": true })).await;
    assert_eq!((same.status.as_u16(), &same.body["replayed"]), (200, &json!(1)), "{same:?}");
    let said = &same.body["rehearsal"];
    assert_eq!((&said["same"], &said["records"][0]["verdict"]), (&json!(1), &json!("same")), "{said:#}");
    assert_eq!(said["records"][0]["before"]["email"], "zoe@example.fr");

    let fields =
        json!([{ "local": "email", "remote": "no_such_field", "direction": "to_platform", "identifier": true }]);
    let mapped =
        world.post(&path, json!({ "dry_run": true, "mapping": { "kind": "contact", "fields": fields } })).await;
    // The account has no such field, which is told before anybody replays.
    mapped.is_problem(422, "invalid");
    let fields = json!([{ "local": "email", "remote": "email", "direction": "to_platform", "identifier": true },
                        { "local": "email", "remote": "company", "direction": "to_platform" }]);
    let wish = json!({ "dry_run": true, "mapping": { "kind": "contact", "fields": fields } });
    let mapped = world.post(&path, wish).await;
    let line = &mapped.body["rehearsal"]["records"][0];
    assert_eq!((&line["verdict"], &line["record_id"]), (&json!("otherwise"), &json!(record)), "{mapped:?}");
    assert_eq!((&line["link_id"], &line["after"]["company"]), (&json!(link.to_string()), &json!("zoe@example.fr")));

    let edited = world.post(&path, json!({ "dry_run": true, "values": { "email": "zoe@exemple.fr" } })).await;
    let line = &edited.body["rehearsal"]["records"][0];
    assert_eq!(
        (&line["verdict"], &line["after"]["email"]),
        (&json!("otherwise"), &json!("zoe@exemple.fr")),
        "{line:#}"
    );
    for wish in [
        json!({ "dry_run": true, "values": { "colour": "red" } }),
        json!({ "mapping": { "kind": "contact", "fields": [] } }),
    ] {
        world.post(&path, wish).await.is_problem(422, "invalid");
    }
    assert!(kept(&world).await == before, "a dry run changed something");
    world.stop().await;
}
