//! Making and opening the tenants' data keys under the master keys. What is sealed under a data key is `data_key`'s.

use domain::id::TenantId;
use zeroize::Zeroizing;

use crate::aead::{KEY_LENGTH, Key};
use crate::data_key::{DataKey, Purpose};
use crate::error::VaultError;
use crate::key_ring::KeyRing;

/// The name that what is sealed under a data key refers to: a tenant has one, so it needs no other.
const DATA_KEY_ID: &str = "tenant";

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
    ring: KeyRing,
}

impl Vault {
    /// A vault with these master keys.
    #[must_use]
    pub fn new(ring: KeyRing) -> Self {
        Self { ring }
    }

    /// Makes a random data key for a tenant, sealed under the active master key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new_data_key(&self, tenant: TenantId) -> Result<SealedDataKey, VaultError> {
        let bytes = Key::random_bytes()?;
        self.ring.active().seal(&purpose(tenant).context(), bytes.as_ref()).map(SealedDataKey)
    }

    /// Opens a tenant's data key.
    ///
    /// # Errors
    /// When it is another tenant's, was changed, or its master key is not in the ring.
    pub fn open_data_key(&self, tenant: TenantId, sealed: &SealedDataKey) -> Result<DataKey, VaultError> {
        let clear = self.ring.key_of(&sealed.0)?.open(&purpose(tenant).context(), &sealed.0)?;
        let bytes: [u8; KEY_LENGTH] = clear.as_slice().try_into().map_err(|_length| VaultError::Malformed)?;
        Ok(DataKey::new(Key::new(DATA_KEY_ID.to_owned(), Zeroizing::new(bytes))))
    }
}

fn purpose(tenant: TenantId) -> Purpose {
    Purpose { tenant, integration: None, column: "sealed_data_key" }
}
