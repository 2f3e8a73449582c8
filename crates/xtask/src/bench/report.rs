//! The figures: what each means, their ratio to the lower of the two limits, and how they are shown. Nothing is measured here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::flow::{Arrived, BATCH};
use super::load::{CONNECTIONS, Load};
use super::usage::{Cores, Memory};

/// Everything that one run found out.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Seconds for each measurement under load.
    pub(super) seconds_each: u64,
    /// Processors of this machine, shared by the services, PostgreSQL, RabbitMQ and the load generator.
    pub(super) processors: usize,
    pub(super) connections: u32,
    pub(super) limits: Limits,
    pub(super) events_single: Rate,
    pub(super) events_in_batches: Rate,
    pub(super) webhook_deliveries: Rate,
    pub(super) end_to_end: Vec<EndToEnd>,
    pub(super) accept_to_platform: Idle,
    pub(super) memory: BTreeMap<&'static str, Memory>,
}

/// What no service can be faster than, measured in the same run.
#[derive(Debug, Serialize)]
pub(super) struct Limits {
    /// Confirmed publishes to a quorum queue, as many outstanding as there are connections.
    pub(super) raw_publish: Rate,
    /// The same with 256 outstanding, where the broker is at its best.
    pub(super) raw_publish_at_best: Rate,
    /// Signed deliveries that are checked and not kept.
    pub(super) bare_handler: Rate,
    /// The lower of the first and the last.
    pub(super) lower_per_second: f64,
}

/// Things done under load.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Rate {
    pub(super) per_second: f64,
    /// Of one request, in which several things may be done.
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// Requests that were not answered as they should be; they do not count above.
    #[serde(default)]
    pub(super) refused: u64,
    /// As a share of the lower limit.
    #[serde(skip_serializing_if = "Option::is_none", skip_deserializing)]
    pub(super) of_limit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", skip_deserializing)]
    pub(super) cores: Option<Cores>,
}

/// Events from acceptance to a contact in the CRM.
#[derive(Debug, Serialize)]
pub(super) struct EndToEnd {
    /// Each has an account of its own, with the request budget that its platform grants.
    pub(super) tenants: usize,
    pub(super) events: u64,
    pub(super) in_crm: u64,
    pub(super) duplicates: u64,
    /// From the first event sent to the last one accepted.
    pub(super) seconds_to_accept: f64,
    /// From the first event sent to the last contact created.
    pub(super) seconds: f64,
    pub(super) per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) of_limit: Option<f64>,
    /// The service is the dispatcher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cores: Option<Cores>,
}

/// One event at a time.
#[derive(Debug, Serialize)]
pub(super) struct Idle {
    pub(super) samples: u64,
    /// From the request to its 202.
    pub(super) accept_p50_ms: f64,
    /// From the 202 to the write in the CRM.
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Rate {
    /// `each` things are done by one request.
    pub(super) fn of(load: &Load, each: u64, cores: Cores) -> Self {
        let per_second = float(load.answered.saturating_mul(each)) / load.elapsed.as_secs_f64();
        let (p50_ms, p99_ms) = (load.waits.millis(50.0), load.waits.millis(99.0));
        Self { per_second, p50_ms, p99_ms, refused: load.refused, of_limit: None, cores: Some(cores) }
    }
}

impl Limits {
    /// Of what the broker alone did, the middle counts.
    pub(super) fn new(mut raw: [Rate; 3], raw_publish_at_best: Rate, bare_handler: Rate) -> Self {
        raw.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
        let [_, raw_publish, _] = raw;
        let lower_per_second = raw_publish.per_second.min(bare_handler.per_second);
        Self { raw_publish, raw_publish_at_best, bare_handler, lower_per_second }
    }
}

impl EndToEnd {
    pub(super) fn new(
        tenants: usize,
        events: u64,
        arrived: &Arrived,
        accepted: std::time::Duration,
        took: std::time::Duration,
    ) -> Self {
        let (in_crm, seconds) = (arrived.people(), took.as_secs_f64());
        Self {
            tenants,
            events,
            in_crm,
            duplicates: arrived.duplicates(),
            seconds_to_accept: accepted.as_secs_f64(),
            seconds,
            per_second: float(in_crm) / seconds.max(0.001),
            of_limit: None,
            cores: None,
        }
    }
}

impl Report {
    /// Sets every rate in relation to the lower limit.
    pub(super) fn relate(mut self) -> Self {
        let limit = self.limits.lower_per_second;
        let share = |per_second: f64| (limit > 0.0).then(|| per_second / limit);
        for rate in [&mut self.events_single, &mut self.events_in_batches, &mut self.webhook_deliveries] {
            rate.of_limit = share(rate.per_second);
        }
        for flow in &mut self.end_to_end {
            flow.of_limit = share(flow.per_second);
        }
        self
    }

    /// The figures as a table for people.
    pub(super) fn table(&self) -> String {
        let mut rows = Rows::default();
        rows.heading("The limits, measured in this run");
        rows.rate(&format!("RabbitMQ alone, {CONNECTIONS} confirms outstanding"), &self.limits.raw_publish);
        rows.rate("RabbitMQ alone, 256 confirms outstanding", &self.limits.raw_publish_at_best);
        rows.rate("actix-web alone, signature checked", &self.limits.bare_handler);
        rows.heading(&format!("Under load, {CONNECTIONS} connections, {} s each", self.seconds_each));
        rows.rate("events accepted, one a request", &self.events_single);
        rows.rate(&format!("events accepted, {BATCH} a request"), &self.events_in_batches);
        rows.rate("webhook deliveries verified and published", &self.webhook_deliveries);
        rows.heading("From acceptance to the contact in the CRM");
        for flow in &self.end_to_end {
            rows.flow(flow);
        }
        rows.idle(&self.accept_to_platform);
        rows.line("\nMemory");
        for (name, memory) in &self.memory {
            rows.memory(name, *memory);
        }
        rows.0.push_str(&self.note());
        rows.0
    }

    fn note(&self) -> String {
        format!(
            "\n\"of limit\": the share of {} a second, the lower of RabbitMQ with {CONNECTIONS} outstanding and actix-web \
             alone.\nCores are service / load generator / whole machine. Everything, the load generator too, shares the \
             {} processors\nof this machine: compare figures of one run, not of two machines.",
            grouped(self.limits.lower_per_second),
            self.processors,
        )
    }
}

#[derive(Default)]
struct Rows(String);

impl Rows {
    fn heading(&mut self, title: &str) {
        self.line(&format!(
            "\n{title:<46}{:>12}{:>10}{:>10}{:>10}   cores",
            "per second", "p50 ms", "p99 ms", "of limit"
        ));
    }

    fn rate(&mut self, name: &str, rate: &Rate) {
        let cores = cores(rate.cores);
        let refused = if rate.refused == 0 { String::new() } else { format!("   {} refused!", rate.refused) };
        let (p50, p99, share) = (millis(rate.p50_ms), millis(rate.p99_ms), share(rate.of_limit));
        let per_second = grouped(rate.per_second);
        self.line(&format!("  {name:<44}{per_second:>12}{p50:>10}{p99:>10}{share:>10}{cores}{refused}"));
    }

    fn flow(&mut self, flow: &EndToEnd) {
        let EndToEnd { tenants, events, in_crm, duplicates, seconds, .. } = flow;
        let name = format!(
            "{events} events of {}",
            if *tenants == 1 { "1 tenant".into() } else { format!("{tenants} tenants") }
        );
        let (per_second, share) = (grouped(flow.per_second), share(flow.of_limit));
        let complete = if in_crm == events { String::new() } else { format!(", only {in_crm} arrived!") };
        let twice = if *duplicates == 0 { String::new() } else { format!(", {duplicates} duplicates!") };
        let cores = cores(flow.cores);
        self.line(&format!(
            "  {name:<44}{per_second:>12}{:>20}{share:>10}{cores}   in {seconds:.1} s{complete}{twice}",
            ""
        ));
    }

    fn idle(&mut self, idle: &Idle) {
        let Idle { samples, accept_p50_ms, p50_ms, p99_ms } = idle;
        let name = format!("one event at a time, {samples} of them");
        let (p50, p99, accept) = (millis(*p50_ms), millis(*p99_ms), millis(*accept_p50_ms));
        self.line(&format!("  {name:<44}{:>12}{p50:>10}{p99:>10}{:>10}   after a 202 that took {accept} ms", "", ""));
    }

    fn memory(&mut self, name: &str, memory: Memory) {
        let Memory { resident_mib, peak_mib } = memory;
        self.line(&format!("  {name:<44}{resident_mib:>8.1} MiB, at most {peak_mib:.1} MiB"));
    }

    fn line(&mut self, text: &str) {
        // Writing into a string does not fail.
        writeln!(self.0, "{}", text.trim_end()).ok();
    }
}

fn cores(cores: Option<Cores>) -> String {
    let shown = |Cores { service, generator, machine }| format!("   {service:.1} / {generator:.1} / {machine:.1}");
    cores.map_or_else(String::new, shown)
}

/// A count as a number for arithmetic; no run gets near the limit of 32 bits.
pub(super) fn float(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

fn millis(value: f64) -> String {
    format!("{value:.1}")
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(String::new, |share| format!("{share:.2}"))
}

/// A whole number with its thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let from_end = digits.chars().rev().enumerate();
    let backwards: String = from_end
        .flat_map(|(place, digit)| (place > 0 && place % 3 == 0).then_some(',').into_iter().chain([digit]))
        .collect();
    backwards.chars().rev().collect()
}

#[cfg(test)]
mod tests;
