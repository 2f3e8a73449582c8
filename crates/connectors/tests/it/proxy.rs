//! What a workflow may call of each platform through us: the call that makes its write, and no other.

use connectors::connector::{Create, Update, Wanted};
use connectors::http::{Method, RawAnswer};
use connectors::proxy::{self, Effect, Forward, Intended, Proxy};
use connectors::registry;
use domain::field::{FieldName, FieldValue, RemoteFields};
use domain::id::IntegrationId;
use domain::kind::RecordKind;
use domain::record::{Fields, Stamp};
use domain::time::Timestamp;
use domain::workflow::{Action, Verb};
use serde_json::json;

use crate::bench::{Bench, SHOPIFY, WOOCOMMERCE, ZENDESK, create, fields, key, stand_of};

/// What a record of ours holds, as the platform's own mapping writes it.
fn mapped(bench: &Bench, kind: RecordKind, values: &[(&str, &str)]) -> RemoteFields {
    let stamp = Stamp { rank: 0, at: Timestamp::now(), origin: IntegrationId::new() };
    let mut fields = Fields::default();
    for (name, value) in values.iter().copied() {
        let spec = domain::schema::find(kind, name).unwrap();
        let value = spec.read(&json!(value)).or_else(|_| spec.read(&value.parse::<f64>().unwrap().into()));
        fields.set(FieldName::new(name), value.unwrap(), stamp);
    }
    let mut mapped = bench.connector().default_mapping(kind).forward_new(&fields);
    mapped.retain(|_, value| !value.is_null());
    mapped
}

fn sample(kind: RecordKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        RecordKind::Contact => &[("email", "zoe@exemple.fr"), ("first_name", "Zoé"), ("last_name", "Petit")],
        RecordKind::Deal => &[("title", "Rendez-vous"), ("status", "scheduled")],
        RecordKind::Activity => &[("title", "Appel"), ("summary", "Rappeler"), ("started_at", "2026-11-27T09:30:00Z")],
        RecordKind::Product => &[("name", "Bol"), ("sku", "B-1"), ("description", "Bleu")],
        // Its own fields come from there; what is written of it is that it is there.
        RecordKind::Order => &[],
    }
}

fn proxy_of(bench: &Bench) -> &'static dyn Proxy {
    bench.connector().proxy().unwrap_or_else(|| panic!("{} has no proxy", bench.account.platform))
}

fn admitted(bench: &Bench, action: Action, call: &Forward, own: Option<&str>) -> Option<Effect> {
    proxy_of(bench).admit(&bench.account, action, call, own)
}

async fn sent(bench: &Bench, call: &Forward) -> RawAnswer {
    proxy::forward(&bench.account, call.clone()).await.unwrap()
}

async fn done(bench: &Bench, call: &Forward) -> RawAnswer {
    let answer = sent(bench, call).await;
    assert!(proxy_of(bench).refusal(&answer).is_none(), "{}: {call:?} {answer:?}", bench.account.platform);
    answer
}

async fn request(bench: &Bench, kind: RecordKind, write: Intended<'_>) -> Forward {
    proxy_of(bench).request(&bench.account, kind, write).await.unwrap()
}

/// Makes an object as a workflow does; its id.
async fn make(bench: &Bench, kind: RecordKind, create: &Create) -> String {
    let (proxy, action) = (proxy_of(bench), Action { verb: Verb::Create, kind });
    let call = request(bench, kind, Intended::Create(create)).await;
    assert_eq!(admitted(bench, action, &call, None), Some(Effect::Create), "{}: {call:?}", bench.account.platform);
    assert!(proxy.remote(call.body.as_ref().unwrap()).is_object());
    let keyed = proxy.keyed(&bench.account, kind, call, create.key).await.unwrap();
    let answer = done(bench, &keyed).await;
    proxy.id_of(&answer.body).unwrap_or_else(|| panic!("{}: {answer:?}", bench.account.platform))
}

#[tokio::test]
async fn every_platform_lets_a_workflow_make_change_and_take_away_its_own_object() {
    for platform in registry::all() {
        let bench = Bench::ready_at(stand_of(*platform)).await;
        let proxy = proxy_of(&bench);
        for kind in bench.connector().descriptor().kinds.iter().copied() {
            let create = Create { key: key(1), fields: mapped(&bench, kind, sample(kind)), contact: None };
            let id = make(&bench, kind, &create).await;
            let is_looked_for = |name: &str| ["email", "sku"].contains(&name.to_lowercase().as_str());
            let identifiers = create.fields.clone().into_iter().filter(|(name, _)| is_looked_for(name)).collect();
            let wanted = Wanted { key: create.key, identifiers, tried: None };
            let found = bench.reader().find(&bench.account, kind, &[wanted], &[]).await.unwrap().remove(0).unwrap();
            assert_eq!((found.external_id.as_str(), found.key), (id.as_str(), Some(create.key)), "{platform:?} {kind}");
            let shown = done(&bench, &proxy.show(&bench.account, kind, &id).unwrap()).await;
            assert_eq!(proxy.id_of(&shown.body).as_ref(), Some(&id), "{platform:?} {kind}");

            let update = Update { external_id: id.clone(), fields: create.fields.clone() };
            let change = request(&bench, kind, Intended::Update(&update)).await;
            let action = Action { verb: Verb::Update, kind };
            assert!(admitted(&bench, action, &change, Some(&id)).is_some(), "{platform:?} {kind}: {change:?}");
            assert_eq!(admitted(&bench, action, &change, Some("4711")), None, "{platform:?} {kind}: {change:?}");
            assert_eq!(admitted(&bench, action, &change, None), None, "{platform:?} {kind}: {change:?}");
            done(&bench, &change).await;

            let end = request(&bench, kind, Intended::Delete(&id)).await;
            assert_eq!(admitted(&bench, action, &end, Some(&id)), None, "{platform:?} {kind}: {end:?}");
            let action = Action { verb: Verb::Delete, kind };
            assert_eq!(admitted(&bench, action, &end, Some(&id)), Some(Effect::Write), "{platform:?} {kind}");
            assert_eq!(admitted(&bench, action, &end, Some("4711")), None, "{platform:?} {kind}");
            done(&bench, &end).await;
            let read = bench.reader().read(&bench.account, kind, &[id], &[]).await.unwrap();
            assert_eq!(read, [None], "{platform:?} {kind}");
        }
    }
}

#[tokio::test]
async fn what_is_changed_is_all_that_was_to_be_changed() {
    for platform in registry::all() {
        let bench = Bench::ready_at(stand_of(*platform)).await;
        let kind = RecordKind::Contact;
        let create = Create { key: key(1), fields: mapped(&bench, kind, sample(kind)), contact: None };
        let id = make(&bench, kind, &create).await;
        let changed = [("email", "zoe.martin@exemple.fr"), ("first_name", "Zoé"), ("last_name", "Martin")];
        let fields = mapped(&bench, kind, &changed);
        let update = Update { external_id: id.clone(), fields: fields.clone() };
        let call = request(&bench, kind, Intended::Update(&update)).await;
        let answer = done(&bench, &call).await;
        proxy_of(&bench).settle(&bench.account, &call, answer).await.unwrap();
        let names: Vec<String> = fields.keys().cloned().collect();
        let read = bench.reader().read(&bench.account, kind, &[id], &names).await.unwrap().remove(0).unwrap();
        assert_eq!(read.fields, fields, "{platform:?}");
    }
}

#[tokio::test]
async fn a_call_that_a_platform_would_read_as_another_is_not_let_through() {
    for platform in registry::all() {
        let bench = Bench::bare_at(stand_of(*platform)).await;
        let kind = RecordKind::Contact;
        let item = create(1, &[]);
        let call = request(&bench, kind, Intended::Create(&item)).await;
        let action = Action { verb: Verb::Create, kind };
        let asking = |name: &str| {
            let query = [(name.to_owned(), "1".to_owned())].into();
            Forward { query, ..call.clone() }
        };
        for name in ["_method", "id", "api_token", "access_token", "external_ids"] {
            assert_eq!(admitted(&bench, action, &asking(name), None), None, "{platform:?} {name}");
        }
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            let other = Forward { method, ..call.clone() };
            assert_eq!(admitted(&bench, action, &other, None), None, "{platform:?}");
        }
        for path in [format!("{}/", call.path), format!("/{}", call.path), format!("x/../{}", call.path), String::new()]
        {
            let other = Forward { path, ..call.clone() };
            assert_eq!(admitted(&bench, action, &other, None), None, "{platform:?} {}", other.path);
        }
        let foreign = RecordKind::ALL.into_iter().filter(|kind| !bench.connector().descriptor().kinds.contains(kind));
        for kind in foreign {
            assert_eq!(admitted(&bench, Action { verb: Verb::Create, kind }, &call, None), None, "{platform:?} {kind}");
        }
    }
}

#[tokio::test]
async fn wordpress_believes_an_id_in_the_body_and_so_it_may_not_be_there() {
    let bench = Bench::bare_at(WOOCOMMERCE).await;
    let action = Action { verb: Verb::Update, kind: RecordKind::Contact };
    let call = |body| Forward::new(Method::PUT, "wp-json/wc/v3/customers/7").with(body);
    assert_eq!(admitted(&bench, action, &call(json!({"first_name": "Zoé"})), Some("7")), Some(Effect::Write));
    assert_eq!(admitted(&bench, action, &call(json!({"id": 8, "first_name": "Zoé"})), Some("7")), None);
    let stock = Action { verb: Verb::Update, kind: RecordKind::Product };
    let call = Forward::new(Method::PUT, "wp-json/wc/v3/products/7").with(json!({"stock_quantity": 0}));
    assert_eq!(admitted(&bench, stock, &call, Some("7")), None);
}

#[tokio::test]
async fn a_note_in_somebody_elses_ticket_is_added_to_and_nothing_else() {
    let bench = Bench::bare_at(ZENDESK).await;
    let (update, delete) = (Verb::Update, Verb::Delete);
    let action = |verb| Action { verb, kind: RecordKind::Activity };
    let put = |body| Forward::new(Method::PUT, "api/v2/tickets/12").with(body);
    let note = put(json!({"ticket": {"comment": {"body": "x", "public": false}}}));
    assert_eq!(admitted(&bench, action(update), &note, Some("12-7")), Some(Effect::Write));
    let closing = put(json!({"ticket": {"status": "closed"}}));
    assert_eq!(admitted(&bench, action(update), &closing, Some("12-7")), None);
    assert_eq!(admitted(&bench, action(update), &closing, Some("12")), Some(Effect::Write));
    let end = request(&bench, RecordKind::Activity, Intended::Delete("12-7")).await;
    assert_eq!(admitted(&bench, action(delete), &end, Some("12-7")), Some(Effect::Read));
    let end = Forward::new(Method::DELETE, "api/v2/tickets/12");
    assert_eq!(admitted(&bench, action(delete), &end, Some("12-7")), None);
}

#[tokio::test]
async fn a_refusal_inside_an_answer_of_success_is_one() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let (proxy, kind) = (proxy_of(&bench), RecordKind::Contact);
    let zoe = create(1, &[("email", "zoe@exemple.fr")]);
    make(&bench, kind, &zoe).await;
    let again = request(&bench, kind, Intended::Create(&Create { key: key(2), ..zoe })).await;
    let answer = sent(&bench, &again).await;
    let refused = proxy.refusal(&answer).unwrap();
    assert_eq!((answer.status, refused.kind), (200, domain::fault::FaultKind::Conflict), "{answer:?}");
    assert_eq!(proxy.id_of(&answer.body), None);
}

#[tokio::test]
async fn all_that_a_change_of_a_customer_takes_is_one_call() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let kind = RecordKind::Contact;
    let id = make(&bench, kind, &create(1, &[("email", "zoe@exemple.fr")])).await;
    let changed = fields(&[("note", "Rappeler"), ("defaultAddress.city", "Brest"), ("metafields.custom.tier", "gold")]);
    let update = Update { external_id: id.clone(), fields: changed.clone() };
    done(&bench, &request(&bench, kind, Intended::Update(&update)).await).await;
    let names: Vec<String> = changed.keys().cloned().collect();
    let read = bench.reader().read(&bench.account, kind, std::slice::from_ref(&id), &names).await.unwrap();
    assert_eq!(read[0].as_ref().unwrap().fields, changed);
    let mut cleared = changed;
    cleared.insert("metafields.custom.tier".to_owned(), FieldValue::Null);
    let update = Update { external_id: id.clone(), fields: cleared };
    let call = request(&bench, kind, Intended::Update(&update)).await;
    let action = Action { verb: Verb::Update, kind };
    assert_eq!(admitted(&bench, action, &call, Some(&id)), Some(Effect::Write), "{call:?}");
    done(&bench, &call).await;
}
