//! The passes of errands: what lets a workflow report, or call a platform, for one write. What they permit is `domain::workflow`'s.

use domain::workflow::Pass;
use secrecy::SecretString;
use vault::TokenPurpose;

use crate::accounts::Accounts;
use crate::error::AccountError;

/// What a pass is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To report what became of the errand.
    Callback,
    /// To call the platform for it.
    Proxy,
}

impl From<Use> for TokenPurpose {
    fn from(wanted: Use) -> Self {
        match wanted {
            Use::Callback => Self::WorkflowCallback,
            Use::Proxy => Self::WorkflowProxy,
        }
    }
}

impl Accounts {
    /// A pass as the text that a workflow is given.
    ///
    /// # Errors
    /// Never in practice; serialisation is fallible by its signature.
    pub fn issue(&self, wanted: Use, pass: &Pass) -> Result<SecretString, AccountError> {
        let claims = serde_json::to_vec(pass).map_err(AccountError::Unreadable)?;
        Ok(self.vault().sign_token(wanted.into(), &claims)?)
    }

    /// What this text permits. Whether it has expired is for the caller to say, who knows what late means.
    ///
    /// # Errors
    /// [`AccountError::BadPass`] for whatever we have not issued for this use.
    pub fn admit(&self, wanted: Use, token: &str) -> Result<Pass, AccountError> {
        let claims = self.vault().verify_token(wanted.into(), token).map_err(|error| {
            tracing::debug!(%error, "a pass was refused");
            AccountError::BadPass
        })?;
        serde_json::from_slice(&claims).map_err(AccountError::Unreadable)
    }
}
