//! Why a request is refused, and what its caller is told. Failures of our own parts are told by `runtime::http` alone.

use std::time::Duration;

use accounts::AccountError;
use domain::event::InputFault;
use domain::fault::FaultKind;
use domain::id::{IntegrationId, RunId};
use persistence::tokens;
use runtime::http::{FieldError, Problem};

use crate::auth::TokenFault;

/// What a caller did wrong, or asked for in vain.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is no bearer token.
    #[error("This needs a bearer token in the header `Authorization`, or a session.")]
    NoToken,
    /// The token is expired, forged, or none.
    #[error("The bearer token is not valid, or no longer.")]
    BadToken(#[source] TokenFault),
    /// The session is ended, or never was.
    #[error("The session has ended; begin another one with a bearer token.")]
    NoSession,
    /// A session's write does not show that one of our own pages wants it.
    #[error("A session changes something only from our own pages, with its token in the header `X-CSRF-Token`.")]
    Forged,
    /// The issuer of tokens has never answered yet, or it was never read yet which tokens are revoked.
    #[error("Tokens cannot be checked now; try again in a moment.")]
    CannotCheck,
    /// The token is revoked already, or has come to its end.
    #[error("This token holds no more; there is nothing left to revoke.")]
    TokenOver,
    /// As many tokens are listed as may be.
    #[error(
        "{} tokens have not come to their end, revoked ones among them; wait for the first of them.",
        tokens::LIMIT
    )]
    TooManyTokens,
    /// Nobody here can sign a token.
    #[error("Tokens are issued elsewhere: ask whoever issued yours.")]
    TokensElsewhere,
    /// The token is good, and its tenant is not here.
    #[error("The tenant of this token is not known here.")]
    NoTenant,
    /// Too much was asked for in too short a time.
    #[error("There were too many requests; come again after `Retry-After` seconds.")]
    TooMany(Duration),
    /// The token is good, and its roles do not allow this.
    #[error("The token's roles do not allow this.")]
    WrongRole,
    /// The key of a repetition belongs to another request.
    #[error("This `Idempotency-Key` was used for another request; take a new one.")]
    KeyReused,
    /// The first request of that key is not answered yet.
    #[error("The request of this `Idempotency-Key` is still under way; ask again in a moment.")]
    KeyInProgress,
    /// The body is not JSON.
    #[error("The body is not JSON: {0}.")]
    Malformed(#[source] serde_json::Error),
    /// The connection ended before the body did, or its encoding is broken.
    #[error("The body did not arrive whole.")]
    Truncated,
    /// The body is larger than this many bytes.
    #[error("The body is larger than {0} bytes.")]
    TooLarge(usize),
    /// What was sent cannot be used, place by place.
    #[error("What was sent cannot be used as it is; see `errors`.")]
    Faulty(Vec<InputFault>),
    /// There is nothing of that name, or it is another tenant's.
    #[error("There is nothing here.")]
    NotFound,
    /// The platform account is connected already.
    #[error("This account is connected already, as `{name}` ({id}).")]
    AccountTaken {
        /// The name of the integration that holds it.
        name: String,
        /// Its id.
        id: IntegrationId,
    },
    /// The credentials open another account than the one that is connected.
    #[error(
        "The credentials open another account, {name} ({id}). To connect that one, add it as an integration of its own."
    )]
    OtherAccount {
        /// The name of the account that they open.
        name: String,
        /// The platform's id of it.
        id: String,
    },
    /// The platform is not connected by OAuth.
    #[error("{0} is not connected by OAuth; give its key instead.")]
    NoConsent(&'static str),
    /// The operator has not set our app up at the platform.
    #[error("Coccinelle's app is not set up at this platform; ask the operator for it.")]
    NoApp,
    /// Nobody has consented yet, or it was disconnected.
    #[error("No account is connected; begin a consent with POST …/oauth/start, or give a key.")]
    NotConnected,
    /// Somebody has decided otherwise before.
    #[error("This was decided before, and otherwise: {0}.")]
    ConflictClosed(&'static str),
    /// What signs a platform's webhooks is the secret of our app there.
    #[error("{0} signs with the secret of Coccinelle's app there; there is no secret of this integration to replace.")]
    SecretNotOurs(&'static str),
    /// As many replaced secrets still verify as may; the first of them ends after this time.
    #[error("Ten replaced secrets still verify; come again after `Retry-After` seconds.")]
    TooManySecrets(Duration),
    /// The platform could not be asked.
    #[error("{0} does not answer now; nothing was saved. Try again in a moment.")]
    PlatformAway(&'static str),
    /// The platform was asked, and does not say what it was asked for.
    #[error("{0} does not let us ask: {1}. Try the connection, and repair it.")]
    PlatformRefuses(&'static str, String),
    /// Another run of the integration is not over yet.
    #[error("A run is under way already ({0}); wait for its end, or end it.")]
    RunUnderWay(RunId),
    /// The integration is switched off.
    #[error("This integration is switched off; switch it on first.")]
    Disabled,
    /// The settings name nobody who is told of trouble.
    #[error("The settings name no address and no webhook to send an alert to; name one first.")]
    NobodyToAlert,
    /// The run does not wait for anybody's consent.
    #[error("This run does not ask for anything.")]
    NothingToConfirm,
    /// The tenant has as many streams open as it may.
    #[error("As many streams are open as may be; close one.")]
    TooManyStreams,
    /// A workflow shows no pass.
    #[error("This needs the token that came with the write.")]
    NoPass,
    /// The pass is none of ours, is for something else, or has expired.
    #[error("The token is not valid for this, or no longer.")]
    BadPass,
    /// Something else was reported of the same write.
    #[error("Another report of this write was taken already.")]
    CallbackDiffers,
    /// The action of the pass needs no such call.
    #[error("This write does not need that call of the platform.")]
    CallNotAllowed,
    /// The write was reported, or is in other hands by now.
    #[error("This write is over: it was reported, or handed over again.")]
    ErrandOver,
    /// Somebody is creating the object, or was, and nobody knows yet what came of it.
    #[error("The object is being created; come again in a moment.")]
    CreateUnderWay(Duration),
    /// The platform takes no more requests for the moment.
    #[error("The platform takes no more requests for the moment; come again after `Retry-After` seconds.")]
    BudgetSpent(Duration),
    /// The platform gave no answer to a workflow's call.
    #[error("{0} does not answer now.")]
    PlatformSilent(&'static str),
    /// Neither the broker nor the database took what was sent.
    #[error("Nothing can be accepted now; send it again in a few seconds.")]
    NotAccepted,
}

impl Refusal {
    /// What it means to a caller that there is no way to a platform's page.
    pub(crate) fn without_doorway(error: AccountError) -> Problem {
        if matches!(error, AccountError::NoApp(_)) {
            Self::NoApp.into()
        } else if let AccountError::NoGrants(name) = error {
            Self::NoConsent(name).into()
        } else if matches!(error, AccountError::BadUrl) {
            Self::at("url", "must name the site of the account").into()
        } else {
            error.into()
        }
    }

    /// One fault at one place.
    pub(crate) fn at(path: &str, message: impl Into<String>) -> Self {
        Self::Faulty(vec![InputFault { path: path.to_owned(), message: message.into() }])
    }
}

fn log_cause(cause: &(dyn std::error::Error + 'static)) {
    tracing::debug!(error.cause = cause, "a token was refused");
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NoToken => Self::new(FaultKind::Unauthorized, "token_missing", detail),
            Refusal::BadToken(cause) => {
                log_cause(&cause);
                Self::new(FaultKind::Unauthorized, "token_invalid", detail)
            }
            Refusal::NoSession => Self::new(FaultKind::Unauthorized, "session_ended", detail),
            Refusal::Forged => Self::new(FaultKind::Forbidden, "csrf_refused", detail),
            Refusal::TokenOver => Self::new(FaultKind::Conflict, "token_over", detail),
            Refusal::TooManyTokens => Self::new(FaultKind::Conflict, "too_many_tokens", detail),
            Refusal::TokensElsewhere => Self::new(FaultKind::Conflict, "tokens_issued_elsewhere", detail),
            Refusal::NoTenant => Self::new(FaultKind::Forbidden, "tenant_unknown", detail),
            Refusal::TooMany(wait) => Self::new(FaultKind::RateLimited, "rate_limited", detail).with_retry_after(wait),
            Refusal::KeyReused => Self::new(FaultKind::Invalid, "idempotency_key_reused", detail),
            Refusal::KeyInProgress => Self::new(FaultKind::Conflict, "idempotency_in_progress", detail)
                .with_retry_after(Duration::from_secs(1)),
            Refusal::WrongRole => Self::new(FaultKind::Forbidden, "role_missing", detail),
            Refusal::Malformed(_) | Refusal::Truncated => Self::malformed(detail),
            Refusal::TooLarge(limit) => Self::too_large(limit),
            Refusal::Faulty(faults) => {
                let told = |InputFault { path, message }| FieldError { path, message };
                let problem = Self::new(FaultKind::Invalid, "invalid", detail);
                problem.with_errors(faults.into_iter().map(told).collect())
            }
            Refusal::NotFound => Self::not_found(),
            Refusal::AccountTaken { id, .. } => Self::new(FaultKind::Conflict, "account_taken", detail)
                .with_conflict(format!("/api/v1/integrations/{id}")),
            Refusal::SecretNotOurs(_) => Self::new(FaultKind::Conflict, "secret_not_ours", detail),
            Refusal::TooManySecrets(wait) => {
                Self::new(FaultKind::Conflict, "too_many_secrets", detail).with_retry_after(wait)
            }
            Refusal::OtherAccount { .. } => Self::new(FaultKind::Conflict, "other_account", detail),
            Refusal::NoConsent(_) => Self::new(FaultKind::Conflict, "oauth_unsupported", detail),
            Refusal::NoApp => Self::new(FaultKind::Conflict, "oauth_unavailable", detail),
            Refusal::NotConnected => Self::new(FaultKind::Conflict, "not_connected", detail),
            Refusal::RunUnderWay(_) => Self::new(FaultKind::Conflict, "run_under_way", detail),
            Refusal::Disabled => Self::new(FaultKind::Conflict, "integration_disabled", detail),
            Refusal::NobodyToAlert => Self::new(FaultKind::Conflict, "nobody_to_alert", detail),
            Refusal::NothingToConfirm => Self::new(FaultKind::Conflict, "nothing_to_confirm", detail),
            Refusal::ConflictClosed(_) => Self::new(FaultKind::Conflict, "conflict_closed", detail),
            Refusal::NoPass => Self::new(FaultKind::Unauthorized, "pass_missing", detail),
            Refusal::BadPass => Self::new(FaultKind::Unauthorized, "pass_invalid", detail),
            Refusal::CallbackDiffers => Self::new(FaultKind::Conflict, "callback_differs", detail),
            Refusal::CallNotAllowed => Self::new(FaultKind::Forbidden, "call_not_allowed", detail),
            Refusal::ErrandOver => Self::new(FaultKind::Conflict, "errand_over", detail),
            Refusal::CreateUnderWay(wait) => {
                Self::new(FaultKind::Conflict, "create_under_way", detail).with_retry_after(wait)
            }
            Refusal::BudgetSpent(wait) => {
                Self::new(FaultKind::RateLimited, "budget_spent", detail).with_retry_after(wait)
            }
            Refusal::PlatformSilent(_) => Self::new(FaultKind::Unavailable, "platform_unavailable", detail),
            Refusal::PlatformAway(_) => Self::new(FaultKind::Unavailable, "platform_unavailable", detail),
            Refusal::PlatformRefuses(..) => Self::new(FaultKind::Conflict, "platform_refused", detail),
            Refusal::TooManyStreams => Self::new(FaultKind::RateLimited, "too_many_streams", detail),
            Refusal::CannotCheck | Refusal::NotAccepted => Self::new(FaultKind::Unavailable, "unavailable", detail),
        }
    }
}
