//! What a client asks when a platform refuses its access token. Where another comes from is `accounts`'.

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;

/// What replaces an access token that the platform refuses.
#[async_trait]
pub trait Renewal: fmt::Debug + Send + Sync {
    /// The token that took the place of the account's own, where one did.
    fn latest(&self) -> Option<SecretString>;

    /// Another token than the one that was refused; `None` where there is none to be had.
    async fn renew(&self, refused: &SecretString) -> Option<SecretString>;
}
