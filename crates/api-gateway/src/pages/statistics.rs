//! The figures of a time as a page shows them: numbers, charts, and beside each chart the table that says the same. Reading
//! them is `stats`'s.

use domain::kind::RecordKind;
use domain::time::Timestamp;
use persistence::stats::{Part, Percentiles, Stats, TopError};
use serde::Deserialize;

use super::catalogue;
use super::charts::{self, Size};
use super::frame::Frame;
use super::reader::Plain;
use super::text::{Message, statistics as m};
use crate::stats::Period;

const CHART: Size = Size { width: 720, height: 120, gap: 3.0 };

/// Which time is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    period: String,
}

impl Wanted {
    /// The time; a day, where nothing known is asked for.
    pub(super) fn period(&self) -> Period {
        self.known().1
    }

    /// Its name in the address.
    pub(super) fn name(&self) -> &'static str {
        self.known().0
    }

    fn known(&self) -> (&'static str, Period) {
        PERIODS.into_iter().find(|(name, _)| *name == self.period).unwrap_or(("24h", Period::Day))
    }
}

const PERIODS: [(&str, Period); 3] = [("24h", Period::Day), ("7d", Period::Week), ("30d", Period::Month)];

/// A row of a table: what, how many succeeded, how many failed.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) success: i64,
    pub(super) failed: i64,
}

/// Figures, ready to be shown.
#[derive(Debug)]
pub(super) struct Figures {
    /// The times that can be chosen: address, name, whether it is shown.
    pub(super) periods: Vec<(String, String, bool)>,
    pub(super) attempts: i64,
    pub(super) failed: i64,
    pub(super) success_rate: Option<f64>,
    pub(super) first_rate: Option<f64>,
    pub(super) p50: Option<i64>,
    pub(super) p95: Option<i64>,
    pub(super) duration_chart: String,
    /// When something was tried, and how long half and 95 of 100 took at most, in milliseconds.
    pub(super) durations: Vec<(String, i64, i64)>,
    pub(super) chart: String,
    /// What stands below the chart: its beginning, its middle, its end.
    pub(super) marks: [String; 3],
    pub(super) rows: Vec<Row>,
    by_kind: Vec<Row>,
    by_direction: Vec<Row>,
    pub(super) errors: Vec<TopError>,
    pub(super) drift_chart: String,
    pub(super) drift: Vec<(String, i64, i64)>,
    pub(super) owed_now: i64,
}

impl Figures {
    /// The figures of a time. `path` is the page on which another can be chosen.
    pub(super) fn of(frame: &Frame, period: Period, stats: Stats, path: String) -> Self {
        let label = |at: Timestamp| match period {
            Period::Day => frame.hour(at),
            Period::Week | Period::Month => frame.day(at),
        };
        let values: Vec<_> = stats.buckets.iter().map(|bucket| (bucket.success, bucket.failed)).collect();
        let mark = |index: usize| stats.buckets.get(index).map(|bucket| label(bucket.at)).unwrap_or_default();
        let marks = [mark(0), mark(values.len() / 2), frame.say(m::NOW)];
        let rows = stats.buckets.iter().rev().map(|bucket| Row {
            name: label(bucket.at),
            success: bucket.success,
            failed: bucket.failed,
        });
        let rows = rows.collect();
        let took = |took: Percentiles| took.p50.zip(took.p95).map(|(half, most)| (i64::from(half), i64::from(most)));
        let durations = stats.buckets.iter().map(|bucket| took(bucket.duration_ms));
        let columns: Vec<_> = durations.map(|it| it.map_or((0, 0), |(half, most)| (half, most - half))).collect();
        let durations = stats.buckets.iter().rev();
        let durations = durations.filter_map(|bucket| {
            let (half, most) = took(bucket.duration_ms)?;
            Some((label(bucket.at), half, most))
        });
        Self {
            periods: periods(frame, period, &path),
            attempts: stats.attempts,
            failed: values.iter().map(|(_, failed)| failed).sum(),
            success_rate: stats.success_rate,
            first_rate: stats.first_attempt_success_rate,
            p50: stats.duration_ms.p50.map(i64::from),
            p95: stats.duration_ms.p95.map(i64::from),
            duration_chart: charts::columns(&columns, charts::DURATIONS, CHART),
            durations: durations.collect(),
            chart: charts::columns(&values, charts::OUTCOMES, CHART),
            marks,
            rows,
            by_kind: stats.by_kind.into_iter().map(|part| Row::named(frame, part)).collect(),
            by_direction: stats.by_direction.into_iter().map(|part| Row::named(frame, part)).collect(),
            errors: stats.top_errors,
            drift_chart: charts::line(&points(&stats.drift, stats.since, frame.now), CHART),
            owed_now: stats.drift.last().map_or(0, |point| point.owed),
            drift: thinned(&stats.drift).map(|point| (frame.exact(point.at), point.owed, point.blocked)).collect(),
        }
    }

    /// The same, split by what was moved and by the way it went; with each, how much the largest part is.
    pub(super) fn parts(&self) -> [(Message, &[Row], i64); 2] {
        let parts = [(m::BY_KIND, self.by_kind.as_slice()), (m::BY_DIRECTION, self.by_direction.as_slice())];
        parts.map(|(title, rows)| {
            let largest = rows.iter().map(|row| row.success + row.failed).max().unwrap_or(0);
            (title, rows, largest)
        })
    }

    /// So many of an error, beside the most frequent one.
    pub(super) fn error_bar(&self, count: impl Plain<i64>) -> String {
        charts::bar((0, count.plain()), self.errors.iter().map(|error| error.count).max().unwrap_or(0))
    }

    /// What 95 of 100 took at most when that was longest.
    pub(super) fn slowest(&self) -> i64 {
        self.durations.iter().map(|(_, _, most)| *most).max().unwrap_or(0)
    }

    /// The highest column, which is the height of the chart.
    pub(super) fn highest(&self) -> i64 {
        self.rows.iter().map(|row| row.success + row.failed).max().unwrap_or(0)
    }

    pub(super) fn highest_drift(&self) -> i64 {
        self.drift.iter().map(|(_, owed, _)| *owed).max().unwrap_or(0)
    }
}

fn periods(frame: &Frame, chosen: Period, path: &str) -> Vec<(String, String, bool)> {
    let names = [m::DAY, m::WEEK, m::MONTH];
    let all = PERIODS.into_iter().zip(names);
    all.map(|((name, period), title)| (format!("{path}?period={name}"), frame.say(title), period == chosen)).collect()
}

/// Where each point lies: the time from 0 to 1, and what was owed.
fn points(drift: &[persistence::stats::DriftPoint], since: Timestamp, now: Timestamp) -> Vec<(f64, i64)> {
    let whole = since.until(now).as_secs_f64().max(1.0);
    drift.iter().map(|point| (since.until(point.at).as_secs_f64() / whole, point.owed)).collect()
}

/// As many points as a table can bear, the newest first.
fn thinned(drift: &[persistence::stats::DriftPoint]) -> impl Iterator<Item = &persistence::stats::DriftPoint> {
    drift.iter().rev().step_by((drift.len() / 24).max(1))
}

impl Row {
    fn named(frame: &Frame, part: Part) -> Self {
        let known = match part.name.as_str() {
            "to_platform" => Some(m::TO_PLATFORM),
            "from_platform" => Some(m::FROM_PLATFORM),
            kind => kind.parse::<RecordKind>().ok().map(catalogue::kinds),
        };
        Self { name: known.map_or(part.name, |known| frame.say(known)), success: part.success, failed: part.failed }
    }

    /// The same as a bar, beside others of which the longest holds so many.
    pub(super) fn bar(&self, longest: impl Plain<i64>) -> String {
        charts::bar((self.success, self.failed), longest.plain())
    }

    /// The share of what succeeded.
    pub(super) fn rate(&self) -> f64 {
        charts::share(self.success, self.success + self.failed)
    }
}
