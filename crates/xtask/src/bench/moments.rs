//! What was going on while the slowest events waited: each step that the dispatcher took with them, and what PostgreSQL says it was at.
//! When an event was slow is `slowest`'s to know.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDateTime, Utc};

use super::flow::Sample;
use super::measure::INTAKE;
use super::parts::Figures;
use super::slowest::slowest;
use crate::session::{Service, Session, Tenant};

/// Each step is a line only where it is asked for.
const FILTER: &str = "info,actix_server=warn,lapin=off,domain::step=trace,sync_dispatcher=trace";
/// Has PostgreSQL say what takes it long, and what it does of its own accord. Values of parameters are nobody's business.
const TALKATIVE: [&str; 6] = [
    "ALTER SYSTEM SET log_timezone = 'UTC'",
    "ALTER SYSTEM SET log_min_duration_statement = '10ms'",
    "ALTER SYSTEM SET log_parameter_max_length = 0",
    "ALTER SYSTEM SET log_autovacuum_min_duration = 0",
    "ALTER SYSTEM SET log_checkpoints = on",
    "SELECT pg_reload_conf()",
];
/// A part of PostgreSQL that not everybody has installed.
const PLANNING: &str = "LOAD 'auto_explain'";
/// Has it say as well by which plan, to whoever connects from then on.
const TALKATIVE_OF_PLANS: [&str; 2] = [
    "ALTER ROLE coccinelle_worker SET session_preload_libraries = 'auto_explain'",
    "ALTER ROLE coccinelle_worker SET auto_explain.log_min_duration = '10ms'",
];
/// How what PostgreSQL does of its own accord begins.
const OF_ITS_OWN: [&str; 2] = ["checkpoint ", "automatic "];
/// What is told of that with which a line of PostgreSQL's goes on: of a plan what it reads and whether it sorts, of a vacuum how long
/// it took.
const TOLD_MORE: [&str; 4] = ["Query Text: ", " Scan ", "Sort  (", "elapsed: "];
/// Letters of a line of PostgreSQL's that are told.
const TOLD: usize = 200;

/// When something is measured.
type Span = RangeInclusive<DateTime<Utc>>;

/// A line of a log, and when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    at: DateTime<Utc>,
    text: String,
}

/// Has the dispatcher, which begins anew, say each step that it takes, and PostgreSQL what takes it long.
///
/// # Errors
/// Fails when either does not take it.
pub(super) async fn listen(session: &mut Session) -> anyhow::Result<()> {
    let postgres = &session.services.as_ref().context("PostgreSQL is not started")?.postgres;
    let plans: &[&str] = if postgres.query(PLANNING).await.is_ok() { &TALKATIVE_OF_PLANS } else { &[] };
    for sql in TALKATIVE.iter().chain(plans) {
        postgres.query(sql).await?;
    }
    session.restart(Service::SyncDispatcher, &[("COCCINELLE__TELEMETRY__FILTER", FILTER.to_owned())]).await
}

/// Tells of a tenant's events, sent one at a time, what PostgreSQL did of its own accord meanwhile, in seconds from the first on.
///
/// Of the slowest it tells all that was said while each waited, in milliseconds from its 202 on.
///
/// # Errors
/// Fails when a log cannot be read.
pub(super) fn tell(
    figures: &mut Figures,
    session: &Session,
    tenant: &Tenant,
    (name, samples): (&str, &[Sample]),
) -> anyhow::Result<()> {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Ok(()) };
    let measured = first.accepted_at..=last.created.at;
    let lines = said(session, tenant, &measured)?;
    for line in lines.iter().filter(|line| OF_ITS_OWN.into_iter().any(|begins| line.text.starts_with(begins))) {
        let seconds = (line.at - first.accepted_at).as_seconds_f64();
        figures.add(format!("{name}, PostgreSQL: {}", line.text), seconds, "s");
    }
    for sample in slowest(samples) {
        let seconds = (sample.accepted_at - first.accepted_at).as_seconds_f64();
        figures.add(format!("{name}, what was said of the event at {seconds:.1} s"), millis(sample.took()), "ms");
        let waited = sample.accepted_at..=sample.created.at;
        for line in lines.iter().filter(|line| waited.contains(&line.at)) {
            let since = (line.at - sample.accepted_at).to_std().unwrap_or_default();
            figures.add(format!("    {}", line.text), millis(since), "ms");
        }
    }
    Ok(())
}

fn millis(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// What the dispatcher said of a tenant and PostgreSQL of itself, in the order of its times.
fn said(session: &Session, tenant: &Tenant, measured: &Span) -> anyhow::Result<Vec<Line>> {
    let dispatcher = session.home().path("logs").join(format!("{}.log", Service::SyncDispatcher.name()));
    // Merging tells of no tenant; but events of nobody else come meanwhile.
    let is_its = |text: &str| text.contains(&tenant.integration) || text.contains(INTAKE);
    let mut lines = read(&dispatcher, measured, |text| is_its(text).then(|| step(text)).flatten())?;
    let services = session.services.as_ref().context("PostgreSQL is not started")?;
    if let Some(log) = services.postgres.log() {
        lines.extend(read(&log, measured, statement)?);
    }
    lines.sort_by_key(|line| line.at);
    Ok(lines)
}

/// What is wanted of the lines of a log that were written while something was measured, each with what is told of how it goes on.
fn read(log: &Path, measured: &Span, wanted: impl Fn(&str) -> Option<String>) -> anyhow::Result<Vec<Line>> {
    let file = File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
    let (mut lines, mut goes_on) = (Vec::<Line>::new(), false);
    for bytes in BufReader::new(file).split(b'\n') {
        let bytes = bytes?;
        let text = String::from_utf8_lossy(&bytes);
        if let Some(more) = text.strip_prefix('\t') {
            let is_told = goes_on && TOLD_MORE.into_iter().any(|told| more.contains(told));
            if let Some(line) = lines.last_mut().filter(|_| is_told) {
                let (more, _costs) = more.split_once("  (").unwrap_or((more, ""));
                line.text = format!("{}; {}", line.text, as_far_as_it_fits(more.trim()));
            }
            continue;
        }
        let line = dated(&text).filter(|(at, _)| measured.contains(at));
        let line = line.and_then(|(at, rest)| Some(Line { at, text: wanted(rest)? }));
        goes_on = line.is_some();
        lines.extend(line);
    }
    Ok(lines)
}

/// When a line was written, and the rest of it: as our services write it, or as PostgreSQL does.
fn dated(line: &str) -> Option<(DateTime<Utc>, &str)> {
    let (day, rest) = line.split_once(' ')?;
    if let Ok(at) = DateTime::parse_from_rfc3339(day) {
        return Some((at.to_utc(), rest));
    }
    let (time, rest) = rest.split_once(" UTC ")?;
    let at = NaiveDateTime::parse_from_str(&format!("{day} {time}"), "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some((at.and_utc(), rest))
}

/// What the dispatcher has come to, without what it belongs to and who says so.
fn step(text: &str) -> Option<String> {
    let (_, said) = text.rsplit_once(": ")?;
    Some(said.strip_prefix("reached step=").unwrap_or(said).to_owned())
}

/// What PostgreSQL says.
fn statement(text: &str) -> Option<String> {
    let (_, said) = text.split_once("LOG:  ")?;
    Some(as_far_as_it_fits(said))
}

fn as_far_as_it_fits(text: &str) -> String {
    text.chars().take(TOLD).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_while_something_was_measured_is_read_from_both_sorts_of_logs() {
        let dispatcher = "\
2026-11-28T21:00:00.999999Z TRACE converge{integration.id=int_1 rows=1}: domain::step: reached step=link.leased
2026-11-28T21:00:01.250000Z TRACE converge{integration.id=int_1 rows=1}: sync_dispatcher::turns: a turn begins
2026-11-28T21:00:01.500000Z TRACE converge{integration.id=int_2 rows=1}: domain::step: reached step=read.before
2026-11-28T21:00:01.750000Z TRACE converge{integration.id=int_1 rows=1}: domain::step: reached step=read.before
";
        let is_its = |text: &str| text.contains("int_1").then(|| step(text)).flatten();
        let found = read_from("dispatcher", dispatcher, is_its);
        assert_eq!(found, [("a turn begins".to_owned(), 250), ("read.before".to_owned(), 750)]);

        let postgres = "\
2026-11-28 21:00:01.100 UTC [7] LOG:  duration: 12.345 ms  execute s3: UPDATE record_links AS link
\t         SET announced_at = now()
2026-11-28 21:00:01.200 UTC [8] LOG:  automatic vacuum of table \"coccinelle.public.records\": index scans: 1
\tpages: 0 removed, 10 remain
\tsystem usage: CPU: user: 0.10 s, elapsed: 3.45 s
2026-11-28 21:00:01.300 UTC [9] ERROR:  canceling statement due to user request
\tsystem usage: elapsed: 1.00 s
2026-11-28 21:00:01.400 UTC [7] LOG:  duration: 80.000 ms  plan:
\tQuery Text: UPDATE record_links AS link
\tUpdate on record_links link  (cost=8.45..16.49 rows=0 width=0)
\t  ->  Sort  (cost=8.45..8.45 rows=1 width=46)
\t        ->  Index Scan using record_links_owed_by_kind on record_links  (cost=0.41..8.44 rows=1 width=46)
2026-11-28 21:00:03.000 UTC [5] LOG:  checkpoint starting: wal
";
        let found = read_from("postgres", postgres, statement);
        let update = "duration: 12.345 ms  execute s3: UPDATE record_links AS link";
        let vacuum = "automatic vacuum of table \"coccinelle.public.records\": index scans: 1; \
            system usage: CPU: user: 0.10 s, elapsed: 3.45 s";
        let plan = "duration: 80.000 ms  plan:; Query Text: UPDATE record_links AS link; ->  Sort; \
            ->  Index Scan using record_links_owed_by_kind on record_links";
        assert_eq!(found, [(update.to_owned(), 100), (vacuum.to_owned(), 200), (plan.to_owned(), 400)]);
    }

    /// What is read of a log from its first second on to the next, and how many milliseconds into it that was said.
    fn read_from(name: &str, text: &str, wanted: impl Fn(&str) -> Option<String>) -> Vec<(String, i64)> {
        let path = std::env::temp_dir().join(format!("xtask-moments-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let from: DateTime<Utc> = "2026-11-28T21:00:01Z".parse().unwrap();
        let to: DateTime<Utc> = "2026-11-28T21:00:02Z".parse().unwrap();
        let lines = read(&path, &(from..=to), wanted).unwrap();
        std::fs::remove_file(&path).unwrap();
        lines.into_iter().map(|line| (line.text, (line.at - from).num_milliseconds())).collect()
    }
}
