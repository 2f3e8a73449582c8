//! Sealing secrets: a key ring of master keys, a data key for each tenant, what is sealed under it, fingerprints. Where sealed text is kept is `persistence`'s.

mod aead;
mod data_key;
mod digest;
mod error;
mod key_ring;
mod ring_file;
mod source;
mod suppression;
mod token;
mod vault;

pub use data_key::{DataKey, Purpose, Sealed};
pub use digest::{fingerprint, is_same, new_secret};
pub use error::VaultError;
pub use key_ring::KeyRing;
pub use ring_file::RingFile;
pub use suppression::SuppressionKey;
pub use token::{TokenPurpose, digest_of};
pub use vault::{SealedDataKey, Vault};
