//! The rules of convergence, each as a test; what holds of any history is `laws`'. What needs a database is tested in `sync-dispatcher`.

use serde_json::json;

use super::*;
use crate::event;
use crate::kind::RecordKind;
use crate::mapping::{FieldMapping, Transform};
use crate::policy::ConflictPolicy;

mod laws;
mod unknown;

fn integration(n: u8) -> IntegrationId {
    format!("int_{n:026}").parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1_000).unwrap()
}

const BACKEND: u8 = 1;
const CRM: u8 = 2;

static LATEST_WINS: Ranks = Ranks::LATEST_WINS;

fn arrival(origin: u8, second: i64) -> Arrival<'static> {
    Arrival::new(integration(origin), RecordKind::Contact, &LATEST_WINS, at(second))
}

fn mapping() -> Mapping {
    Mapping::proposed(vec![FieldMapping::both("phone", "tel"), FieldMapping::both("city", "town")])
}

fn prospect(second: i64, data: serde_json::Value) -> Event {
    let value = json!({"event_id": "e", "type": "prospect.updated", "subject_id": "p",
                       "occurred_at": at(second).to_string(), "data": data});
    event::parse(&value, "").unwrap()
}

fn shown(second: i64, fields: &[(&str, &str)]) -> RemoteObject {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), FieldValue::text(*value))).collect();
    RemoteObject { external_id: "77".to_owned(), fields, modified_at: Some(at(second)), ..RemoteObject::default() }
}

fn record(second: i64, fields: &[(&str, &str)]) -> Fields {
    let mut record = Fields::default();
    for (name, value) in fields {
        record.set(
            FieldName::new(name),
            FieldValue::text(*value),
            Stamp { rank: 0, at: at(second), origin: integration(BACKEND) },
        );
    }
    record
}

/// A link after its first write of `record`.
fn in_step(record: &Fields) -> LinkState {
    let mut link = LinkState::default();
    link.wrote("77", mapping().forward(record), &RemoteFields::new());
    link
}

fn owed(link: &LinkState, record: &Fields) -> RemoteFields {
    outbound_difference(&mapping().forward(record), &link.sent)
}

#[test]
fn rule_01_a_whole_object_sent_again_restamps_nothing() {
    let mut backend = LinkState::default();
    let first = backend.take_event(&prospect(10, json!({"phone": "1", "city": "Lyon"})), None, arrival(BACKEND, 10));
    assert_eq!(first.iter().count(), 2);
    let again = backend.take_event(&prospect(20, json!({"phone": "2", "city": "Lyon"})), None, arrival(BACKEND, 20));
    assert_eq!(again.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["phone"]);
}

#[test]
fn a_late_event_does_not_make_the_next_one_look_like_news() {
    let mut backend = LinkState::default();
    backend.take_event(&prospect(20, json!({"phone": "new"})), None, arrival(BACKEND, 20));
    let late = backend.take_event(&prospect(10, json!({"phone": "old"})), None, arrival(BACKEND, 21));
    assert_eq!(late.get("phone").unwrap().stamp.at, at(10));
    let next = backend.take_event(&prospect(30, json!({"phone": "new"})), None, arrival(BACKEND, 30));
    assert!(next.is_empty());
}

#[test]
fn rule_02_no_time_lies_ahead_of_the_moment_of_acceptance() {
    let mut backend = LinkState::default();
    let change = backend.take_event(&prospect(9_999, json!({"phone": "1"})), None, arrival(BACKEND, 10));
    assert_eq!(change.get("phone").unwrap().stamp.at, at(10));
}

#[test]
fn what_the_sender_says_changed_is_believed() {
    let mut backend = LinkState::default();
    backend.take_event(&prospect(10, json!({"phone": "1", "city": "Lyon"})), None, arrival(BACKEND, 10));
    let mut event = prospect(20, json!({"phone": "1", "city": "Paris"}));
    event.changed = Some(vec!["phone".to_owned()]);
    let change = backend.take_event(&event, None, arrival(BACKEND, 20));
    assert_eq!(change.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["phone"]);
}

#[test]
fn a_field_that_is_first_shown_by_a_later_change_of_another_gives_way_to_whatever_has_a_time() {
    let later = Event { changed: Some(vec!["city".to_owned()]), ..prospect(10, json!({"phone": "1", "city": "Lyon"})) };
    let made = Event { changed: Some(vec!["phone".to_owned()]), ..prospect(1, json!({"phone": "1"})) };
    let edited = record(5, &[("phone", "2"), ("city", "Paris")]);
    for orders in [[&later, &made], [&made, &later]] {
        for edited_before in 0..=2 {
            let (mut backend, mut ours) = (LinkState::default(), Fields::default());
            for (n, event) in orders.into_iter().enumerate() {
                if n == edited_before {
                    ours.merge(&edited);
                }
                ours.merge(&backend.take_event(event, None, arrival(BACKEND, 20)));
            }
            ours.merge(&edited);
            let kept = ["phone", "city"].map(|name| ours.get(name).map(|kept| (kept.value.clone(), kept.stamp.at)));
            let told = [(FieldValue::text("2"), at(5)), (FieldValue::text("Lyon"), at(10))].map(Some);
            assert_eq!(kept, told, "edited before event {edited_before}");
        }
    }
    // As long as nothing else is said, it stands.
    let change = LinkState::default().take_event(&later, None, arrival(BACKEND, 20));
    assert_eq!(change.value("phone"), Some(&FieldValue::text("1")));
}

#[test]
fn what_a_platform_makes_of_our_write_is_not_news() {
    let mut ours = record(10, &[("phone", "0612345678")]);
    let mut link = LinkState::default();
    let made_of_it = shown(11, &[("tel", "+33 6 12 34 56 78")]);
    link.wrote("77", mapping().forward(&ours), &made_of_it.fields);
    let merged = link.take_remote(&mut ours, &mapping(), &made_of_it, arrival(CRM, 12));
    assert_eq!((merged, owed(&link, &ours).len()), (Merged::default(), 0));
    assert_eq!(ours.value("phone"), Some(&FieldValue::text("0612345678")));
}

#[test]
fn a_change_made_there_is_taken_and_not_echoed() {
    let mut ours = record(10, &[("phone", "1"), ("city", "Lyon")]);
    let mut link = in_step(&ours);
    let merged =
        link.take_remote(&mut ours, &mapping(), &shown(20, &[("tel", "2"), ("town", "Lyon")]), arrival(CRM, 21));
    assert_eq!(merged.changed, [FieldName::new("phone")]);
    assert_eq!(ours.value("phone"), Some(&FieldValue::text("2")));
    assert_eq!(owed(&link, &ours), RemoteFields::new());
}

#[test]
fn rule_02_a_change_made_there_follows_what_it_was_made_of_even_with_a_slow_clock() {
    let mut ours = record(100, &[("phone", "1")]);
    let mut link = in_step(&ours);
    link.take_remote(&mut ours, &mapping(), &shown(50, &[("tel", "2")]), arrival(CRM, 101));
    assert_eq!(ours.value("phone"), Some(&FieldValue::text("2")));
}

#[test]
fn rule_02_a_change_made_there_of_what_became_of_ours_follows_ours_as_well() {
    let mut ours = record(100, &[("phone", "0612345678")]);
    let mut link = LinkState::default();
    link.wrote("77", mapping().forward(&ours), &shown(40, &[("tel", "+33 6 12 34 56 78")]).fields);
    let merged = link.take_remote(&mut ours, &mapping(), &shown(50, &[("tel", "07 00 00 00 00")]), arrival(CRM, 101));
    assert_eq!(merged.changed, [FieldName::new("phone")]);
    assert_eq!(ours.get("phone").unwrap().stamp.at, at(100).next());
    assert_eq!(owed(&link, &ours), RemoteFields::new());
}

#[test]
fn rule_02_a_property_has_a_time_of_its_own_or_the_objects_or_that_of_its_first_reading() {
    let mut ours = Fields::default();
    let mut link = LinkState { external_id: Some("77".to_owned()), ..LinkState::default() };
    let times = |ours: &Fields| ["phone", "city"].map(|field| ours.get(field).unwrap().stamp.at);
    let mut there = shown(50, &[("tel", "1"), ("town", "Lyon")]);
    there.field_times.insert("tel".to_owned(), at(20));
    link.take_remote(&mut ours, &mapping(), &there, arrival(CRM, 101));
    assert_eq!(times(&ours), [at(20), at(50)]);

    there.modified_at = None;
    there.fields.insert("town".to_owned(), FieldValue::text("Paris"));
    for second in [102, 103] {
        link.take_remote(&mut ours, &mapping(), &there, arrival(CRM, second));
        assert_eq!(times(&ours), [at(20), at(102)], "read at {second}");
    }
}

#[test]
fn an_older_change_made_there_loses_and_is_written_over() {
    let before = record(10, &[("phone", "1")]);
    let mut link = in_step(&before);
    let mut ours = record(100, &[("phone", "3")]);
    let merged = link.take_remote(&mut ours, &mapping(), &shown(50, &[("tel", "2")]), arrival(CRM, 101));
    assert_eq!(merged.lost.len(), 1);
    assert_eq!(owed(&link, &ours), RemoteFields::from([("tel".to_owned(), FieldValue::text("3"))]));
}

#[test]
fn a_value_that_loses_against_a_clearing_of_ours_is_cleared_there() {
    let before = record(10, &[("phone", "1")]);
    let mut link = in_step(&before);
    let mut ours = record(100, &[("phone", "")]);
    link.take_remote(&mut ours, &mapping(), &shown(50, &[("tel", "2")]), arrival(CRM, 101));
    assert_eq!(owed(&link, &ours), RemoteFields::from([("tel".to_owned(), FieldValue::Null)]));
}

#[test]
fn rule_04_absent_says_nothing_and_null_clears() {
    let mut ours = record(10, &[("phone", "1"), ("city", "Lyon")]);
    let mut link = in_step(&ours);
    link.take_remote(&mut ours, &mapping(), &shown(20, &[("town", "")]), arrival(CRM, 21));
    assert_eq!(ours.value("phone"), Some(&FieldValue::text("1")));
    assert_eq!(ours.value("city"), Some(&FieldValue::Null));
}

#[test]
fn first_contact_adopts_what_is_there_and_fills_the_gaps() {
    let mut ours = record(100, &[("phone", "ours"), ("city", "Lyon")]);
    let mut link = LinkState::default();
    let merged =
        link.take_remote(&mut ours, &mapping(), &shown(1, &[("tel", "theirs"), ("town", "")]), arrival(CRM, 101));
    assert_eq!(ours.value("phone"), Some(&FieldValue::text("theirs")));
    let lost: Vec<_> = merged.lost.into_iter().map(|lost| (lost.field, lost.lost)).collect();
    assert_eq!(lost, [(FieldName::new("phone"), record(100, &[("phone", "ours")]).get("phone").unwrap().clone())]);
    assert_eq!(owed(&link, &ours), RemoteFields::from([("town".to_owned(), FieldValue::text("Lyon"))]));
}

#[test]
fn rule_05_a_field_that_is_read_anew_is_adopted_and_the_others_are_compared_as_before() {
    let mut ours = record(100, &[("phone", "ours"), ("city", "Lyon")]);
    let mut link = in_step(&ours);
    // `tel` stood for another field of ours: what it showed then is no reason to pass it over.
    link.seen.insert("tel".to_owned(), FieldValue::text("theirs"));
    let anew = BTreeSet::from([FieldName::new("phone")]);
    let arrival = Arrival { anew: &anew, ..arrival(CRM, 101) };
    let merged = link.take_remote(&mut ours, &mapping(), &shown(1, &[("tel", "theirs"), ("town", "Paris")]), arrival);
    assert_eq!(ours.value("phone"), Some(&FieldValue::text("theirs")));
    assert_eq!(merged.lost.iter().map(|lost| lost.field.as_str()).collect::<Vec<_>>(), ["city", "phone"]);
    assert_eq!(ours.value("city"), Some(&FieldValue::text("Paris")), "it was made out of ours");
    assert_eq!(owed(&link, &ours), RemoteFields::new());

    // Where it shows nothing, ours fills the gap.
    let mut ours = record(100, &[("phone", "ours")]);
    let mut link = LinkState { external_id: Some("77".to_owned()), ..LinkState::default() };
    link.take_remote(&mut ours, &mapping(), &shown(1, &[("tel", "")]), arrival);
    assert_eq!(owed(&link, &ours), RemoteFields::from([("tel".to_owned(), FieldValue::text("ours"))]));
}

fn ranked(ranking: &[&str], system: &str) -> Ranks {
    let policy = json!({"rules": [{"kind": "contact", "field": "phone", "ranking": ranking}]});
    let policy: ConflictPolicy = serde_json::from_value(policy).unwrap();
    policy.ranks(RecordKind::Contact, &system.parse().unwrap())
}

#[test]
fn rule_05_at_first_contact_ours_stands_and_is_written_where_the_tenant_believes_us_more() {
    let ranking = ["coccinelle", "hubspot"];
    let mut ours = record(100, &[("phone", "ours")]);
    ours.rerank(|name, _| ranked(&ranking, "coccinelle").of(name.as_str()));
    let mut link = LinkState::default();
    let arrival = Arrival { ranks: &ranked(&ranking, "hubspot"), ..arrival(CRM, 101) };
    let merged = link.take_remote(&mut ours, &mapping(), &shown(1, &[("tel", "theirs")]), arrival);
    assert_eq!(ours.value("phone"), Some(&FieldValue::text("ours")));
    assert_eq!(merged.lost[0].lost.value, FieldValue::text("theirs"));
    assert_eq!(owed(&link, &ours), RemoteFields::from([("tel".to_owned(), FieldValue::text("ours"))]));
}

#[test]
fn a_newer_change_of_who_is_believed_less_is_written_over() {
    let ranking = ["coccinelle", "hubspot"];
    let mut ours = record(10, &[("phone", "1")]);
    ours.rerank(|name, _| ranked(&ranking, "coccinelle").of(name.as_str()));
    let mut link = in_step(&ours);
    let arrival = Arrival { ranks: &ranked(&ranking, "hubspot"), ..arrival(CRM, 101) };
    link.take_remote(&mut ours, &mapping(), &shown(100, &[("tel", "2")]), arrival);
    assert_eq!(owed(&link, &ours), RemoteFields::from([("tel".to_owned(), FieldValue::text("1"))]));
}

#[test]
fn a_system_knows_what_it_was_sent_or_showed_and_nothing_that_came_since() {
    let before = record(10, &[("phone", "0612345678"), ("city", "Lyon")]);
    let mut link = LinkState::default();
    link.wrote("77", mapping().forward(&before), &shown(11, &[("tel", "+33 6 12 34 56 78")]).fields);
    let both = [FieldName::new("city"), FieldName::new("phone")].into();
    assert_eq!(link.knows(&before, Some(&mapping())), both);
    let since = record(20, &[("phone", "0700000000"), ("city", "Lyon")]);
    assert_eq!(link.knows(&since, Some(&mapping())), [FieldName::new("city")].into());
    let mut backend = LinkState::default();
    backend.take_event(&prospect(10, json!({"city": "Lyon"})), None, arrival(BACKEND, 10));
    assert_eq!(backend.knows(&since, None), [FieldName::new("city")].into());
}

#[test]
fn rule_04_a_value_that_would_not_come_back_the_same_is_not_taken() {
    let mapping = Mapping::proposed(vec![FieldMapping::both("amount", "amount").with(Transform::NumberText)]);
    let mut ours = Fields::default();
    let mut link = LinkState { external_id: Some("77".to_owned()), ..LinkState::default() };
    link.take_remote(&mut ours, &mapping, &shown(20, &[("amount", "environ 100")]), arrival(CRM, 21));
    assert!(ours.is_empty());
}

#[test]
fn rule_04_what_our_field_may_not_hold_is_neither_taken_nor_written_over() {
    let fields = [("amount", "budget"), ("status", "stage"), ("starts_at", "rdv"), ("title", "name")];
    let fields = fields.map(|(local, remote)| FieldMapping::both(local, remote)).to_vec();
    let mapping = Mapping::proposed(fields);
    let theirs = [("budget", "environ 100"), ("stage", "peut-être"), ("rdv", "lundi"), ("name", "Bilan")];
    let arrival = Arrival { kind: RecordKind::Deal, ..arrival(CRM, 21) };
    let before = record(10, &[("status", "scheduled"), ("title", "Visite")]);

    let mut first = LinkState::default();
    let mut linked = LinkState::default();
    linked.wrote("77", mapping.forward(&before), &RemoteFields::new());
    for link in [&mut first, &mut linked] {
        let mut ours = before.clone();
        let merged = link.take_remote(&mut ours, &mapping, &shown(20, &theirs), arrival);
        assert_eq!(merged.changed, [FieldName::new("title")]);
        assert_eq!(outbound_difference(&mapping.forward(&ours), &link.sent), RemoteFields::new());
    }
    // What is ours to say later is still said.
    let later = record(30, &[("status", "completed"), ("title", "Bilan")]);
    let owed = outbound_difference(&mapping.forward(&later), &linked.sent);
    assert_eq!(owed, RemoteFields::from([("stage".to_owned(), FieldValue::text("completed"))]));
}
