//! How an integration is, as a reader sees it: a word, a shape and a colour, never the colour alone.

use domain::integration::Status;

use super::text::Message;
use super::text::catalogue as m;
use crate::integrations::View;

/// How an integration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Working.
    Active,
    /// Switched off.
    Inactive,
    /// The last attempts failed.
    Error,
    /// The platform no longer accepts the credentials.
    Reauth,
    /// The platform is away for everybody.
    Down,
    /// Switched on, and nothing has been tried yet.
    First,
    /// No account is connected yet.
    Unconnected,
}

impl Standing {
    /// From what is known: what was never tried is at its first sync.
    pub(super) fn of(view: &View) -> Self {
        match view.status {
            _ if !view.connected => Self::Unconnected,
            Status::Active if view.enabled && view.health.last_sync_at.is_none() => Self::First,
            Status::Active => Self::Active,
            Status::Inactive => Self::Inactive,
            Status::Error => Self::Error,
            Status::ReauthRequired => Self::Reauth,
            Status::PlatformDown => Self::Down,
        }
    }

    /// The word.
    pub(super) fn word(self) -> Message {
        match self {
            Self::Active => m::ACTIVE,
            Self::Inactive => m::INACTIVE,
            Self::Error => m::ERROR,
            Self::Reauth => m::REAUTH,
            Self::Down => m::DOWN,
            Self::First => m::FIRST_SYNC,
            Self::Unconnected => m::UNCONNECTED,
        }
    }

    /// The shape, as the style and the symbols name it.
    pub(super) fn shape(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive | Self::Unconnected => "inactive",
            Self::Error => "error",
            Self::Reauth => "reauth",
            Self::Down => "down",
            Self::First => "first",
        }
    }
}
