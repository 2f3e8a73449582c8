//! What holds of any history of a link and its record. Single rules are `tests`'.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::record::Stamped;

/// The whole prospect after each change of phone or city, a second apart, with what changed.
fn whole_objects(life: &[(u8, u8)]) -> Vec<Event> {
    let mut before = None;
    let told = (10..).zip(life).map(|(second, now)| {
        let was = before.replace(*now);
        let changed = [("phone", was.is_none_or(|was| was.0 != now.0)), ("city", was.is_none_or(|was| was.1 != now.1))];
        let changed = changed.into_iter().filter(|(_, is_so)| *is_so).map(|(name, _)| name.to_owned()).collect();
        let data = json!({"phone": now.0.to_string(), "city": format!("Ville {}", now.1)});
        Event { changed: Some(changed), ..prospect(second, data) }
    });
    told.collect()
}

/// What the backend's events make of what others said of a record, which it was told before; all are accepted long after they happened.
fn heard(told: &Fields, events: impl Iterator<Item = Event>) -> Fields {
    let (mut backend, mut record) = (LinkState::default(), told.clone());
    backend.tell(told.iter().map(|(name, told)| (name.as_str().to_owned(), told.value.clone())).collect(), at(5));
    for event in events {
        record.merge(&backend.take_event(&event, None, arrival(BACKEND, 1_000)));
        let is_told = |(name, told): (&FieldName, &Stamped)| record.value(name.as_str()) == Some(&told.value);
        assert!(!told.iter().any(is_told), "what it was told came back over what it showed since");
    }
    record
}

/// Each value with the time at which it became so.
fn exactly(events: &[Event]) -> Fields {
    let mut record = Fields::default();
    for event in events {
        let stamp = Stamp { rank: 0, at: event.occurred_at, origin: integration(BACKEND) };
        for (name, value) in event.values() {
            if event.says_changed(&name) == Some(true) {
                record.set(name, value, stamp);
            }
        }
    }
    record
}

fn steps() -> impl Strategy<Value = Vec<(bool, u8, i64)>> {
    prop::collection::vec((any::<bool>(), 0u8..4, 0i64..50), 1..12)
}

proptest! {
    #[test]
    fn promise_4_whole_objects_in_order_or_with_what_changed_are_stamped_exactly(
        (life, order) in prop::collection::vec((0u8..3, 0u8..3), 1..8).prop_flat_map(|life| {
            let twice: Vec<usize> = (0..life.len()).chain(0..life.len()).collect();
            (Just(life), Just(twice).prop_shuffle())
        })
    ) {
        let events = whole_objects(&life);
        for told in [Fields::default(), record(2, &[("phone", "9"), ("city", "Ailleurs")])] {
            let in_order = events.iter().cloned().map(|event| Event { changed: None, ..event });
            prop_assert_eq!(heard(&told, in_order), exactly(&events));
            let shuffled = order.iter().map(|at| events[*at].clone());
            prop_assert_eq!(heard(&told, shuffled), exactly(&events));
        }
    }

    /// A platform that cuts every value at three characters and one that keeps them, edited by both sides in any order.
    ///
    /// Whoever of them is believed more.
    #[test]
    fn rule_03_any_history_settles_and_no_value_shortens_by_itself(steps in steps(), believed in 0usize..3) {
        let ranking = [&[][..], &["hubspot"], &["coccinelle"]][believed];
        let (of_crm, of_backend) = (ranked(ranking, "hubspot"), ranked(ranking, "coccinelle"));
        let from_crm = Arrival { ranks: &of_crm, ..arrival(CRM, 100) };
        let values = ["abcdef", "abc", "xyzuvw", ""];
        let mut ours = record(1, &[("phone", "abcdef")]);
        ours.rerank(|name, _| of_backend.of(name.as_str()));
        let mut link = LinkState::default();
        let mut there = FieldValue::Null;
        let write = |link: &mut LinkState, ours: &Fields, there: &mut FieldValue| {
            let difference = outbound_difference(&mapping().forward(ours), &link.sent);
            let Some(value) = difference.get("tel").cloned() else { return false };
            *there = FieldValue::text(value.to_plain_text().chars().take(3).collect::<String>());
            link.wrote("77", difference, &RemoteFields::from([("tel".to_owned(), there.clone())]));
            true
        };
        write(&mut link, &ours, &mut there);
        for (from_there, value, second) in steps {
            let value = FieldValue::text(values[usize::from(value)]);
            if from_there {
                there = value;
                let object = RemoteObject { external_id: "77".to_owned(), modified_at: Some(at(second)),
                    fields: RemoteFields::from([("tel".to_owned(), there.clone())]), ..RemoteObject::default() };
                link.take_remote(&mut ours, &mapping(), &object, from_crm);
            } else {
                let mut change = Fields::default();
                change.set(FieldName::new("phone"), value, Stamp { rank: of_backend.of("phone"), at: at(second), origin: integration(BACKEND) });
                ours.merge(&change);
            }
            write(&mut link, &ours, &mut there);
            // Reading again what it holds brings no news, and nothing more is owed.
            let object = RemoteObject { external_id: "77".to_owned(), modified_at: Some(at(second)),
                fields: RemoteFields::from([("tel".to_owned(), there.clone())]), ..RemoteObject::default() };
            let before = ours.clone();
            link.take_remote(&mut ours, &mapping(), &object, from_crm);
            prop_assert_eq!(&ours, &before);
            prop_assert!(!write(&mut link, &ours, &mut there));
        }
    }
}
