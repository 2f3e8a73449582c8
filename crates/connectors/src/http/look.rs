//! Looking at an address that a tenant typed, before any secret is sent there.

use domain::fault::FaultKind;
use reqwest::Method;
use reqwest::header::LOCATION;
use serde_json::Value;

use super::Call;
use super::answer::read_bytes;
use super::client::Client;
use crate::account::Account;
use crate::error::ConnectorError;

/// A page that is looked at is no longer than this.
const LIMIT: usize = 1024 * 1024;

/// What answers at an address.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) status: u16,
    /// The whole address to which it sends us instead.
    pub(crate) location: Option<String>,
    /// `Null` where it is no JSON.
    pub(crate) body: Value,
}

impl Client {
    /// What answers to a bare GET below the account's address; an answer of any status is one.
    pub(crate) async fn look(&self, account: &Account, call: Call) -> Result<Look, ConnectorError> {
        let url = self.url_of(account, &call)?;
        let request = self.request(Method::GET, url.clone());
        let response = self.deliver(request).await.map_err(|error| self.refine(error))?;
        let status = response.status().as_u16();
        let location = response.headers().get(LOCATION).and_then(|place| url.join(place.to_str().ok()?).ok());
        let bytes = match read_bytes(response, LIMIT).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind == FaultKind::Invalid => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Look {
            status,
            location: location.map(String::from),
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        })
    }
}
