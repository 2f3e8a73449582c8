//! The classes of failure, decided once where an error is born. Their translation (HTTP, ack or retry) lives at the edges.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of failure an error is. `runtime` turns it into an HTTP status, `messaging` into ack, retry or dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The input can never succeed as it is.
    Invalid,
    /// Nobody, or nobody we trust, is asking.
    Unauthorized,
    /// We know who asks, and they may not.
    Forbidden,
    /// What is named does not exist, or not for this caller.
    NotFound,
    /// It clashes with what is there.
    Conflict,
    /// Too much was asked in too short a time.
    RateLimited,
    /// A part that is needed does not answer; the same call may work later.
    Unavailable,
    /// A mistake of ours.
    Internal,
}

impl FaultKind {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(self) -> bool {
        match self {
            Self::RateLimited | Self::Unavailable | Self::Internal => true,
            Self::Invalid | Self::Unauthorized | Self::Forbidden | Self::NotFound | Self::Conflict => false,
        }
    }

    /// The stable, lower-case name used in problem documents, logs and tables.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// An error that knows its own class.
pub trait Fault: std::error::Error + Send + Sync + 'static {
    /// The class of this failure.
    fn kind(&self) -> FaultKind;

    /// A stable code finer than the class, for callers that branch on it; the class's own unless there is a better one.
    fn code(&self) -> &'static str {
        self.kind().code()
    }

    /// How long the other side asked us to wait, where it said so.
    fn retry_after(&self) -> Option<std::time::Duration> {
        None
    }
}
