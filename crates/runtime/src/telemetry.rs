//! Where log lines go and how they look. What is worth a line is decided where it happens.

use std::io::IsTerminal;

use serde::{Deserialize, Deserializer};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The section `[telemetry]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// How a line looks.
    pub format: LogFormat,
    /// What is logged.
    pub filter: LogFilter,
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

/// Sends log lines to standard error from now on. A second call in the same process changes nothing.
pub fn start(settings: &TelemetrySettings, service: &'static str) {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(EnvFilter::new(&settings.filter.0));
    let started = match settings.format {
        LogFormat::Human => registry.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_current_span(true)).try_init(),
    };
    if started.is_ok() {
        // A panic is a line like any other, or a collector of JSON would not read it.
        std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a thread panicked")));
        tracing::info!(service, version = env!("CARGO_PKG_VERSION"), "starting");
    }
}
