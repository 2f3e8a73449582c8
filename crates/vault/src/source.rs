//! Where a vault has its master keys from: given once, or from a file that is looked at again. What the file holds is `ring_file`'s.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::VaultError;
use crate::key_ring::KeyRing;

/// A look at the file costs one system call; nobody needs a new key sooner than this, unless one is met that is not at hand.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The master keys of a vault.
#[derive(Debug)]
pub(crate) struct Source {
    file: Option<PathBuf>,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    ring: Arc<KeyRing>,
    /// As the file was when it was last read, whatever came of that: it is not read again before it changes.
    mark: Option<Mark>,
    looked_at: Instant,
}

/// By what a changed file is told from an unchanged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    place: (u64, u64),
    size: u64,
    written: (i64, i64),
    /// Also tells that somebody mended its permissions.
    changed: (i64, i64),
}

impl Mark {
    fn of(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self {
            place: (found.dev(), found.ino()),
            size: found.size(),
            written: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

impl Source {
    pub(crate) fn fixed(ring: KeyRing) -> Self {
        Self { file: None, held: Mutex::new(Held { ring: Arc::new(ring), mark: None, looked_at: Instant::now() }) }
    }

    pub(crate) fn watched(path: &Path) -> Result<Self, VaultError> {
        // Taken before the reading: a change in between is then seen at the next look.
        let mark = Mark::of(path).ok();
        let held = Held { ring: Arc::new(KeyRing::load(path)?), mark, looked_at: Instant::now() };
        Ok(Self { file: Some(path.to_owned()), held: Mutex::new(held) })
    }

    /// The keys, at most [`LOOK_EVERY`] old.
    pub(crate) fn current(&self) -> Arc<KeyRing> {
        self.keys(LOOK_EVERY)
    }

    /// The keys as they are in the file now.
    pub(crate) fn newest(&self) -> Arc<KeyRing> {
        self.keys(Duration::ZERO)
    }

    fn keys(&self, at_most: Duration) -> Arc<KeyRing> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &self.file
            && held.looked_at.elapsed() >= at_most
        {
            held.look(file);
        }
        Arc::clone(&held.ring)
    }
}

impl Held {
    fn look(&mut self, file: &Path) {
        self.looked_at = Instant::now();
        let mark = Mark::of(file).ok();
        if mark == self.mark {
            return;
        }
        self.mark = mark;
        match KeyRing::load(file) {
            Ok(ring) => {
                tracing::info!(active = ring.active().id(), "the key ring was read again");
                self.ring = Arc::new(ring);
            }
            Err(error) => tracing::error!(%error, "the changed key ring cannot be used; the keys at hand stay in use"),
        }
    }
}
