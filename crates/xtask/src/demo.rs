//! `cargo xtask demo`: prospects through the whole path, counted in the CRM, and everything down again.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::console::{Console, ServiceLines};
use crate::home::{read_json, write_json};
use crate::people::Crowd;
use crate::processes;
use crate::services::Services;
use crate::session::{Build, Count, Options, Service, Session, Tenant};
use crate::{up, workspace};

const BASE_PORT: u16 = 24_000;

/// The arguments of `cargo xtask demo`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Print the count as one JSON object on standard output, and nothing else there.
    #[arg(long)]
    json: bool,
    /// Keep the data and the logs in .dev/demo-run when it is over.
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    build: Build,
    #[command(flatten)]
    crowd: CrowdArgs,
}

/// Which prospects are sent, and how long they are waited for.
#[derive(clap::Args, Debug)]
pub(crate) struct CrowdArgs {
    /// How many prospects to send.
    #[arg(long, default_value_t = 1_000)]
    prospects: usize,
    /// Another seed gives other people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds to wait, after the last event was sent, until all are in the CRM.
    #[arg(long, default_value_t = 120)]
    deadline: u64,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let console = Console::new(ServiceLines::InFilesOnly);
    let folder = workspace::root().join(".dev/demo-run");
    up::interruptible(args.build.run(&console)).await.transpose()?.context("interrupted")?;
    let options = Options::new(BASE_PORT);
    Services::wipe(&folder).await?;
    let mut session = Session::open(&folder, options, console.clone()).await?;
    let outcome = up::interruptible(carry_out(&mut session, &args.crowd, &console)).await;
    session.take_down().await;
    drop(session);
    let count = outcome.transpose()?.context("interrupted")?;
    if args.json {
        console.print(&serde_json::to_string(&count)?);
    }
    if count.is_exact() && !args.keep {
        Services::wipe(&folder).await?;
    } else {
        console.note(&format!("The logs are in {}", folder.join("logs").display()));
    }
    Ok(if count.is_exact() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn carry_out(session: &mut Session, args: &CrowdArgs, console: &Console) -> anyhow::Result<Count> {
    session.bring_up().await?;
    let tenant = session.demo_tenant().await?;
    send_crowd(session, &tenant, args, console).await
}

/// Sends the prospects, waits for them in the CRM, and says what came of it.
pub(crate) async fn send_crowd(
    session: &Session,
    tenant: &Tenant,
    args: &CrowdArgs,
    console: &Console,
) -> anyhow::Result<Count> {
    let crowd = Crowd::generate(args.seed, args.prospects, chrono::Utc::now());
    let people = u64::try_from(crowd.distinct)?;
    console.note(&sending(&crowd));
    let sent = console.bar("sent", u64::try_from(crowd.events.len())?);
    let arrived = console.bar("in the CRM", people);
    let started = Instant::now();
    let mut expected =
        Count { accepted: 0, distinct_people: people, strangers: 0, in_crm: 0, duplicates: 0, owed: 0, seconds: 0.0 };
    expected.strangers = strangers(session, args, session.count(tenant, expected).await?)?;
    for batch in crowd.batches(args.seed) {
        expected.accepted += session.send_events(tenant, batch).await?;
        sent.set_position(expected.accepted);
        if let Ok(now) = session.count(tenant, expected).await {
            arrived.set_position(now.in_crm);
        }
    }
    sent.finish();
    expected.seconds = started.elapsed().as_secs_f64();
    let deadline = Duration::from_secs(args.deadline);
    let count = session.settle(tenant, expected, deadline, |now| arrived.set_position(now.in_crm)).await?;
    arrived.finish();
    console.note(&summary(&count));
    if !count.is_exact() {
        explain(session, &count, console);
    }
    Ok(count)
}

/// The crowd that was sent last, and who was there before.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Sent {
    seed: u64,
    prospects: usize,
    strangers: u64,
}

/// How many people are in the CRM who are not of this crowd; a later run with the same crowd finds it remembered.
fn strangers(session: &Session, args: &CrowdArgs, now: Count) -> anyhow::Result<u64> {
    let file = session.home().path("crowd.json");
    let strangers = Sent::strangers(read_json(&file)?, args, now);
    write_json(&file, &Sent { seed: args.seed, prospects: args.prospects, strangers })?;
    Ok(strangers)
}

impl Sent {
    fn strangers(last: Option<Self>, args: &CrowdArgs, now: Count) -> u64 {
        match last {
            // Of a crowd that came before, nobody is a stranger; others may have come after it.
            Some(last) if (last.seed, last.prospects) == (args.seed, args.prospects) => {
                last.strangers.max(now.in_crm.saturating_sub(now.distinct_people))
            }
            Some(_) | None => now.in_crm,
        }
    }
}

fn sending(crowd: &Crowd) -> String {
    format!("Sending {} events about {} people", crowd.events.len(), crowd.distinct)
}

fn summary(count: &Count) -> String {
    let Count { accepted, distinct_people, strangers: _, in_crm, duplicates, owed, seconds } = count;
    format!(
        "  accepted events   {accepted:>6}\n  distinct people   {distinct_people:>6}\n  in the CRM        {in_crm:>6}\n  \
         duplicates        {duplicates:>6}\n  owed              {owed:>6}\n  seconds           {seconds:>6.1}"
    )
}

fn explain(session: &Session, count: &Count, console: &Console) {
    let missing = count.distinct_people.saturating_sub(count.in_crm);
    let Count { duplicates, owed, .. } = count;
    console.note(&format!("✘ {missing} people are missing, {duplicates} contacts are duplicates, {owed} are owed"));
    for service in Service::ALL {
        let state = session.stack.pid(service.name()).filter(|pid| processes::alive(*pid));
        if state.is_none() {
            console.note(&format!("✘ {} does not run:\n{}", service.name(), session.stack.tail(service.name(), 10)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strangers(last: Option<Sent>, in_crm: u64) -> u64 {
        let args = CrowdArgs { prospects: 1_000, seed: 1, deadline: 1 };
        let now =
            Count { accepted: 0, distinct_people: 953, strangers: 0, in_crm, duplicates: 0, owed: 0, seconds: 0.0 };
        Sent::strangers(last, &args, now)
    }

    #[test]
    fn whoever_was_there_before_is_not_of_the_crowd() {
        assert_eq!(strangers(None, 0), 0);
        assert_eq!(strangers(None, 1), 1);
        assert_eq!(strangers(Some(Sent { seed: 2, prospects: 1_000, strangers: 1 }), 954), 954);
    }

    #[test]
    fn the_object_that_is_printed_has_exactly_the_keys_that_scripts_rely_on() {
        let count =
            Count { accepted: 2, distinct_people: 1, strangers: 7, in_crm: 1, duplicates: 0, owed: 0, seconds: 0.5 };
        let printed = serde_json::to_string(&count).unwrap();
        let expected = r#"{"accepted":2,"distinct_people":1,"in_crm":1,"duplicates":0,"owed":0,"seconds":0.5}"#;
        assert_eq!(printed, expected);
    }

    #[test]
    fn the_readme_shows_what_is_said_of_this_crowd() {
        let readme = std::fs::read_to_string(workspace::root().join("README.md")).unwrap();
        let crowd = Crowd::generate(1, 1_000, chrono::Utc::now());
        let accepted = u64::try_from(crowd.events.len()).unwrap();
        let people = u64::try_from(crowd.distinct).unwrap();
        let count = Count {
            accepted,
            distinct_people: people,
            strangers: 0,
            in_crm: people,
            duplicates: 0,
            owed: 0,
            seconds: 16.0,
        };
        let said = format!("{}\n{}", sending(&crowd), summary(&count));
        let (lasting, _seconds) = said.rsplit_once(' ').unwrap();
        assert!(readme.contains(lasting), "{said}");
    }

    #[test]
    fn the_same_crowd_sent_again_is_no_crowd_of_strangers() {
        let last = Some(Sent { seed: 1, prospects: 1_000, strangers: 1 });
        assert_eq!(strangers(last, 954), 1);
        assert_eq!(strangers(last, 956), 3, "two came after it");
        assert_eq!(strangers(last, 500), 1, "the last run was broken off");
    }
}
