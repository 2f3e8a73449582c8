//! What a workflow in n8n may do with the passes of one write: report once, and call the platform for it, where a create is made once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use accounts::Use;
use domain::field::{FieldName, FieldValue, RemoteFields};
use domain::id::{ErrandId, IntegrationId, LeaseToken, RecordId};
use domain::integration::Status;
use domain::kind::RecordKind;
use domain::message::{CallbackApply, Message as _};
use domain::record::{Fields, Record, Stamp};
use domain::time::Timestamp;
use domain::workflow::{Action, Errand, Pass, Verb};
use persistence::records::links::{self, Ending, Intention, Settlement, Wanted};
use persistence::records::store;
use persistence::{Scope, budgets, health, inbox, integrations};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::wait;

use crate::connecting::wish;
use crate::world::{Answer, DEADLINE, Lines, World};

/// Longer than a create of which nothing came may be under way, or not be found yet.
const LOOKUP: Duration = Duration::from_secs(60);

const CONTACTS: &str = "crm/objects/2026-03/contacts";

/// A gateway that knows an n8n, and an integration that is delivered by it.
struct System {
    world: World,
    integration: IntegrationId,
}

/// A write in a workflow's hands.
struct Handed {
    pass: Pass,
    callback: String,
    proxy: String,
}

async fn start() -> System {
    let system = reaching(None, wish("pat-eu1-4242-demo")).await;
    system.world.wait_for_broker().await;
    system
}

/// The same, with its broker at this address, and this account.
async fn reaching(broker: Option<String>, account: Value) -> System {
    connect(knowing_n8n(broker).await, account).await
}

async fn knowing_n8n(broker: Option<String>) -> World {
    let settings = vec![
        ("N8N__BASE_URL", "http://127.0.0.1:9".to_owned()),
        ("N8N__SIGNING_SECRET", "a signing secret of thirty-two bytes".to_owned()),
        ("DISPATCHER__PLATFORM_TIMEOUT", "5s".to_owned()),
    ];
    World::behind(|_, _| async { Lines { settings, broker, ..Lines::default() } }).await
}

/// Connects this account, to which workflows write.
async fn connect(world: World, mut by_n8n: Value) -> System {
    by_n8n["delivery"] = json!("n8n");
    let made = world.post("/api/v1/integrations", by_n8n).await;
    assert_eq!((made.status.as_u16(), &made.body["delivery"]), (201, &json!("n8n")), "{made:?}");
    let id = made.body["id"].as_str().unwrap();
    world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    System { integration: id.parse().unwrap(), world }
}

impl System {
    /// Hands a contact's write to a workflow, as the dispatcher does.
    async fn hand_over(&self, verb: Verb, email: &str, external_id: Option<&str>) -> Handed {
        self.hand_over_as(verb, email, (None, external_id)).await
    }

    /// The same with the object's id in the errand, on the link, or both.
    async fn hand_over_as(&self, verb: Verb, email: &str, ids: (Option<&str>, Option<&str>)) -> Handed {
        let record = self.know(RecordId::new(), 1, &[("email", email)]).await;
        self.hand_over_record(verb, record, ("email", email), ids).await
    }

    /// Keeps what is known of a contact.
    async fn know(&self, id: RecordId, version: i64, known: &[(&str, &str)]) -> RecordId {
        let world = &self.world;
        let mut tx = world.worker().begin(Scope::System).await.unwrap();
        let origin = integrations::backend(&mut tx, world.tenant).await.unwrap();
        let mut fields = Fields::default();
        let stamp = Stamp { rank: 0, at: Timestamp::now(), origin };
        for (name, value) in known {
            fields.set(FieldName::new(name), FieldValue::text(*value), stamp);
        }
        let record = Record { id, tenant_id: world.tenant, kind: RecordKind::Contact, fields, version };
        store::save(&mut tx, &[&record]).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Hands over the write of this field of a contact, which bears the same name there.
    async fn hand_over_record(
        &self,
        verb: Verb,
        id: RecordId,
        (field, value): (&str, &str),
        (named, linked): (Option<&str>, Option<&str>),
    ) -> Handed {
        let (world, kind) = (&self.world, RecordKind::Contact);
        let mut tx = world.worker().begin(Scope::System).await.unwrap();
        let wanted = Wanted { integration: self.integration, record: id, kind, version: 1, mapping: 1 };
        links::raise(&mut tx, world.tenant, &[wanted]).await.unwrap();
        let link = links::of_record(&mut tx, world.tenant, id).await.unwrap()[0].id;
        let (token, whose) = (LeaseToken::new(), (world.tenant, self.integration));
        let leased = links::lease(&mut tx, whose, &[link], token, Duration::from_secs(60)).await.unwrap().remove(0);
        let fields = RemoteFields::from([(field.to_owned(), FieldValue::text(value))]);
        let intention = Intention { fields, known: None, goes_on: false };
        links::intend(&mut tx, &BTreeMap::from([(link, intention)]), token).await.unwrap();
        let until = Timestamp::now().plus(Duration::from_secs(300));
        let action = Action { verb, kind };
        let external_id = named.map(str::to_owned);
        let event_id = ErrandId::new();
        let errand = Errand { event_id, action, version: 1, mapping: 1, external_id, until, reported: false };
        links::commission(&mut tx, &BTreeMap::from([(link, errand.clone())]), token).await.unwrap();
        let mut state = leased.state;
        state.external_id = linked.map(str::to_owned);
        let settlement = Settlement {
            link,
            record: Some(id),
            state: Cow::Owned(state),
            gone: false,
            synced_version: 0,
            tried_version: 1,
            synced_mapping: 0,
            tried_mapping: 1,
            heard_seq: 0,
            read_seq: 0,
            attempts: 0,
            intent_is_open: true,
            errand: Some(errand.clone()),
            hinted_id: None,
            ending: Ending::Released(Some(until)),
            outcomes: Cow::default(),
        };
        links::settle(&mut tx, token, &[settlement]).await.unwrap();
        tx.commit().await.unwrap();
        self.passes(Pass {
            tenant_id: world.tenant,
            integration_id: self.integration,
            link_id: link,
            record_id: id,
            event_id: errand.event_id,
            action,
            expires_at: until,
        })
    }

    fn passes(&self, pass: Pass) -> Handed {
        let accounts = self.world.accounts();
        let issue = |wanted| accounts.issue(wanted, &pass).unwrap().expose_secret().to_owned();
        Handed { callback: issue(Use::Callback), proxy: issue(Use::Proxy), pass }
    }

    async fn report(&self, token: &str, body: Value) -> Answer {
        let path = format!("/api/v1/integrations/{}/sync-callback?token={token}", self.integration);
        self.world.call(Method::POST, &path, None, Some(body)).await
    }

    async fn call(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let path = format!("/api/v1/proxy/{}/{path}", self.integration);
        self.world.call(method, &path, Some(token), body).await
    }

    async fn create(&self, handed: &Handed, email: &str) -> Answer {
        let body = json!({"properties": {"email": email}});
        self.call(&handed.proxy, Method::POST, CONTACTS, Some(body)).await
    }

    async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        let url = format!("{}/_sandbox{path}", self.world.sandbox.url);
        let answer = client.request(method, url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }

    /// The contacts that were created by the API.
    async fn created(&self) -> Vec<Value> {
        let path = "/journal?platform=hubspot&account=4242&limit=1000";
        let journal = self.control(Method::GET, path, Value::Null).await;
        let is_create =
            |entry: &&Value| entry["by"] == "api" && entry["action"] == "created" && entry["object_type"] == "contacts";
        journal.as_array().unwrap().iter().filter(is_create).cloned().collect()
    }

    /// How the tenant sees the integration.
    async fn status(&self) -> String {
        let shown = self.world.get(&format!("/api/v1/integrations/{}", self.integration)).await;
        shown.body["status"].as_str().unwrap().to_owned()
    }

    /// Says how it is.
    async fn says(&self, status: Status) {
        let mut tx = self.world.worker().begin(Scope::System).await.unwrap();
        health::set_status(&mut tx, self.world.tenant, self.integration, status, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn reports(&self) -> Vec<CallbackApply> {
        let stored = self.world.vhost.peek(CallbackApply::QUEUE).await;
        stored.iter().map(|message| serde_json::from_str(&message.payload).unwrap()).collect()
    }
}

#[tokio::test]
async fn a_report_is_passed_on_once_and_a_repetition_gets_the_first_answer() {
    let system = start().await;
    let handed = system.hand_over(Verb::Create, "zoe@exemple.fr", None).await;
    let body = json!({"success": true, "hubspot_id": "12345"});
    let first = system.report(&handed.callback, body.clone()).await;
    let expected = json!({"received": true, "event_id": handed.pass.event_id});
    assert_eq!((first.status.as_u16(), &first.body), (200, &expected), "{first:?}");
    let again = system.report(&handed.callback, json!({"hubspot_id": 12345, "success": true})).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
    system
        .report(&handed.callback, json!({"success": true, "hubspot_id": "6"}))
        .await
        .is_problem(409, "callback_differs");
    let reports = system.reports().await;
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!((reports[0].link_id, reports[0].report.external_id.as_deref()), (handed.pass.link_id, Some("12345")));
    let bad = system.hand_over(Verb::Create, "paul@exemple.fr", None).await;
    let refused = system.report(&bad.callback, json!({"success": true})).await;
    refused.is_problem(422, "invalid");
    assert_eq!(refused.paths(), ["hubspot_id"]);
    system.world.stop().await;
}

#[tokio::test]
async fn a_report_waits_in_the_inbox_while_the_broker_is_away_and_keeps_no_token() {
    let system = reaching(Some("amqp://guest:guest@127.0.0.1:1/%2f".to_owned()), wish("pat-eu1-4242-demo")).await;
    let handed = system.hand_over(Verb::Update, "zoe@exemple.fr", Some("7")).await;
    let error = format!("POST {}?token={} failed", handed.proxy, handed.callback);
    let answer = system.report(&handed.callback, json!({"success": false, "error": {"message": error}})).await;
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    let mut tx = system.world.worker().begin(Scope::System).await.unwrap();
    let kept = inbox::take(&mut tx, 10).await.unwrap();
    assert_eq!((kept.len(), kept[0].queue.as_str()), (1, CallbackApply::QUEUE), "{kept:?}");
    assert_eq!(kept[0].payload["error"], "POST •••?token=••• failed");
    system.world.stop().await;
}

#[tokio::test]
async fn a_pass_is_good_for_its_own_use_integration_and_time_only() {
    let system = start().await;
    let handed = system.hand_over(Verb::Create, "zoe@exemple.fr", None).await;
    let body = || json!({"success": true, "hubspot_id": "1"});
    let expired = |age: u64| {
        let expires_at =
            Timestamp::from_millis(Timestamp::now().as_millis() - i64::try_from(age * 1_000).unwrap()).unwrap();
        system.passes(Pass { expires_at, ..handed.pass.clone() })
    };
    let forged = format!("{}x", handed.callback);
    for token in [&handed.proxy, &forged, "v1.k1.AAAA", "x", &expired(25 * 3_600).callback] {
        system.report(token, body()).await.is_problem(401, "pass_invalid");
    }
    system.report("", body()).await.is_problem(401, "pass_missing");
    for token in [&handed.callback, "x", &expired(1).proxy, &system.world.token(domain::access::Role::Admin)] {
        system.call(token, Method::POST, CONTACTS, Some(json!({}))).await.is_problem(401, "pass_invalid");
    }
    let other = system.passes(Pass { integration_id: IntegrationId::new(), ..handed.pass.clone() });
    system.report(&other.callback, body()).await.is_problem(404, "not_found");
    system.call(&other.proxy, Method::POST, CONTACTS, Some(json!({}))).await.is_problem(404, "not_found");
    let stranger = system.world.other_tenant().await;
    let stolen = system.passes(Pass { tenant_id: stranger, ..handed.pass.clone() });
    system.report(&stolen.callback, body()).await.is_problem(404, "not_found");
    assert_eq!(system.created().await.len(), 0);
    // A report that comes late is still a hint.
    assert_eq!(system.report(&expired(3_600).callback, body()).await.status.as_u16(), 200);
    assert_eq!(system.reports().await.len(), 1);
    system.world.stop().await;
}

#[tokio::test]
async fn a_create_is_made_once_with_our_key_and_a_repetition_gets_the_first_result() {
    let system = start().await;
    let handed = system.hand_over(Verb::Create, "zoe@exemple.fr", None).await;
    let first = system.create(&handed, "zoe@exemple.fr").await;
    assert_eq!(first.status.as_u16(), 201, "{first:?}");
    assert_eq!(first.headers["x-coccinelle-source"], "platform");
    let again = system.create(&handed, "somebody.else@exemple.fr").await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    let created = system.created().await;
    assert_eq!(created.len(), 1, "{created:?}");
    assert_eq!(created[0]["properties"]["coccinelle_id"], handed.pass.record_id.to_string());
    system.world.stop().await;
}

#[tokio::test]
async fn an_answer_says_what_it_comes_to_whatever_the_platform() {
    let account = json!({"name": "Pipedrive", "platform": "pipedrive", "credentials": {"api_key": "pd-900-demo"}});
    let system = reaching(None, account).await;
    system.world.wait_for_broker().await;
    let handed = system.hand_over(Verb::Create, "zoe@exemple.fr", None).await;
    let persons = "api/v2/persons";
    let body = json!({"name": "Zoé", "emails": [{"value": "zoe@exemple.fr", "primary": true}]});
    let refused = system.call(&handed.proxy, Method::POST, persons, Some(json!({"emails": "x"}))).await;
    assert_eq!(refused.headers["x-coccinelle-result"], "refused", "{refused:?}");
    assert!(!refused.headers.contains_key("x-coccinelle-object-id"));
    let made = system.call(&handed.proxy, Method::POST, persons, Some(body.clone())).await;
    let id = made.body["data"]["id"].to_string();
    let told = |answer: &Answer| {
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
        (header("x-coccinelle-source"), header("x-coccinelle-result"), header("x-coccinelle-object-id"))
    };
    let expected = ("platform".to_owned(), "done".to_owned(), id.clone());
    assert_eq!(told(&made), expected, "{made:?}");
    let again = system.call(&handed.proxy, Method::POST, persons, Some(body)).await;
    assert_eq!((told(&again), &again.body), (expected.clone(), &made.body));
    let renamed = system.hand_over(Verb::Update, "zoe@exemple.fr", Some(&id)).await;
    let own = format!("{persons}/{id}");
    let changed = system.call(&renamed.proxy, Method::PATCH, &own, Some(json!({"name": "Zoë"}))).await;
    assert_eq!((told(&changed), &changed.body["data"]["name"]), (expected, &json!("Zoë")), "{changed:?}");
    for (method, path) in [(Method::PATCH, format!("{persons}/4711")), (Method::GET, persons.to_owned())] {
        system.call(&renamed.proxy, method, &path, None).await.is_problem(403, "call_not_allowed");
    }
    system.world.stop().await;
}

#[tokio::test]
async fn what_is_there_already_is_answered_instead_of_created() {
    let system = start().await;
    let person = json!({"email": "zoe@exemple.fr", "firstname": "Zoé"});
    let there = system.control(Method::POST, "/hubspot/4242/contacts", person).await;
    let handed = system.hand_over(Verb::Create, "zoe@exemple.fr", None).await;
    let answer = system.create(&handed, "zoe@exemple.fr").await;
    assert_eq!((answer.status.as_u16(), &answer.body["id"]), (200, &there["id"]), "{answer:?}");
    assert_eq!(system.created().await, Vec::<Value>::new());
    system.world.stop().await;
}

#[tokio::test]
async fn two_creates_at_once_and_one_whose_answer_was_lost_leave_one_object() {
    let system = start().await;
    let handed = system.hand_over(Verb::Create, "zoe@exemple.fr", None).await;
    system.control(Method::PUT, "/hubspot/4242/faults", json!({"lost_answer_next": 1})).await;
    let both = tokio::join!(system.create(&handed, "zoe@exemple.fr"), system.create(&handed, "zoe@exemple.fr"));
    for answer in [&both.0, &both.1] {
        // Nobody knows yet what came of it.
        assert!(matches!(answer.status.as_u16(), 409 | 502 | 503), "{answer:?}");
    }
    let settled = wait::until("the create to be found", LOOKUP, || async {
        let answer = system.create(&handed, "zoe@exemple.fr").await;
        if answer.status.is_success() { Ok(answer) } else { Err(answer) }
    })
    .await;
    let created = system.created().await;
    assert_eq!((created.len(), &created[0]["id"]), (1, &settled.body["id"]), "{created:?}");
    system.world.stop().await;
}

#[tokio::test]
async fn a_lost_create_is_found_by_what_it_wrote_where_there_is_no_room_for_our_key() {
    let world = knowing_n8n(None).await;
    world.wait_for_broker().await;
    world.switch_faults(json!({"unique_properties": 0})).await;
    let system = connect(world, wish("pat-eu1-4242-demo")).await;
    let by_number = ("phone", "+33600000001");
    let record = system.know(RecordId::new(), 1, &[by_number]).await;
    let handed = system.hand_over_record(Verb::Create, record, by_number, (None, None)).await;
    system.world.switch_faults(json!({"lost_answer_next": 1})).await;
    let create = || {
        let body = json!({"properties": {"phone": "+33600000001"}});
        system.call(&handed.proxy, Method::POST, CONTACTS, Some(body))
    };
    let lost = create().await;
    assert!(matches!(lost.status.as_u16(), 502 | 503), "{lost:?}");
    assert_eq!(system.created().await.len(), 1, "only the answer is lost");

    system.know(record, 2, &[by_number, ("email", "zoe@exemple.fr")]).await;
    let settled = wait::until("the create to be found", LOOKUP, || async {
        let answer = create().await;
        if answer.status.is_success() { Ok(answer) } else { Err(answer) }
    })
    .await;
    let created = system.created().await;
    assert_eq!((created.len(), &created[0]["id"]), (1, &settled.body["id"]), "{created:?}");
    assert!(created[0]["properties"].get("coccinelle_id").is_none(), "our key would have told it: {created:?}");
    system.world.stop().await;
}

#[tokio::test]
async fn refused_credentials_park_the_integration_and_the_write_is_to_be_made_later() {
    let system = start().await;
    let there = system.control(Method::POST, "/hubspot/4242/contacts", json!({"email": "zoe@exemple.fr"})).await;
    let own = format!("{CONTACTS}/{}", there["id"].as_str().unwrap());
    let update = system.hand_over(Verb::Update, "zoe@exemple.fr", there["id"].as_str()).await;
    let create = system.hand_over(Verb::Create, "paul@exemple.fr", None).await;
    system.world.switch_faults(json!({"token_revoked": true})).await;
    let names = || Some(json!({"properties": {"firstname": "Zoé"}}));
    let refused = system.call(&update.proxy, Method::PATCH, &own, names()).await;
    let result = refused.headers["x-coccinelle-result"].to_str().unwrap();
    assert_eq!((refused.status.as_u16(), result), (401, "retry"), "{refused:?}");
    assert_eq!(system.status().await, "reauth_required");

    system.says(Status::Active).await;
    // Refused while it is looked for already.
    system.create(&create, "paul@exemple.fr").await.is_problem(503, "platform_unavailable");
    assert_eq!(system.status().await, "reauth_required");

    system.world.switch_faults(json!({"token_revoked": false})).await;
    system.says(Status::Active).await;
    let wrong = system.call(&update.proxy, Method::PATCH, &own, Some(json!({"properties": {"none": "x"}}))).await;
    assert_eq!(wrong.headers["x-coccinelle-result"], "refused", "{wrong:?}");
    assert_eq!(system.status().await, "active", "what is about one record parks nothing");
    assert_eq!(system.create(&create, "paul@exemple.fr").await.status.as_u16(), 201);
    system.world.stop().await;
}

#[tokio::test]
async fn only_the_calls_that_the_action_needs_are_passed_on() {
    let system = start().await;
    let there = system.control(Method::POST, "/hubspot/4242/contacts", json!({"email": "zoe@exemple.fr"})).await;
    let id = there["id"].as_str().unwrap();
    let handed = system.hand_over(Verb::Update, "zoe@exemple.fr", Some(id)).await;
    let own = format!("{CONTACTS}/{id}");
    let names = json!({"properties": {"firstname": "Zoé"}});
    for (method, path) in [
        (Method::GET, CONTACTS.to_owned()),
        (Method::POST, CONTACTS.to_owned()),
        (Method::DELETE, own.clone()),
        (Method::PATCH, format!("{CONTACTS}/999")),
        (Method::PATCH, format!("{own}?idProperty=email")),
        (Method::PATCH, format!("{CONTACTS}/..%2fcontacts/{id}")),
        (Method::PATCH, format!("{CONTACTS}//{id}")),
        (Method::PATCH, format!("{own}/")),
        (Method::GET, "account-info/2026-03/details".to_owned()),
        (Method::GET, String::new()),
    ] {
        let body = (method != Method::GET).then(|| names.clone());
        let refused = system.call(&handed.proxy, method.clone(), &path, body).await;
        assert!([403, 404].contains(&refused.status.as_u16()), "{method} {path}: {refused:?}");
        assert!(!refused.headers.contains_key("x-coccinelle-source"), "{method} {path}");
    }
    let read = system.call(&handed.proxy, Method::GET, &format!("{own}?properties=email"), None).await;
    assert_eq!((read.status.as_u16(), &read.body["properties"]["email"]), (200, &json!("zoe@exemple.fr")), "{read:?}");
    let changed = system.call(&handed.proxy, Method::PATCH, &own, Some(names)).await;
    assert_eq!(
        (changed.status.as_u16(), &changed.body["properties"]["firstname"]),
        (200, &json!("Zoé")),
        "{changed:?}"
    );
    let refused = system.call(&handed.proxy, Method::PATCH, &own, Some(json!({"properties": {"none": "x"}}))).await;
    assert_eq!((refused.status.as_u16(), refused.headers["x-coccinelle-source"].to_str().unwrap()), (400, "platform"));
    let long = json!({"properties": {"firstname": "x".repeat(270_000)}});
    system.call(&handed.proxy, Method::PATCH, &own, Some(long)).await.is_problem(413, "too_large");
    system.world.stop().await;
}

#[tokio::test]
async fn a_workflow_spends_the_accounts_budget_and_is_told_when_there_is_more() {
    let system = start().await;
    let there = system.control(Method::POST, "/hubspot/4242/contacts", json!({"email": "zoe@exemple.fr"})).await;
    let id = there["id"].as_str().unwrap();
    let handed = system.hand_over(Verb::Update, "zoe@exemple.fr", Some(id)).await;
    let mut tx = system.world.worker().begin(Scope::System).await.unwrap();
    let hour = Duration::from_hours(1);
    budgets::pause(&mut tx, &"hubspot".parse().unwrap(), "4242", hour).await.unwrap();
    tx.commit().await.unwrap();
    // What the gateway was granted before is spent first.
    let told = wait::until("the budget to be spent", DEADLINE, || async {
        let answer = system.call(&handed.proxy, Method::GET, &format!("{CONTACTS}/{id}"), None).await;
        if answer.status.as_u16() == 429 { Ok(answer) } else { Err(answer) }
    })
    .await;
    told.is_problem(429, "budget_spent");
    let wait: u64 = told.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3_000..=3_601).contains(&wait), "{wait}");
    system.world.stop().await;
}

#[tokio::test]
async fn an_object_that_was_only_just_found_may_be_changed_before_its_link_holds_it() {
    let system = start().await;
    let there = system.control(Method::POST, "/hubspot/4242/contacts", json!({"email": "zoe@exemple.fr"})).await;
    let id = there["id"].as_str().unwrap();
    let handed = system.hand_over_as(Verb::Update, "zoe@exemple.fr", (Some(id), None)).await;
    let names = || Some(json!({"properties": {"firstname": "Zoé"}}));
    let changed = system.call(&handed.proxy, Method::PATCH, &format!("{CONTACTS}/{id}"), names()).await;
    assert_eq!(changed.status.as_u16(), 200, "{changed:?}");
    let other = system.call(&handed.proxy, Method::PATCH, &format!("{CONTACTS}/999"), names()).await;
    other.is_problem(403, "call_not_allowed");
    system.world.stop().await;
}

#[tokio::test]
async fn once_a_write_is_over_its_pass_opens_nothing() {
    let system = start().await;
    let handed = system.hand_over(Verb::Create, "zoe@exemple.fr", None).await;
    let link = handed.pass.link_id;
    let mut tx = system.world.worker().begin(Scope::System).await.unwrap();
    let errand = links::commissioned(&mut tx, (system.world.tenant, system.integration, link)).await.unwrap();
    let errand = Errand { reported: true, ..errand.unwrap().errand.unwrap() };
    links::note_success(&mut tx, link, Some("7"), Some(&errand)).await.unwrap();
    tx.commit().await.unwrap();
    system.create(&handed, "zoe@exemple.fr").await.is_problem(409, "errand_over");

    let newer = system.hand_over(Verb::Create, "paul@exemple.fr", None).await;
    system.world.post(&format!("/api/v1/integrations/{}/disable", system.integration), json!({})).await;
    system.create(&newer, "paul@exemple.fr").await.is_problem(409, "errand_over");
    assert_eq!(system.created().await, Vec::<Value>::new());
    system.world.stop().await;
}
