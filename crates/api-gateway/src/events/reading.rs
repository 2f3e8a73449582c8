//! From a request's body to checked events, or to every fault with its path. What an event may say is `domain::event`'s.

use domain::event::{self, Event, InputFault};
use serde_json::Value;

use crate::refusal::Refusal;

/// How many faults are told at once; who has more has made one mistake many times.
const FAULT_LIMIT: usize = 100;

/// Reads one event object, or `{"events": [...]}` of 1 to `limit` events.
///
/// All or nothing: one bad event refuses the whole batch.
pub(super) fn read(body: &[u8], limit: usize) -> Result<Vec<Event>, Refusal> {
    let value: Value = serde_json::from_slice(body).map_err(Refusal::Malformed)?;
    let events = match value.get("events") {
        Some(batch) => read_batch(&value, batch, limit),
        None => event::parse(&value, "").map(|event| vec![event]),
    };
    events.map_err(|mut faults| {
        faults.truncate(FAULT_LIMIT);
        Refusal::Faulty(faults)
    })
}

fn read_batch(body: &Value, batch: &Value, limit: usize) -> Result<Vec<Event>, Vec<InputFault>> {
    let others = body.as_object().into_iter().flat_map(|object| object.keys()).filter(|name| *name != "events");
    let mut faults: Vec<InputFault> =
        others.map(|name| fault(name.clone(), "is not a field of a batch of events".to_owned())).collect();
    let Some(items) = batch.as_array().filter(|items| (1..=limit).contains(&items.len())) else {
        faults.push(fault("events".to_owned(), format!("must be a list of 1 to {limit} events")));
        return Err(faults);
    };
    let mut events = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match event::parse(item, &format!("events[{index}]")) {
            Ok(event) => events.push(event),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(events) } else { Err(faults) }
}

fn fault(path: String, message: String) -> InputFault {
    InputFault { path, message }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn event(id: usize) -> Value {
        json!({"event_id": format!("e{id}"), "type": "prospect.created", "subject_id": "p", "occurred_at": "2026-11-22T10:00:00Z"})
    }

    fn paths(body: &Value) -> Vec<String> {
        let Err(Refusal::Faulty(faults)) = read(body.to_string().as_bytes(), 3) else { panic!("{body} has no faults") };
        faults.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn reads_one_and_many() {
        assert_eq!(read(event(1).to_string().as_bytes(), 3).unwrap().len(), 1);
        let batch = json!({"events": [event(1), event(2), event(3)]});
        let ids: Vec<_> = read(batch.to_string().as_bytes(), 3).unwrap().into_iter().map(|e| e.event_id).collect();
        assert_eq!(ids, ["e1", "e2", "e3"]);
    }

    #[test]
    fn a_batch_is_neither_empty_nor_too_long_nor_something_else() {
        let four: Vec<_> = (0..4).map(event).collect();
        for batch in [json!([]), json!(four), json!({}), json!(null), json!("x")] {
            assert_eq!(paths(&json!({ "events": batch })), ["events"]);
        }
    }

    #[test]
    fn one_bad_event_refuses_all_and_every_fault_has_its_path() {
        let body = json!({"events": [event(1), {"type": "prospect.exploded"}], "dry_run": true});
        assert_eq!(
            paths(&body),
            ["dry_run", "events[1].event_id", "events[1].subject_id", "events[1].occurred_at", "events[1].type"]
        );
    }

    #[test]
    fn no_more_faults_are_told_than_one_can_read() {
        let nonsense: Vec<_> = (0..500).map(|_| json!({})).collect();
        let Err(Refusal::Faulty(faults)) = read(json!({ "events": nonsense }).to_string().as_bytes(), 1_000) else {
            panic!("nonsense was taken");
        };
        assert_eq!(faults.len(), FAULT_LIMIT);
    }

    #[test]
    fn what_is_no_json_is_malformed_however_deep() {
        for body in ["", "{", "{\"events\": [}", &"[".repeat(100_000)] {
            assert!(matches!(read(body.as_bytes(), 3), Err(Refusal::Malformed(_))));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_with_a_reason(body in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Err(Refusal::Faulty(faults)) = read(&body, 3) {
                prop_assert!(!faults.is_empty());
            }
        }
    }
}
