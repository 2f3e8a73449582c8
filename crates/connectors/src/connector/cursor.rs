//! Cursors: what a connector writes into one, and reads back from it. What stands there is its own.

use domain::fault::FaultKind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ConnectorError;

/// Where a listing goes on. Only the connector that made it can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

impl Cursor {
    /// The cursor of a listing that stands there.
    pub(crate) fn at(position: &impl Serialize) -> Self {
        Self(serde_json::to_string(position).unwrap_or_default())
    }

    /// Where a listing goes on, or the beginning of one that has no cursor yet.
    ///
    /// # Errors
    /// As [`Self::position`].
    pub(crate) fn or_start<P: DeserializeOwned + Default>(cursor: Option<Self>) -> Result<P, ConnectorError> {
        cursor.map_or_else(|| Ok(P::default()), |cursor| cursor.position())
    }

    /// Where the listing stands.
    ///
    /// # Errors
    /// When it is another connector's cursor.
    pub(crate) fn position<P: DeserializeOwned>(&self) -> Result<P, ConnectorError> {
        let foreign =
            || ConnectorError::new(FaultKind::Invalid, "foreign_cursor", "the cursor is not one of this connector's");
        serde_json::from_str(&self.0).ok().ok_or_else(foreign)
    }
}
