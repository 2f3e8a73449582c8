//! Where a process's lines go: its log file, and the console under its name.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::task::JoinHandle;

use crate::console::Console;

/// A process's log; clones write to the same file.
#[derive(Clone, Debug)]
pub(super) struct Log {
    file: Arc<Mutex<File>>,
    label: String,
    console: Console,
}

impl Log {
    /// Opens a fresh file and keeps the one before as `<name>.log.1`.
    pub(super) fn open(path: &Path, name: &str, place: usize, console: &Console) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if path.exists() {
            std::fs::rename(path, path.with_extension("log.1"))?;
        }
        let file = File::create(path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { file: Arc::new(Mutex::new(file)), label: console.label(name, place), console: console.clone() })
    }

    pub(super) fn line(&self, line: &str) {
        if let Ok(mut file) = self.file.lock() {
            // A full disk must not take the services down; the console still shows the line.
            writeln!(file, "{line}").ok();
        }
        self.console.service_line(&self.label, line);
    }

    /// Copies lines until the stream ends; what is not UTF-8 is shown as the replacement character.
    pub(super) fn follow(&self, stream: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
        let log = self.clone();
        tokio::spawn(async move {
            let mut reader = BufReader::new(stream);
            let mut bytes = Vec::new();
            while let Ok(1..) = reader.read_until(b'\n', &mut bytes).await {
                log.line(String::from_utf8_lossy(&bytes).trim_end());
                bytes.clear();
            }
        })
    }
}
