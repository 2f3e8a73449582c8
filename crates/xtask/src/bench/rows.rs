//! Rows of the log, as the example program of `persistence` writes them, beside what raw COPY reaches in the same run; and queries of a
//! long log.

use anyhow::Context as _;
use serde::Deserialize;
use tokio::process::Command;

use super::limits::example;
use super::parts::{Extent, Figures};
use crate::console::Console;
use crate::session::Session;
use crate::workspace;

/// Transactions at once, and rows in each: as `log-writer` has them.
const WRITERS: &str = "2";
const BATCH: &str = "500";

#[derive(Deserialize)]
struct Printed {
    copy_per_second: f64,
    rows_per_second: f64,
    of_copy: f64,
    history: f64,
    queries: Vec<Query>,
    beside: Vec<Query>,
}

/// A sort of query: how long it takes, and how many rows it found at most.
#[derive(Deserialize)]
struct Query {
    name: String,
    p50_ms: f64,
    p99_ms: f64,
    rows: u64,
}

pub(super) async fn measure(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    session.start_services().await?;
    let services = session.services.as_ref().context("the database is not started")?;
    let step = console.step("rows of the log, beside COPY alone");
    let mut command = Command::new(example("log_rows")?);
    command.args([&extent.seconds.to_string(), WRITERS, BATCH, &extent.history.to_string()]);
    command.env("DATABASE_URL", services.postgres.database("coccinelle").await?.as_str());
    let printed = workspace::output(&mut command).await?;
    let printed: Printed = serde_json::from_str(&printed).with_context(|| format!("log_rows printed {printed}"))?;
    step.done();
    let mut figures = Figures::default();
    figures.add("COPY alone", printed.copy_per_second, "rows/s");
    figures.add("the log, with health and statistics", printed.rows_per_second, "rows/s");
    figures.add("as a share of COPY", 100.0 * printed.of_copy, "%");
    figures.add("rows of one integration in the long log", printed.history, "rows");
    let beside =
        printed.beside.into_iter().map(|query| Query { name: format!("{}, of few rows", query.name), ..query });
    let queries: Vec<Query> = printed.queries.into_iter().chain(beside).collect();
    for Query { name, p50_ms, p99_ms, rows } in &queries {
        figures.add(format!("{name} ({rows}), p50"), *p50_ms, "ms");
        figures.add(format!("{name} ({rows}), p99"), *p99_ms, "ms");
    }
    let worst = queries.iter().max_by(|a, b| a.p99_ms.total_cmp(&b.p99_ms)).context("no query was measured")?;
    figures.add(format!("the worst of all, {}, p99 (goal: under 20)", worst.name), worst.p99_ms, "ms");
    Ok(figures)
}
