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
    /// Sees to it that a page which `asked` was asked for by leads on, to a page that is another.
    ///
    /// # Errors
    /// `Invalid` where it leads to itself: whoever follows it never comes to an end.
    pub fn leads_on(&self, asked: Option<&Self>) -> Result<(), ConnectorError> {
        if asked == Some(self) { Err(ConnectorError::endless()) } else { Ok(()) }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_leads_to_itself_leads_nowhere() {
        let [here, there] = ["1", "2"].map(|at| Cursor(at.to_owned()));
        assert!(here.leads_on(None).is_ok() && there.leads_on(Some(&here)).is_ok());
        let error = here.leads_on(Some(&here)).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (FaultKind::Invalid, "endless_list"));
    }
}
