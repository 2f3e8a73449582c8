//! HMAC signatures: checking theirs in constant time, making ours. What is signed, and in which notation, is each platform's to say.

use ring::{digest, hmac};
use secrecy::{ExposeSecret, SecretString};

/// Whether `signature` is the HMAC-SHA256 of `parts`, one after the other, under `secret`.
pub(crate) fn is_hmac_sha256(secret: &SecretString, parts: &[&[u8]], signature: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    hmac::verify(&key, &parts.concat(), signature).is_ok()
}

/// The HMAC-SHA256 of `parts`, one after the other, under `secret`, in hexadecimal digits.
pub(crate) fn hmac_sha256_hex(secret: &SecretString, parts: &[&[u8]]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let tag = hmac::sign(&key, &parts.concat());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether two texts are the same, found out in a time that does not tell where they differ.
pub(crate) fn is_same(given: &[u8], expected: &[u8]) -> bool {
    // Compared are their digests under a key of the moment's own, so that not even the length is told.
    let key = hmac::Key::new(hmac::HMAC_SHA256, expected);
    let tag = hmac::sign(&key, expected);
    hmac::verify(&key, given, tag.as_ref()).is_ok()
}

/// The HMAC-SHA256 of `parts`, one after the other, under a key of any bytes.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, &parts.concat()).as_ref().to_vec()
}

/// The first half of the SHA-256 of `text`, in hexadecimal digits: the same for the same text, on every machine.
pub(crate) fn fingerprint(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn agrees_with_the_published_vector() {
        let signature = [
            0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00,
            0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
        ];
        let secret = SecretString::from("Jefe".to_owned());
        assert!(is_hmac_sha256(&secret, &[b"what do ya want ", b"for nothing?"], &signature));
        assert!(!is_hmac_sha256(&secret, &[b"what do ya want ", b"for nothing!"], &signature));
        assert!(!is_hmac_sha256(&secret, &[b"what do ya want ", b"for nothing?"], &signature[..31]));
    }
}
