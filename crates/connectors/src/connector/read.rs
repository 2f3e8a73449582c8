//! Reading objects: by id, or by what identifies them.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use domain::field::FieldValue;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use domain::time::Timestamp;

use crate::account::Account;
use crate::error::ConnectorError;

/// What was read or found, in the order in which it was asked for; `None` is gone, or was never there.
pub type Found = Result<Vec<Option<RemoteObject>>, ConnectorError>;

/// Reads objects by id or by what identifies them.
#[async_trait]
pub trait Reader: Send + Sync {
    /// Reads `fields` of the objects with these ids. In the order of `ids`; `None` is gone, or was never there.
    ///
    /// # Errors
    /// When the platform does not answer, or refuses the whole call.
    async fn read(&self, account: &Account, kind: RecordKind, ids: &[String], fields: &[String]) -> Found;

    /// Looks for objects by our key, then by each identifier in turn. In the order of `wanted`.
    ///
    /// # Errors
    /// When the platform does not answer, or refuses the whole call; and where our key stands in a text alone, and more was made while a
    /// create of ours was under way than can be looked through, as nobody can say then that it left nothing.
    async fn find(&self, account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found;
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Our key, which a create of ours would have left there.
    pub key: RecordId,
    /// The remote identifier fields and their values, the stronger first: `Mapping::identifiers`.
    pub identifiers: Vec<(String, FieldValue)>,
    /// From when until when a create of ours was under way of which nobody knows what came, by the database's clock. Where our key
    /// may stand in a text alone, all that was made then is looked through, and not only the newest. `None` where there was no such
    /// create: what carries our key is from an earlier connection then.
    pub tried: Option<RangeInclusive<Timestamp>>,
}
