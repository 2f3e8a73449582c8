//! Making and opening the tenants' data keys under the master keys. What is sealed under a data key is `data_key`'s.

use std::path::Path;

use domain::id::TenantId;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::aead::{KEY_LENGTH, Key, KeyBytes};
use crate::data_key::{DataKey, Purpose};
use crate::error::VaultError;
use crate::key_ring::KeyRing;
use crate::source::Source;
use crate::token::{self, TokenPurpose};

/// A tenant's data key, sealed under a master key: what is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedDataKey(String);

impl SealedDataKey {
    /// The text that is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for SealedDataKey {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<SealedDataKey> for String {
    fn from(sealed: SealedDataKey) -> Self {
        sealed.0
    }
}

/// Opens what the master keys have sealed.
#[derive(Debug)]
pub struct Vault {
    ring: Source,
}

impl Vault {
    /// A vault with these master keys, for good.
    #[must_use]
    pub fn new(ring: KeyRing) -> Self {
        Self { ring: Source::fixed(ring) }
    }

    /// A vault with the master keys in this file, and with those that it holds later: it is read again within a second of a
    /// change, and at once where a key is asked for that is not at hand. While it cannot be read, the keys at hand stay in use.
    ///
    /// # Errors
    /// When the file cannot be used now.
    pub fn watching(file: &Path) -> Result<Self, VaultError> {
        Ok(Self { ring: Source::watched(file)? })
    }

    /// The name of the master key that seals: the second part of what it has sealed.
    #[must_use]
    pub fn active_key(&self) -> String {
        self.ring.current().active().id().to_owned()
    }

    /// Makes a random data key for a tenant, sealed under the active master key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new_data_key(&self, tenant: TenantId) -> Result<SealedDataKey, VaultError> {
        self.seal(tenant, &Key::random_bytes()?)
    }

    /// Opens a tenant's data key.
    ///
    /// # Errors
    /// When it is another tenant's, was changed, or its master key is not in the ring.
    pub fn open_data_key(&self, tenant: TenantId, sealed: &SealedDataKey) -> Result<DataKey, VaultError> {
        self.open_data_keys(tenant, sealed, None)
    }

    /// Opens a tenant's data key, and with it the one before, while that is still needed.
    ///
    /// # Errors
    /// When either is another tenant's, was changed, or its master key is not in the ring.
    pub fn open_data_keys(
        &self,
        tenant: TenantId,
        sealed: &SealedDataKey,
        previous: Option<&SealedDataKey>,
    ) -> Result<DataKey, VaultError> {
        let open = |sealed: &SealedDataKey| self.open(tenant, sealed).map(Key::named_after_itself);
        Ok(DataKey::new(open(sealed)?, previous.map(open).transpose()?))
    }

    /// The same data key, sealed under the active master key.
    ///
    /// # Errors
    /// As [`Self::open_data_key`].
    pub fn reseal_data_key(&self, tenant: TenantId, sealed: &SealedDataKey) -> Result<SealedDataKey, VaultError> {
        self.seal(tenant, &self.open(tenant, sealed)?)
    }

    fn seal(&self, tenant: TenantId, bytes: &KeyBytes) -> Result<SealedDataKey, VaultError> {
        self.ring.current().active().seal(&purpose(tenant).context(), bytes.as_ref()).map(SealedDataKey)
    }

    fn open(&self, tenant: TenantId, sealed: &SealedDataKey) -> Result<KeyBytes, VaultError> {
        let open = |ring: &KeyRing| ring.key_of(&sealed.0)?.open(&purpose(tenant).context(), &sealed.0);
        let clear = match open(&self.ring.current()) {
            Err(VaultError::UnknownKey(_)) => open(&self.ring.newest())?,
            known => known?,
        };
        let bytes: [u8; KEY_LENGTH] = clear.as_slice().try_into().map_err(|_length| VaultError::Malformed)?;
        Ok(Zeroizing::new(bytes))
    }

    /// A token with these claims, which are not hidden by it; whether it has expired is theirs to say.
    ///
    /// # Errors
    /// Never in practice; deriving a key is fallible by its signature.
    pub fn sign_token(&self, purpose: TokenPurpose, claims: &[u8]) -> Result<SecretString, VaultError> {
        token::sign(self.ring.current().active(), purpose, claims)
    }

    /// The claims of a token that was signed for this purpose, under a master key that is still in the ring.
    ///
    /// # Errors
    /// When it was not, or was changed since.
    pub fn verify_token(&self, purpose: TokenPurpose, token: &str) -> Result<Vec<u8>, VaultError> {
        let verify = |ring: &KeyRing| token::verify(ring.key_of(token)?, purpose, token);
        match verify(&self.ring.current()) {
            Err(VaultError::UnknownKey(_)) => verify(&self.ring.newest()),
            known => known,
        }
    }
}

fn purpose(tenant: TenantId) -> Purpose {
    Purpose { tenant, integration: None, column: "sealed_data_key" }
}
