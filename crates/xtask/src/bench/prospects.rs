//! Events about invented people, no two alike, as text: made while the clock runs, so made cheaply.

use chrono::{DateTime, SecondsFormat, Utc};

use super::connection;

/// Which measurement an event belongs to: people of different series have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    WarmUp,
    Idle,
    OneTenant,
    ManyTenants,
    Single,
    Batches,
    BackFill,
    Thousands,
    Slowly,
}

/// Makes the requests of one series.
#[derive(Clone, Debug)]
pub(super) struct Prospects {
    series: Series,
    authorization: String,
    occurred_at: String,
}

impl Series {
    fn digit(self) -> u8 {
        match self {
            Self::WarmUp => 1,
            Self::Idle => 2,
            Self::OneTenant => 3,
            Self::ManyTenants => 4,
            Self::Single => 5,
            Self::Batches => 6,
            Self::BackFill => 7,
            Self::Thousands => 8,
            // With 9, no number of France would begin so.
            Self::Slowly => 0,
        }
    }
}

impl Prospects {
    pub(super) fn new(series: Series, token: &str, at: DateTime<Utc>) -> Self {
        let occurred_at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        Self { series, authorization: format!("Bearer {token}"), occurred_at }
    }

    /// The address by which the person of this number is known again in the CRM.
    pub(super) fn email(&self, number: u64) -> String {
        format!("bench-{}-{number}@example.fr", self.series.digit())
    }

    /// A request with the event about one person.
    pub(super) fn single(&self, number: u64) -> Vec<u8> {
        self.request(&self.event(number))
    }

    /// A request with events about `size` people, the first of this number.
    pub(super) fn batch(&self, first: u64, size: u64) -> Vec<u8> {
        let events: Vec<String> = (first..first.saturating_add(size)).map(|number| self.event(number)).collect();
        self.request(&format!("{{\"events\":[{}]}}", events.join(",")))
    }

    fn request(&self, body: &str) -> Vec<u8> {
        connection::post("/api/v1/events", &[("authorization", &self.authorization)], body.as_bytes())
    }

    fn event(&self, number: u64) -> String {
        let (series, email, at) = (self.series.digit(), self.email(number), &self.occurred_at);
        // Seven digits that stay different for ten million people of a series.
        let phone = number % 10_000_000;
        format!(
            "{{\"event_id\":\"bench-{series}-{number}\",\"type\":\"prospect.created\",\
             \"subject_id\":\"bench-{series}-{number}\",\"occurred_at\":\"{at}\",\"data\":{{\
             \"first_name\":\"Éloïse\",\"last_name\":\"Martin {number}\",\"email\":\"{email}\",\
             \"phone\":\"+336{series}{phone:07}\",\"city\":\"Nîmes\"}}}}"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn body(request: &[u8]) -> Value {
        let text = std::str::from_utf8(request).unwrap();
        serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    #[test]
    fn no_two_people_share_an_address_or_a_phone() {
        let mut seen = BTreeSet::new();
        for series in [Series::Single, Series::Batches] {
            let prospects = Prospects::new(series, "t", Utc::now());
            let batch = body(&prospects.batch(200, 100));
            for event in batch["events"].as_array().unwrap() {
                for field in ["/subject_id", "/event_id", "/data/email", "/data/phone"] {
                    assert!(seen.insert((field, event.pointer(field).unwrap().to_string())), "{event}");
                }
            }
        }
        assert_eq!(seen.len(), 800);
    }

    #[test]
    fn a_person_is_known_by_the_address_that_was_sent() {
        let prospects = Prospects::new(Series::Idle, "t", Utc::now());
        assert_eq!(body(&prospects.single(3))["data"]["email"], prospects.email(3));
    }
}
