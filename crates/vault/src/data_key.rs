//! A tenant's data key, and what is sealed under it. How the data key itself is sealed is `vault`'s.

use domain::id::{IntegrationId, TenantId};
use secrecy::{ExposeSecret, SecretString};

use crate::aead::Key;
use crate::error::VaultError;

/// What a secret is for: it opens for nothing else, so that a sealed value moved to another row stays shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Whose it is.
    pub tenant: TenantId,
    /// For which integration; `None` where it is the tenant's as a whole.
    pub integration: Option<IntegrationId>,
    /// In which column it is kept.
    pub column: &'static str,
}

impl Purpose {
    /// The associated data. Ids hold no slash, so two purposes never make the same text.
    pub(crate) fn context(&self) -> String {
        let integration = self.integration.map(|id| id.to_string()).unwrap_or_default();
        format!("{}/{integration}/{}", self.tenant, self.column)
    }
}

/// A sealed secret, as it is kept: `v1.<key id>.<base64>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(String);

impl Sealed {
    /// The text that is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Sealed {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Sealed> for String {
    fn from(sealed: Sealed) -> Self {
        sealed.0
    }
}

/// The key that seals the secrets of one tenant.
#[derive(Clone, Debug)]
pub struct DataKey(Key);

impl DataKey {
    pub(crate) fn new(key: Key) -> Self {
        Self(key)
    }

    /// Seals a secret for this purpose.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, purpose: &Purpose, secret: &SecretString) -> Result<Sealed, VaultError> {
        self.0.seal(&purpose.context(), secret.expose_secret().as_bytes()).map(Sealed)
    }

    /// Opens a secret that was sealed for this purpose.
    ///
    /// # Errors
    /// When it was sealed for another purpose, under another key, or was changed since.
    pub fn open(&self, purpose: &Purpose, sealed: &Sealed) -> Result<SecretString, VaultError> {
        let clear = self.0.open(&purpose.context(), &sealed.0)?;
        let text = std::str::from_utf8(&clear).map_err(|_error| VaultError::Malformed)?;
        Ok(SecretString::from(text))
    }
}
