//! The dispatcher's clock, which libfaketime turns, and which is read from outside.

use std::path::PathBuf;

use anyhow::Context as _;
use tokio::process::Command;

use super::kinds::WHILE;
use crate::home::write_private;
use crate::session::{Service, Session};
use crate::workspace::{output, root};

/// What the library is told, and the minutes that this is.
const JUMPS: [(&str, i64); 3] = [("+1h", 60), ("-1h", -60), ("+0", 0)];

/// The file that says what time it is for the dispatcher.
#[derive(Debug)]
pub(super) struct Clock(PathBuf);

impl Clock {
    /// Starts the dispatcher anew, with a clock that is right at first.
    pub(super) async fn give(session: &mut Session) -> anyhow::Result<Self> {
        let library = faketime().await.context("libfaketime is gone")?;
        let file = session.home().path("clock");
        write_private(&file, b"+0")?;
        let clock = [
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // Timers go by the other clock, which does not jump.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        session.restart(Service::SyncDispatcher, &clock).await?;
        Ok(Self(file))
    }

    /// Turns it, sees that it was turned, and puts it right in the end.
    pub(super) async fn jump(&self, session: &Session) -> anyhow::Result<()> {
        for (offset, minutes) in JUMPS {
            // Whole or not at all: the library ends the program that finds no time in it.
            write_private(&self.0, offset.as_bytes())?;
            tokio::time::sleep(WHILE).await;
            let ahead = ahead(session).await?;
            let is_turned = (ahead - minutes).abs() <= 1;
            anyhow::ensure!(is_turned, "the dispatcher's clock is {ahead} minutes ahead, not {minutes}");
        }
        Ok(())
    }
}

/// The minutes that the dispatcher's clock is ahead of ours, by the date of what it answers.
async fn ahead(session: &Session) -> anyhow::Result<i64> {
    let url = format!("{}/healthz", session.url(Service::SyncDispatcher));
    let answer = session.client().get(url).send().await?;
    let date = answer.headers().get("date").context("what the dispatcher answers has no date")?;
    let theirs = chrono::DateTime::parse_from_rfc2822(date.to_str()?)?;
    Ok(theirs.signed_duration_since(chrono::Utc::now()).num_minutes())
}

/// The library out of Debian's package, which is unpacked and not installed.
pub(super) async fn faketime() -> Option<PathBuf> {
    let folder = root().join(".dev/faketime");
    let find = "find \"$PWD\" -name libfaketimeMT.so.1 -type f | head -n 1";
    let fetch = "apt-get download libfaketime && dpkg -x libfaketime_*.deb .";
    std::fs::create_dir_all(&folder).ok()?;
    // What apt tells of its download is no path.
    for script in [find.to_owned(), format!("({fetch}) >fetch.log 2>&1; {find}")] {
        let found = output(Command::new("sh").args(["-ec", &script]).current_dir(&folder)).await.unwrap_or_default();
        if !found.is_empty() {
            return Some(PathBuf::from(found));
        }
    }
    None
}
