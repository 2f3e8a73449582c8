//! What n8n does alone, by how many call it at once.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::stage::{self, PORTAL, ROUND_TRIP, TAKES};
use super::{LOOK_AGAIN, Most};
use crate::bench::connection::post;
use crate::bench::load::{Plan, drive};
use crate::bench::loads::OURS;
use crate::bench::parts::{Extent, Figures};
use crate::bench::tenants;
use crate::bench::usage::resident_of_tree;
use crate::console::Console;
use crate::n8n::N8n;
use crate::session::Session;

/// How many call it at once: with more it does no more, and each waits longer.
const CALLERS: [u32; 3] = [1, 4, 16];

/// Of us, nothing runs beside it but the stand-in of the platform.
pub(super) async fn measure(
    session: &mut Session,
    extent: Extent,
    (figures, console): (&mut Figures, &Console),
) -> anyhow::Result<Most> {
    for service in OURS {
        session.stack.halt(service.name()).await;
    }
    tenants::lift_limits(session, PORTAL).await?;
    let step = console.step("publish the benchmark's workflows, and start n8n anew");
    let _hearer = stage::set(session).await?;
    step.done();
    let mut most = Most { takes: 0.0, round_trips: 0.0, memory: 0.0 };
    for callers in CALLERS {
        let (takes, memory) = load(session, (TAKES, callers), extent, (&mut *figures, console)).await?;
        most = Most { takes: most.takes.max(takes), memory: most.memory.max(memory), ..most };
    }
    for callers in CALLERS {
        let (trips, memory) = load(session, (ROUND_TRIP, callers), extent, (&mut *figures, console)).await?;
        most = Most { round_trips: most.round_trips.max(trips), memory: most.memory.max(memory), ..most };
    }
    Ok(most)
}

/// Calls a workflow; gives how often it did its work in a second, and the most memory that n8n had meanwhile.
async fn load(
    session: &Session,
    (path, connections): (&'static str, u32),
    extent: Extent,
    (figures, console): (&mut Figures, &Console),
) -> anyhow::Result<(f64, f64)> {
    let what = if path == TAKES { "webhooks taken" } else { "round trips" };
    let name = format!("n8n: {what}, {connections} at once");
    let step = console.step(name.clone());
    let pid = session.stack.pid(N8n::NAME).context("n8n does not run")?;
    let address = (Ipv4Addr::LOCALHOST, session.ports().n8n).into();
    let plan = Plan { address, time: Duration::from_secs(extent.seconds), wanted: 202, pace: None, connections };
    let requests = move |number: u64| {
        let body = json!({"email": format!("n8n-{connections}-{number}@example.fr")}).to_string();
        Some(post(&format!("/webhook/{path}"), &[], body.as_bytes()))
    };
    let (done, memory) = watched(drive(plan, requests), || resident_of_tree(pid)).await;
    let done = done.with_context(|| name.clone())?;
    ensure!(done.refused == 0, "{name}: {} were refused", done.refused);
    let per_second = figures.add_load(&name, &done);
    step.done();
    Ok((per_second, memory))
}

/// What came of the work, and the most that was seen meanwhile.
async fn watched<T>(work: impl Future<Output = T>, look: impl Fn() -> f64) -> (T, f64) {
    let (mut looks, mut most) = (tokio::time::interval(LOOK_AGAIN), 0.0_f64);
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return (done, most.max(look())),
            _ = looks.tick() => most = most.max(look()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_most_is_kept_until_the_work_is_done() {
        let seen = std::cell::Cell::new(3.0);
        let look = || seen.replace(1.0);
        let ((), most) = watched(tokio::task::yield_now(), look).await;
        assert_eq!(most.to_bits(), 3.0_f64.to_bits());
    }
}
