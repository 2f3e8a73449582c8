//! Tokens that we give out and take back: signed claims, each under a key derived for its purpose alone. What they claim is their issuer's.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::digest::{SHA256, digest};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::hmac;
use secrecy::SecretString;

use crate::aead::Key;
use crate::error::VaultError;

/// Bytes of a signature.
const TAG: usize = 32;

const VERSION: &str = "v1";

/// What a token is good for. A token of one purpose is none of another: their keys differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPurpose {
    /// To report what came of a write that was handed to a workflow.
    WorkflowCallback,
    /// To call a platform through the gateway for one such write.
    WorkflowProxy,
}

impl TokenPurpose {
    fn info(self) -> &'static [u8] {
        match self {
            Self::WorkflowCallback => b"coccinelle/token/workflow-callback",
            Self::WorkflowProxy => b"coccinelle/token/workflow-proxy",
        }
    }
}

/// `v1.<key id>.<base64url of signature and claims>`: fit for a header and for a query alike.
pub(crate) fn sign(key: &Key, purpose: TokenPurpose, claims: &[u8]) -> Result<SecretString, VaultError> {
    let tag = hmac::sign(&signing_key(key, purpose)?, claims);
    let body = BASE64.encode([tag.as_ref(), claims].concat());
    Ok(format!("{VERSION}.{}.{body}", key.id()).into())
}

/// The claims of a token that this key has signed for this purpose.
pub(crate) fn verify(key: &Key, purpose: TokenPurpose, token: &str) -> Result<Vec<u8>, VaultError> {
    let body = token.rsplit('.').next().unwrap_or_default();
    let bytes = BASE64.decode(body).map_err(|_error| VaultError::Malformed)?;
    let (tag, claims) = bytes.split_at_checked(TAG).ok_or(VaultError::Malformed)?;
    let verified = hmac::verify(&signing_key(key, purpose)?, claims, tag);
    verified.map(|()| claims.to_vec()).map_err(|_unspecified| VaultError::DoesNotOpen)
}

fn signing_key(key: &Key, purpose: TokenPurpose) -> Result<hmac::Key, VaultError> {
    let derived: Prk = Salt::new(HKDF_SHA256, b"coccinelle").extract(key.bytes());
    let parts = [purpose.info()];
    let okm = derived.expand(&parts, hmac::HMAC_SHA256).map_err(|_unspecified| VaultError::SealingFailed)?;
    Ok(hmac::Key::from(okm))
}

/// SHA-256 as hexadecimal digits: tells whether two texts are the same without keeping either.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;
    use zeroize::Zeroizing;

    use super::*;

    fn key(byte: u8) -> Key {
        Key::new("k1".to_owned(), Zeroizing::new([byte; 32]))
    }

    #[test]
    fn what_was_signed_is_claimed() {
        let token = sign(&key(1), TokenPurpose::WorkflowProxy, b"claims").unwrap();
        assert_eq!(verify(&key(1), TokenPurpose::WorkflowProxy, token.expose_secret()).unwrap(), b"claims");
    }

    #[test]
    fn a_token_of_one_purpose_or_key_is_none_of_another() {
        let token = sign(&key(1), TokenPurpose::WorkflowProxy, b"claims").unwrap();
        for refused in [
            verify(&key(1), TokenPurpose::WorkflowCallback, token.expose_secret()),
            verify(&key(2), TokenPurpose::WorkflowProxy, token.expose_secret()),
        ] {
            assert!(matches!(refused, Err(VaultError::DoesNotOpen)), "{refused:?}");
        }
    }

    #[test]
    fn a_change_of_any_byte_and_every_stump_is_refused() {
        let token = sign(&key(1), TokenPurpose::WorkflowProxy, b"claims").unwrap();
        let body = token.expose_secret().strip_prefix("v1.k1.").unwrap();
        let bytes = BASE64.decode(body).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let forged = format!("v1.k1.{}", BASE64.encode(changed));
            assert!(verify(&key(1), TokenPurpose::WorkflowProxy, &forged).is_err(), "byte {place}");
            let stump = format!("v1.k1.{}", BASE64.encode(&bytes[..place]));
            assert!(verify(&key(1), TokenPurpose::WorkflowProxy, &stump).is_err(), "{place} bytes");
        }
        assert!(verify(&key(1), TokenPurpose::WorkflowProxy, "").is_err());
    }
}
