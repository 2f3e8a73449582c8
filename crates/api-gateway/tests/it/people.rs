//! What is known of people: found by name, history, disagreements and decisions, and erasing somebody.

use domain::field::{FieldName, FieldValue};
use domain::id::{IntegrationId, LinkId, MessageId, RecordId, SyncLogId, WebhookLogId};
use domain::identity::{Identity, Scheme};
use domain::kind::RecordKind;
use domain::message::{Amended, EventMerge, Message as _, RecordAmend, StoredMessage, WebhookApply};
use domain::outcome::{SyncOutcome, SyncType, WebhookOutcome, WebhookResult};
use domain::record::{Fields, Lost, Record, Stamp, Stamped};
use domain::time::Timestamp;
use domain::trace::TraceParent;
use persistence::records::conflicts::{self, Conflict, Why};
use persistence::records::identities::{self, IdentityKey};
use persistence::records::links::{self, Heard};
use persistence::records::{joining, store};
use persistence::{Scope, Transaction, inbox, integrations, sync_logs, webhook_logs};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connecting::connected;
use crate::world::{Answer, World};

impl World {
    async fn begin(&self) -> Transaction {
        self.worker().begin(Scope::System).await.unwrap()
    }

    async fn stamp(&self, second: i64) -> Stamp {
        let mut tx = self.begin().await;
        let origin = integrations::backend(&mut tx, self.tenant).await.unwrap();
        tx.commit().await.unwrap();
        Stamp { rank: 0, at: Timestamp::from_millis(second * 1_000).unwrap(), origin }
    }

    /// A record with these values.
    pub(crate) async fn record(&self, kind: RecordKind, values: &[(&str, &str)]) -> RecordId {
        let (stamp, mut fields) = (self.stamp(1).await, Fields::default());
        for (name, value) in values {
            fields.set(FieldName::new(name), FieldValue::text(*value), stamp);
        }
        let record = Record { id: RecordId::new(), tenant_id: self.tenant, kind, fields, version: 1 };
        let mut tx = self.begin().await;
        store::save(&mut tx, &[&record]).await.unwrap();
        tx.commit().await.unwrap();
        record.id
    }

    /// An object of the platform that stands for a record.
    async fn tie(&self, integration: IntegrationId, record: RecordId, external_id: &str) {
        let (tenant, kind) = (self.tenant, RecordKind::Contact);
        let heard = Heard { tenant, integration, kind, external_ids: [external_id.to_owned()].into() };
        let mut tx = self.begin().await;
        links::mark_dirty(&mut tx, &heard).await.unwrap();
        tx.commit().await.unwrap();
        let set = format!("UPDATE record_links SET record_id = '{record}' WHERE external_id = '{external_id}'");
        self.database.execute(&set).await;
    }

    pub(crate) async fn keep(&self, kept: &[Conflict]) {
        let mut tx = self.begin().await;
        conflicts::keep(&mut tx, self.tenant, kept).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A value of a record that lost.
    pub(crate) async fn lost(&self, record: RecordId, why: Why, value: &str) {
        let of = |stamp, value: &str| Stamped { stamp, value: FieldValue::text(value) };
        let (field, kept) = (FieldName::new("company"), of(self.stamp(2).await, "Fleurs SA"));
        let lost = Lost { field, lost: of(self.stamp(1).await, value), kept };
        self.keep(&[Conflict::Value { record, why, lost }]).await;
    }

    /// What the dispatcher was told of that people decided.
    pub(crate) async fn amended(&self) -> Vec<Amended> {
        let mut amended = Vec::new();
        for queue in self.vhost.queues().await.iter().filter(|queue| RecordAmend::LANES.contains(&queue.as_str())) {
            let stored = self.vhost.peek(queue).await;
            let subject = |payload: &str| serde_json::from_str::<RecordAmend>(payload).unwrap().subject;
            amended.extend(stored.iter().map(|message| subject(&message.payload)));
        }
        amended
    }
}

pub(crate) fn ids(answer: &Answer) -> Vec<String> {
    let rows = answer.body["data"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn records_are_found_by_the_beginning_of_a_name_and_by_a_platforms_id() {
    let world = World::start().await;
    let hubspot = connected(&world, "pat-eu1-4242-demo").await.parse().unwrap();
    let zoe = world.record(RecordKind::Contact, &[("first_name", "Zoé"), ("last_name", "L’Œuvré-Dupré")]).await;
    let max = world.record(RecordKind::Contact, &[("first_name", "Max"), ("last_name", "Zola")]).await;
    let deal = world.record(RecordKind::Deal, &[("title", "Visite chez Zoé")]).await;
    world.tie(hubspot, zoe, "70501").await;
    let cases = [
        ("zoe", vec![zoe]),
        ("ZOÉ L’Œ", vec![zoe]),
        ("l’oeuvre", vec![zoe]),
        ("l%E2%80%99oeuvre-dupre%20zo", vec![zoe]),
        ("zo", vec![max, zoe]),
        ("max%20%20zol", vec![max]),
        ("70501", vec![zoe]),
        ("7050", vec![]),
        ("%25", vec![]),
        ("_oe", vec![]),
        ("upre", vec![]),
        ("%20", vec![]),
    ];
    for (typed, expected) in cases {
        let found = world.get(&format!("/api/v1/records?q={typed}")).await;
        let mut expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        let mut found = ids(&found);
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{typed}");
    }
    assert_eq!(ids(&world.get("/api/v1/records?kind=deal&q=visite").await), [deal.to_string()]);
    let shown = world.get(&format!("/api/v1/records/{zoe}")).await;
    assert_eq!(shown.body["external_ids"], json!({ "hubspot": "70501" }), "{shown:?}");
    world.stop().await;
}

#[tokio::test]
async fn the_history_of_a_record_holds_every_value_that_it_lost_by_page() {
    let world = World::start().await;
    let record = world.record(RecordKind::Contact, &[("company", "Fleurs SA")]).await;
    for (why, value) in [(Why::Adopted, "Une"), (Why::Replaced, "Deux"), (Why::Overruled, "Trois")] {
        world.lost(record, why, value).await;
    }
    let path = world.get(&format!("/api/v1/records/{record}")).await.body["history"].as_str().unwrap().to_owned();
    let first = world.get(&format!("{path}?limit=2")).await;
    let rest = world.get(&format!("{path}?limit=2&cursor={}", first.body["next_cursor"].as_str().unwrap())).await;
    let rows = [&first, &rest].map(|page| page.body["data"].as_array().unwrap().clone()).concat();
    let told: Vec<_> = rows.iter().map(|row| (row["reason"].clone(), row["lost"]["value"].clone())).collect();
    assert_eq!(
        told,
        [("overruled", "Trois"), ("replaced", "Deux"), ("adopted", "Une")].map(|(a, b)| (json!(a), json!(b)))
    );
    assert_eq!(rows[0]["kept"]["value"], "Fleurs SA");
    assert_eq!(rows[0]["kept"]["at"], "1970-01-01T00:00:02.000000Z");
    // Nobody has to decide about what was replaced; it may be wanted back all the same.
    let replaced = format!("/api/v1/conflicts/{}", rows[1]["id"].as_str().unwrap());
    let restored = world.post(&replaced, json!({ "action": "restore" })).await;
    assert_eq!((restored.status.as_u16(), &restored.body["decision"]), (200, &json!("restore")), "{restored:?}");
    world.get(&format!("/api/v1/records/{}/history", RecordId::new())).await.is_problem(404, "not_found");

    // The record becomes one with another; the old id leads there, history and all.
    let other = world.record(RecordKind::Contact, &[("first_name", "Zoé")]).await;
    let mut tx = world.begin().await;
    joining::join(&mut tx, world.tenant, (other, record)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.get(&format!("/api/v1/records/{record}")).await.body["id"], other.to_string());
    assert_eq!(ids(&world.get(&path).await).len(), 3);
    world.stop().await;
}

#[tokio::test]
async fn a_conflict_is_shown_with_both_sides_and_decided_once() {
    let world = World::start().await;
    let record = world.record(RecordKind::Contact, &[("company", "Fleurs SA"), ("email", "zoe@exemple.fr")]).await;
    let other = world.record(RecordKind::Contact, &[("last_name", "Martin")]).await;
    world.lost(record, Why::Overruled, "Fleurs et fils").await;
    world.lost(record, Why::Replaced, "Rien à décider").await;
    let identity = Identity { scheme: Scheme::Email, value: "zoe@exemple.fr".to_owned() };
    world.keep(&[Conflict::Identity { record: other, identity, holder: record }]).await;

    let all = world.get("/api/v1/conflicts").await;
    assert_eq!(ids(&all).len(), 2, "{all:?}");
    let (claim, value) = (&all.body["data"][0], &all.body["data"][1]);
    assert_eq!(
        (&value["type"], &value["state"], &value["field"]),
        (&json!("value"), &json!("open"), &json!("company"))
    );
    assert_eq!((&value["kept"]["value"], &value["lost"]["value"]), (&json!("Fleurs SA"), &json!("Fleurs et fils")));
    assert_eq!((&claim["type"], &claim["value"]), (&json!("identity"), &json!("zoe@exemple.fr")));
    assert_eq!(claim["record"]["fields"]["last_name"]["value"], "Martin");
    assert_eq!(claim["other"]["id"], record.to_string());
    for (query, count) in [
        ("type=value", 1),
        ("type=identity", 1),
        ("state=open", 2),
        ("state=closed", 0),
        ("kind=deal", 0),
        ("kind=contact&limit=1", 1),
        ("type=identity&record=OTHER", 1),
        ("type=value&record=OTHER", 0),
    ] {
        let query = query.replace("OTHER", &other.to_string());
        assert_eq!(ids(&world.get(&format!("/api/v1/conflicts?{query}")).await).len(), count, "{query}");
    }
    world.get("/api/v1/conflicts?cursor=x").await.is_problem(422, "invalid");

    let path = |conflict: &Value| format!("/api/v1/conflicts/{}", conflict["id"].as_str().unwrap());
    let wrong = world.post(&path(value), json!({ "action": "merge" })).await;
    wrong.is_problem(422, "invalid");
    assert_eq!(wrong.paths(), ["action"]);
    world.post(&path(claim), json!({ "action": "restore" })).await.is_problem(422, "invalid");
    for _ in 0..2 {
        let decided = world.post(&path(value), json!({ "action": "restore" })).await;
        let told = (&decided.body["state"], &decided.body["decision"], &decided.body["applied"]);
        assert_eq!((decided.status.as_u16(), told), (200, (&json!("closed"), &json!("restore"), &json!(false))));
    }
    world.post(&path(value), json!({ "action": "keep" })).await.is_problem(409, "conflict_closed");
    let apart = world.post(&path(claim), json!({ "action": "keep_apart" })).await;
    assert_eq!((&apart.body["state"], &apart.body["applied"]), (&json!("closed"), &json!(true)));
    world.post(&path(claim), json!({ "action": "merge" })).await.is_problem(409, "conflict_closed");
    let id = value["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.amended().await, [Amended::Conflict(id), Amended::Conflict(id)]);
    assert_eq!(ids(&world.get("/api/v1/conflicts?state=closed").await).len(), 2);
    world.stop().await;
}

/// Everything that says who she is.
const HER: [&str; 7] =
    ["prospect-de-zoe", "zoe@exemple.fr", "0612345678", "+33612345678", "Zoé", "Dupré", "Allergique aux lys"];

/// A person of whom every table knows something; returns the contact.
pub(crate) async fn planted(world: &World, hubspot: IntegrationId) -> RecordId {
    let values = [("email", "zoe@exemple.fr"), ("phone", "0612345678"), ("first_name", "Zoé"), ("last_name", "Dupré")];
    let zoe = world.record(RecordKind::Contact, &values).await;
    let tie = [("contact", zoe.to_string())];
    let tie: Vec<_> =
        tie.iter().map(|(name, id)| (*name, id.as_str())).chain([("description", "Allergique aux lys")]).collect();
    world.record(RecordKind::Deal, &tie).await;
    world.tie(hubspot, zoe, "70501").await;
    world.lost(zoe, Why::Overruled, "Chez Zoé").await;
    let edit = format!(
        "INSERT INTO record_edits (link_id, tenant_id, integration_id, record_id, fields, asked_by)
         SELECT id, tenant_id, integration_id, record_id, '{{\"first_name\": \"Zoé\"}}', 'a test'
         FROM record_links WHERE record_id = '{zoe}'"
    );
    world.database.execute(&edit).await;
    leave_unpublished(world, &attempt(world, hubspot, Some(zoe))).await;
    let known =
        [Identity::coccinelle("prospect-de-zoe"), Identity { scheme: Scheme::Phone, value: "+33612345678".into() }];
    let claims = known.map(|identity| (IdentityKey { kind: RecordKind::Contact, identity }, zoe)).into();
    let mut tx = world.begin().await;
    identities::claim(&mut tx, world.tenant, &claims).await.unwrap();
    sync_logs::insert_batch(&mut tx, &[attempt(world, hubspot, Some(zoe))]).await.unwrap();
    webhook_logs::insert_batch(&mut tx, &[delivery(world, hubspot, "70501"), delivery(world, hubspot, "705019")])
        .await
        .unwrap();
    inbox::store(&mut tx, &waiting(world)).await.unwrap();
    tx.commit().await.unwrap();
    zoe
}

/// What the broker has not confirmed of her: of her link, and of her record by a link that has given way; and of somebody else.
async fn leave_unpublished(world: &World, attempt: &SyncOutcome) {
    let (tenant, zoe, id, other) = (world.tenant, attempt.record_id.unwrap(), attempt.id, SyncLogId::new());
    let outcome = serde_json::to_string(attempt).unwrap();
    let statement = format!(
        "INSERT INTO unpublished_outcomes (id, link_id, tenant_id, outcome)
         SELECT id, id, tenant_id, '{{\"request\": \"Allergique aux lys\"}}'::jsonb
         FROM record_links WHERE record_id = '{zoe}'
         UNION ALL SELECT '{id}', 'lnk_gone', '{tenant}', '{outcome}'::jsonb
         UNION ALL SELECT '{other}', 'lnk_of_max', '{tenant}', '{{\"request\": \"valeur-unpublished\"}}'::jsonb"
    );
    world.database.execute(&statement).await;
}

fn attempt(world: &World, integration_id: IntegrationId, record_id: Option<RecordId>) -> SyncOutcome {
    let error = domain::outcome::SyncError {
        class: domain::fault::FaultKind::Invalid,
        code: "INVALID_EMAIL".to_owned(),
        message: "zoe@exemple.fr is not valid".to_owned(),
    };
    SyncOutcome {
        id: SyncLogId::new(),
        created_at: Timestamp::now(),
        tenant_id: world.tenant,
        integration_id,
        link_id: LinkId::new(),
        record_id,
        kind: RecordKind::Contact,
        sync_type: SyncType::Update,
        external_id: Some("70501".to_owned()),
        error: Some(error),
        request: Some(json!({ "firstname": "Zoé" })),
        response: Some(json!({ "notes": "Allergique aux lys" })),
        changes: serde_json::from_value(json!({ "notes": { "before": "Allergique aux lys", "after": "Zoé" } }))
            .unwrap(),
        duration_ms: 12,
        attempt: 1,
        correlation_id: "abc".to_owned(),
    }
}

fn delivery(world: &World, integration: IntegrationId, object: &str) -> WebhookOutcome {
    WebhookOutcome {
        id: WebhookLogId::new(),
        created_at: Timestamp::now(),
        platform: "hubspot".parse().unwrap(),
        tenant_id: Some(world.tenant),
        integration_id: Some(integration),
        delivery_id: None,
        result: WebhookResult::Applied { marked: 1 },
        body: Some(
            json!([{ "objectId": object.parse::<u64>().unwrap(), "propertyValue": format!("valeur-{object}") }]),
        ),
        correlation_id: "abc".to_owned(),
    }
}

/// What waits in the inbox: events, of which one is somebody else's, and a delivery of the same sort.
fn waiting(world: &World) -> [StoredMessage; 2] {
    let event = |subject: &str, data: Value| {
        json!({ "event_id": subject, "type": "prospect.updated", "subject_id": subject,
                "occurred_at": "2026-11-22T10:00:00Z", "data": data })
    };
    let events = [
        event("prospect-de-zoe", json!({ "last_name": "Dupré" })),
        event("prospect-de-max", json!({ "city": "Lyon" })),
    ];
    let merge = EventMerge {
        tenant_id: world.tenant,
        accepted_at: Timestamp::now(),
        events: events.iter().map(|event| domain::event::parse(event, "").unwrap()).collect(),
    };
    let body = json!([{ "objectId": 70501, "portalId": 4242, "n": "\0" }, { "objectId": 705019, "portalId": 4242 }]);
    let apply = WebhookApply {
        delivery: WebhookLogId::new(),
        platform: "hubspot".parse().unwrap(),
        integration_id: None,
        received_at: Timestamp::now(),
        headers: Vec::new(),
        body: body.to_string(),
    };
    let stored = |message_type: &str, queue: &str, payload: Value| StoredMessage {
        id: MessageId::new(),
        message_type: message_type.to_owned(),
        queue: queue.to_owned(),
        trace: TraceParent::generate(),
        payload,
    };
    [
        stored(EventMerge::TYPE, EventMerge::queue_of(world.tenant), serde_json::to_value(merge).unwrap()),
        stored(WebhookApply::TYPE, WebhookApply::QUEUE, serde_json::to_value(apply).unwrap()),
    ]
}

/// What the audit log says of persons, the oldest first.
async fn audited(world: &World) -> Vec<String> {
    let said = "SELECT action FROM audit_log WHERE action LIKE 'person.%' ORDER BY created_at";
    world.database.texts(said).await
}

/// An incident repeats what a platform said of her; one message of it was sent, another is not yet, and a third tells of somebody
/// else.
async fn told_of_her(world: &World, hubspot: IntegrationId) {
    let message =
        world.database.texts("SELECT error_message FROM integration_sync_logs WHERE record_id IS NOT NULL").await;
    let cause = json!({ "cause": message.first().expect("her attempt failed") });
    for statement in [
        format!(
            "INSERT INTO incidents (id, tenant_id, integration_id, subject, trigger, detail, told_at)
             VALUES ('inc_hers', '{0}', '{hubspot}', 'a', 'failing', '{cause}', '2026-11-20')",
            world.tenant
        ),
        format!(
            "INSERT INTO incidents (id, tenant_id, integration_id, subject, trigger, detail, told_at)
             VALUES ('inc_both', '{0}', '{hubspot}', 'b', 'failing', '{{}}', '2026-11-21')",
            world.tenant
        ),
        format!(
            "INSERT INTO alert_messages (id, tenant_id, channel, target, content, created_at, sent_at)
             VALUES ('msg_sent', '{0}', 'webhook', 'x', '{cause}', '2026-11-20', now()),
                    ('msg_waits', '{0}', 'webhook', 'x', '{cause}', '2026-11-21', NULL),
                    ('msg_kept', '{0}', 'webhook', 'x', '{{\"cause\": \"valeur-kept\"}}', '2026-11-21', NULL)",
            world.tenant
        ),
    ] {
        world.database.execute(&statement).await;
    }
}

#[tokio::test]
async fn an_erased_person_is_in_no_table_any_more_and_everybody_else_is() {
    let world = World::start().await;
    let hubspot = connected(&world, "pat-eu1-4242-demo").await.parse().unwrap();
    let zoe = planted(&world, hubspot).await;
    let max = world.record(RecordKind::Contact, &[("first_name", "Max")]).await;
    let everything = testkit::dump(&world.database.url()).await;
    for said in HER.iter().chain(&["70501"]) {
        assert!(everything.contains(said), "{said} was planted");
    }
    let path = format!("/api/v1/records/{zoe}/person");
    told_of_her(&world, hubspot).await;
    let receipt = world.delete(&path).await;
    assert_eq!((receipt.status.as_u16(), &receipt.body["state"]), (200, &json!("erased")), "{receipt:?}");
    let kept = world.database.texts("SELECT id || content::text FROM alert_messages ORDER BY 1").await;
    assert_eq!(kept, [r#"msg_kept{"cause": "valeur-kept"}"#, "msg_sent{}"]);
    let untold = world.database.texts("SELECT id FROM incidents WHERE told_at IS NULL").await;
    assert_eq!(untold, ["inc_both"], "what was on its way is told anew");
    let admin = world.token(domain::access::Role::Admin);
    let later = world.call(Method::GET, receipt.headers["location"].to_str().unwrap(), Some(&admin), None).await;
    assert_eq!(later.body, receipt.body, "the receipt can be fetched later");
    assert_eq!(audited(&world).await, ["person.erased"]);
    for (table, count) in [
        ("incidents", 2),
        ("alert_messages", 2),
        ("records", 2),
        ("record_identities", 2),
        ("record_links", 1),
        ("record_conflicts", 1),
        ("record_edits", 1),
        ("unpublished_outcomes", 2),
        ("integration_sync_logs", 1),
        ("integration_webhook_logs", 1),
        ("inbox", 2),
    ] {
        assert_eq!(receipt.body["erased"][table], count, "{table}: {receipt:?}");
    }
    let everything = testkit::dump(&world.database.url()).await;
    let said: Vec<_> = HER.into_iter().filter(|said| everything.contains(said)).collect();
    assert_eq!(said, Vec::<&str>::new());
    assert_eq!(everything.matches("70501").count(), everything.matches("705019").count(), "her object's id is gone");
    for kept in ["prospect-de-max", "valeur-705019", "valeur-unpublished", &max.to_string()] {
        assert!(everything.contains(kept), "{kept} is somebody else's");
    }
    assert_eq!(world.database.count("SELECT count(*) FROM integration_sync_logs WHERE status = 'failed'").await, 1);
    world.delete(&path).await.is_problem(404, "not_found");
    world.get(&format!("/api/v1/records/{zoe}")).await.is_problem(404, "not_found");

    // An attempt that was still on its way to the log.
    let mut tx = world.begin().await;
    sync_logs::insert_batch(&mut tx, &[attempt(&world, hubspot, Some(zoe))]).await.unwrap();
    tx.commit().await.unwrap();
    let everything = testkit::dump(&world.database.url()).await;
    assert_eq!(HER.into_iter().filter(|said| everything.contains(said)).collect::<Vec<_>>(), Vec::<&str>::new());
    world.stop().await;
}

#[tokio::test]
async fn what_nobody_could_handle_of_an_erased_person_goes_too_and_without_a_broker_nothing_is_erased() {
    let world = World::start().await;
    let hubspot = connected(&world, "pat-eu1-4242-demo").await.parse().unwrap();
    let zoe = planted(&world, hubspot).await;
    // Makes the queues.
    let max = json!({ "event_id": "e1", "type": "prospect.created", "subject_id": "prospect-de-max",
        "occurred_at": "2026-11-22T10:00:00Z", "data": { "first_name": "Max" } });
    assert_eq!(world.hand_over(&max).await.status.as_u16(), 202);
    let hers = json!({ "subject_id": "prospect-de-zoe", "data": { "notes": "Allergique aux lys" } });
    let dead = format!("dead.{}", EventMerge::queue_of(world.tenant));
    for events in [json!([hers, max]), json!([hers]), json!([max])] {
        let payload = json!({ "tenant_id": world.tenant, "events": events }).to_string();
        let properties = json!({ "delivery_mode": 2, "type": "event.merge.v0" });
        let letter = testkit::QueuedMessage { payload, properties, routing_key: String::new() };
        assert!(world.vhost.publish(&dead, letter).await);
    }
    let path = format!("/api/v1/records/{zoe}/person");
    let receipt = world.delete(&path).await;
    assert_eq!(receipt.body["erased"]["dead_letters"], 2, "{receipt:?}");
    let left: Vec<String> = world.vhost.peek(&dead).await.into_iter().map(|letter| letter.payload).collect();
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|letter| letter.contains("Max") && !letter.contains("lys")), "{left:?}");

    let other = world.record(RecordKind::Contact, &[("first_name", "Léa")]).await;
    world.vhost.remove().await;
    world.delete(&format!("/api/v1/records/{other}/person")).await.is_problem(503, "unavailable");
    assert_eq!(world.get(&format!("/api/v1/records/{other}")).await.status.as_u16(), 200);
    world.stop().await;
}

#[tokio::test]
async fn suppressions_are_shown_as_hashes_and_lifted_one_by_one() {
    let world = World::start().await;
    let hubspot = connected(&world, "pat-eu1-4242-demo").await.parse().unwrap();
    let zoe = planted(&world, hubspot).await;
    let receipt = world.delete(&format!("/api/v1/records/{zoe}/person")).await;
    let listed =
        world.call(Method::GET, "/api/v1/suppressions", Some(&world.token(domain::access::Role::Admin)), None).await;
    let mut made: Vec<String> = serde_json::from_value(receipt.body["suppressions"].clone()).unwrap();
    made.sort();
    let mut shown = ids(&listed);
    shown.sort();
    assert_eq!(shown, made);
    let mut schemes: Vec<_> =
        listed.body["data"].as_array().unwrap().iter().map(|row| row["scheme"].to_string()).collect();
    schemes.sort();
    assert_eq!(schemes, ["coccinelle", "email", "external_id", "phone"].map(|scheme| format!("\"{scheme}\"")));
    assert!(listed.body["data"].as_array().unwrap().iter().all(|row| row["hash"].as_str().unwrap().len() == 64));
    for id in made {
        let path = format!("/api/v1/suppressions/{id}");
        assert_eq!(world.delete(&path).await.status.as_u16(), 204);
        world.delete(&path).await.is_problem(404, "not_found");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_person_whom_the_platforms_delete_first_is_suppressed_at_once_and_left_to_the_dispatcher() {
    let world = World::start().await;
    let hubspot = connected(&world, "pat-eu1-4242-demo").await.parse().unwrap();
    let zoe = planted(&world, hubspot).await;
    for _ in 0..2 {
        let receipt = world.delete(&format!("/api/v1/records/{zoe}/person?platforms=true")).await;
        assert_eq!((receipt.status.as_u16(), &receipt.body["state"]), (202, &json!("deleting")), "{receipt:?}");
        assert_eq!(receipt.body["suppressions"].as_array().unwrap().len(), 4);
        let answers: Vec<_> =
            receipt.body["platforms"].as_array().unwrap().iter().map(|one| (&one["platform"], &one["state"])).collect();
        // It is not switched on.
        assert_eq!(answers, [(&json!("hubspot"), &json!("not_asked"))], "{receipt:?}");
    }
    assert_eq!(audited(&world).await, ["person.erasure_requested"; 2]);
    let admin = world.token(domain::access::Role::Admin);
    let listed = world.call(Method::GET, "/api/v1/erasures", Some(&admin), None).await;
    let shown: Vec<_> =
        listed.body["data"].as_array().unwrap().iter().map(|one| (&one["record_id"], &one["state"])).collect();
    assert_eq!(shown, [(&json!(zoe), &json!("deleting"))], "asked for twice, it is one: {listed:?}");
    assert_eq!(world.amended().await, [Amended::Erasure(zoe), Amended::Erasure(zoe)]);
    assert_eq!(world.database.count("SELECT count(*) FROM pending_erasures WHERE begun_at IS NULL").await, 1);
    world.get(&format!("/api/v1/records/{zoe}")).await;
    world.delete(&format!("/api/v1/records/{}/person", RecordId::new())).await.is_problem(404, "not_found");
    world.stop().await;
}
