//! The master keys: one that seals, and older ones that still open. They live in a file that only its owner may read; changing it is `ring_file`'s.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use crate::aead::{KEY_LENGTH, Key, KeyBytes, key_id_of};
use crate::error::VaultError;
use crate::ring_file::{Content, RingFile};

/// The master keys.
#[derive(Debug)]
pub struct KeyRing {
    active: Key,
    others: Vec<Key>,
}

impl KeyRing {
    /// Reads the key ring from its file.
    ///
    /// # Errors
    /// When it cannot be read, others than its owner may read it, or it is not of the form
    /// `{"active": "k1", "keys": {"k1": "<base64 of 32 bytes>"}}`.
    pub fn load(path: &Path) -> Result<Self, VaultError> {
        Self::of(RingFile::open(path)?.content())
    }

    /// Writes a new key ring with one random key to a file that must not exist yet.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn create(path: &Path) -> Result<(), VaultError> {
        RingFile::create(path)
    }

    pub(crate) fn of(content: &Content) -> Result<Self, VaultError> {
        let mut active = None;
        let mut others = Vec::new();
        for (id, encoded) in &content.keys {
            let key = Key::new(key_id(id)?, key_bytes(encoded)?);
            if *id == content.active { active = Some(key) } else { others.push(key) }
        }
        let active = active.ok_or(VaultError::InvalidKeyRing("`active` names none of its keys"))?;
        Ok(Self { active, others })
    }

    /// The key that seals.
    pub(crate) fn active(&self) -> &Key {
        &self.active
    }

    /// The key that a text was sealed under.
    pub(crate) fn key_of(&self, sealed: &str) -> Result<&Key, VaultError> {
        let id = key_id_of(sealed)?;
        let mut keys = std::iter::once(&self.active).chain(&self.others);
        keys.find(|key| key.id() == id).ok_or_else(|| VaultError::UnknownKey(id.to_owned()))
    }
}

fn key_id(id: &str) -> Result<String, VaultError> {
    let is_plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    is_plain.then(|| id.to_owned()).ok_or(VaultError::InvalidKeyRing("a key is named by letters, digits, - and _"))
}

fn key_bytes(encoded: &str) -> Result<KeyBytes, VaultError> {
    let invalid = VaultError::InvalidKeyRing("a key is 32 bytes in base64");
    let Ok(decoded) = BASE64.decode(encoded).map(Zeroizing::new) else { return Err(invalid) };
    match <[u8; KEY_LENGTH]>::try_from(decoded.as_slice()) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(_length) => Err(invalid),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn parse(text: &str) -> Result<KeyRing, VaultError> {
        KeyRing::of(&Content::parse(text)?)
    }

    /// A folder of the test's own, removed with it.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("vault-{}", domain::id::MessageId::new()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn reads_the_ring_that_it_made_and_never_makes_it_twice() {
        let folder = Folder::new();
        let path = folder.0.join("keys.json");
        KeyRing::create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = KeyRing::load(&path).unwrap().active().seal("c", b"x").unwrap();
        assert!(matches!(KeyRing::create(&path), Err(VaultError::File { .. })));
        assert_eq!(&**KeyRing::load(&path).unwrap().active().open("c", &sealed).unwrap(), b"x");
    }

    #[test]
    fn a_ring_that_others_may_read_is_refused() {
        let folder = Folder::new();
        let path = folder.0.join("keys.json");
        KeyRing::create(&path).unwrap();
        for mode in [0o604, 0o620, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(KeyRing::load(&path), Err(VaultError::Exposed(_))), "{mode:o}");
        }
    }

    #[test]
    fn a_ring_of_another_form_is_refused_without_quoting_it() {
        let key = BASE64.encode([7; 32]);
        let bad = [
            String::new(),
            "{}".to_owned(),
            format!(r#"{{"active":"k2","keys":{{"k1":"{key}"}}}}"#),
            r#"{"active":"k1","keys":{"k1":"c2hvcnQ="}}"#.to_owned(),
            format!(r#"{{"active":"a.b","keys":{{"a.b":"{key}"}}}}"#),
            format!(r#"{{"active":"k1","keys":{{"k1":"{key}"}},"more":"{key}"}}"#),
            format!(r#"{{"active":"k1","keys":["{key}"]}}"#),
        ];
        for text in bad {
            let error = parse(&text).unwrap_err();
            assert!(matches!(error, VaultError::InvalidKeyRing(_)), "{text}: {error:?}");
            assert!(!format!("{error:?} {error}").contains(&key), "{error:?}");
        }
    }

    #[test]
    fn an_older_key_still_opens() {
        let (old, new) = (BASE64.encode([1; 32]), BASE64.encode([2; 32]));
        let before = parse(&format!(r#"{{"active":"k1","keys":{{"k1":"{old}"}}}}"#)).unwrap();
        let after = parse(&format!(r#"{{"active":"k2","keys":{{"k1":"{old}","k2":"{new}"}}}}"#)).unwrap();
        let sealed = before.active().seal("c", b"x").unwrap();
        assert_eq!(after.key_of(&sealed).unwrap().id(), "k1");
        assert!(after.active().seal("c", b"x").unwrap().starts_with("v1.k2."));
        assert!(matches!(before.key_of("v1.k2.AAAA"), Err(VaultError::UnknownKey(_))));
    }
}
