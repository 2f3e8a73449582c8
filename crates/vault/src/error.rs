//! Why something could not be sealed or opened. Neither a key nor a clear text is ever part of it.

use std::path::PathBuf;

use domain::fault::{Fault, FaultKind};

/// Why the vault refused.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key ring's file could not be read or written.
    #[error("the key ring `{path}` cannot be read or written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Others than the owner may read the key ring's file.
    #[error("the key ring `{0}` may be read by others than its owner: run `chmod 600` on it")]
    Exposed(PathBuf),
    /// The key ring is not of the form that is expected.
    #[error("the key ring is not valid: {0}")]
    InvalidKeyRing(&'static str),
    /// The sealed text is not of the form that is expected.
    #[error("the sealed text is not of a form that this version knows")]
    Malformed,
    /// The key that it was sealed under is not in the ring, or is not this one.
    #[error("it was sealed under the key `{0}`, which is not at hand")]
    UnknownKey(String),
    /// It does not open: it was changed, or belongs to another tenant, integration or column.
    #[error("the sealed text does not open here")]
    DoesNotOpen,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
    /// The system gave no random bytes, or sealing failed.
    #[error("sealing failed")]
    SealingFailed,
}

impl Fault for VaultError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::File { .. }
            | Self::Exposed(_)
            | Self::InvalidKeyRing(_)
            | Self::Malformed
            | Self::UnknownKey(_)
            | Self::DoesNotOpen
            | Self::NoRandomness
            | Self::SealingFailed => FaultKind::Internal,
        }
    }
}
