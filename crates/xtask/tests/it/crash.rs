//! The short form of `cargo xtask crash`: each process dies once at each of its steps, and each server once.

use std::path::Path;

use xtask::console::{Console, ServiceLines};
use xtask::crash::{self, Backend, Length};
use xtask::services::Services;
use xtask::session::{Options, Session};

#[tokio::test]
async fn promise_1_everything_killed_at_every_step_under_load_loses_nothing_and_does_nothing_twice() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-every-step");
    Services::wipe(&folder).await.unwrap();
    let binaries = Some(crate::world::variable("COCCINELLE_BIN_DIR").into());
    let options = Options { binaries, ..crash::options(30_000, &folder) };
    let console = Console::new(ServiceLines::InFilesOnly);
    let mut session = Session::open(&folder, options, console.clone()).await.unwrap();
    let backend = Backend::start(&mut session).await.unwrap();
    session.bring_up().await.unwrap();
    let verdict = crash::torment(&session, &backend, (11, Length::Once), &console).await;
    session.take_down().await;
    let verdict = verdict.unwrap();
    console.note(&verdict.to_string());
    assert!(verdict.is_clean(), "\n{verdict}");
    assert!(verdict.accepted > 0 && verdict.deaths() >= 47 + 9, "\n{verdict}");
    drop(session);
    Services::wipe(&folder).await.unwrap();
}
