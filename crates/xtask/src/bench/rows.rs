//! Rows of the log, as the example program of `persistence` writes them: beside what raw COPY reaches in the same run.

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
    page_p50_ms: f64,
    page_p99_ms: f64,
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
    figures.add(format!("newest page of a log of {} rows, p50", printed.history), printed.page_p50_ms, "ms");
    figures.add("the same, p99", printed.page_p99_ms, "ms");
    Ok(figures)
}
