//! Where log lines and spans go and how they look. What is worth a line is decided where it happens.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde::{Deserialize, Deserializer};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
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
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(EnvFilter::new(&settings.filter.0)).with(spans);
    let started = match settings.format {
        LogFormat::Human => registry.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_current_span(true)).try_init(),
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

/// Sends spans in batches, from a thread of its own: a collector that is away costs spans and nothing else.
fn exporting(endpoint: &Url, share: f64, service: &'static str) -> Result<SdkTracerProvider, ExporterBuildError> {
    crypto::install();
    let url = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
    let exporter =
        SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_endpoint(url).build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        // By the trace's id, so that all services keep the same ones.
        .with_sampler(Sampler::TraceIdRatioBased(share))
        .with_resource(Resource::builder().with_service_name(service).build())
        .build())
}
