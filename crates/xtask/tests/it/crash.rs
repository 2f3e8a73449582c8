//! The short form of `cargo xtask crash`: each process dies once at each of its steps, and each server once. And what it notices.

use std::path::{Path, PathBuf};

use xtask::console::{Console, ServiceLines};
use xtask::crash::{self, Backend, CALLERS, Length, Verdict};
use xtask::services::Services;
use xtask::session::{Options, Session};

/// An odd one: the CRM has no room for our key.
const KEYLESS: u64 = 11;

#[tokio::test]
async fn promise_1_everything_killed_at_every_step_under_load_loses_nothing_and_does_nothing_twice() {
    let name = "e2e-every-step";
    let verdict = Box::pin(torment((name, 30_000), &[], (KEYLESS, Length::Once))).await;
    assert!(verdict.is_clean(), "\n{verdict}");
    assert!(verdict.accepted > 0 && verdict.deaths() >= 47 + 9, "\n{verdict}");
    assert!(verdict.tally(CALLERS).expected > 0, "\n{verdict}");
    Services::wipe(&folder(name)).await.unwrap();
}

#[tokio::test]
async fn the_suite_that_kills_at_every_step_notices_who_is_made_twice_where_nobody_looks_first() {
    let name = "e2e-blind";
    let blind = [("COCCINELLE__DISPATCHER__LOOK_BEFORE_CREATE", "false")];
    let verdict = Box::pin(torment((name, 30_500), &blind, (KEYLESS, Length::Writes(12)))).await;
    assert!(verdict.tally(CALLERS).twice > 0, "this suite would not notice duplicates\n{verdict}");
    assert!(!verdict.is_clean(), "\n{verdict}");
    Services::wipe(&folder(name)).await.unwrap();
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// What comes of a system of its own, with these settings beside the suite's, whose processes die.
async fn torment((name, base_port): (&str, u16), settings: &[(&str, &str)], how: (u64, Length)) -> Verdict {
    let folder = folder(name);
    Services::wipe(&folder).await.unwrap();
    let binaries = Some(crate::world::variable("COCCINELLE_BIN_DIR").into());
    let options = Options { binaries, ..crash::options(base_port, &folder) };
    let console = Console::new(ServiceLines::InFilesOnly);
    let mut session = Session::open(&folder, options, console.clone()).await.unwrap();
    for (variable, value) in settings {
        session.set(variable, value);
    }
    let backend = Backend::start(&mut session).await.unwrap();
    session.bring_up().await.unwrap();
    let verdict = crash::torment(&session, &backend, how, &console).await;
    session.take_down().await;
    let verdict = verdict.unwrap();
    console.note(&verdict.to_string());
    verdict
}
