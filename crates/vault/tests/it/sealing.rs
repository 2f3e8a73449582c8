//! What opens, and what must not.

use std::path::PathBuf;

use domain::id::{IntegrationId, TenantId};
use secrecy::{ExposeSecret, SecretString};
use vault::{KeyRing, Purpose, Sealed, SealedDataKey, Vault, VaultError};

/// A vault with a key ring of its own.
fn vault() -> Vault {
    let path: PathBuf = std::env::temp_dir().join(format!("vault-{}.json", domain::id::MessageId::new()));
    KeyRing::create(&path).unwrap();
    let ring = KeyRing::load(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    Vault::new(ring)
}

fn purpose(tenant: TenantId) -> Purpose {
    Purpose { tenant, integration: Some(IntegrationId::new()), column: "config_encrypted" }
}

#[test]
fn a_secret_comes_back_through_its_kept_form() {
    let (vault, tenant) = (vault(), TenantId::new());
    let kept_key = String::from(vault.new_data_key(tenant).unwrap());
    let purpose = purpose(tenant);
    let key = vault.open_data_key(tenant, &SealedDataKey::from(kept_key.clone())).unwrap();
    let kept = String::from(key.seal(&purpose, &SecretString::from("clé d'accès")).unwrap());
    assert!(kept.starts_with(&format!("v1.{}.", key.id())), "{kept}");
    let again = vault.open_data_key(tenant, &SealedDataKey::from(kept_key)).unwrap();
    assert_eq!(again.open(&purpose, &Sealed::from(kept)).unwrap().expose_secret(), "clé d'accès");
}

#[test]
fn a_secret_moved_to_another_row_or_column_stays_shut() {
    let (vault, tenant) = (vault(), TenantId::new());
    let key = vault.open_data_key(tenant, &vault.new_data_key(tenant).unwrap()).unwrap();
    let purpose = purpose(tenant);
    let sealed = key.seal(&purpose, &SecretString::from("x")).unwrap();
    let elsewhere = [
        Purpose { tenant: TenantId::new(), ..purpose },
        Purpose { integration: Some(IntegrationId::new()), ..purpose },
        Purpose { integration: None, ..purpose },
        Purpose { column: "refresh_token_sealed", ..purpose },
    ];
    for moved in elsewhere {
        assert!(matches!(key.open(&moved, &sealed), Err(VaultError::DoesNotOpen)), "{moved:?}");
    }
    key.open(&purpose, &sealed).unwrap();
}

#[test]
fn a_tenants_data_key_opens_for_no_other_tenant_and_under_no_other_ring() {
    let (mine, other, tenant) = (vault(), vault(), TenantId::new());
    let sealed = mine.new_data_key(tenant).unwrap();
    assert!(matches!(mine.open_data_key(TenantId::new(), &sealed), Err(VaultError::DoesNotOpen)));
    assert!(matches!(other.open_data_key(tenant, &sealed), Err(VaultError::DoesNotOpen)));
}

#[test]
fn another_tenants_key_opens_nothing_of_this_one() {
    let (vault, tenant, other) = (vault(), TenantId::new(), TenantId::new());
    let key = vault.open_data_key(tenant, &vault.new_data_key(tenant).unwrap()).unwrap();
    let others = vault.open_data_key(other, &vault.new_data_key(other).unwrap()).unwrap();
    let sealed = key.seal(&purpose(tenant), &SecretString::from("x")).unwrap();
    assert!(others.open(&purpose(tenant), &sealed).is_err());
}

#[test]
fn nothing_that_is_printed_holds_a_secret() {
    let (vault, tenant) = (vault(), TenantId::new());
    let key = vault.open_data_key(tenant, &vault.new_data_key(tenant).unwrap()).unwrap();
    let shown = format!("{key:?}");
    assert!(shown.starts_with(&format!(r#"DataKey {{ seals: Key {{ id: "{}", .. }}"#, key.id())), "{shown}");
    assert!(format!("{vault:?}").contains(r#"active: Key { id: "k1", .. }"#), "{vault:?}");
}
