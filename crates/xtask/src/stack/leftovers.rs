//! Processes of an xtask that was killed: found by their files, and stopped only if they are ours.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::STOP_LIMIT;
use crate::home::{read_json, write_json};
use crate::processes;

/// What is kept of a running process.
#[derive(Deserialize, Serialize)]
struct Record {
    pid: u32,
    /// As the system names it, to tell our process from another that got its id.
    executable: PathBuf,
}

/// Notes the process in a file.
pub(super) fn note(file: &Path, pid: u32) -> anyhow::Result<()> {
    let Some(executable) = processes::executable(pid) else { return Ok(()) };
    write_json(file, &Record { pid, executable })
}

/// Stops every process noted in the folder that still runs the same program.
pub(super) async fn stop(folder: &Path) -> anyhow::Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        let file = entry.path();
        if file.extension().is_none_or(|extension| extension != "pid") {
            continue;
        }
        if let Ok(Some(record)) = read_json::<Record>(&file) {
            let same = processes::executable(record.pid).is_some_and(|executable| executable == record.executable);
            if same && processes::alive(record.pid) {
                processes::end(record.pid, STOP_LIMIT).await?;
            }
        }
        std::fs::remove_file(&file)?;
    }
    Ok(())
}
