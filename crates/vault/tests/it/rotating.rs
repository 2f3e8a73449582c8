//! Changing keys while they are in use.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use domain::id::{IntegrationId, TenantId};
use secrecy::{ExposeSecret, SecretString};
use vault::{KeyRing, Purpose, RingFile, Sealed, SealedDataKey, Vault, VaultError};

/// A key ring in a folder of the test's own, removed with it.
struct Ring(PathBuf);

impl Ring {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("vault-{}", domain::id::MessageId::new()));
        fs::create_dir(&folder).unwrap();
        let ring = Self(folder.join("key-ring.json"));
        KeyRing::create(&ring.0).unwrap();
        ring
    }

    fn file(&self) -> RingFile {
        RingFile::open(&self.0).unwrap()
    }

    /// Adds a key and lets it seal.
    fn rotate(&self) -> String {
        let mut file = self.file();
        let id = file.add().unwrap();
        file.activate(&id).unwrap();
        file.save().unwrap();
        id
    }

    fn retire(&self) {
        let mut file = self.file();
        file.retire_others();
        file.save().unwrap();
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(self.0.parent().unwrap()));
    }
}

fn purpose(tenant: TenantId) -> Purpose {
    Purpose { tenant, integration: Some(IntegrationId::new()), column: "config_encrypted" }
}

#[test]
fn a_vault_opens_what_a_key_has_sealed_that_came_into_the_file_after_it() {
    let (ring, tenant) = (Ring::new(), TenantId::new());
    let old = Vault::watching(&ring.0).unwrap();
    let before = old.new_data_key(tenant).unwrap();
    let id = ring.rotate();
    let new = Vault::watching(&ring.0).unwrap();
    let resealed = new.reseal_data_key(tenant, &before).unwrap();
    assert!(resealed.as_str().starts_with(&format!("v1.{id}.")), "{}", resealed.as_str());
    // The very next call, however little time has passed.
    let key = old.open_data_key(tenant, &resealed).unwrap();
    assert_eq!(key.id(), new.open_data_key(tenant, &before).unwrap().id());
    assert_eq!(old.active_key(), id);
}

#[test]
fn what_is_sealed_anew_is_the_same_data_key_and_opens_without_the_old_master_key() {
    let (ring, tenant) = (Ring::new(), TenantId::new());
    let vault = Vault::watching(&ring.0).unwrap();
    let before = vault.new_data_key(tenant).unwrap();
    let purpose = purpose(tenant);
    let secret = vault.open_data_key(tenant, &before).unwrap().seal(&purpose, &SecretString::from("x")).unwrap();
    ring.rotate();
    let after = Vault::watching(&ring.0).unwrap().reseal_data_key(tenant, &before).unwrap();
    ring.retire();
    let later = Vault::watching(&ring.0).unwrap();
    assert_eq!(later.open_data_key(tenant, &after).unwrap().open(&purpose, &secret).unwrap().expose_secret(), "x");
    assert!(matches!(later.open_data_key(tenant, &before), Err(VaultError::UnknownKey(id)) if id == "k1"));
}

#[test]
fn while_a_data_key_is_changed_both_open_and_only_the_new_one_seals() {
    let (ring, tenant) = (Ring::new(), TenantId::new());
    let vault = Vault::watching(&ring.0).unwrap();
    let (old, new) = (vault.new_data_key(tenant).unwrap(), vault.new_data_key(tenant).unwrap());
    let purpose = purpose(tenant);
    let sealed = vault.open_data_key(tenant, &old).unwrap().seal(&purpose, &SecretString::from("x")).unwrap();
    let both = vault.open_data_keys(tenant, &new, Some(&old)).unwrap();
    assert_eq!(both.open(&purpose, &sealed).unwrap().expose_secret(), "x");
    let anew = both.reseal(&purpose, &sealed).unwrap();
    let after = vault.open_data_key(tenant, &new).unwrap();
    assert_eq!(after.open(&purpose, &anew).unwrap().expose_secret(), "x");
    assert!(matches!(after.open(&purpose, &sealed), Err(VaultError::UnknownKey(_))));
}

#[test]
fn what_was_sealed_before_data_keys_had_names_still_opens() {
    let (ring, tenant) = (Ring::new(), TenantId::new());
    let vault = Vault::watching(&ring.0).unwrap();
    let (old, new) = (vault.new_data_key(tenant).unwrap(), vault.new_data_key(tenant).unwrap());
    let key = vault.open_data_key(tenant, &old).unwrap();
    let purpose = purpose(tenant);
    let sealed = String::from(key.seal(&purpose, &SecretString::from("x")).unwrap());
    let nameless = Sealed::from(sealed.replace(key.id(), "tenant"));
    assert_eq!(key.open(&purpose, &nameless).unwrap().expose_secret(), "x");
    let both = vault.open_data_keys(tenant, &new, Some(&old)).unwrap();
    assert_eq!(both.open(&purpose, &nameless).unwrap().expose_secret(), "x");
}

#[test]
fn a_ring_is_replaced_whole_and_for_its_owner_only() {
    let ring = Ring::new();
    let mut held = fs::File::open(&ring.0).unwrap();
    let id = ring.rotate();
    let mut before = String::new();
    std::io::Read::read_to_string(&mut held, &mut before).unwrap();
    assert!(!before.contains(&id) && before.contains("k1"), "a reader in the middle has the old one");
    assert_eq!(fs::metadata(&ring.0).unwrap().permissions().mode() & 0o777, 0o600);
    let names = fs::read_dir(ring.0.parent().unwrap()).unwrap().count();
    assert_eq!(names, 1, "nothing is left beside it");
}

#[test]
fn a_changed_ring_that_cannot_be_used_leaves_the_keys_at_hand_in_use_until_it_can() {
    let (ring, tenant) = (Ring::new(), TenantId::new());
    let vault = Vault::watching(&ring.0).unwrap();
    let sealed = vault.new_data_key(tenant).unwrap();
    let good = fs::read_to_string(&ring.0).unwrap();
    fs::write(&ring.0, "{").unwrap();
    let unknown = SealedDataKey::from(sealed.as_str().replace("v1.k1.", "v1.k9."));
    assert!(matches!(vault.open_data_key(tenant, &unknown), Err(VaultError::UnknownKey(_))));
    vault.open_data_key(tenant, &sealed).unwrap();
    fs::write(&ring.0, good).unwrap();
    let id = ring.rotate();
    assert!(vault.open_data_key(tenant, &unknown).is_err());
    assert_eq!(vault.active_key(), id);
}

#[test]
fn only_a_key_of_the_ring_can_be_activated_and_a_name_is_never_given_twice() {
    let ring = Ring::new();
    let mut file = ring.file();
    assert!(matches!(file.activate("k7"), Err(VaultError::UnknownKey(_))));
    let first = file.add().unwrap();
    file.activate(&first).unwrap();
    assert_eq!(file.retire_others(), ["k1"]);
    file.retire_others();
    let second = file.add().unwrap();
    assert!(first.starts_with("k2-") && second.starts_with("k3-"), "{first} {second}");
    assert_eq!(file.others(), [second]);
}
