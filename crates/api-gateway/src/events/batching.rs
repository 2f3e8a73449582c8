//! How accepted events share messages: at most 100 each, in their order, one subject's together. Sending is `intake`'s.

use std::collections::HashMap;

use domain::event::{Acceptance, Event};
use domain::id::TenantId;
use domain::kind::RecordKind;
use domain::message::EventMerge;
use domain::time::Timestamp;
use messaging::Context;

/// The messages in which these events travel.
///
/// Consumers compete, so order holds only within a message: all events of one subject share one (unless there are more
/// than fit), in the order in which they came.
pub(super) fn messages(tenant_id: TenantId, accepted_at: Timestamp, events: Vec<Event>) -> Vec<EventMerge> {
    let chunks = grouped(events).into_iter().flat_map(split);
    chunks.map(|events| EventMerge { tenant_id, accepted_at, events }).collect()
}

/// One message for what would else be several of one tenant, in their order. Each event keeps its own request's time and trace.
pub(super) fn together(alone: &[(EventMerge, Context)]) -> Option<EventMerge> {
    let accepted_at = alone.iter().map(|(message, _)| message.accepted_at).max()?;
    let (first, _) = alone.first()?;
    let mut events = Vec::new();
    for (message, context) in alone {
        let acceptance = Some(Acceptance { at: message.accepted_at, trace: context.trace });
        events.extend(message.events.iter().map(|event| Event { acceptance, ..event.clone() }));
    }
    Some(EventMerge { tenant_id: first.tenant_id, accepted_at, events })
}

fn split(mut events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut chunks = Vec::new();
    while events.len() > EventMerge::LIMIT {
        let rest = events.split_off(EventMerge::LIMIT);
        chunks.push(std::mem::replace(&mut events, rest));
    }
    chunks.push(events);
    chunks
}

type Subject = (RecordKind, String);

fn subject_of(event: &Event) -> Subject {
    (event.event_type.kind(), event.subject_id.clone())
}

/// Groups of at most `LIMIT` events each, except where a single subject has more.
fn grouped(events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut sizes: HashMap<Subject, usize> = HashMap::new();
    for event in &events {
        *sizes.entry(subject_of(event)).or_default() += 1;
    }
    let mut groups: Vec<Vec<Event>> = Vec::new();
    let mut homes: HashMap<Subject, usize> = HashMap::new();
    // Room is reserved for a whole subject when its first event comes by, so that its later ones find it.
    let mut reserved = EventMerge::LIMIT;
    for event in events {
        let subject = subject_of(&event);
        let size = sizes.get(&subject).copied().unwrap_or(1);
        let home = *homes.entry(subject).or_insert_with(|| {
            if reserved + size > EventMerge::LIMIT {
                groups.push(Vec::new());
                reserved = 0;
            }
            reserved += size;
            groups.len().saturating_sub(1)
        });
        if let Some(group) = groups.get_mut(home) {
            group.push(event);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::event::EventType;
    use proptest::prelude::*;

    use super::*;

    fn event(index: usize, subject: u16) -> Event {
        Event {
            event_id: index.to_string(),
            event_type: EventType::ProspectUpdated,
            subject_id: subject.to_string(),
            occurred_at: Timestamp::now(),
            data: BTreeMap::new(),
            prospect_id: None,
            changed: None,
            acceptance: None,
        }
    }

    fn batched(subjects: &[u16]) -> Vec<Vec<Event>> {
        let events = subjects.iter().enumerate().map(|(index, subject)| event(index, *subject)).collect();
        messages(TenantId::new(), Timestamp::now(), events).into_iter().map(|message| message.events).collect()
    }

    #[test]
    fn a_thousand_different_subjects_take_ten_messages() {
        let subjects: Vec<u16> = (0..1_000).collect();
        assert_eq!(batched(&subjects).len(), 10);
    }

    #[test]
    fn what_is_put_together_comes_apart_as_it_was() {
        let tenant = TenantId::new();
        let came = |index: usize| {
            let message =
                EventMerge { tenant_id: tenant, accepted_at: Timestamp::now(), events: vec![event(index, 1)] };
            (message, Context::new())
        };
        let alone: Vec<_> = (0..3).map(came).collect();
        let shared = together(&alone).unwrap();
        assert!(shared.is_shared() && alone.iter().all(|(message, _)| !message.is_shared()));
        assert_eq!(shared.accepted_at, alone[2].0.accepted_at);
        let apart: Vec<_> = alone.into_iter().map(|(message, context)| (message, context.trace)).collect();
        assert_eq!(shared.apart(Context::new().trace), apart);
        assert!(together(&[]).is_none());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_message_is_too_long(subjects in prop::collection::vec(0u16..400, 1..1_000)) {
            let batches = batched(&subjects);
            prop_assert!(batches.iter().all(|batch| (1..=EventMerge::LIMIT).contains(&batch.len())));
            let mut ids: Vec<usize> = batches.iter().flatten().map(|event| event.event_id.parse().unwrap()).collect();
            ids.sort_unstable();
            prop_assert_eq!(ids, (0..subjects.len()).collect::<Vec<_>>());
        }

        #[test]
        fn one_subject_stays_together_and_in_order(subjects in prop::collection::vec(0u16..60, 1..1_000)) {
            let batches = batched(&subjects);
            for batch in &batches {
                prop_assert!(batch.is_sorted_by_key(|event| event.event_id.parse::<usize>().unwrap()));
            }
            let mut places: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
            for (place, batch) in batches.iter().enumerate() {
                for event in batch {
                    let (first, count) = places.entry(&event.subject_id).or_insert((place, 0));
                    *count += 1;
                    prop_assert!(*first == place || *count > EventMerge::LIMIT);
                }
            }
        }
    }
}
