//! What a platform tells our app as a whole: subscribed once, it holds for every account that lets the app in. When that is looked
//! at is `accounts`'.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::kind::RecordKind;
use url::Url;

use crate::account::Account;
use crate::descriptor::KeyShown;
use crate::error::ConnectorError;

/// The fields that are read of the accounts that let our app in, of all tenants together.
pub type FieldsRead = BTreeSet<(RecordKind, String)>;

/// A platform whose subscriptions belong to our app, and are made with the key of whoever develops it. No account's credentials
/// can ask for them.
#[async_trait]
pub trait AppSubscriptions: Send + Sync {
    /// How the developer's key is shown with every call.
    fn key_shown(&self) -> KeyShown;

    /// Sees to it that our app is told at this address of all that happens to what is read, and of nothing else; without anybody
    /// whose account lets it in, of nothing. Returns what had to be subscribed to.
    ///
    /// May be repeated at any time. `app` is opened by the developer's key, and our app's id stands in the place of an account's.
    ///
    /// # Errors
    /// When the platform does not answer or refuses; what was done until then is done.
    async fn set(&self, app: &Account, url: &Url, read: Option<&FieldsRead>) -> Result<Vec<String>, ConnectorError>;
}
