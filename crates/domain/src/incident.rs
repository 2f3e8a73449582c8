//! Trouble that somebody is told of. When an integration is in it is `judgement`'s to say; telling is `log-writer`'s.

mod judgement;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::judgement::{Bounds, Finding, Signs, judge, outages};

/// What begins an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertTrigger)]
pub enum Trigger {
    /// Attempts fail one after the other, or too many of the last ones did.
    Failing,
    /// The platform no longer accepts the credentials.
    ReauthRequired,
    /// Deliveries of its webhook come with signatures that are not good.
    WebhookUnverified,
    /// Its webhook is no longer there on the platform: whoever looks after subscriptions found it gone, or, where none can be
    /// looked at, it fell silent.
    WebhookRemoved,
    /// Too many records are out of step, and they do not become fewer.
    Drift,
    /// A run found more deletions than it may make by itself, and waits for somebody to agree to them.
    NeedsConfirmation,
    /// A platform is away for everybody. The operators' alone.
    PlatformDown,
    /// Messages that nobody could handle. The operators' alone.
    DeadLetters,
}

impl Trigger {
    /// All that this version knows.
    pub const ALL: [Self; 8] = [
        Self::Failing,
        Self::ReauthRequired,
        Self::WebhookUnverified,
        Self::WebhookRemoved,
        Self::Drift,
        Self::NeedsConfirmation,
        Self::PlatformDown,
        Self::DeadLetters,
    ];

    /// Those that are judged by [`judge`].
    pub const JUDGED: [Self; 6] = [
        Self::Failing,
        Self::ReauthRequired,
        Self::WebhookUnverified,
        Self::WebhookRemoved,
        Self::Drift,
        Self::NeedsConfirmation,
    ];

    /// Those that tenants are told of.
    pub const OF_TENANTS: [Self; 6] = Self::JUDGED;

    /// Its word in `incidents.trigger`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::ReauthRequired => "reauth_required",
            Self::WebhookUnverified => "webhook_unverified",
            Self::WebhookRemoved => "webhook_removed",
            Self::Drift => "drift",
            Self::NeedsConfirmation => "needs_confirmation",
            Self::PlatformDown => "platform_down",
            Self::DeadLetters => "dead_letters",
        }
    }
}

/// The cause of a [`Trigger::WebhookRemoved`] that was noticed by its silence alone.
pub const SILENT: &str = "silent";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triggers_word_is_the_one_that_is_read() {
        for trigger in Trigger::ALL {
            assert_eq!(serde_json::to_value(trigger).unwrap(), trigger.as_str());
        }
    }

    #[test]
    fn all_are_all_that_can_be_read() {
        let known = serde_json::from_value::<Trigger>("another".into()).unwrap_err().to_string();
        assert_eq!(known.matches('`').count(), 2 * (1 + Trigger::ALL.len()), "{known}");
        assert!(Trigger::ALL.iter().all(|trigger| known.contains(&format!("`{}`", trigger.as_str()))), "{known}");
    }
}
