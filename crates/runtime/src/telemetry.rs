//! Where log lines and spans go and how they look. What is worth a line is decided where it happens.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde::{Deserialize, Deserializer};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};
use url::Url;

use crate::crypto;

/// The section `[telemetry]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// How a line looks.
    pub format: LogFormat,
    /// What is logged.
    pub filter: LogFilter,
    /// Where spans are sent; without it, nowhere.
    pub otlp_endpoint: Option<Url>,
    /// The share of traces that are sent, between 0 and 1.
    pub otlp_share: f64,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For eyes.
    Human,
    /// One JSON object a line.
    Json,
}

/// Directives for [`EnvFilter`] that are known to be valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl<'de> Deserialize<'de> for LogFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let directives = String::deserialize(deserializer)?;
        EnvFilter::try_new(&directives).map_err(serde::de::Error::custom)?;
        Ok(Self(directives))
    }
}

/// What is still to be sent is sent when this is dropped, at the end of a process.
#[derive(Debug)]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.as_ref().map(SdkTracerProvider::shutdown) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Sends log lines to standard error, and spans where they are wanted, from now on. A second call in the same process changes
/// nothing.
#[must_use = "what is still to be sent is sent when it is dropped"]
pub fn start(settings: &TelemetrySettings, service: &'static str) -> Telemetry {
    let provider = settings.otlp_endpoint.as_ref().map(|endpoint| exporting(endpoint, settings.otlp_share, service));
    let (provider, trouble) = match provider.transpose() {
        Ok(provider) => (provider, None),
        Err(error) => (None, Some(error)),
    };
    let spans =
        provider.as_ref().map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("coccinelle")));
    let registry = tracing_subscriber::registry().with(EnvFilter::new(&settings.filter.0)).with(spans);
    let started = match settings.format {
        LogFormat::Human => {
            let is_terminal = std::io::stderr().is_terminal();
            registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(is_terminal)).try_init()
        }
        LogFormat::Json => registry.with(objects(std::io::stderr)).try_init(),
    };
    if started.is_ok() {
        // A panic is a line like any other, or a collector of JSON would not read it.
        std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a thread panicked")));
        tracing::info!(service, version = env!("CARGO_PKG_VERSION"), "starting");
    }
    if let Some(error) = trouble {
        tracing::error!(%error, "spans are not exported");
    }
    Telemetry(provider)
}

/// Lines as one JSON object each, in which the fields have the names by which they are told.
fn objects<S, W>(writer: W) -> fmt::Layer<S, JsonFields, Format<Json>, W>
where
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    fmt::layer().with_writer(writer).json().flatten_event(true).with_current_span(true)
}

/// Sends spans in batches, from a thread of its own: a collector that is away costs spans and nothing else.
fn exporting(endpoint: &Url, share: f64, service: &'static str) -> Result<SdkTracerProvider, ExporterBuildError> {
    crypto::install();
    let url = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
    let exporter =
        SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_endpoint(url).build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler(share))
        .with_resource(Resource::builder().with_service_name(service).build())
        .build())
}

/// By the trace's id, so that all services keep the same ones.
fn sampler(share: f64) -> Sampler {
    Sampler::TraceIdRatioBased(share)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::iter::repeat_with;
    use std::sync::{Arc, Mutex};

    use domain::trace::TraceParent;
    use opentelemetry::trace::{SpanKind, TraceId};
    use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample as _};
    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_for_a_collector_is_one_object_whose_fields_have_their_dotted_names() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::registry().with(objects(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", trace.id = "0af7651916cd43dd8448eb211c80319c");
            span.in_scope(|| {
                tracing::error!(message.id = "msg_1", reason = "two\n\"lines\"", "a row cannot be written")
            });
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [line] = lines.as_slice() else { panic!("one line: {text}") };
        let told = json!({
            "level": line["level"], "message": line["message"], "message.id": line["message.id"],
            "reason": line["reason"], "trace.id": line["span"]["trace.id"],
        });
        let expected = json!({
            "level": "ERROR", "message": "a row cannot be written", "message.id": "msg_1", "reason": "two\n\"lines\"",
            "trace.id": "0af7651916cd43dd8448eb211c80319c",
        });
        assert_eq!(told, expected, "{text}");
    }

    #[test]
    fn as_many_traces_are_sent_as_the_share_says() {
        let sampler = sampler(0.25);
        let is_sent = |trace: &TraceParent| {
            let id = TraceId::from_hex(&trace.trace_id()).unwrap();
            let result = sampler.should_sample(None, id, "a span", &SpanKind::Internal, &[], &[]);
            result.decision == SamplingDecision::RecordAndSample
        };
        let sent = repeat_with(TraceParent::generate).take(4_000).filter(is_sent).count();
        // A thousand, give or take seven times what chance makes of it.
        assert!((800..1_200).contains(&sent), "{sent} of 4,000");
    }
}
