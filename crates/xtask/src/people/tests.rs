//! What the generator promises about its people.

use std::collections::{HashMap, HashSet};

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn text<'a>(event: &'a Value, pointer: &str) -> Option<&'a str> {
    event.pointer(pointer).and_then(Value::as_str)
}

/// What makes two prospects one person: the e-mail in lower case, else the national number.
fn identity(event: &Value) -> String {
    let national = |phone: &str| {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        digits.chars().skip(digits.len() - 9).collect::<String>()
    };
    let email = text(event, "/data/email").map(str::to_lowercase);
    email.or_else(|| text(event, "/data/phone").map(national)).unwrap()
}

#[test]
fn knows_how_many_people_its_events_are_about() {
    for seed in 0..20 {
        let crowd = Crowd::generate(seed, 1_000, now());
        let people: HashSet<String> = crowd.events.iter().map(identity).collect();
        assert_eq!(people.len(), crowd.distinct, "seed {seed}");
        assert!((920..980).contains(&crowd.distinct), "seed {seed}: {}", crowd.distinct);
    }
}

#[test]
fn gives_no_two_people_one_phone() {
    let crowd = Crowd::generate(3, 2_000, now());
    let mut owners: HashMap<String, HashSet<String>> = HashMap::new();
    for event in &crowd.events {
        if let Some(phone) = text(event, "/data/phone") {
            let number = identity(&json!({ "data": { "phone": phone } }));
            owners.entry(number).or_default().insert(identity(event));
        }
    }
    assert!(owners.values().all(|people| people.len() == 1));
}

#[test]
fn leaves_out_what_some_people_do_not_tell() {
    let crowd = Crowd::generate(1, 1_000, now());
    let created = || crowd.events.iter().filter(|event| text(event, "/type") == Some("prospect.created"));
    let without = |field: &str| created().filter(|event| event.pointer(field).is_none()).count();
    assert_eq!(created().count(), 1_000);
    assert!((50..120).contains(&without("/data/email")), "{}", without("/data/email"));
    assert!((20..70).contains(&without("/data/phone")), "{}", without("/data/phone"));
    assert!(created().all(|event| event.pointer("/data/email").or(event.pointer("/data/phone")).is_some()));
}

#[test]
fn writes_phones_in_every_habit_and_names_with_accents() {
    let crowd = Crowd::generate(1, 1_000, now());
    let phones: Vec<&str> = crowd.events.iter().filter_map(|event| text(event, "/data/phone")).collect();
    for start in ["+33 ", "+336", "0033", "06 ", "06.", "061"] {
        assert!(phones.iter().any(|phone| phone.starts_with(start)), "no phone starts with {start}");
    }
    let names: Vec<&str> = crowd.events.iter().filter_map(|event| text(event, "/data/first_name")).collect();
    assert!(names.iter().any(|name| name.contains('-')) && names.iter().any(|name| !name.is_ascii()));
}

#[test]
fn writes_mail_addresses_in_plain_letters() {
    let crowd = Crowd::generate(5, 1_000, now());
    for mail in crowd.events.iter().filter_map(|event| text(event, "/data/email")) {
        assert!(mail.chars().all(|letter| letter.is_ascii_alphanumeric() || "@.-".contains(letter)), "{mail}");
    }
}

#[test]
fn tells_events_apart_and_updates_after_creating() {
    let crowd = Crowd::generate(2, 500, now());
    let ids: HashSet<&str> = crowd.events.iter().filter_map(|event| text(event, "/event_id")).collect();
    assert_eq!(ids.len(), crowd.events.len());
    let mut created = HashSet::new();
    let mut last = now() - SPAN;
    for event in &crowd.events {
        let subject = text(event, "/subject_id").unwrap();
        match text(event, "/type").unwrap() {
            "prospect.created" => assert!(created.insert(subject)),
            _ => assert!(created.contains(subject)),
        }
        let time: DateTime<Utc> = text(event, "/occurred_at").unwrap().parse().unwrap();
        assert!(time > last && time <= now());
        last = time;
    }
    assert!((20..100).contains(&(crowd.events.len() - 500)));
}

#[test]
fn gives_the_same_people_for_the_same_seed() {
    assert_eq!(Crowd::generate(7, 50, now()).events, Crowd::generate(7, 50, now()).events);
    assert_ne!(Crowd::generate(7, 50, now()).events, Crowd::generate(8, 50, now()).events);
}

#[test]
fn cuts_all_events_into_batches_in_order() {
    let crowd = Crowd::generate(7, 1_000, now());
    let batches = crowd.batches(7);
    assert_eq!(batches.concat(), crowd.events);
    assert!(batches.iter().all(|batch| (1..=LARGEST_BATCH).contains(&batch.len())));
    assert!(batches.iter().any(|batch| batch.len() == 1) && batches.iter().any(|batch| batch.len() > 1));
    assert!(Crowd::generate(7, 0, now()).batches(7).is_empty());
}
