//! The file of the key ring: its form, and changing it so that whoever reads it meanwhile finds the old one or the new one, whole.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::id::MessageId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::aead::Key;
use crate::error::VaultError;
use crate::key_ring::KeyRing;

const ROOT: u32 = 0;

/// The file, as JSON: `{"active": "k1", "keys": {"k1": "<base64 of 32 bytes>"}}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    pub(crate) active: String,
    pub(crate) keys: BTreeMap<String, Zeroizing<String>>,
}

impl Content {
    pub(crate) fn parse(text: &str) -> Result<Self, VaultError> {
        // What the parser says could quote a key, so it goes no further.
        serde_json::from_str(text).map_err(|_error| VaultError::InvalidKeyRing("it is not JSON of that form"))
    }
}

/// A key ring as it is kept, to be changed. Nothing changes on the disk before [`Self::save`].
pub struct RingFile {
    path: PathBuf,
    content: Content,
}

impl RingFile {
    /// Reads a key ring and checks every key of it.
    ///
    /// # Errors
    /// As [`KeyRing::load`].
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        let failed = |source| VaultError::File { path: path.to_owned(), source };
        // Where the file is a link, what it leads to is read and changed.
        let path = fs::canonicalize(path).map_err(failed)?;
        let found = fs::metadata(&path).map_err(failed)?;
        if is_exposed(found.uid(), found.mode()) {
            return Err(VaultError::Exposed(path));
        }
        let content = Content::parse(&Zeroizing::new(fs::read_to_string(&path).map_err(failed)?))?;
        KeyRing::of(&content)?;
        Ok(Self { path, content })
    }

    /// Writes a new key ring with one random key; never over an existing one, since what was sealed under its keys would be
    /// lost.
    pub(crate) fn create(path: &Path) -> Result<(), VaultError> {
        let content = Content { active: "k1".to_owned(), keys: BTreeMap::from([("k1".to_owned(), new_key()?)]) };
        let text = text(&content)?;
        let made = new_file(path).and_then(|mut file| write(&mut file, &text));
        made.map_err(|source| VaultError::File { path: path.to_owned(), source })
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// The name of the key that seals.
    #[must_use]
    pub fn active(&self) -> &str {
        &self.content.active
    }

    /// The names of the keys that only open.
    #[must_use]
    pub fn others(&self) -> Vec<String> {
        self.content.keys.keys().filter(|id| **id != self.content.active).cloned().collect()
    }

    /// Adds a random key, which only opens as long as nobody activates it; returns its name, which no key ever had.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn add(&mut self) -> Result<String, VaultError> {
        let number = |id: &String| id.strip_prefix('k')?.split('-').next()?.parse::<u32>().ok();
        let last = self.content.keys.keys().filter_map(number).max().unwrap_or(0);
        // The number is for people; a retired key may have had it, so chance tells them apart.
        let chance = Key::random_bytes()?;
        let chance: String = chance.iter().take(3).map(|byte| format!("{byte:02x}")).collect();
        let id = format!("k{}-{chance}", last.saturating_add(1));
        self.content.keys.insert(id.clone(), new_key()?);
        Ok(id)
    }

    /// Makes this key the one that seals.
    ///
    /// # Errors
    /// When the ring has no such key.
    pub fn activate(&mut self, id: &str) -> Result<(), VaultError> {
        if !self.content.keys.contains_key(id) {
            return Err(VaultError::UnknownKey(id.to_owned()));
        }
        id.clone_into(&mut self.content.active);
        Ok(())
    }

    /// Drops every key but the one that seals; returns their names. What is sealed under them is lost.
    pub fn retire_others(&mut self) -> Vec<String> {
        let others = self.others();
        self.content.keys.retain(|id, _| *id == self.content.active);
        others
    }

    /// Puts the changed ring in the place of the old one, with its owner and for nobody to read who could not read that.
    ///
    /// # Errors
    /// When it cannot be written; the old one stays then.
    pub fn save(&self) -> Result<(), VaultError> {
        let text = text(&self.content)?;
        self.replace(&text).map_err(|source| VaultError::File { path: self.path.clone(), source })
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let draft = folder.join(format!(".key-ring-{}", MessageId::new()));
        let written = new_file(&draft).and_then(|mut file| {
            let (before, made) = (fs::metadata(&self.path)?, file.metadata()?);
            if (before.uid(), before.gid()) != (made.uid(), made.gid()) {
                // Else the services could not read what another user has rotated.
                fchown(&file, Some(before.uid()), Some(before.gid()))?;
            }
            write(&mut file, text)?;
            // Nor what a group alone could read.
            file.set_permissions(before.permissions())?;
            fs::rename(&draft, &self.path)
        });
        if written.is_err() {
            drop(fs::remove_file(&draft));
        }
        // The name is on the disk only when the folder is.
        written.and_then(|()| File::open(folder)?.sync_all())
    }
}

impl std::fmt::Debug for RingFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RingFile").field("path", &self.path).field("active", &self.active()).finish_non_exhaustive()
    }
}

/// Whether more people may read the file, or write it, than whom it is for.
///
/// What is root's, its group may read: so Kubernetes gives a pod its secrets, by a group of that pod's own, where what only the owner
/// may read would be for nobody.
fn is_exposed(owner: u32, mode: u32) -> bool {
    let allowed = if owner == ROOT { 0o640 } else { 0o600 };
    mode & 0o077 & !allowed != 0
}

fn new_key() -> Result<Zeroizing<String>, VaultError> {
    Ok(Zeroizing::new(BASE64.encode(Key::random_bytes()?.as_ref())))
}

fn text(content: &Content) -> Result<Zeroizing<String>, VaultError> {
    let text = serde_json::to_string_pretty(content).map(Zeroizing::new);
    text.map_err(|_error| VaultError::InvalidKeyRing("it cannot be written as JSON"))
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn write(file: &mut File, text: &str) -> io::Result<()> {
    writeln!(file, "{text}").and_then(|()| file.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_may_read_what_is_roots_and_nobody_else_anything() {
        let (kubernetes, ours) = (ROOT, 10_001);
        assert!(!is_exposed(kubernetes, 0o100_440), "as deploy/kubernetes mounts it");
        for owner in [kubernetes, ours] {
            assert!(!is_exposed(owner, 0o100_600) && !is_exposed(owner, 0o100_400));
            for mode in [0o100_644, 0o100_620, 0o100_660, 0o100_602] {
                assert!(is_exposed(owner, mode), "{mode:o} of {owner}");
            }
        }
        assert!(is_exposed(ours, 0o100_640));
    }
}
