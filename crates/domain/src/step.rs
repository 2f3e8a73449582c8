//! The steps between which a process may die, and who is told when one is reached. What is done then is `runtime`'s.

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
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 10] = [
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

    /// The process has come so far.
    pub fn reached(&self, step: Step) {
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
