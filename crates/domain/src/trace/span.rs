//! A trace and the spans that are exported of it. Who exports them, and where to, is `runtime`'s.

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::TraceParent;

impl TraceParent {
    /// Makes `span` a part of this trace; returns the trace as it goes on below the span. Where spans are not exported, that is
    /// this one.
    #[must_use]
    pub fn continued_in(self, span: &Span) -> Self {
        let (trace_id, span_id) = (TraceId::from(self.trace_id), SpanId::from(self.span_id));
        let remote = SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, true, TraceState::default());
        // Without an exporter there is nobody to tell.
        drop(span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote)));
        Self::below(span).unwrap_or(self)
    }

    /// The trace as it goes on below a span; `None` where spans are not exported.
    #[must_use]
    pub fn below(span: &Span) -> Option<Self> {
        let context = span.context();
        let context = context.span().span_context().clone();
        let trace_id = u128::from_be_bytes(context.trace_id().to_bytes());
        let span_id = u64::from_be_bytes(context.span_id().to_bytes());
        (trace_id != 0 && span_id != 0).then_some(Self { trace_id, span_id })
    }
}
