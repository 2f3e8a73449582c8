//! `cargo xtask faults`: what happens to servers, lines, clocks and consumers, under the load of the crash suite.
//!
//! What is done in each fault is `kinds`', how a line is cut is `line`'s, what expires is `certificate`'s, whose clock jumps is
//! `clock`'s, which of several nodes is lost is `nodes`', who takes a lost server's place is `replica`'s, whose disk is
//! full is `full`'s, what came of all is `table`'s.

mod certificate;
mod clock;
mod full;
mod kinds;
mod line;
mod nodes;
mod replica;
mod table;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

pub use self::kinds::Fault;
pub use self::table::{Row, Table};
use super::{Backend, Start, options};
use crate::console::Console;
use crate::services::Services;
use crate::session::{Options, Session};
use crate::{ci, up, workspace};

const BASE_PORT: u16 = 29_000;

/// The arguments of `cargo xtask faults`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The faults; all of them if none is named.
    #[arg(value_enum)]
    names: Vec<Fault>,
    #[command(flatten)]
    start: Start,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let console = args.start.console().await?;
    let faults = if args.names.is_empty() { Fault::ALL.to_vec() } else { args.names.clone() };
    let folder = workspace::root().join(".dev/faults");
    let mut table = Table::default();
    for fault in faults {
        let step = console.step(fault.name());
        let row = Box::pin(happen(fault, &folder, options(BASE_PORT, &folder), (args.start.seed, &console))).await;
        // The others can happen all the same.
        let row = row.unwrap_or_else(|error| Row::Broken(format!("{error:#}")));
        if let Row::Skipped(reason) = &row {
            ci::skip(&console, fault.name(), reason)?;
        }
        let is_clean = row.is_clean();
        table.0.push((fault.name(), row));
        step.done();
        if !is_clean {
            console.note(&format!("The logs are in {}", folder.join("logs").display()));
            break;
        }
    }
    console.print(&table.to_string());
    Ok(if table.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Brings up a system of its own in the folder, has the fault happen under load, counts, and takes it down.
///
/// # Errors
/// When the system does not come up, or the fault cannot be made to happen.
pub async fn happen(
    fault: Fault,
    folder: &Path,
    options: Options,
    (seed, console): (u64, &Console),
) -> anyhow::Result<Row> {
    if let Err(reason) = fault.can_happen().await {
        return Ok(Row::Skipped(reason));
    }
    Services::wipe(folder).await?;
    let mut session = Session::open(folder, options, console.clone()).await?;
    let backend = Backend::start(&mut session).await?;
    // Kept until all is down: without its lines the services could not stop in order.
    let mut scene = None;
    let work = async {
        session.bring_up().await?;
        let scene = scene.insert(kinds::prepare(fault, &mut session).await?);
        super::under_load(&session, &backend, seed, console, scene.happen(&session)).await
    };
    let verdict = up::interruptible(Box::pin(work)).await;
    session.take_down().await;
    drop(session);
    let verdict = verdict.context("interrupted")??;
    let row = Row::of(&verdict);
    if row.is_clean() {
        Services::wipe(folder).await?;
    } else {
        console.note(&verdict.to_string());
    }
    Ok(row)
}
