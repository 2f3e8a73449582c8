//! AES-256-GCM and the text that a sealed value becomes: `v1.<key id>.<base64 of nonce and ciphertext>`. Who may hold which key is decided elsewhere.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::error::VaultError;

/// Bytes of a key.
pub(crate) const KEY_LENGTH: usize = 32;

const VERSION: &str = "v1";

/// A key's bytes, overwritten when they are dropped.
pub(crate) type KeyBytes = Zeroizing<[u8; KEY_LENGTH]>;

/// A key and the name by which a sealed text refers to it.
#[derive(Clone)]
pub(crate) struct Key {
    id: String,
    bytes: KeyBytes,
}

impl Key {
    /// `id` must be without dots, which separate the parts of a sealed text.
    pub(crate) fn new(id: String, bytes: KeyBytes) -> Self {
        Self { id, bytes }
    }

    /// A key that is named after its own bytes, which its name tells nothing of: 48 bits of a digest of 256 random ones.
    pub(crate) fn named_after_itself(bytes: KeyBytes) -> Self {
        let text = Zeroizing::new([b"coccinelle data key ".as_slice(), bytes.as_ref()].concat());
        let digest = digest(&SHA256, &text);
        let name: String = digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self::new(format!("d{name}"), bytes)
    }

    /// The same key under another name.
    pub(crate) fn also_named(&self, id: &str) -> Self {
        Self::new(id.to_owned(), self.bytes.clone())
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The key itself, to derive others from.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// New random bytes for a key.
    pub(crate) fn random_bytes() -> Result<KeyBytes, VaultError> {
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        SystemRandom::new().fill(bytes.as_mut()).map_err(|_unspecified| VaultError::SealingFailed)?;
        Ok(bytes)
    }

    /// Seals under a random nonce. GCM allows 2³² of them for a key; each tenant has a key of its own.
    pub(crate) fn seal(&self, context: &str, clear: &[u8]) -> Result<String, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_unspecified| VaultError::SealingFailed)?;
        self.seal_with(nonce, context, clear)
    }

    fn seal_with(&self, nonce: [u8; NONCE_LEN], context: &str, clear: &[u8]) -> Result<String, VaultError> {
        let mut sealed = clear.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.cipher()?
            .seal_in_place_append_tag(unique, Aad::from(context), &mut sealed)
            .map_err(|_unspecified| VaultError::SealingFailed)?;
        let body = BASE64.encode([nonce.as_slice(), &sealed].concat());
        Ok(format!("{VERSION}.{}.{body}", self.id))
    }

    /// Opens what was sealed under this key in the same context.
    pub(crate) fn open(&self, context: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let parts = Parts::of(sealed)?;
        if parts.key_id != self.id {
            return Err(VaultError::UnknownKey(parts.key_id.to_owned()));
        }
        let mut body = Zeroizing::new(BASE64.decode(parts.body).map_err(|_error| VaultError::Malformed)?);
        let (nonce, ciphertext) = body.split_first_chunk_mut::<NONCE_LEN>().ok_or(VaultError::Malformed)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let clear = self.cipher()?.open_in_place(nonce, Aad::from(context), ciphertext);
        clear.map(|clear| Zeroizing::new(clear.to_vec())).map_err(|_unspecified| VaultError::DoesNotOpen)
    }

    fn cipher(&self) -> Result<LessSafeKey, VaultError> {
        let key =
            UnboundKey::new(&AES_256_GCM, self.bytes.as_ref()).map_err(|_unspecified| VaultError::SealingFailed)?;
        Ok(LessSafeKey::new(key))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The parts of a sealed text.
struct Parts<'a> {
    key_id: &'a str,
    body: &'a str,
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a str) -> Result<Self, VaultError> {
        let mut parts = sealed.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(VERSION), Some(key_id), Some(body), None) if !key_id.is_empty() => Ok(Self { key_id, body }),
            _ => Err(VaultError::Malformed),
        }
    }
}

/// The name of the key that a text was sealed under.
pub(crate) fn key_id_of(sealed: &str) -> Result<&str, VaultError> {
    Parts::of(sealed).map(|parts| parts.key_id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        Key::new("k1".to_owned(), Zeroizing::new(std::array::from_fn(|i| u8::try_from(i).unwrap())))
    }

    /// Computed apart from this code, by Python's `cryptography` (OpenSSL): `AESGCM(bytes(range(32))).encrypt(
    /// bytes(range(12)), "un secret très secret".encode(), b"ten_1/int_1/config_encrypted")`.
    #[test]
    fn seals_as_another_implementation_does() {
        let nonce = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let sealed =
            key().seal_with(nonce, "ten_1/int_1/config_encrypted", "un secret très secret".as_bytes()).unwrap();
        assert_eq!(sealed, "v1.k1.AAECAwQFBgcICQoLMmz2aKCGsH75YeP5ckELTfCz5EaVD5vVDdgrORXICaVWXLv0KcU");
    }

    #[test]
    fn every_sealing_is_another_text() {
        assert_ne!(key().seal("c", b"x").unwrap(), key().seal("c", b"x").unwrap());
    }

    #[test]
    fn a_change_of_any_byte_does_not_open() {
        let sealed = key().seal("c", b"secret").unwrap();
        let body = sealed.strip_prefix("v1.k1.").unwrap();
        let bytes = BASE64.decode(body).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let outcome = key().open("c", &format!("v1.k1.{}", BASE64.encode(changed)));
            assert!(matches!(outcome, Err(VaultError::DoesNotOpen)), "byte {place}: {outcome:?}");
        }
    }

    #[test]
    fn the_name_of_another_key_is_told() {
        let sealed = key().seal("c", b"secret").unwrap().replace("v1.k1.", "v1.k2.");
        assert!(matches!(key().open("c", &sealed), Err(VaultError::UnknownKey(id)) if id == "k2"));
    }

    #[test]
    fn nothing_of_a_key_is_printed() {
        assert_eq!(format!("{:?}", key()), r#"Key { id: "k1", .. }"#);
    }

    proptest! {
        #[test]
        fn opens_what_it_sealed(context in ".{0,40}", clear in prop::collection::vec(any::<u8>(), 0..200)) {
            let sealed = key().seal(&context, &clear).unwrap();
            prop_assert_eq!(&*key().open(&context, &sealed).unwrap(), &clear);
        }

        #[test]
        fn junk_is_an_error_and_never_a_panic(junk in ".{0,80}", body in "[A-Za-z0-9+/=]{0,60}") {
            prop_assert!(key().open("c", &junk).is_err());
            let well_formed = format!("v1.k1.{body}");
            prop_assert!(key().open("c", &well_formed).is_err());
        }
    }
}
