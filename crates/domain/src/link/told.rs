//! What Coccinelle's backend holds of a record: what it showed last, and what it took since. It speaks in our own terms.

use std::collections::BTreeSet;

use super::LinkState;
use crate::field::{FieldName, FieldValue, RemoteFields};
use crate::record::Fields;
use crate::time::Timestamp;

impl LinkState {
    /// Whether a value that the backend shows is a change, and no echo of what it was told; `said` is what the event itself
    /// says of that, where it does.
    ///
    /// A field never shown, nor told so, is news whatever it says: nobody else has that value. Since when it stands is another matter.
    pub(super) fn is_news(&self, name: &FieldName, value: &FieldValue, at: Timestamp, said: Option<bool>) -> bool {
        let (told, shown) = (self.sent.get(name.as_str()), self.seen.get(name.as_str()));
        match (told, shown) {
            (Some(told), _) if told == value => false,
            (_, None) => true,
            // It was told otherwise since. What it shows after that was changed after it, whichever event says so; what it showed
            // before is no change.
            (Some(_), Some(_)) if self.is_after_telling(at) => true,
            (Some(_), Some(shown)) if shown == value => false,
            (_, Some(shown)) => said.unwrap_or(shown != value),
        }
    }

    fn is_after_telling(&self, at: Timestamp) -> bool {
        self.told_at.is_none_or(|told_at| at > told_at)
    }

    /// When the backend took another value of a field than it shows at `at`, where that was before: it became so after that.
    pub(super) fn told_before(&self, name: &FieldName, at: Timestamp) -> Option<Timestamp> {
        self.told_at.filter(|_| self.sent.contains_key(name.as_str()) && self.is_after_telling(at))
    }

    /// Remembers what the backend shows: unless that is older than what it was told, it stands from now on.
    pub(super) fn show(&mut self, name: FieldName, value: FieldValue, at: Timestamp) {
        let is_echo = self.sent.get(name.as_str()) == Some(&value);
        if is_echo || self.is_after_telling(at) {
            self.sent.remove(name.as_str());
        }
        self.seen.insert(name.as_str().to_owned(), value);
    }

    /// The fields of a record that the backend holds otherwise, as far as anybody knows.
    #[must_use]
    pub fn untold(&self, record: &Fields) -> BTreeSet<FieldName> {
        let holds = |name: &FieldName| self.sent.get(name.as_str()).or_else(|| self.seen.get(name.as_str()));
        let differs = |name: &FieldName, value: &FieldValue| match name.as_str() {
            // Nobody has to be told that something is there.
            FieldName::DELETED => matches!(holds(name), Some(FieldValue::Bool(true))) != record.is_deleted(),
            _ => holds(name).unwrap_or(&FieldValue::Null) != value,
        };
        let untold = record.iter().filter(|(name, stamped)| differs(name, &stamped.value));
        untold.map(|(name, _)| name.clone()).collect()
    }

    /// Remembers what the backend took at `at`. What it was told before, it held until then.
    pub fn tell(&mut self, told: RemoteFields, at: Timestamp) {
        for (name, value) in told {
            if let Some(before) = self.sent.insert(name.clone(), value) {
                self.seen.insert(name, before);
            }
        }
        self.told_at = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::{self, Event};
    use crate::id::IntegrationId;
    use crate::kind::RecordKind;
    use crate::link::Arrival;
    use crate::policy::Ranks;
    use crate::record::Stamp;

    fn second(second: u32) -> Timestamp {
        Timestamp::parse(&format!("2026-11-27T12:00:{second:02}Z")).unwrap()
    }

    fn shows(city: &str, at: u32, changed: &[&str]) -> Event {
        let mut event = json!({"event_id": "e", "type": "prospect.updated", "subject_id": "p",
            "occurred_at": second(at).to_string(), "data": {"city": city}});
        if !changed.is_empty() {
            event["changed"] = json!(changed);
        }
        event::parse(&event, "").unwrap()
    }

    fn city(city: &str) -> RemoteFields {
        [("city".to_owned(), FieldValue::text(city))].into()
    }

    struct Backend {
        state: LinkState,
        record: Fields,
        origin: IntegrationId,
    }

    impl Backend {
        fn new() -> Self {
            Self { state: LinkState::default(), record: Fields::default(), origin: IntegrationId::new() }
        }

        /// Whether an event changes the record.
        fn take(&mut self, event: &Event) -> bool {
            let ranks = Ranks::default();
            let arrival = Arrival::new(self.origin, RecordKind::Contact, &ranks, second(59));
            let change = self.state.take_event(event, None, arrival);
            !self.record.merge(&change).changed.is_empty()
        }

        fn others_change(&mut self, city: &str, at: u32) {
            let stamp = Stamp { rank: 0, at: second(at), origin: IntegrationId::new() };
            let mut change = Fields::default();
            change.set(FieldName::new("city"), FieldValue::text(city), stamp);
            self.record.merge(&change);
        }

        fn untold(&self) -> usize {
            self.state.untold(&self.record).len()
        }
    }

    #[test]
    fn what_the_backend_showed_itself_it_is_not_told() {
        let mut backend = Backend::new();
        assert!(backend.take(&shows("Arles", 1, &[])));
        assert_eq!(backend.untold(), 0);
        backend.others_change("Nîmes", 2);
        assert_eq!(backend.untold(), 1);
        backend.state.tell(city("Nîmes"), second(3));
        assert_eq!(backend.untold(), 0);
    }

    #[test]
    fn an_echo_of_what_it_was_told_is_no_change_whatever_it_says() {
        for changed in [&[][..], &["city"]] {
            let mut backend = Backend::new();
            backend.take(&shows("Arles", 1, &[]));
            backend.others_change("Nîmes", 2);
            backend.state.tell(city("Nîmes"), second(3));
            backend.others_change("Lyon", 4);
            assert!(!backend.take(&shows("Nîmes", 5, changed)), "{changed:?}");
            assert_eq!(backend.record.value("city"), Some(&FieldValue::text("Lyon")));
            assert_eq!(backend.untold(), 1);
        }
    }

    #[test]
    fn an_echo_that_comes_after_the_next_change_was_told_undoes_nothing() {
        let mut backend = Backend::new();
        backend.take(&shows("Arles", 1, &[]));
        backend.others_change("Nîmes", 2);
        backend.state.tell(city("Nîmes"), second(5));
        backend.others_change("Lyon", 3);
        backend.state.tell(city("Lyon"), second(7));
        assert!(!backend.take(&shows("Nîmes", 5, &[])));
        assert_eq!(backend.untold(), 0);
        assert!(!backend.take(&shows("Lyon", 7, &[])));
        assert_eq!((backend.untold(), backend.state.sent.len()), (0, 0));
    }

    #[test]
    fn what_was_under_way_when_it_was_told_is_no_change_back() {
        let mut backend = Backend::new();
        backend.take(&shows("Arles", 1, &[]));
        backend.others_change("Nîmes", 2);
        backend.state.tell(city("Nîmes"), second(5));
        assert!(!backend.take(&shows("Arles", 4, &[])), "shown before it was told");
        assert_eq!(backend.untold(), 0);
        assert!(backend.take(&shows("Arles", 6, &[])), "shown after it was told");
        assert_eq!(backend.untold(), 0);
    }

    #[test]
    fn what_it_shows_otherwise_than_it_was_told_became_so_after_that_whichever_event_changed_it() {
        for is_shown_before in [false, true] {
            let mut backend = Backend::new();
            if is_shown_before {
                backend.take(&shows("Arles", 1, &[]));
            }
            backend.others_change("Nîmes", 2);
            backend.state.tell(city("Nîmes"), second(5));
            assert!(backend.take(&shows("Lyon", 11, &["phone"])), "shown before: {is_shown_before}");
            assert_eq!(backend.untold(), 0);
            let became_so = |backend: &Backend| backend.record.get("city").unwrap().stamp.at;
            assert_eq!(became_so(&backend), second(5).next());
            // The event that changed it comes late.
            assert!(!backend.take(&shows("Lyon", 10, &["city"])));
            assert_eq!((became_so(&backend), backend.untold()), (second(10), 0));
        }
        // What was under way when it was told did not.
        let mut backend = Backend::new();
        backend.others_change("Nîmes", 2);
        backend.state.tell(city("Nîmes"), second(5));
        assert!(!backend.take(&shows("Lyon", 4, &["phone"])));
        assert_eq!(backend.untold(), 0);
    }

    #[test]
    fn that_a_record_is_deleted_is_told_to_a_backend_that_does_not_know() {
        let mut backend = Backend::new();
        let event = |name: &str, at: u32| {
            let event = json!({"event_id": "e", "type": name, "subject_id": "p",
                "occurred_at": second(at).to_string(), "data": {}});
            event::parse(&event, "").unwrap()
        };
        backend.take(&event("prospect.created", 1));
        assert_eq!(backend.untold(), 0);
        let stamp = Stamp { rank: 0, at: second(2), origin: IntegrationId::new() };
        backend.record.set(FieldName::new(FieldName::DELETED), FieldValue::Bool(true), stamp);
        assert_eq!(backend.untold(), 1);
        backend.take(&event("prospect.deleted", 3));
        assert_eq!(backend.untold(), 0);
    }
}
