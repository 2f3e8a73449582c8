//! Fingerprints, secrets made by chance, and comparing without telling how far two agree. Nothing here can be opened again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{digest, hmac};
use secrecy::SecretString;

use crate::error::VaultError;

/// Bytes of a secret made by chance: too many to be guessed.
const SECRET_BYTES: usize = 32;

/// SHA-256 of these parts in their order, as base64url. `purpose` keeps fingerprints of one kind apart from those of all
/// others.
#[must_use]
pub fn fingerprint(purpose: &'static str, parts: &[&[u8]]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    // With their lengths, or a byte could move from one part to the next unseen.
    for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    URL_SAFE_NO_PAD.encode(context.finish())
}

/// A new secret: 256 bits as base64url, which is 43 characters.
///
/// # Errors
/// When the system gives no random bytes.
pub fn new_secret() -> Result<SecretString, VaultError> {
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| VaultError::NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

/// Whether both are the same, in a time that does not tell where they differ.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    // ring compares tags in constant time, and the tag of a text says nothing of the text.
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[]);
    hmac::verify(&key, other.as_bytes(), hmac::sign(&key, one.as_bytes()).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_fingerprint_depends_on_its_purpose_and_on_where_its_parts_end() {
        let known = fingerprint("a", &[b"b", b"c"]);
        assert_eq!(known, fingerprint("a", &[b"b", b"c"]));
        assert_eq!(known.len(), 43);
        for other in [fingerprint("a", &[b"bc"]), fingerprint("ab", &[b"c"]), fingerprint("a", &[b"c", b"b"])] {
            assert_ne!(known, other);
        }
    }

    #[test]
    fn no_two_secrets_are_alike() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert_eq!(one.expose_secret().len(), 43);
        assert!(!is_same(one.expose_secret(), other.expose_secret()));
    }

    #[test]
    fn what_is_the_same_is_told_from_what_nearly_is() {
        assert!(is_same("abc", "abc") && is_same("", ""));
        for other in ["abd", "ab", "abcd", ""] {
            assert!(!is_same("abc", other), "{other}");
        }
    }
}
