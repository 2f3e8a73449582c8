//! Fetching a JSON document that belongs to no account, such as the keys of an issuer.

use domain::fault::FaultKind;
use serde_json::Value;
use url::Url;

use super::answer::{read_bytes, refused};
use super::client::{Client, refine};
use crate::error::ConnectorError;

impl Client {
    /// The JSON document at an address, of at most `limit` bytes. No redirect is followed.
    ///
    /// # Errors
    /// When there is no answer in time, or none that is a success and JSON of that size.
    pub async fn fetch(&self, url: &Url, limit: usize) -> Result<Value, ConnectorError> {
        let response = self.deliver(self.get(url)).await.map_err(|error| refine(error, self.reach()))?;
        if !response.status().is_success() {
            return Err(refused(response.status().as_u16(), response.headers(), Value::Null));
        }
        let bytes = read_bytes(response, limit).await?;
        let not_json = |_| ConnectorError::new(FaultKind::Unavailable, "not_json", "the answer is not JSON");
        serde_json::from_slice(&bytes).map_err(not_json)
    }
}
