//! Why an account cannot be opened. What the platform then answers is `connectors`' error.

use connectors::error::ConnectorError;
use domain::fault::{Fault, FaultKind};
use domain::id::{IntegrationId, TenantId};
use domain::platform::PlatformSlug;
use persistence::PersistenceError;
use vault::VaultError;

/// Why an account cannot be opened, or its credentials not be kept.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is no connector of that name.
    #[error("`{0}` is no platform that can be connected")]
    UnknownPlatform(PlatformSlug),
    /// The operator has not said where the platform is.
    #[error("the setting `platforms.{0}` is missing")]
    NoSettings(PlatformSlug),
    /// The platform needs the tenant's own address, and there is none, or it is none.
    #[error("`url` must be the address of the account, as in https://shop.example.com")]
    BadUrl,
    /// The platform is not connected by grants.
    #[error("{0} is not connected by OAuth")]
    NoGrants(&'static str),
    /// The operator has not set our app up at the platform.
    #[error("the settings `platforms.{0}.client_id` and `client_secret` are missing")]
    NoApp(PlatformSlug),
    /// The grant is good no more.
    #[error("{0}")]
    GrantEnded(String),
    /// A refresh of the grant is under way, or was cut off.
    #[error("the grant is being refreshed")]
    Interrupted,
    /// The platform refuses, or does not answer.
    #[error(transparent)]
    Platform(Box<ConnectorError>),
    /// The integration has no credentials.
    #[error("{0} has no credentials")]
    NoCredentials(IntegrationId),
    /// The tenant is gone, and its key with it.
    #[error("{0} has no data key")]
    NoDataKey(TenantId),
    /// No client can be made.
    #[error("platforms cannot be called")]
    Client(#[from] connectors::http::SetupError),
    /// The database does not answer.
    #[error("the credentials cannot be fetched")]
    Persistence(#[from] PersistenceError),
    /// What is sealed does not open.
    #[error("the credentials cannot be sealed or opened")]
    Vault(#[from] VaultError),
    /// As many replaced secrets of webhooks still verify as may; the first of them ends after this time.
    #[error("too many replaced secrets still verify")]
    TooManySecrets(std::time::Duration),
    /// A token is none of ours, or is for something else.
    #[error("the token is not valid here, or no longer")]
    BadPass,
    /// What was sealed is no credentials.
    #[error("the credentials are not of a known form")]
    Unreadable(#[source] serde_json::Error),
}

impl Fault for AccountError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::BadUrl | Self::UnknownPlatform(_) | Self::NoGrants(_) => FaultKind::Invalid,
            Self::BadPass | Self::GrantEnded(_) => FaultKind::Unauthorized,
            Self::Interrupted => FaultKind::Unavailable,
            Self::TooManySecrets(_) => FaultKind::Conflict,
            Self::Platform(error) => error.kind(),
            Self::NoCredentials(_) => FaultKind::NotFound,
            Self::NoDataKey(_) => FaultKind::Forbidden,
            Self::Persistence(error) => error.kind(),
            Self::Vault(error) => error.kind(),
            Self::NoApp(_) | Self::NoSettings(_) | Self::Client(_) | Self::Unreadable(_) => FaultKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadUrl => "url_invalid",
            Self::UnknownPlatform(_) => "platform_unknown",
            Self::NoCredentials(_) => "credentials_missing",
            Self::BadPass => "token_invalid",
            Self::NoGrants(_) => "oauth_unsupported",
            Self::NoApp(_) => "oauth_not_set_up",
            Self::GrantEnded(_) => "reauth_required",
            Self::Interrupted => "grant_refreshing",
            Self::TooManySecrets(_) => "too_many_secrets",
            Self::NoDataKey(_) => "tenant_unknown",
            Self::NoSettings(_)
            | Self::Client(_)
            | Self::Platform(_)
            | Self::Persistence(_)
            | Self::Vault(_)
            | Self::Unreadable(_) => self.kind().code(),
        }
    }
}
