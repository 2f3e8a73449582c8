//! The steps between which a process may die, and who is told when one is reached. What is done then is `runtime`'s.
//!
//! This is the one table of them. `cargo xtask crash` has each service die at each step that it comes by, and `cargo xtask tidy`
//! sees to it that none is left out there. What needs an n8n, which that has not, has a test of its own.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// One of the places where a crash could part an effect from its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A message is about to be given to the broker.
    PublishBefore,
    /// The broker has confirmed it, and nobody was told yet.
    PublishAfter,
    /// A delivery has had its effect, and the broker was not told yet.
    AckBefore,
    /// The broker was told.
    AckAfter,
    /// A transaction has done all it has to do.
    CommitBefore,
    /// It is durable, and nothing has followed from it yet.
    CommitAfter,
    /// A platform is about to be asked.
    ReadBefore,
    /// It has answered, and nothing of that is kept yet.
    ReadAfter,
    /// A platform is about to be written to; the intent is durable.
    WriteBefore,
    /// It was written to, and nothing of that is kept yet.
    WriteAfter,
    /// A platform is about to be asked to make an object for a workflow; that somebody is at it is durable.
    ProxyBefore,
    /// It has answered, and nothing of that is kept yet.
    ProxyAfter,
    /// Events were read and checked, and nobody keeps them yet.
    AcceptBefore,
    /// They are durable, and their sender was not answered yet.
    AcceptAfter,
    /// A platform's delivery was verified, and nobody keeps it yet.
    HookBefore,
    /// It is durable, and the platform was not answered yet.
    HookAfter,
    /// What the broker did not take stands in the inbox, and is not committed yet.
    InboxBefore,
    /// It is committed there, and its sender was not answered yet.
    InboxAfter,
    /// The broker has taken it from there after all, and it still stands in the inbox.
    InboxPassedOn,
    /// Events were taken from the broker, and nothing is done yet.
    EventTaken,
    /// They are merged, and what follows from them is not announced yet.
    EventMerged,
    /// What a delivery named is marked, and not announced yet.
    HookApplied,
    /// Links are held under a lease, and nobody was asked or written to yet.
    LinkLeased,
    /// They are given back with what came of them, and nothing that follows was announced yet.
    LinkSettled,
    /// The broker has outcomes for the log, and they still stand as unpublished.
    LogTold,
    /// A platform has answered a refresh, and the new tokens are not kept yet.
    TokenAnswered,
    /// They are kept, and nobody has used them yet.
    TokenKept,
    /// A page of a run is done, and is not committed yet.
    PageBefore,
    /// It is committed, and the next one is not announced yet.
    PageAfter,
    /// The reconciler has found what is owed for too long, and has not announced it yet.
    OverdueFound,
    /// It has.
    OverdueAnnounced,
    /// Rows of a log are gathered, and not written yet.
    RowsBefore,
    /// They are committed, and none of them is acknowledged yet.
    RowsAfter,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 33] = [
        Self::PublishBefore,
        Self::PublishAfter,
        Self::AckBefore,
        Self::AckAfter,
        Self::CommitBefore,
        Self::CommitAfter,
        Self::ReadBefore,
        Self::ReadAfter,
        Self::WriteBefore,
        Self::WriteAfter,
        Self::ProxyBefore,
        Self::ProxyAfter,
        Self::AcceptBefore,
        Self::AcceptAfter,
        Self::HookBefore,
        Self::HookAfter,
        Self::InboxBefore,
        Self::InboxAfter,
        Self::InboxPassedOn,
        Self::EventTaken,
        Self::EventMerged,
        Self::HookApplied,
        Self::LinkLeased,
        Self::LinkSettled,
        Self::LogTold,
        Self::TokenAnswered,
        Self::TokenKept,
        Self::PageBefore,
        Self::PageAfter,
        Self::OverdueFound,
        Self::OverdueAnnounced,
        Self::RowsBefore,
        Self::RowsAfter,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublishBefore => "publish.before",
            Self::PublishAfter => "publish.after",
            Self::AckBefore => "ack.before",
            Self::AckAfter => "ack.after",
            Self::CommitBefore => "commit.before",
            Self::CommitAfter => "commit.after",
            Self::ReadBefore => "read.before",
            Self::ReadAfter => "read.after",
            Self::WriteBefore => "write.before",
            Self::WriteAfter => "write.after",
            Self::ProxyBefore => "proxy.before",
            Self::ProxyAfter => "proxy.after",
            Self::AcceptBefore => "accept.before",
            Self::AcceptAfter => "accept.after",
            Self::HookBefore => "hook.before",
            Self::HookAfter => "hook.after",
            Self::InboxBefore => "inbox.before",
            Self::InboxAfter => "inbox.after",
            Self::InboxPassedOn => "inbox.passed_on",
            Self::EventTaken => "event.taken",
            Self::EventMerged => "event.merged",
            Self::HookApplied => "hook.applied",
            Self::LinkLeased => "link.leased",
            Self::LinkSettled => "link.settled",
            Self::LogTold => "log.told",
            Self::TokenAnswered => "token.answered",
            Self::TokenKept => "token.kept",
            Self::PageBefore => "page.before",
            Self::PageAfter => "page.after",
            Self::OverdueFound => "overdue.found",
            Self::OverdueAnnounced => "overdue.announced",
            Self::RowsBefore => "rows.before",
            Self::RowsAfter => "rows.after",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no step has.
#[derive(Debug, thiserror::Error)]
#[error("there is no step of that name")]
pub struct NoSuchStep;

impl FromStr for Step {
    type Err = NoSuchStep;

    fn from_str(text: &str) -> Result<Self, NoSuchStep> {
        Self::ALL.into_iter().find(|step| step.as_str() == text).ok_or(NoSuchStep)
    }
}

/// Who is told of the steps of a process: nobody, unless somebody watches.
#[derive(Clone, Default)]
pub struct Steps(Option<Arc<dyn Fn(Step) + Send + Sync>>);

impl Steps {
    /// Told to `watcher`, where the step is reached.
    pub fn watched(watcher: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(watcher)))
    }

    /// The process has come so far, which is a line of the log for whoever wants to see each step (`domain::step=trace`).
    pub fn reached(&self, step: Step) {
        tracing::trace!(step = %step, "reached");
        if let Some(watcher) = &self.0 {
            watcher(step);
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Steps").field("watched", &self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_read_back_from_its_name() {
        for step in Step::ALL {
            assert_eq!(step.to_string().parse::<Step>().unwrap(), step);
        }
        assert!("before".parse::<Step>().is_err());
    }
}
