//! Trying a connection and making an account ready for our writes.

use async_trait::async_trait;
use domain::kind::RecordKind;
use serde_json::Value;

use crate::account::Account;
use crate::error::ConnectorError;

/// Tries a connection and makes an account ready.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Asks the platform whose credentials these are.
    ///
    /// # Errors
    /// `Unauthorized` where it does not accept them, `Forbidden` where they may too little.
    async fn test(&self, account: &Account) -> Result<Identified, ConnectorError>;

    /// Makes what our writes rely on, such as a unique property for our key. May be called again at any time.
    ///
    /// # Errors
    /// Only where the platform does not answer as it should; what the account may not do is told in the result.
    async fn prepare(&self, account: &Account) -> Result<Prepared, ConnectorError>;
}

/// Whose account it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The platform's id of it; a tenant connects one account once.
    pub account_id: String,
    /// How people know it.
    pub name: String,
    /// What else the platform says, for the dashboard.
    pub details: Value,
}

/// What an account is ready for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// The kinds whose creates carry our key.
    pub keyed: Vec<RecordKind>,
}
