//! What travels beside a payload: id, trace, attempt, when it is due. As properties and headers of AMQP.

use std::str::FromStr;
use std::time::Duration;

use domain::id::MessageId;
use domain::time::Timestamp;
use domain::trace::TraceParent;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};

use crate::topology::Tier;

pub(crate) const TRACEPARENT: &str = "traceparent";
pub(crate) const ATTEMPT: &str = "attempt";
pub(crate) const NOT_BEFORE: &str = "not_before";
pub(crate) const REST: &str = "rest_ms";
pub(crate) const REASON: &str = "reason";
const PERSISTENT: u8 = 2;
/// Characters of a reason at most: what cannot be decoded is quoted in it, and headers have to fit into one frame.
const REASON_LENGTH: usize = 2_000;

/// What travels beside a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Its id, the same in every attempt.
    pub message_id: MessageId,
    /// The trace that it continues.
    pub trace: TraceParent,
    /// Which attempt this is; 1 is the first.
    pub attempt: u32,
    /// The time before which it is not to be handled, by the clock of whoever put it off.
    pub not_before: Option<Timestamp>,
    /// What is left of its wait when the broker gives it back, in whole milliseconds; whatever the clocks say, it waits no longer.
    pub rest: Option<Duration>,
}

impl Context {
    /// A new message that begins a trace.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "every call makes another id")]
    pub fn new() -> Self {
        Self::continuing(TraceParent::generate())
    }

    /// A new message within `trace`.
    #[must_use]
    pub fn continuing(trace: TraceParent) -> Self {
        Self { message_id: MessageId::new(), trace, attempt: 1, not_before: None, rest: None }
    }

    /// The same message, due after `wait`; as another attempt where the last one `counts`.
    #[must_use]
    pub(crate) fn due_after(self, wait: Duration, counts: bool) -> Self {
        let attempt = if counts { self.attempt.saturating_add(1) } else { self.attempt };
        Self { attempt, not_before: Some(Timestamp::now().plus(wait)), ..self }
    }

    /// The same message, to wait for so long, at first in this tier.
    #[must_use]
    pub(crate) fn waiting_in(self, tier: Tier, wait: Duration) -> Self {
        Self { rest: Some(wait.saturating_sub(tier.wait)), ..self }
    }

    /// How long it is until it is due; `None` when it is.
    pub(crate) fn until_due(&self) -> Option<Duration> {
        let by_the_clock = Timestamp::now().until(self.not_before?);
        Some(self.rest.map_or(by_the_clock, |rest| rest.min(by_the_clock))).filter(|rest| !rest.is_zero())
    }

    /// The AMQP properties of a persistent message of this type.
    pub(crate) fn to_properties(self, message_type: &str) -> BasicProperties {
        let mut headers = FieldTable::default();
        headers.insert(TRACEPARENT.into(), AMQPValue::LongString(self.trace.to_string().into()));
        headers.insert(ATTEMPT.into(), AMQPValue::LongUInt(self.attempt));
        if let Some(not_before) = self.not_before {
            headers.insert(NOT_BEFORE.into(), AMQPValue::LongString(not_before.to_string().into()));
        }
        if let Some(rest) = self.rest {
            let millis = u32::try_from(rest.as_micros().div_ceil(1_000)).unwrap_or(u32::MAX);
            headers.insert(REST.into(), AMQPValue::LongUInt(millis));
        }
        BasicProperties::default()
            .with_message_id(self.message_id.to_string().into())
            .with_type(message_type.into())
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT)
            .with_headers(headers)
    }

    /// What a message carries. What is missing or not readable is what a new message would have: such a message was sent by
    /// hand or by another service.
    pub(crate) fn of(properties: &BasicProperties) -> Self {
        let text = |name| properties.headers().as_ref().and_then(|headers| header(headers, name));
        Self {
            message_id: properties.message_id().as_ref().and_then(parse).unwrap_or_else(MessageId::new),
            trace: text(TRACEPARENT).and_then(|text| text.parse().ok()).unwrap_or_else(TraceParent::generate),
            attempt: text(ATTEMPT).and_then(|text| text.parse().ok()).unwrap_or(1),
            not_before: text(NOT_BEFORE).and_then(|text| Timestamp::parse(&text)),
            rest: text(REST).and_then(|text| text.parse().ok()).map(Duration::from_millis),
        }
    }
}

/// Properties of a dead letter: those it had, with the beginning of the reason beside them.
pub(crate) fn with_reason(properties: BasicProperties, reason: &str) -> BasicProperties {
    let mut headers = properties.headers().clone().unwrap_or_default();
    let reason: String = reason.chars().take(REASON_LENGTH).collect();
    headers.insert(REASON.into(), AMQPValue::LongString(reason.into()));
    properties.with_delivery_mode(PERSISTENT).with_headers(headers)
}

fn parse<T: FromStr>(text: &ShortString) -> Option<T> {
    text.as_str().parse().ok()
}

fn header(headers: &FieldTable, name: &str) -> Option<String> {
    let value = headers.inner().get(name)?;
    if let AMQPValue::LongString(text) = value {
        Some(text.to_string())
    } else if let AMQPValue::LongUInt(number) = value {
        Some(number.to_string())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for (not_before, rest) in [(None, None), (Some(Timestamp::now()), Some(Duration::from_millis(1_500)))] {
            let context = Context { attempt: 3, not_before, rest, ..Context::new() };
            assert_eq!(Context::of(&context.to_properties("x.v1")), context);
        }
    }

    #[test]
    fn a_clock_that_was_an_hour_ahead_or_is_an_hour_behind_keeps_no_message_for_longer_than_it_was_to_wait() {
        let (wait, tier) = (Duration::from_secs(7), Tier { wait: Duration::from_secs(5), is_intake: false });
        let parked = Context::new().due_after(wait, false).waiting_in(tier, wait);
        let stamped_ahead =
            Context { not_before: parked.not_before.map(|at| at.plus(Duration::from_hours(1))), ..parked };
        assert_eq!(stamped_ahead.until_due(), Some(Duration::from_secs(2)));
        // The smallest tier is longer than what is left.
        assert_eq!(stamped_ahead.waiting_in(tier, Duration::from_secs(2)).until_due(), None);
        // Whoever put it off knows no rest, as the version before this one.
        let left = Context { rest: None, ..parked }.until_due().unwrap();
        assert!(left > Duration::from_secs(5) && left <= wait, "{left:?}");
        // It stood in its queue for longer than it was to wait.
        assert_eq!(Context { not_before: Some(Timestamp::now()), ..parked }.until_due(), None);
    }

    #[test]
    fn a_message_without_headers_is_a_first_attempt_that_is_due() {
        let context = Context::of(&BasicProperties::default());
        assert_eq!((context.attempt, context.not_before), (1, None));
    }
}
