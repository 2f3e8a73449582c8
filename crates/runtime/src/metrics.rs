//! The recorder behind the `metrics` facade, and its page. What is counted is decided where it happens.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of every histogram whose name ends in `_seconds`: from a fast answer to a slow platform.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Bounds of how old messages are when they are taken: from at once to a day.
const AGES: [f64; 12] = [0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0];

/// Bounds of how many there are of something in one batch.
const COUNTS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0];

/// How often samples are folded into their buckets, so that memory stays flat while nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// What renders the page `/metrics`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Option<PrometheusHandle>);

impl Metrics {
    /// The page in Prometheus' text form.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.as_ref().map(PrometheusHandle::render).unwrap_or_default()
    }
}

/// Starts recording, once a process; later calls return the same page.
pub fn install() -> Metrics {
    static INSTALLED: OnceLock<Metrics> = OnceLock::new();
    INSTALLED.get_or_init(|| Metrics(start())).clone()
}

fn start() -> Option<PrometheusHandle> {
    let bounds: [(Matcher, &[f64]); 4] = [
        (Matcher::Full("messaging_age_seconds".to_owned()), &AGES),
        (Matcher::Suffix("_seconds".to_owned()), &SECONDS),
        (Matcher::Suffix("_size".to_owned()), &COUNTS),
        (Matcher::Suffix("_rows".to_owned()), &COUNTS),
    ];
    let builder = bounds.into_iter().try_fold(PrometheusBuilder::new(), |builder, (matcher, bounds)| {
        builder.set_buckets_for_metric(matcher, bounds)
    });
    let installed = builder.and_then(PrometheusBuilder::install_recorder);
    let handle = installed.inspect_err(|error| tracing::error!(%error, "metrics are not recorded")).ok()?;
    let upkeep = handle.clone();
    // A thread, not a task: it must outlive the runtime that happened to call first.
    let spawned = std::thread::Builder::new().name("metrics-upkeep".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(UPKEEP);
            upkeep.run_upkeep();
        }
    });
    if let Err(error) = spawned {
        tracing::error!(%error, "metrics are folded only when scraped");
    }
    Some(handle)
}
