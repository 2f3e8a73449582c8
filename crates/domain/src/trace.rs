//! The W3C trace context that one request carries from the edge to the log row. Exporting spans is `runtime`'s.

mod span;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A `traceparent`: the id of a trace and of the span that is the parent of what follows.
///
/// Source: W3C Trace Context, level 1, section 3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceParent {
    trace_id: u128,
    span_id: u64,
}

impl TraceParent {
    /// A new trace.
    #[must_use]
    pub fn generate() -> Self {
        // Both ids must not be zero; a UUID is not, for its version. Whoever sends a share of all traces goes by the lower half, whose
        // first bits have to be random (W3C Trace Context, level 2, "Randomness of trace-id"): of a UUID's, they say what sort it is of.
        let id = Uuid::new_v4().as_u128().rotate_left(64);
        Self { trace_id: id, span_id: u64::try_from(id & u128::from(u64::MAX)).unwrap_or(1) }
    }

    /// The trace's id as 32 hexadecimal digits: the correlation id that users see.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace_id, self.span_id)
    }
}

/// The text is not a `traceparent`.
#[derive(Debug, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct InvalidTraceParent;

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let (version, trace, span) = (parts.next(), parts.next(), parts.next());
        let is_hex = |part: &&str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
        let (trace, span) = (trace.filter(|part| is_hex(part, 32)), span.filter(|part| is_hex(part, 16)));
        let (Some("00"), Some(trace), Some(span)) = (version, trace, span) else {
            return Err(InvalidTraceParent);
        };
        let trace_id = u128::from_str_radix(trace, 16).map_err(|_not_hex| InvalidTraceParent)?;
        let span_id = u64::from_str_radix(span, 16).map_err(|_not_hex| InvalidTraceParent)?;
        if trace_id == 0 || span_id == 0 { Err(InvalidTraceParent) } else { Ok(Self { trace_id, span_id }) }
    }
}

impl TryFrom<String> for TraceParent {
    type Error = InvalidTraceParent;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TraceParent> for String {
    fn from(trace: TraceParent) -> Self {
        trace.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let trace = TraceParent::generate();
        assert_eq!(trace.to_string().parse::<TraceParent>().unwrap(), trace);
    }

    #[test]
    fn refuses_what_is_none() {
        for text in ["", "00", "01-a-b-01", "00-00000000000000000000000000000000-0000000000000001-01", "00-é-é-01"] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_trace_or_none_and_what_is_one_is_written_as_it_came(
            text in ".{0,80}", near in "0[0-1]-[0-9a-fA-F+é]{30,33}-[0-9a-f]{15,17}(-[0-9a-f]{2})?",
        ) {
            for text in [text, near] {
                if let Ok(trace) = text.parse::<TraceParent>() {
                    let (written, came) = (trace.to_string(), text.to_lowercase());
                    prop_assert_eq!(written.get(..52), came.get(..52));
                    prop_assert_eq!(written.parse::<TraceParent>().ok(), Some(trace));
                }
            }
        }
    }
}
