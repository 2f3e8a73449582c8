//! How a consent ended, and the page to which the browser is sent with that. Pages are shown by the dashboard.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use domain::id::IntegrationId;
use domain::kind::RecordKind;

use super::below;
use crate::state::Gateway;

/// Why an account was not connected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The state is none of ours.
    #[error("the state is unknown")]
    UnknownState,
    /// The callback came a second time.
    #[error("the callback came already")]
    SpentState,
    /// It took longer than ten minutes.
    #[error("the consent took too long")]
    ExpiredState,
    /// The browser is another than the one in which it was begun.
    #[error("the callback came by another browser")]
    OtherBrowser,
    /// The browser belongs to somebody else by now.
    #[error("the callback came by another user's browser")]
    OtherUser,
    /// The platform would not have sent this callback.
    #[error("the callback is not the platform's: {0}")]
    Forged(connectors::oauth::BadCallback),
    /// The tenant did not consent.
    #[error("the consent was denied")]
    Denied,
    /// The platform refused to ask for consent, or the code it gave.
    #[error("the platform refuses: {0}")]
    Refused(String),
    /// Less was granted than is needed.
    #[error("scopes are missing: {0:?}")]
    Lacking(Vec<&'static str>),
    /// The account is connected already.
    #[error("the account is connected already, as {0}")]
    Taken(IntegrationId),
    /// Somebody connected the account at the same moment.
    #[error("the account was connected meanwhile")]
    TakenMeanwhile,
    /// The grant opens another account than the one that is connected.
    #[error("the grant opens another account: {0}")]
    OtherAccount(String),
    /// The platform does not answer.
    #[error("the platform does not answer")]
    Away,
    /// Our own parts failed.
    #[error("it could not be kept")]
    Ours,
}

impl Failure {
    /// The stable code in the address.
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownState => "state_unknown",
            Self::SpentState => "state_spent",
            Self::ExpiredState => "state_expired",
            Self::OtherBrowser => "other_browser",
            Self::OtherUser => "other_user",
            Self::Forged(_) => "callback_forged",
            Self::Denied => "consent_denied",
            Self::Refused(_) => "platform_refused",
            Self::Lacking(_) => "scopes_missing",
            Self::Taken(_) | Self::TakenMeanwhile => "account_taken",
            Self::OtherAccount(_) => "other_account",
            Self::Away => "platform_unavailable",
            Self::Ours => "unavailable",
        }
    }

    /// What else the page is told.
    fn detail(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Refused(reason) => Some(("reason", reason.clone())),
            Self::Lacking(scopes) => Some(("missing", scopes.join(" "))),
            Self::Taken(other) => Some(("other", other.to_string())),
            Self::OtherAccount(name) => Some(("account", name.clone())),
            Self::UnknownState
            | Self::SpentState
            | Self::ExpiredState
            | Self::OtherBrowser
            | Self::OtherUser
            | Self::Forged(_)
            | Self::Denied
            | Self::TakenMeanwhile
            | Self::Away
            | Self::Ours => None,
        }
    }
}

/// Sends the browser to the page of the integration, or of all where none is known: nowhere else, whatever a callback says.
pub(super) fn shown(
    gateway: &Gateway,
    integration: Option<IntegrationId>,
    outcome: &Result<Vec<RecordKind>, Failure>,
) -> HttpResponse {
    let id = integration.map(|id| id.to_string());
    let path: Vec<&str> = ["dashboard", "integrations"].into_iter().chain(id.as_deref()).collect();
    let mut page = below(&gateway.limits.public_url, &path);
    match outcome {
        Ok(unkeyed) => {
            let kinds: Vec<_> = unkeyed.iter().map(|kind| kind.as_str()).collect();
            let kinds = (!kinds.is_empty()).then(|| ("unkeyed", kinds.join(" ")));
            page.query_pairs_mut().append_pair("connected", "1").extend_pairs(kinds);
        }
        Err(failure) => {
            page.query_pairs_mut().append_pair("oauth_error", failure.code()).extend_pairs(failure.detail());
        }
    }
    HttpResponse::SeeOther()
        .insert_header((LOCATION, page.as_str()))
        .insert_header((CACHE_CONTROL, "no-store"))
        // The address of the callback holds a code.
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}
