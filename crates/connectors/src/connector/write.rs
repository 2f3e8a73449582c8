//! Writing objects and their ties to contacts, many at once: what is written, and what comes of each.

use async_trait::async_trait;
use domain::field::RemoteFields;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::time::Timestamp;

use crate::account::Account;
use crate::error::ConnectorError;

/// What came of one item of a batch.
pub type Each<T> = Vec<Result<T, ConnectorError>>;

/// What came of each write, in the order of the items.
pub type Wrote = Result<Each<Written>, ConnectorError>;

/// Whether each thing was done, in the order of the items.
pub type Done = Result<Each<()>, ConnectorError>;

/// Writes objects. Every method answers for each item, in the order of the items.
#[async_trait]
pub trait Writer: Send + Sync {
    /// How many items it writes, looks before included, in the time that one batch may take: fewer where each item is a
    /// call of its own.
    fn at_once(&self) -> usize {
        usize::MAX
    }

    /// The fields of which the platform makes one, such as both halves of a name: where one changes, all are written.
    fn inseparable(&self, _kind: RecordKind) -> &'static [&'static str] {
        &[]
    }

    /// Whether a create ties its object to the contact by the same call. Where that takes another, whoever creates makes it, by
    /// [`Self::associate`]: only so it is known of each tie whether it stands.
    fn ties_new(&self, _kind: RecordKind) -> bool {
        true
    }

    /// Creates objects so that a second create with the same key, or the same unique identifier, makes no second object.
    ///
    /// # Errors
    /// When the platform does not answer, or refuses the whole call for a reason that is no item's.
    async fn create(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote;

    /// Creates objects without any guard against a second one: only for showing what the guard is good for. Where a platform
    /// keeps nothing unique, a create has none.
    ///
    /// # Errors
    /// As [`Self::create`].
    async fn create_unguarded(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        self.create(account, kind, items).await
    }

    /// Changes the named fields of objects.
    ///
    /// # Errors
    /// As [`Self::create`]; an object that is gone is `NotFound` in its own place.
    async fn update(&self, account: &Account, kind: RecordKind, items: &[Update]) -> Wrote;

    /// Deletes or archives objects; one that is gone already is no failure.
    ///
    /// # Errors
    /// As [`Self::create`].
    async fn delete(&self, account: &Account, kind: RecordKind, ids: &[String]) -> Done;

    /// Ties objects to their contacts. May be repeated. Adopted objects need it, and new ones where [`Self::ties_new`] says so.
    ///
    /// # Errors
    /// As [`Self::create`].
    async fn associate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done;

    /// Takes ties to contacts away, whoever made them; one that is not there is no failure.
    ///
    /// # Errors
    /// As [`Self::create`].
    async fn dissociate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done;
}

/// An object to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// Our key.
    pub key: RecordId,
    /// All that it is to hold.
    pub fields: RemoteFields,
    /// The platform's id of the contact it belongs to.
    pub contact: Option<String>,
}

/// A change of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The platform's id of it.
    pub external_id: String,
    /// Only what is to change.
    pub fields: RemoteFields,
}

/// That an object belongs to a contact, both by the platform's ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    /// The deal or activity.
    pub external_id: String,
    /// The contact.
    pub contact: String,
}

/// What a write left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The platform's id of the object.
    pub external_id: String,
    /// What the platform shows for the fields that were written; one that it does not show is absent.
    pub shown: RemoteFields,
    /// Whether the object is new.
    pub created: bool,
    /// When the platform says the object last changed.
    pub modified_at: Option<Timestamp>,
}
