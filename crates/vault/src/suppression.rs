//! Keyed hashes of identifiers that may not be kept: HMAC-SHA-256. Which identifiers, and where their hashes lie, is others'.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::aead::{KEY_LENGTH, Key};
use crate::error::VaultError;

/// The key under which one tenant's erased persons are remembered.
///
/// It is random and outlives every change of the data key that seals it: nobody could hash anew what nobody knows any more.
#[derive(Clone)]
pub struct SuppressionKey(hmac::Key);

impl SuppressionKey {
    /// A new key, in the form in which it is to be sealed.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn random() -> Result<SecretString, VaultError> {
        Ok(SecretString::from(BASE64.encode(Key::random_bytes()?.as_ref())))
    }

    /// The key of that form.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(text: &SecretString) -> Result<Self, VaultError> {
        let bytes = BASE64.decode(text.expose_secret()).map_err(|_error| VaultError::Malformed)?;
        let bytes = Zeroizing::new(bytes);
        let is_whole = bytes.len() == KEY_LENGTH;
        is_whole.then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes))).ok_or(VaultError::Malformed)
    }

    /// The hash of an identifier, hexadecimal.
    #[must_use]
    pub fn hash(&self, identifier: &str) -> String {
        let tag = hmac::sign(&self.0, identifier.as_bytes());
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for SuppressionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SuppressionKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed apart from this code, by Python: `hmac.new(bytes(range(32)), b"email:zoe@example.fr", "sha256")`.
    #[test]
    fn hashes_as_another_implementation_does() {
        let bytes: Vec<u8> = (0..32).collect();
        let key = SuppressionKey::new(&SecretString::from(BASE64.encode(bytes))).unwrap();
        assert_eq!(
            key.hash("email:zoe@example.fr"),
            "a7d40088e461c32fa31c0b4add915b67817be3bb8134d9b275415e76907f13f0"
        );
    }

    #[test]
    fn every_tenant_has_hashes_of_its_own() {
        let hash = || SuppressionKey::new(&SuppressionKey::random().unwrap()).unwrap().hash("email:zoe@example.fr");
        assert_ne!(hash(), hash());
    }

    #[test]
    fn a_key_of_another_length_is_none_and_none_is_printed() {
        assert!(SuppressionKey::new(&SecretString::from("AAAA")).is_err());
        let key = SuppressionKey::new(&SuppressionKey::random().unwrap()).unwrap();
        assert_eq!(format!("{key:?}"), "SuppressionKey(***)");
    }
}
