//! What can go wrong between us and a platform. Which answer means what is `http::classify`'s and each connector's to say.

use std::sync::Arc;
use std::time::Duration;

use domain::fault::{Fault, FaultKind};
use domain::kind::RecordKind;
use serde_json::Value;

/// The code of an item of which an otherwise good answer says nothing.
const UNANSWERED: &str = "unanswered";

/// Longer messages of platforms are cut.
const MESSAGE: usize = 400;

/// Code of a call for which there was no room.
const BUDGET_SPENT: &str = "budget_spent";

/// Code of a listing that leads back to where it stands.
const ENDLESS: &str = "endless_list";

/// Code of a search that ended before it had come to where what it looks for may be.
const UNFINISHED_SEARCH: &str = "unfinished_search";

/// Code of a call that its caller could not wait for any longer.
const OUT_OF_TIME: &str = "out_of_time";

/// A call of a platform that failed, or one item of it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConnectorError {
    /// The class, which decides what happens next.
    pub kind: FaultKind,
    /// A stable code, as the platform names it or, where it does not answer, as we do.
    pub code: String,
    /// A sentence for the tenant, without secrets.
    pub message: String,
    /// The HTTP status; `None` where there was no answer.
    pub status: Option<u16>,
    /// How long the platform asked us to wait.
    pub retry_after: Option<Duration>,
    /// What the platform answered, without secrets.
    pub body: Option<Arc<Value>>,
    /// Whether something of the same item had been written before.
    pub(crate) follows_a_write: bool,
    #[source]
    pub(crate) source: Option<Arc<reqwest::Error>>,
}

impl ConnectorError {
    /// A failure that we found ourselves.
    #[must_use]
    pub fn new(kind: FaultKind, code: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.to_owned(),
            message: message.into(),
            status: None,
            retry_after: None,
            body: None,
            follows_a_write: false,
            source: None,
        }
    }

    /// A call for which the budget of the account has no room yet. The platform has not been asked.
    #[must_use]
    pub fn budget_spent(wait: Duration) -> Self {
        let message = "the request budget of this account is spent for the moment";
        Self { retry_after: Some(wait), ..Self::new(FaultKind::Unavailable, BUDGET_SPENT, message) }
    }

    /// Whether the platform was not asked at all, for want of room.
    #[must_use]
    pub fn is_budget_spent(&self) -> bool {
        self.code == BUDGET_SPENT && !self.follows_a_write
    }

    /// The failure of a later call of an item that takes several, of which at least one was made. What is there now is neither what was
    /// there nor what was meant, whatever this one says.
    pub(crate) fn after_a_write(self) -> Self {
        // The account has had its share, as the platform itself would say.
        let kind = if self.is_budget_spent() { FaultKind::RateLimited } else { self.kind };
        Self { kind, follows_a_write: true, ..self }
    }

    /// A call that its caller could not wait for any longer. Nobody knows what came of it.
    #[must_use]
    pub fn out_of_time() -> Self {
        Self::new(FaultKind::Unavailable, OUT_OF_TIME, "the platform took longer than the work may be held")
    }

    /// Whether its caller could not wait for it any longer.
    #[must_use]
    pub fn is_out_of_time(&self) -> bool {
        self.code == OUT_OF_TIME
    }

    /// An item of which an otherwise good answer says nothing.
    #[must_use]
    pub fn unanswered() -> Self {
        let message = "the platform answered the batch, but said nothing of this object";
        Self::new(FaultKind::Unavailable, UNANSWERED, message)
    }

    /// A listing of which every page leads to another, without an end. The same again would be no shorter.
    #[must_use]
    pub(crate) fn endless() -> Self {
        Self::new(FaultKind::Invalid, ENDLESS, "the platform's list does not end: a page leads to itself")
    }

    /// A search that ended before it had come to where what it looks for may be: that it is not there cannot be said.
    #[must_use]
    pub(crate) fn unfinished_search() -> Self {
        let message = "too much was made in this account at the same time to see whether this object is there already";
        Self::new(FaultKind::Unavailable, UNFINISHED_SEARCH, message)
    }

    /// Whether a search ended before it could say that something is not there. The platform answered all that it was asked.
    #[must_use]
    pub fn is_unfinished_search(&self) -> bool {
        self.code == UNFINISHED_SEARCH
    }

    /// A call that got no answer.
    #[must_use]
    pub fn transport(source: reqwest::Error) -> Self {
        let (code, message) = if source.is_timeout() {
            ("timeout", "the platform did not answer in time")
        } else if source.is_connect() {
            ("unreachable", "the platform cannot be reached")
        } else {
            ("connection_lost", "the connection to the platform broke off")
        };
        // An address could hold what a tenant typed.
        let source = Some(Arc::new(source.without_url()));
        Self { source, ..Self::new(FaultKind::Unavailable, code, message) }
    }

    /// Whether a write may have taken effect, or some of it, although this error came back.
    #[must_use]
    pub fn outcome_is_unknown(&self) -> bool {
        if self.follows_a_write {
            return true;
        }
        match (self.status, &self.source) {
            (Some(status), _) => status >= 500 || status == 408,
            (None, Some(source)) => !source.is_connect() && !source.is_builder(),
            (None, None) => self.code == UNANSWERED || self.code == OUT_OF_TIME,
        }
    }

    /// A kind of which the platform has nothing, or nothing that is kept in step.
    #[must_use]
    pub(crate) fn unsupported(platform: &str, kind: RecordKind) -> Self {
        let message = format!("{platform} is not connected for records of the kind {kind}");
        Self::new(FaultKind::Invalid, "unsupported_kind", message)
    }

    /// A platform's message, no longer than a log needs: some repeat the whole input.
    #[must_use]
    pub(crate) fn cut(message: &str) -> String {
        message.chars().take(MESSAGE).collect()
    }

    /// Whether a call was refused for what it holds, so that others may be accepted.
    #[must_use]
    pub fn is_about_content(&self) -> bool {
        let about_content = matches!(self.kind, FaultKind::Invalid | FaultKind::NotFound | FaultKind::Conflict);
        about_content && self.status.is_some()
    }

    /// What was to be taken away and is not there is no failure.
    pub(crate) fn unless_gone(self) -> Result<(), Self> {
        if self.kind == FaultKind::NotFound { Ok(()) } else { Err(self) }
    }

    /// The same refusal for a call that was not made because of it: nothing can have come of that.
    pub(crate) fn for_others(&self) -> Self {
        Self { source: None, status: None, follows_a_write: false, ..self.clone() }
    }

    /// Whether the same call is worth repeating by itself. A clash is: what it clashed with is found by the next look.
    #[must_use]
    pub fn is_worth_repeating(&self) -> bool {
        self.kind.is_transient() || self.kind == FaultKind::Conflict
    }
}

impl Fault for ConnectorError {
    fn kind(&self) -> FaultKind {
        self.kind
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}
