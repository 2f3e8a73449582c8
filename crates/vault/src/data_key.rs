//! A tenant's data key, and what is sealed under it. How the data key itself is sealed is `vault`'s.

use domain::id::{IntegrationId, TenantId};
use secrecy::{ExposeSecret, SecretString};

use crate::aead::{Key, key_id_of};
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

/// What every data key was called before keys had names of their own.
const FIRST_NAME: &str = "tenant";

/// The key that seals the secrets of one tenant; while they are being sealed anew, also the key before it, which only opens.
#[derive(Clone, Debug)]
pub struct DataKey {
    seals: Key,
    /// Every key under every name that it may be called by.
    opens: Vec<Key>,
}

impl DataKey {
    pub(crate) fn new(seals: Key, previous: Option<Key>) -> Self {
        let keys = std::iter::once(seals.clone()).chain(previous);
        let opens = keys.flat_map(|key| [key.also_named(FIRST_NAME), key]).collect();
        Self { seals, opens }
    }

    /// The name by which sealed texts refer to the key that seals: their second part.
    #[must_use]
    pub fn id(&self) -> &str {
        self.seals.id()
    }

    /// Seals a secret for this purpose.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, purpose: &Purpose, secret: &SecretString) -> Result<Sealed, VaultError> {
        self.seals.seal(&purpose.context(), secret.expose_secret().as_bytes()).map(Sealed)
    }

    /// Opens a secret that was sealed for this purpose.
    ///
    /// # Errors
    /// When it was sealed for another purpose, under another key, or was changed since.
    pub fn open(&self, purpose: &Purpose, sealed: &Sealed) -> Result<SecretString, VaultError> {
        let (named, context) = (key_id_of(&sealed.0)?, purpose.context());
        let mut outcome = Err(VaultError::UnknownKey(named.to_owned()));
        for key in self.opens.iter().filter(|key| key.id() == named) {
            outcome = key.open(&context, &sealed.0);
            if outcome.is_ok() {
                break;
            }
        }
        let clear = outcome?;
        let text = std::str::from_utf8(&clear).map_err(|_error| VaultError::Malformed)?;
        Ok(SecretString::from(text))
    }

    /// Seals anew, under the key that seals, what either key opens.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::seal`].
    pub fn reseal(&self, purpose: &Purpose, sealed: &Sealed) -> Result<Sealed, VaultError> {
        self.seal(purpose, &self.open(purpose, sealed)?)
    }
}
