//! Listing what changed and what was deleted, page by page.

use async_trait::async_trait;
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use domain::time::Timestamp;

use super::Cursor;
use crate::account::Account;
use crate::error::ConnectorError;

/// Lists what changed since.
#[async_trait]
pub trait Changes: Send + Sync {
    /// One page of what changed since `cursor`, or of everything. An object may come more than once.
    ///
    /// # Errors
    /// When the platform does not answer, or the cursor is not one of this connector's.
    async fn list(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
        fields: &[String],
    ) -> Result<Page, ConnectorError>;

    /// One page of the ids that the platform lists as deleted. They are suspects until a read agrees.
    ///
    /// # Errors
    /// As [`Self::list`].
    async fn list_deleted(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
    ) -> Result<DeletedPage, ConnectorError>;
}

/// Objects that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// As they are now.
    pub objects: Vec<RemoteObject>,
    /// Where to go on; kept for the next listing when there is nothing more now. Then it reaches back behind what this one
    /// showed by more than the platform's index lags.
    pub next: Cursor,
    /// Whether there is more now.
    pub more: bool,
    /// How many there are from the cursor on, those of this page among them; `None` where the platform does not say.
    pub total: Option<u64>,
}

/// Objects that are listed as deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedPage {
    /// Their ids and, where the platform says so, when they went.
    pub ids: Vec<(String, Option<Timestamp>)>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}
