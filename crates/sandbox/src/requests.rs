//! The list of the newest requests that the stand-ins were sent. What was written by them is the journal's.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use crate::clock::{self, Millis};

/// Older ones are forgotten.
const KEPT: usize = 10_000;

/// A request as it came in, before any switch decided what becomes of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Request {
    /// 1, 2, 3 … over all platforms and accounts.
    pub(crate) seq: u64,
    /// Milliseconds since 1970.
    pub(crate) at: Millis,
    pub(crate) platform: &'static str,
    pub(crate) account: String,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// Which requests are asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    platform: String,
    account: String,
    /// Only requests with a greater `seq`.
    #[serde(default)]
    after: u64,
}

#[derive(Debug, Default)]
struct Book {
    last: u64,
    requests: VecDeque<Request>,
}

/// The list, in memory only.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    book: Mutex<Book>,
    under_way: AtomicU64,
}

/// A request that is being answered, as long as this is kept.
#[derive(Debug)]
pub(crate) struct UnderWay<'a>(&'a AtomicU64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Requests {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, (platform, account): (&'static str, &str), method: &str, path: &str) {
        let mut book = self.book();
        book.last = book.last.saturating_add(1);
        let (seq, at) = (book.last, clock::now());
        let (account, method, path) = (account.to_owned(), method.to_owned(), path.to_owned());
        book.requests.push_back(Request { seq, at, platform, account, method, path });
        if book.requests.len() > KEPT {
            book.requests.pop_front();
        }
    }

    /// Counts a request until its answer leaves.
    pub(crate) fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(&self.under_way)
    }

    /// How many there have been so far, forgotten ones too.
    pub(crate) fn so_far(&self) -> u64 {
        self.book().last
    }

    /// How many are being answered now.
    pub(crate) fn under_way(&self) -> u64 {
        self.under_way.load(Ordering::Relaxed)
    }

    pub(crate) fn select(&self, asked: &Asked) -> Vec<Request> {
        let book = self.book();
        let is_asked = |request: &&Request| {
            request.platform == asked.platform && request.account == asked.account && request.seq > asked.after
        };
        book.requests.iter().filter(is_asked).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.book().requests.clear();
    }
}
