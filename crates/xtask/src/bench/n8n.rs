//! A real n8n in the same run: webhooks that it takes, and those that call a platform and report back, beside ours. How n8n is
//! installed and run is `crate::n8n`'s.

mod ours;
mod stage;
mod theirs;

use std::time::Duration;

use super::parts::{Extent, Figures};
use crate::ci;
use crate::console::Console;
use crate::n8n::{Found, install};
use crate::session::Session;

const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What somebody did at the most.
#[derive(Debug)]
struct Most {
    /// Webhooks taken, in a second.
    takes: f64,
    /// Round trips, in a second.
    round_trips: f64,
    /// Memory, in MiB.
    memory: f64,
}

/// Whether there is an n8n, which is installed if need be; where there is none, it is said why this is skipped.
///
/// # Errors
/// Where another xtask installs it just now, files cannot be written, or nothing may be skipped.
pub(super) async fn is_there(console: &Console) -> anyhow::Result<bool> {
    match install::find_or_install(console).await? {
        Found::Here(_) => Ok(true),
        Found::Nowhere(why) => ci::skip(console, "bench --only n8n", why).map(|()| false),
    }
}

pub(super) async fn measure(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    session.bring_up().await?;
    let mut figures = Figures::default();
    let theirs = theirs::measure(session, extent, (&mut figures, console)).await?;
    let ours = ours::measure(session, extent, (&mut figures, console)).await?;
    figures.add("memory of n8n and what it started, at most", theirs.memory, "MiB");
    figures.add("memory of our four services, the most of each", ours.memory, "MiB");
    compare(&theirs, &ours, &mut figures);
    Ok(figures)
}

fn compare(theirs: &Most, ours: &Most, figures: &mut Figures) {
    figures.add("webhooks, as a multiple of n8n's (goal: 100)", ours.takes / theirs.takes, "times");
    figures.add("round trips, as a multiple of n8n's (goal: 100)", ours.round_trips / theirs.round_trips, "times");
    figures.add("memory, as a share of n8n's (goal: 10)", 100.0 * ours.memory / theirs.memory, "%");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_is_the_most_of_each() {
        let mut figures = Figures::default();
        let theirs = Most { takes: 25.0, round_trips: 12.0, memory: 500.0 };
        compare(&theirs, &Most { takes: 5_000.0, round_trips: 600.0, memory: 250.0 }, &mut figures);
        let shown = figures.to_string();
        let ends: Vec<&str> = shown.lines().map(|line| line.rsplit("  ").next().unwrap().trim()).collect();
        assert_eq!(ends, ["200.0 times", "50.0 times", "50.0 %"]);
    }
}
